//! Server processes, so to speak: each has a runtime of its own, which goes with all that runs on it when it crashes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::path::PathBuf;
use std::time::Duration;

use shared::client::{Answer, Client, Request};
use shared::clock::Clock;
use shared::crypto::X25519Public;
use shared::db::{Database, PerDialect, Tx};
use shared::run;
use sogs::serve::Running;
use sogs::settings::Settings;
use tokio::runtime::{Builder, Runtime};

/// One process.
pub(crate) struct Process {
    runtime: Runtime,
    running: Running,
    client: Client,
}

impl Process {
    pub(crate) async fn start(settings: &Settings, clock: &Clock) -> Self {
        let mut settings = settings.clone();
        settings.common.listen = Some(([127, 0, 0, 1], 0).into());
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let running = runtime.spawn(Running::start(settings, clock.clone()));
        let running = running.await.unwrap().unwrap();
        let key: X25519Public = *running.app().key.public();
        let client = Client::new(&format!("http://{}", running.address()), key).unwrap();
        Self {
            runtime,
            running,
            client,
        }
    }

    /// How it is asked; signs nothing itself.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Takes note of what others have changed, without waiting for its turn.
    pub(crate) async fn catch_up(&self) {
        sogs::jobs::catch_up(self.running.app()).await.unwrap();
    }

    pub(crate) async fn stop(self) {
        self.runtime.spawn(self.running.stop()).await.unwrap();
        end(self.runtime).await;
    }

    /// Whatever is in flight ends at the next point at which it waits.
    pub(crate) async fn crash(self) {
        self.runtime.spawn(self.running.break_off()).await.unwrap();
        end(self.runtime).await;
    }
}

async fn end(runtime: Runtime) {
    let end = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(30)));
    end.await.unwrap();
}

/// Sends a request that is signed already; `None` if there was no answer.
pub(crate) async fn send(client: &Client, request: Request, onion: bool) -> Option<Answer> {
    if onion {
        let answer = client.onion_v4(request).await.ok()?;
        return Some(answer.inside.unwrap_or(answer.outside));
    }
    client.direct(request).await.ok()
}

/// What is made to go wrong on our side of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Whatever a request changes, the database refuses to make it last.
    Commit,
    /// The database takes everything but messages.
    Messages,
    /// Files cannot be written. Only where they are in a folder.
    Files,
}

const REFUSE_TABLE: PerDialect = PerDialect {
    sqlite: "CREATE TABLE refused (row INTEGER REFERENCES server (one) DEFERRABLE INITIALLY DEFERRED) STRICT",
    postgres: "CREATE FUNCTION refuse() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''refused''; END' LANGUAGE plpgsql",
};

/// On either database the statement succeeds and the commit fails.
const REFUSE_COMMITS: PerDialect = PerDialect {
    sqlite: "CREATE TRIGGER fault AFTER INSERT ON nonces BEGIN INSERT INTO refused VALUES (7); END",
    postgres: "CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON nonces DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()",
};

const REFUSE_MESSAGES: PerDialect = PerDialect {
    sqlite: "CREATE TRIGGER fault BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'refused'); END",
    postgres: "CREATE TRIGGER fault BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse()",
};

const ACCEPT_COMMITS: PerDialect = PerDialect {
    sqlite: "DROP TRIGGER fault",
    postgres: "DROP TRIGGER fault ON nonces",
};

const ACCEPT_MESSAGES: PerDialect = PerDialect {
    sqlite: "DROP TRIGGER fault",
    postgres: "DROP TRIGGER fault ON messages",
};

/// Makes things go wrong, and right again.
pub(crate) struct Saboteur {
    database: Database,
    /// Where the files are, if they are in a folder.
    files: Option<PathBuf>,
}

impl Saboteur {
    pub(crate) async fn new(database: &Database, files: Option<PathBuf>) -> Self {
        let saboteur = Self {
            database: database.clone(),
            files,
        };
        saboteur.execute(REFUSE_TABLE).await;
        saboteur
    }

    pub(crate) async fn begin(&self, fault: Fault) {
        match fault {
            Fault::Commit => self.execute(REFUSE_COMMITS).await,
            Fault::Messages => self.execute(REFUSE_MESSAGES).await,
            Fault::Files => {
                if let Some(files) = &self.files {
                    std::fs::rename(files, files.with_extension("away")).unwrap();
                    // Or it would be made anew.
                    std::fs::write(files, "").unwrap();
                }
            }
        }
    }

    pub(crate) async fn end(&self, fault: Fault) {
        match fault {
            Fault::Commit => self.execute(ACCEPT_COMMITS).await,
            Fault::Messages => self.execute(ACCEPT_MESSAGES).await,
            Fault::Files => {
                if let Some(files) = &self.files {
                    std::fs::remove_file(files).unwrap();
                    std::fs::rename(files.with_extension("away"), files).unwrap();
                }
            }
        }
    }

    async fn execute(&self, statement: PerDialect) {
        let mut tx: Tx = self.database.write().await.unwrap();
        run!(tx, execute, query, statement).unwrap();
        tx.commit().await.unwrap();
    }
}
