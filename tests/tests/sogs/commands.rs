//! Commands beside a running server, which honours them without being told.

use e2e::{Setup, eventually};
use shared::client::{Account, Client, Request};

use crate::people::Person;
use crate::{knows, on_both, start, start_with_room};

on_both!(
    a_command_is_honoured_by_every_machine,
    a_room_lives_and_dies_by_commands,
    what_is_deleted_by_command_reaches_whoever_polls,
);

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

async fn a_room_lives_and_dies_by_commands(setup: Setup) {
    let server = start!(setup);
    let (person, moderator) = (Person::at(&server), Person::at(&server));
    assert_eq!(person.get("/room/sudoku").await.status, 404);
    let _ = server.run(&["room", "add", "sudoku", "--name", "Sudoku club"]);
    knows(&server, "sudoku").await;
    assert_eq!(person.json("/room/sudoku").await["name"], "Sudoku club");
    let first = person.said("sudoku", "hello").await;
    let second = person.said("sudoku", "hello again").await;

    // By the account's id, as their owner knows it.
    let path = format!("/room/sudoku/message/{first}");
    assert_eq!(moderator.delete(&path).await.status, 403);
    let _ = server.run(&["mod", "add", &moderator.account_id(), "--room", "sudoku"]);
    eventually("the moderator may delete", async || {
        moderator.delete(&path).await.status == 200
    })
    .await;
    let _ = server.run(&["user", "ban", &person.account_id(), "--room", "sudoku"]);
    eventually("the ban holds", async || {
        person.get("/room/sudoku/pollInfo/0").await.status == 403
    })
    .await;
    assert_eq!(person.say("sudoku", "hello?").await.status, 403);
    let _ = server.run(&["user", "unban", &person.account_id(), "--room", "sudoku"]);
    eventually("the ban is lifted", async || {
        person.get("/room/sudoku/pollInfo/0").await.status == 200
    })
    .await;

    let _ = server.run(&["room", "delete", "sudoku", "--yes"]);
    for (who, path) in [
        (&person, "/room/sudoku".to_owned()),
        (&moderator, format!("/room/sudoku/message/{second}")),
    ] {
        eventually("the room is gone", async || who.get(&path).await.status == 404).await;
    }
    assert_eq!(person.say("sudoku", "hello?").await.status, 404);
    assert_eq!(person.json("/rooms").await, serde_json::json!([]));
}

async fn what_is_deleted_by_command_reaches_whoever_polls(setup: Setup) {
    let server = start_with_room!(setup, "", "lobby");
    let machines = match setup {
        Setup::SqliteLocal => vec![server],
        Setup::PostgresS3 => vec![server.another(), server],
    };
    let author = Person::at(&machines[0]);
    let file = author.uploaded("lobby", "the bytes").await;
    let spam = author.said("lobby", "spam").await;
    let kept = author.said("lobby", "hello").await;
    let readers: Vec<Person> = machines.iter().map(|machine| author.also_at(machine)).collect();
    for reader in &readers {
        eventually("both are there", async || {
            let all = reader.json("/room/lobby/messages/since/0").await;
            all.as_array().unwrap().len() == 2
        })
        .await;
    }
    let _ = machines[0].run(&["message", "delete", &spam.to_string(), "--yes"]);
    let _ = machines[0].run(&["file", "delete", &file.to_string(), "--yes"]);
    for reader in &readers {
        eventually("the tombstone arrives", async || {
            let news = reader.json("/room/lobby/messages/since/2").await;
            news.as_array().unwrap().first().is_some_and(|news| {
                assert_eq!(
                    (&news["id"], &news["deleted"], &news["seqno"]),
                    (&spam.into(), &true.into(), &3.into())
                );
                true
            })
        })
        .await;
        assert_eq!(reader.get(&format!("/room/lobby/file/{file}")).await.status, 404);
        let left = reader.json("/room/lobby/messages/recent").await;
        assert_eq!((left.as_array().unwrap().len(), &left[0]["id"]), (1, &kept.into()));
    }
}
