//! The endpoints of the oldest clients, on servers that do not demand blinded ids, and what is left of them on others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;
mod old_clients;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use in_process::{Server, Stores, json, with_json};
use old_clients::{HIDDEN, good, old, role, start, token, unblinded};
use serde_json::{Value, json};
use shared::client::Request;
use shared::config::Size;
use shared::crypto::Ed25519Pair;
use sogs::model::{Defaults, Override};
use sogs::settings::Settings;

on_both_stores!(
    the_list_of_rooms_is_for_everybody,
    all_else_is_refused_where_blinded_ids_are_demanded,
    somebody_with_a_blinded_id_is_refused_everywhere_else,
    a_token_signs_requests_to_these_endpoints_and_to_no_others,
    the_owner_of_a_token_who_is_banned_is_refused,
    the_count_of_members_is_for_those_who_see_the_room,
    files_go_up_and_down_in_base64,
    only_admins_change_the_image,
);

async fn the_list_of_rooms_is_for_everybody(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("Lobby").await;
    server.room_with("secret", HIDDEN).await;
    let brief = json!({ "id": "Lobby", "name": "The room Lobby" });
    let list = good(&server.get("/legacy/rooms").await);
    assert_eq!(list, json!({ "rooms": [brief], "status_code": 200 }));
    let one = good(&server.get("/legacy/rooms/lobby").await);
    assert_eq!(one, json!({ "room": brief, "status_code": 200 }));
    let without_slash = Request::new("GET", "rooms/lobby");
    let inside = server
        .anonymous()
        .onion_v3(without_slash)
        .await
        .unwrap()
        .inside
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&inside.body).unwrap(), one);

    assert_eq!(server.get("/legacy/rooms/lobby/image").await.status, 404);
    let admin = server.user().await;
    server.appoint(room, &admin, true).await;
    let upload = admin
        .call(Request::new("POST", "/room/lobby/file").body("picture"))
        .await;
    let image = json!({ "image": json(&upload)["id"] });
    assert_eq!(admin.put("/room/lobby", &image).await.status, 200);
    let answer = good(&server.get("/legacy/rooms/lobby/image").await);
    assert_eq!(
        answer,
        json!({ "result": STANDARD.encode("picture"), "status_code": 200 })
    );
    for hidden in ["/legacy/rooms/secret", "/legacy/rooms/secret/image", "/legacy/rooms/x"] {
        assert_eq!(server.get(hidden).await.status, 404, "{hidden}");
    }
    let claim = with_json("POST", "/legacy/claim_auth_token", &json!({}));
    let claimed = good(&server.anonymous().direct(claim).await.unwrap());
    assert_eq!(claimed, json!({ "status_code": 200 }));
}

/// Every endpoint that has to do with people.
fn of_people(id: &str) -> Vec<Request> {
    let get = |path: &str| Request::new("GET", &format!("/legacy/{path}"));
    let post = |path: &str, body: Value| with_json("POST", &format!("/legacy/{path}"), &body);
    let delete = |path: &str| Request::new("DELETE", &format!("/legacy/{path}"));
    vec![
        get(&format!("auth_token_challenge?public_key={id}")),
        get("member_count"),
        get("messages"),
        post("messages", json!({ "data": "", "signature": "" })),
        post("compact_poll", json!({ "requests": [] })),
        post("files", json!({ "file": "eA==" })),
        get("files/1"),
        post("rooms/lobby/image", json!({ "file": "eA==" })),
        post("delete_messages", json!({ "ids": [] })),
        delete("messages/1"),
        post("block_list", json!({ "public_key": id })),
        delete(&format!("block_list/{id}")),
        post("ban_and_delete_all", json!({ "public_key": id })),
        get("block_list"),
        get("moderators"),
        post("moderators", json!({ "public_key": id })),
        delete(&format!("moderators/{id}")),
    ]
}

