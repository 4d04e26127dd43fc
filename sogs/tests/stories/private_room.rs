//! A room that nobody knows of is opened to three people, and later to everybody.

use serde_json::{Value, json};
use shared::client::{Client, Request};
use sogs::model::Defaults;

use crate::in_process::{Person, Server, Stores, json, with_json};
use crate::{good, message, numbers, on_both_stores, posted, react, upload, uploaded};

on_both_stores!(a_hidden_room_is_opened_to_three_and_then_to_all);

const HIDDEN: Defaults = Defaults {
    read: false,
    accessible: false,
    write: true,
    upload: true,
};

async fn a_hidden_room_is_opened_to_three_and_then_to_all(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room_with("cellar", HIDDEN).await;
    let host = server.user().await;
    server.appoint(room, &host, true).await;
    let (ann, bob, cyd, dan) = (
        server.user().await,
        server.user().await,
        server.user().await,
        server.user().await,
    );
    for guest in [&ann, &bob, &cyd] {
        assert_eq!(guest.get("/room/cellar").await.status, 404);
    }
    grant(&host, &ann, json!({ "read": true })).await;
    grant(&host, &bob, json!({ "read": true, "accessible": true })).await;
    grant(&host, &cyd, json!({ "read": true, "write": false })).await;

    let welcome = posted(&host, "cellar", "welcome").await;
    let file = uploaded(&ann, "cellar", "a picture").await;
    let first = posted(&ann, "cellar", "I am Ann").await;
    let second = posted(&bob, "cellar", "I am Bob").await;
    assert_eq!(permissions(&ann).await, [true, true, true]);
    assert_eq!(permissions(&bob).await, [true, true, true]);

    // One of them may only read; to react that is enough.
    assert_eq!(permissions(&cyd).await, [true, false, false]);
    assert_eq!(cyd.say("cellar", "I am Cyd").await.status, 403);
    assert_eq!(upload(&cyd, "cellar", "x").await.status, 403);
    assert_eq!(good(&react(&cyd, "cellar", first, "x").await, 200)["added"], true);
    for guest in [&ann, &bob, &cyd, &host] {
        assert_eq!(recent(guest).await, [second, first, welcome]);
        assert_eq!(guest.get(&format!("/room/cellar/file/{file}")).await.body, "a picture");
        assert_eq!(rooms(guest).await, ["cellar"]);
    }

    // For the fourth, as for anybody else, there is no such room.
    let nobody = server.anonymous();
    assert_eq!(rooms(&dan).await, Vec::<String>::new());
    for request in requests(first, file, &ann.id) {
        let Request { method, target, .. } = &request;
        let what = format!("{method} {target}");
        assert_eq!(dan.call(request.clone()).await.status, 404, "{what}");
        assert_eq!(nobody.direct(request.clone()).await.unwrap().status, 404, "{what}");
        assert_eq!(inside_a_batch(&dan, &request).await, 404, "{what} in a batch");
    }
    assert_tells_nothing(&dan, &nobody).await;
    assert_eq!(recent(&ann).await, [second, first, welcome], "nothing was changed");

    // The host opens the door.
    let open = json!({ "default_read": true, "default_accessible": true });
    assert_eq!(host.put("/room/cellar", &open).await.status, 200);
    assert_eq!(rooms(&dan).await, ["cellar"]);
    assert_eq!(permissions(&dan).await, [true, true, true]);
    assert_eq!(recent(&dan).await, [second, first, welcome]);
    assert_eq!(dan.get(&format!("/room/cellar/file/{file}")).await.body, "a picture");
    let third = posted(&dan, "cellar", "I am Dan").await;
    assert_eq!(json(&server.get("/room/cellar").await)["read"], true);
    let seen = json(&server.get("/room/cellar/messages/recent").await);
    assert_eq!(numbers(seen.as_array().unwrap(), "id"), [third, second, first, welcome]);

    // What was said of one person still holds, until it is taken back.
    assert_eq!(cyd.say("cellar", "I am Cyd").await.status, 403);
    grant(&host, &cyd, json!({ "default_write": true })).await;
    posted(&cyd, "cellar", "I am Cyd").await;
    let differing = json(&host.get("/room/cellar/permissions").await);
    let expected = json!({
        &ann.id: { "read": true },
        &bob.id: { "read": true, "accessible": true },
        &cyd.id: { "read": true },
        &host.id: { "admin": true },
    });
    assert_eq!(differing, expected);
}

