//! Pinned messages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use shared::client::{Answer, Request};
use sogs::model::RoomNo;
use sogs::store::{NewMessage, Write};

on_both_stores!(
    pins_are_listed_in_the_order_of_pinning,
    pinning_again_moves_to_the_end,
    every_pin_taken_off_is_told,
    only_admins_pin,
    only_messages_of_the_room_that_everybody_sees_are_pinned,
    a_deleted_message_is_not_pinned_any_more,
);

async fn lobby(stores: Stores) -> Option<(Server, RoomNo, Person)> {
    let server = Server::start(stores).await?;
    let room = server.room("lobby").await;
    let admin = server.user().await;
    server.appoint(room, &admin, true).await;
    Some((server, room, admin))
}

async fn post(author: &Person) -> i64 {
    json(&author.say("lobby", "x").await)["id"].as_i64().unwrap()
}

/// Without a body, as some clients do.
async fn call(person: &Person, action: &str) -> Answer {
    person
        .call(Request::new("POST", &format!("/room/lobby/{action}")))
        .await
}

async fn details(person: &Person) -> Value {
    json(&person.get("/room/lobby").await)
}

async fn info_updates(person: &Person) -> i64 {
    details(person).await["info_updates"].as_i64().unwrap()
}

async fn pinned(person: &Person) -> Vec<i64> {
    let pins = details(person).await["pinned_messages"].clone();
    pins.as_array()
        .unwrap()
        .iter()
        .map(|pin| pin["id"].as_i64().unwrap())
        .collect()
}

async fn pins_are_listed_in_the_order_of_pinning(stores: Stores) {
    let Some((server, _, admin)) = lobby(stores).await else {
        return;
    };
    let (one, two) = (post(&admin).await, post(&admin).await);
    let before = info_updates(&admin).await;
    let first = server.clock.now().as_seconds();
    let answer = call(&admin, &format!("pin/{two}")).await;
    assert_eq!(
        (answer.status, json(&answer)),
        (200, json!({ "info_updates": before + 1 }))
    );
    server.clock.advance(std::time::Duration::from_millis(2500));
    let answer = admin.post(&format!("/room/lobby/pin/{one}"), &json!({})).await;
    assert_eq!(json(&answer), json!({ "info_updates": before + 2 }));
    let expected = json!([
        { "id": two, "pinned_at": first, "pinned_by": admin.id },
        { "id": one, "pinned_at": first + 2, "pinned_by": admin.id },
    ]);
    let seen = details(&server.user().await).await;
    assert_eq!(
        (&seen["pinned_messages"], &seen["info_updates"]),
        (&expected, &json!(before + 2))
    );
    // A pin is no change of the message.
    assert_eq!(seen["message_sequence"], 2);
}

async fn pinning_again_moves_to_the_end(stores: Stores) {
    let Some((server, room, admin)) = lobby(stores).await else {
        return;
    };
    let other = server.user().await;
    server.appoint(room, &other, true).await;
    let (one, two) = (post(&admin).await, post(&admin).await);
    for message in [one, two] {
        call(&admin, &format!("pin/{message}")).await;
        server.pass(1);
    }
    let before = info_updates(&admin).await;
    let again = call(&other, &format!("pin/{one}")).await;
    assert_eq!(json(&again), json!({ "info_updates": before + 1 }));
    assert_eq!(pinned(&admin).await, [two, one]);
    assert_eq!(details(&admin).await["pinned_messages"][1]["pinned_by"], other.id);
}

