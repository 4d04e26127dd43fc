//! An installation of PySOGS, made from the description of its tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use shared::clock::Clock;
use shared::crypto::{X25519Pair, X25519Secret};
use shared::testing::{TestDatabase, postgres};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::support::{Done, Place};

/// A version, by what its tables have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// 0.3.0: one counter, no reactions, attachments that refer to rooms by mistake.
    First,
    /// Up to 0.3.4.
    Fourth,
    /// 0.3.5 and later.
    Current,
}

/// A folder in which PySOGS ran.
pub(crate) struct OldServer {
    folder: TempDir,
    pub(crate) key: X25519Pair,
    database: Option<TestDatabase>,
}

/// The key of all of them.
pub(crate) const KEY: [u8; 32] = [7; 32];

/// Now, in seconds.
pub(crate) fn now() -> f64 {
    Clock::system().now().as_seconds_f64()
}

impl OldServer {
    /// One on SQLite, without anybody but the server itself.
    pub(crate) async fn new() -> Self {
        Self::of(Version::Current).await
    }

    pub(crate) async fn of(version: Version) -> Self {
        let server = Self::empty(None);
        server.sql(&tables(version)).await;
        server.begin().await;
        server
    }

    /// One on PostgreSQL, or `None` if that is not at hand, which has been said then.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let server = Self::empty(Some(postgres()?));
        let url = &server.database.as_ref()?.url;
        server.write("sogs.ini", format!("[db]\nurl = {url}\n"));
        server.sql(&tables(Version::Current)).await;
        server.begin().await;
        Some(server)
    }

    /// A folder with a key and nothing else.
    pub(crate) fn empty(database: Option<TestDatabase>) -> Self {
        shared::crypto::init().unwrap();
        let server = Self {
            folder: tempfile::tempdir().unwrap(),
            key: X25519Pair::from_secret(X25519Secret::from_bytes(KEY)),
            database,
        };
        server.write("key_x25519", KEY);
        server
    }

    async fn begin(&self) {
        let system = format!("ff{}", self.key.public());
        self.sql(&format!(
            "INSERT INTO users (id, session_id, created, last_active, moderator, admin)
            VALUES (0, '{system}', 1650000000.5, 1650000000.5, TRUE, TRUE);"
        ))
        .await;
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into its folder, also into one below.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs statements. Bytes are written `X'00ff'`, names of columns with quotes, and flags as TRUE and FALSE.
    pub(crate) async fn sql(&self, text: &str) {
        if let Some(database) = &self.database {
            let text = text.replace("X'", "'\\x").replace("INTEGER PRIMARY KEY", IDENTITY);
            let text = text
                .replace("INTEGER", "BIGINT")
                .replace("BLOB", "BYTEA")
                .replace("data TEXT", "data BYTEA")
                .replace(" COLLATE NOCASE", "");
            let mut connection = PgConnection::connect(&database.url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(text.clone()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            connection.close().await.unwrap();
        } else {
            let mut connection = self.sqlite().await;
            sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            connection.close().await.unwrap();
        }
    }

    /// Waits until PostgreSQL has noticed that those who had connections to the database are gone.
    pub(crate) async fn is_left(&self) {
        let Some(database) = &self.database else { return };
        let (server, name) = database.url.rsplit_once('/').unwrap();
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let connected = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'";
        let count = async |connection: &mut PgConnection| {
            let count = sqlx::query_scalar::<_, i64>(connected).bind(name).fetch_one(connection);
            count.await.unwrap()
        };
        while count(&mut connection).await > 0 {
            tokio::task::yield_now().await;
        }
        connection.close().await.unwrap();
    }

    /// A connection such as the server itself has.
    pub(crate) async fn sqlite(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.path().join("sogs.db"))
            .create_if_missing(true)
            .foreign_keys(false)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .connect()
            .await
            .unwrap()
    }

    /// Imports it.
    pub(crate) fn import(&self, place: &Place, more: &[&str]) -> Done {
        place.run(&[&["import", "pysogs", self.path().to_str().unwrap()], more].concat())
    }

    /// What is in its folder: contents and times of the last changes.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            found.insert(
                folder.clone(),
                (Vec::new(), fs::metadata(&folder).unwrap().modified().unwrap()),
            );
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let changed = fs::metadata(&path).unwrap().modified().unwrap();
                    found.insert(path.clone(), (fs::read(&path).unwrap(), changed));
                }
            }
        }
        found
    }
}

const IDENTITY: &str = "BIGINT PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY";

fn tables(version: Version) -> String {
    let counters = match version {
        Version::First => "",
        Version::Fourth => "seqno_data INTEGER NOT NULL DEFAULT 0, seqno_reactions INTEGER NOT NULL DEFAULT 0,",
        Version::Current => {
            "seqno_data INTEGER NOT NULL DEFAULT 0, seqno_reactions INTEGER NOT NULL DEFAULT 0,
            seqno_creation INTEGER NOT NULL DEFAULT 0,"
        }
    };
    let attached_to = if version == Version::First { "rooms" } else { "messages" };
    let reactions = if version == Version::First {
        ""
    } else {
        r#"CREATE TABLE reactions (id INTEGER PRIMARY KEY, message INTEGER NOT NULL, reaction TEXT NOT NULL,
            UNIQUE (message, reaction));
        CREATE TABLE user_reactions (reaction INTEGER NOT NULL, "user" INTEGER NOT NULL, at FLOAT NOT NULL,
            PRIMARY KEY (reaction, "user"));"#
    };
    format!(
        include_str!("tables.sql"),
        counters = counters,
        attached_to = attached_to,
        reactions = reactions,
    )
}
