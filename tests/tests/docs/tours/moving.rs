//! A community that was somewhere else before.

use std::fs;

use shared::db::sqlx::{self, AssertSqlSafe, Connection, SqliteConnection};

use crate::sandbox::Server;
use crate::tour::Tour;

/// The folder of the old server.
const OLD: &str = "var/lib/session-open-group-server";

/// A room with 59 people, 5,000 messages and three files, of which one is missing and one expired; and a permission that
/// says nothing.
const ROWS: &str = "
    INSERT INTO users (id, session_id, moderator, admin) VALUES (0, 'ff' || hex(zeroblob(32)), TRUE, TRUE);
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 59)
        INSERT INTO users (id, session_id, last_active) SELECT n, printf('15%064x', n), 1700000000 FROM numbers;
    INSERT INTO rooms (id, token, name, message_sequence) VALUES (1, 'lobby', 'Lobby', 5000);
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000)
        INSERT INTO messages (id, room, \"user\", seqno, seqno_data, seqno_creation, data, data_size, signature)
        SELECT n, 1, 1 + n % 59, n, n, n, X'0102', 2, zeroblob(64) FROM numbers;
    INSERT INTO files (id, room, uploader, message, size, expiry, path) VALUES
        (1, 1, 1, 1, 5000, 9999999999, 'uploads/lobby/1_here.jpg'),
        (2, 1, 1, 2, 5000, 9999999999, 'uploads/lobby/2_gone.jpg'),
        (3, 1, 1, 3, 5000, 1700000001, 'uploads/lobby/3_old.jpg');
    INSERT INTO user_permission_overrides (room, \"user\", banned) VALUES (1, 3, TRUE), (1, 4, FALSE);
";

/// Puts an old server into the sandbox.
pub(super) fn an_old_server(tour: &Tour) {
    let tables = format!(
        include_str!("../../../../sogs/tests/import/tables.sql"),
        counters = "seqno_data INTEGER DEFAULT 0, seqno_reactions INTEGER DEFAULT 0, seqno_creation INTEGER DEFAULT 0,",
        attached_to = "messages",
        reactions = "CREATE TABLE reactions (id INTEGER PRIMARY KEY, message INTEGER, reaction TEXT);
            CREATE TABLE user_reactions (reaction INTEGER, \"user\" INTEGER, at FLOAT);",
    );
    let folder = tour.sandbox.path(OLD);
    fs::create_dir_all(folder.join("uploads/lobby")).unwrap();
    fs::write(folder.join("key_x25519"), [7; 32]).unwrap();
    fs::write(folder.join("uploads/lobby/1_here.jpg"), [0; 5000]).unwrap();
    let settings = "[net]\nbase_url = https://community.example.org\n";
    fs::create_dir_all(tour.sandbox.path("etc/sogs")).unwrap();
    fs::write(tour.sandbox.path("etc/sogs/sogs.ini"), settings).unwrap();
    let url = format!("sqlite:{}?mode=rwc", folder.join("sogs.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let text = format!("BEGIN;{tables}{ROWS}COMMIT;");
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
}

pub(crate) fn moving_from_pysogs(tour: &mut Tour) {
    tour.sandbox.install(Server::Sogs);
    an_old_server(tour);
    tour.up_to("## Settings");
    tour.run("systemctl enable --now sogs");
    let key = tour.sandbox.public_key(Server::Sogs);
    let rooms = tour.run("sogs room list --json");
    assert!(
        rooms.contains(&format!("https://community.example.org/lobby?public_key={key}")),
        "{rooms}"
    );
    assert!(tour.run("sogs check").contains("found     0"));
    tour.run("cp /etc/sogs/sogs.ini .");
}