async fn every_pin_taken_off_is_told(stores: Stores) {
    let Some((server, _, admin)) = lobby(stores).await else {
        return;
    };
    let messages = [post(&admin).await, post(&admin).await, post(&admin).await];
    for message in messages {
        call(&admin, &format!("pin/{message}")).await;
        server.pass(1);
    }
    let before = info_updates(&admin).await;
    let off = call(&admin, &format!("unpin/{}", messages[1])).await;
    assert_eq!(
        (off.status, json(&off)),
        (200, json!({ "unpinned": true, "info_updates": before + 1 }))
    );
    for unpinned in [messages[1], 99_999] {
        let again = call(&admin, &format!("unpin/{unpinned}")).await;
        assert_eq!(json(&again), json!({ "unpinned": false, "info_updates": before + 1 }));
    }
    assert_eq!(pinned(&admin).await, [messages[0], messages[2]]);
    let all = call(&admin, "unpin/all").await;
    assert_eq!(
        (all.status, json(&all)),
        (200, json!({ "unpinned": 2, "info_updates": before + 3 }))
    );
    let none = call(&admin, "unpin/all").await;
    assert_eq!(json(&none), json!({ "unpinned": 0, "info_updates": before + 3 }));
    assert!(pinned(&admin).await.is_empty());
}

async fn only_admins_pin(stores: Stores) {
    let Some((server, room, admin)) = lobby(stores).await else {
        return;
    };
    let (person, moderator) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let message = post(&admin).await;
    for action in [
        format!("pin/{message}"),
        format!("unpin/{message}"),
        "unpin/all".to_owned(),
    ] {
        for someone in [&person, &moderator] {
            assert_eq!(call(someone, &action).await.status, 403, "{action}");
        }
        let request = Request::new("POST", &format!("/room/lobby/{action}"));
        assert_eq!(
            server.anonymous().direct(request).await.unwrap().status,
            403,
            "{action}"
        );
        let unknown = Request::new("POST", &format!("/room/nowhere/{action}"));
        assert_eq!(admin.call(unknown).await.status, 404, "{action}");
    }
    for action in [
        "pin/-1",
        "pin/x",
        "pin/all",
        "unpin/x",
        "unpin/",
        "pin/9223372036854775808",
    ] {
        assert_eq!(call(&admin, action).await.status, 404, "{action}");
    }
}

async fn only_messages_of_the_room_that_everybody_sees_are_pinned(stores: Stores) {
    let Some((server, room, admin)) = lobby(stores).await else {
        return;
    };
    server.room("attic").await;
    let number = server.number_of(&admin).await;
    let hidden = async |filtered, whisper, whisper_mods| {
        server
            .change(async |write: &mut Write| {
                let new = NewMessage {
                    room,
                    author: number,
                    data: b"x",
                    signature: &[7; 64],
                    whisper,
                    whisper_mods,
                    filtered,
                    limit: None,
                };
                write.post(&new).await.unwrap().id
            })
            .await
    };
    let deleted = post(&admin).await;
    admin.delete(&format!("/room/lobby/message/{deleted}")).await;
    let unfit = [
        hidden(true, None, false).await,
        hidden(false, Some(number), false).await,
        hidden(false, None, true).await,
        deleted,
        json(&admin.say("attic", "x").await)["id"].as_i64().unwrap(),
        99_999,
    ];
    for message in unfit {
        assert_eq!(call(&admin, &format!("pin/{message}")).await.status, 404, "{message}");
    }
    assert!(pinned(&admin).await.is_empty());
}

async fn a_deleted_message_is_not_pinned_any_more(stores: Stores) {
    let Some((server, _, admin)) = lobby(stores).await else {
        return;
    };
    let (one, two) = (post(&admin).await, post(&admin).await);
    for message in [one, two] {
        call(&admin, &format!("pin/{message}")).await;
        server.pass(1);
    }
    let before = info_updates(&admin).await;
    admin.delete(&format!("/room/lobby/message/{one}")).await;
    assert_eq!(
        (pinned(&admin).await, info_updates(&admin).await),
        (vec![two], before + 1)
    );
    assert_eq!(admin.delete(&format!("/room/lobby/all/{}", admin.id)).await.status, 200);
    assert_eq!((pinned(&admin).await, info_updates(&admin).await), (vec![], before + 2));
}