async fn grant(host: &Person, guest: &Person, permissions: Value) {
    let path = format!("/room/cellar/permissions/{}", guest.id);
    assert_eq!(host.post(&path, &permissions).await.status, 200);
}

/// Read, write, upload.
async fn permissions(person: &Person) -> [bool; 3] {
    let room = good(&person.get("/room/cellar").await, 200);
    ["read", "write", "upload"].map(|name| room[name].as_bool().unwrap())
}

async fn recent(person: &Person) -> Vec<i64> {
    let messages = good(&person.get("/room/cellar/messages/recent").await, 200);
    numbers(messages.as_array().unwrap(), "id")
}

async fn rooms(person: &Person) -> Vec<String> {
    let rooms = good(&person.get("/rooms").await, 200);
    let tokens = rooms.as_array().unwrap().iter().map(|room| &room["token"]);
    tokens.map(|token| token.as_str().unwrap().to_owned()).collect()
}

/// Everything that there is to ask about a room.
fn requests(message_id: i64, file: i64, somebody: &str) -> Vec<Request> {
    let id = message_id;
    let mut requests = Vec::new();
    for end in [
        String::new(),
        "/pollInfo/0".to_owned(),
        "/messages/recent".to_owned(),
        "/messages/since/0".to_owned(),
        format!("/messages/before/{}", id + 1),
        format!("/message/{id}"),
        format!("/reactors/{id}/x"),
        format!("/file/{file}"),
        format!("/file/{file}/name"),
        "/permissions".to_owned(),
        format!("/permissions/{somebody}"),
        "/futurePermissions".to_owned(),
        format!("/futurePermissions/{somebody}"),
    ] {
        requests.push(Request::new("GET", &format!("/room/cellar{end}")));
    }
    for end in [
        format!("/message/{id}"),
        format!("/reaction/{id}/x"),
        format!("/reactions/{id}/x"),
        format!("/reactions/{id}"),
        format!("/all/{somebody}"),
    ] {
        requests.push(Request::new("DELETE", &format!("/room/cellar{end}")));
    }
    let content = message("x", json!({}));
    for (method, end, body) in [
        ("PUT", String::new(), json!({ "name": "mine" })),
        ("PUT", format!("/message/{id}"), content.clone()),
        ("PUT", format!("/reaction/{id}/x"), json!({})),
        ("POST", "/message".to_owned(), content),
        ("POST", "/file".to_owned(), json!("x")),
        ("POST", format!("/pin/{id}"), json!({})),
        ("POST", format!("/unpin/{id}"), json!({})),
        ("POST", "/unpin/all".to_owned(), json!({})),
        ("POST", format!("/permissions/{somebody}"), json!({ "write": false })),
        (
            "POST",
            format!("/futurePermissions/{somebody}"),
            json!({ "write": false, "in": 60 }),
        ),
    ] {
        requests.push(with_json(method, &format!("/room/cellar{end}"), &body));
    }
    requests
}

async fn inside_a_batch(person: &Person, request: &Request) -> u64 {
    let mut element = json!({ "method": request.method, "path": request.target });
    if !request.body.is_empty() {
        element["json"] = serde_json::from_slice(&request.body).unwrap();
    }
    let results = good(&person.post("/batch", &json!([element])).await, 200);
    results[0]["code"].as_u64().unwrap()
}

/// That the answer is that for a room that does not exist, to the letter.
async fn assert_tells_nothing(stranger: &Person, nobody: &Client) {
    for end in ["", "/pollInfo/0", "/messages/recent"] {
        for signed in [true, false] {
            let ask = async |room: &str| {
                let request = Request::new("GET", &format!("/room/{room}{end}"));
                let answer = if signed {
                    stranger.call(request).await
                } else {
                    nobody.direct(request).await.unwrap()
                };
                let text = String::from_utf8_lossy(&answer.body).replace(room, "ROOM");
                (
                    answer.status,
                    answer.header("content-type").map(ToOwned::to_owned),
                    text,
                )
            };
            assert_eq!(ask("cellar").await, ask("nowhere").await);
        }
    }
    let ban = async |room: &str| {
        let body = json!({ "rooms": [room] });
        let answer = stranger.post(&format!("/user/15{}/ban", "ab".repeat(32)), &body).await;
        (answer.status, answer.body)
    };
    assert_eq!(ban("cellar").await, ban("nowhere").await);
    assert_eq!(ban("cellar").await.0, 403);
}
