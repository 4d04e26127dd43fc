//! Commands beside a running server, which honours them without being told.

use e2e::{Setup, eventually};
use shared::client::{Account, Client, Request};

use crate::{on_both, start};

on_both!(a_command_is_honoured_by_every_machine);

async fn status(client: &Client, path: &str) -> u16 {
    client.direct(Request::new("GET", path)).await.unwrap().status
}

async fn a_command_is_honoured_by_every_machine(setup: Setup) {
    let server = start!(setup);
    let machines = match setup {
        Setup::SqliteLocal => vec![server],
        Setup::PostgresS3 => vec![server.another(), server],
    };
    let account = Account::generate();
    let clients: Vec<Client> = machines
        .iter()
        .map(|machine| machine.client_of(account.clone()))
        .collect();
    for client in &clients {
        assert_eq!(status(client, "/room/sudoku").await, 404);
    }
    let printed = machines[0].run(&["room", "add", "sudoku"]);
    assert!(printed.contains(&machines[0].key().to_string()), "{printed}");
    for client in &clients {
        eventually("the room is there", async || {
            status(client, "/room/sudoku").await == 200
        })
        .await;
    }
    let id = account.session_id().to_string();
    let _ = machines[0].run(&["user", "ban", &id, "--global"]);
    for client in &clients {
        eventually("the ban holds", async || status(client, "/room/sudoku").await == 403).await;
    }
}