async fn all_else_is_refused_where_blinded_ids_are_demanded(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let (somebody, blinded) = (old(&server, "lobby"), server.user().await);
    for request in of_people(&somebody.id) {
        let request = request.header("Room", "lobby");
        let (target, unsigned) = (request.target.clone(), request.clone());
        let with_token = request.clone().header("Authorization", &"00".repeat(97));
        let answers = [
            server.anonymous().direct(unsigned).await.unwrap(),
            server.anonymous().direct(with_token).await.unwrap(),
            somebody.client.direct(request.clone()).await.unwrap(),
            blinded.call(request).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, 400, "{target}");
            assert_eq!(
                answer.body, "Invalid authentication: this server requires the use of blinded ids",
                "{target}"
            );
        }
    }
}

async fn somebody_with_a_blinded_id_is_refused_everywhere_else(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let blinded = server.user().await;
    server.appoint(room, &blinded, true).await;
    for request in of_people(&old(&server, "lobby").id) {
        let target = request.target.clone();
        let answer = blinded.call(request.header("Room", "lobby")).await;
        assert_eq!(answer.status, 400, "{target}");
    }
}

async fn a_token_signs_requests_to_these_endpoints_and_to_no_others(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let person = old(&server, "lobby");
    let token = token(&server, &person).await;
    assert_eq!(token.len(), 97);
    assert_eq!(hex::encode(&token[64..]), person.id);
    let signer = Ed25519Pair::from_seed(server.app().key.secret().as_bytes());
    let signature = token[..64].try_into().unwrap();
    assert!(signer.public().verifies(&token[64..], &signature));

    let body = json!({ "data": STANDARD.encode("hello"), "signature": STANDARD.encode([0; 64]) });
    let say = |token: &str| {
        with_json("POST", "/legacy/messages", &body)
            .header("Room", "lobby")
            .header("Authorization", token)
    };
    let anonymous = server.anonymous();
    for text in [STANDARD.encode(&token), hex::encode(&token)] {
        let answer = anonymous.direct(say(&text)).await.unwrap();
        assert_eq!(good(&answer)["message"]["public_key"], person.id);
    }
    let mut wrong = token.clone();
    wrong[64 + 10] ^= 1;
    for text in [hex::encode(&wrong), "Basic YTpi".to_owned()] {
        assert_eq!(anonymous.direct(say(&text)).await.unwrap().status, 401, "{text}");
    }
    assert_eq!(anonymous.direct(say("")).await.unwrap().status, 401);
    let elsewhere = with_json("POST", "/room/lobby/message", &body).header("Authorization", &hex::encode(&token));
    assert_eq!(anonymous.direct(elsewhere).await.unwrap().status, 401);
    let batch = json!([{ "method": "POST", "path": "/legacy/messages", "json": body,
        "headers": { "Room": "lobby", "Authorization": hex::encode(&token) } }]);
    let answer = anonymous.direct(with_json("POST", "/batch", &batch)).await.unwrap();
    assert_eq!(json(&answer)[0]["code"], 401);

    let challenge = |query: &str, room: &str| {
        Request::new("GET", &format!("/legacy/auth_token_challenge{query}")).header("Room", room)
    };
    let own = format!("?public_key={}", person.id);
    for (query, room, status) in [
        (own.as_str(), "nowhere", 404),
        ("", "lobby", 400),
        ("?public_key=05zz", "lobby", 400),
        (&format!("?public_key=15{}", &person.id[2..]), "lobby", 400),
        (&format!("?public_key=05{}", "00".repeat(32)), "lobby", 400),
    ] {
        let answer = anonymous.direct(challenge(query, room)).await.unwrap();
        assert_eq!(answer.status, status, "{query} {room}");
    }
}

async fn the_owner_of_a_token_who_is_banned_is_refused(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let closed = Defaults {
        read: false,
        ..Defaults::default()
    };
    let room = server.room_with("lobby", closed).await;
    let person = old(&server, "lobby");
    // Reading is not needed for a token, not being banned is.
    let token = hex::encode(token(&server, &person).await);
    let ban = Override {
        banned: true,
        ..Override::default()
    };
    server.differ(room, &person.id, ban).await;
    let path = format!("auth_token_challenge?public_key={}", person.id);
    let again = Request::new("GET", &format!("/legacy/{path}")).header("Room", "lobby");
    assert_eq!(server.anonymous().direct(again).await.unwrap().status, 403);
    let count = Request::new("GET", "/legacy/member_count")
        .header("Room", "lobby")
        .header("Authorization", &token);
    assert_eq!(server.anonymous().direct(count.clone()).await.unwrap().status, 403);
    let id = person.id.parse().unwrap();
    server
        .change(async |write: &mut sogs::store::Write| {
            write.ban(&id, &sogs::model::Scope::Server, None).await.unwrap();
        })
        .await;
    let rooms = Request::new("GET", "/legacy/rooms").header("Authorization", &token);
    let refused = server.anonymous().direct(rooms).await.unwrap();
    assert_eq!((refused.status, &refused.body[..]), (403, &b"Banned"[..]));
}

async fn the_count_of_members_is_for_those_who_see_the_room(stores: Stores) {
    let Some(mut server) = start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    server.room_with("secret", HIDDEN).await;
    let rooms = server.app().directory.rooms().await.unwrap();
    rooms.find("lobby").unwrap().counters.set_active_users(3);
    let answer = good(&old(&server, "lobby").get("member_count").await);
    assert_eq!(answer, json!({ "member_count": 3, "status_code": 200 }));
    assert_eq!(old(&server, "secret").get("member_count").await.status, 404);
    assert_eq!(server.get("/legacy/member_count").await.status, 400, "no room is named");
}

async fn files_go_up_and_down_in_base64(stores: Stores) {
    let small = |settings: &mut Settings| {
        unblinded(settings);
        settings.files.max_size = Size(1000);
    };
    let Some(server) = Server::start_with(stores, small).await else {
        return;
    };
    let room = server.room("lobby").await;
    server.room("attic").await;
    let person = old(&server, "lobby");
    let content: Vec<u8> = (0..=255).collect();
    let upload = |bytes: &[u8]| json!({ "file": STANDARD.encode(bytes) });
    let id = good(&person.post("files", upload(&content)).await)["result"]
        .as_i64()
        .unwrap();
    let path = format!("files/{id}");
    let answer = good(&person.get(&path).await);
    assert_eq!(
        answer,
        json!({ "result": STANDARD.encode(&content), "status_code": 200 })
    );
    let raw = server.get(&format!("/room/lobby/file/{id}")).await;
    assert_eq!(raw.body, content);
    assert_eq!(raw.header("expires"), Some("Wed, 29 Nov 2023 22:13:20 GMT"));
    let empty = good(&person.post("files", upload(b"")).await)["result"]
        .as_i64()
        .unwrap();
    assert_eq!(good(&person.get(&format!("files/{empty}")).await)["result"], "");
    assert_eq!(person.post("files", upload(&[0; 1001])).await.status, 413);
    assert_eq!(person.post("files", json!({ "file": "?" })).await.status, 400);
    assert_eq!(person.post("files", json!({})).await.status, 400);
    assert_eq!(old(&server, "attic").get(&path).await.status, 404);
    let no_upload = Override {
        upload: Some(false),
        ..Override::default()
    };
    server.differ(room, &person.id, no_upload).await;
    assert_eq!(person.post("files", upload(b"x")).await.status, 403);
    server.pass(15 * 86_400);
    assert_eq!(person.get(&path).await.status, 404);
}

async fn only_admins_change_the_image(stores: Stores) {
    let Some(server) = start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (admin, moderator) = (old(&server, "lobby"), old(&server, "lobby"));
    role(&server, room, &admin, true).await;
    role(&server, room, &moderator, false).await;
    let picture = json!({ "file": STANDARD.encode("picture") });
    let before = json(&server.get("/room/lobby").await)["info_updates"].as_i64().unwrap();
    let refused = moderator.post("rooms/lobby/image", picture.clone()).await;
    assert_eq!(refused.status, 403);
    let id = good(&admin.post("rooms/lobby/image", picture).await)["result"].clone();
    let after = json(&server.get("/room/lobby").await);
    assert_eq!(after["image_id"], id);
    assert_eq!(after["info_updates"], before + 1);
    let image = good(&server.get("/legacy/rooms/lobby/image").await);
    assert_eq!(image["result"], STANDARD.encode("picture"));
    let raw = server.get(&format!("/room/lobby/file/{id}")).await;
    assert_eq!((raw.status, raw.header("expires")), (200, None));
}
