//! Whoever had joined before the move goes on as if nothing had happened.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::{Account, Identity, Request};
use shared::clock::Clock;
use shared::crypto::sogs_auth::SignedRequest;

use crate::old_server::{OldServer, now};
use crate::support::{Live, Place, Stores};
use crate::{count, json};

in_every_place!(
    apps_notice_nothing,
    people_keep_what_they_may_and_may_not_do,
    people_who_were_waited_for_are_recognised,
    a_request_from_before_the_move_has_no_effect_again,
);

/// The number that only a double holds: the last digits are noise of the old server's clock.
const POSTED: f64 = 1_700_000_000.123_000_1;

/// Everybody has an account of their own.
fn account(name: u8) -> Account {
    Account::from_seed(&[name; 32])
}

const ALICE: u8 = 1;
const BOB: u8 = 2;
const CAROL: u8 = 3;
const DAVE: u8 = 4;
const ERIN: u8 = 5;
const FRANK: u8 = 6;

/// A community in the middle of its life. Alice reads and writes; Bob is banned from the lobby; Carol is its admin; Dave
/// moderates the server and Erin is banned from it, but both were named by their accounts and have not been here since
/// ids are blinded; Frank may not write.
async fn community(old: &OldServer) {
    let blinded = |name| account(name).blinded_id(old.key.public()).unwrap().to_string();
    let later = now() + 1e6;
    for (number, id) in [
        (10, blinded(ALICE)),
        (11, blinded(BOB)),
        (12, blinded(CAROL)),
        (13, account(DAVE).session_id().to_string()),
        (14, account(ERIN).session_id().to_string()),
        (15, blinded(FRANK)),
    ] {
        old.sql(&format!(
            "INSERT INTO users (id, session_id) VALUES ({number}, '{id}');"
        ))
        .await;
    }
    let waiting = account(DAVE).blinded_id(old.key.public()).unwrap().absolute();
    let signature = "5a".repeat(64);
    old.write("uploads/lobby/200_pic.jpg", b"the bytes of a picture");
    old.write("uploads/lobby/201_room.png", b"the image of the room");
    old.sql(&format!(
        r#"INSERT INTO rooms (id, token, name, description, image, created, message_sequence, info_updates)
            VALUES (3, 'Lobby', 'The Lobby', 'Come in', 201, 1650000000.25, 40, 17);
        UPDATE users SET moderator = TRUE WHERE id = 13;
        UPDATE users SET banned = TRUE WHERE id = 14;
        INSERT INTO needs_blinding (blinded_abs, "user") VALUES ('{waiting}', 13);
        INSERT INTO user_permission_overrides (room, "user", banned) VALUES (3, 11, TRUE);
        INSERT INTO user_permission_overrides (room, "user", moderator, admin) VALUES (3, 12, TRUE, TRUE);
        INSERT INTO user_permission_overrides (room, "user", write) VALUES (3, 15, FALSE);
        INSERT INTO user_ban_futures (room, "user", at, banned) VALUES (3, 11, {later}, FALSE);
        INSERT INTO user_permission_futures (room, "user", at, write) VALUES (3, 15, {later}, TRUE);
        INSERT INTO messages (id, room, "user", posted, seqno, seqno_data, seqno_creation, data, data_size, signature)
            VALUES (100, 3, 10, {POSTED}, 5, 5, 5, X'68656c6c6f', 160, X'{signature}');
        INSERT INTO messages (id, room, "user", edited, seqno, seqno_data, seqno_creation, data, data_size, signature)
            VALUES (101, 3, 10, 1700000050.5, 31, 31, 6, X'656469746564', 6, X'{signature}');
        INSERT INTO messages (id, room, "user", edited, seqno, seqno_data, seqno_creation) VALUES
            (102, 3, 10, 1700000060.5, 33, 33, 7), (103, 3, 10, 1700000070.5, 35, 35, 34);
        INSERT INTO messages (id, room, "user", seqno, seqno_data, seqno_reactions, seqno_creation, data, data_size, signature)
            VALUES (104, 3, 12, 37, 8, 37, 8, X'6869', 2, X'{signature}');
        INSERT INTO messages (id, room, "user", seqno, seqno_data, seqno_creation, data, data_size, signature, whisper) VALUES
            (105, 3, 12, 38, 38, 38, X'6e6577', 3, X'{signature}', NULL),
            (106, 3, 12, 39, 39, 39, X'70737374', 4, X'{signature}', 10);
        INSERT INTO messages (id, room, "user", seqno, seqno_data, seqno_creation, data, data_size, signature, filtered)
            VALUES (107, 3, 15, 40, 40, 40, X'626164', 3, X'{signature}', TRUE);
        INSERT INTO reactions (id, message, reaction) VALUES (50, 104, '🐈'), (51, 104, '👍');
        INSERT INTO user_reactions (reaction, "user", at) VALUES
            (50, 15, 1700000002), (50, 10, 1700000001), (51, 12, 1700000000);
        INSERT INTO pinned_messages (room, message, pinned_by, pinned_at) VALUES
            (3, 104, 12, 1700000005.75), (3, 100, 12, 1700000004.25);
        INSERT INTO message_history (message, replaced, data, signature) VALUES (101, {}, X'6265666f7265', X'{signature}');
        INSERT INTO files (id, room, uploader, message, size, uploaded, expiry, filename, path) VALUES
            (200, 3, 10, 100, 22, 1700000000.5, {later}, 'holiday pic.jpg', 'uploads/lobby/200_pic.jpg'),
            (201, 3, 12, NULL, 21, 1700000000, NULL, NULL, 'uploads/lobby/201_room.png'),
            (300, 3, 10, NULL, 5, 1700000000, 1700003600, NULL, 'uploads/lobby/300_gone');
        CREATE TABLE file_id_hacks (room INTEGER NOT NULL, old_file_id INTEGER NOT NULL, file INTEGER NOT NULL);
        INSERT INTO file_id_hacks (room, old_file_id, file) VALUES (3, 7, 200);
        INSERT INTO inbox (id, recipient, sender, body, posted_at, expiry) VALUES
            (499, 10, 12, X'00', 1600000000, 1600000001), (500, 10, 12, X'00ff00', 1700000000.5, {later});
        INSERT INTO room_users (room, "user", last_active) VALUES (3, 10, {});"#,
        now(),
        now()
    ))
    .await;
}

/// The community at its new place.
async fn moved(stores: Stores) -> Option<(OldServer, Place, Live)> {
    let place = Place::on(stores)?;
    let old = OldServer::new().await;
    community(&old).await;
    let report = old.import(&place, &["--json"]).json();
    assert_eq!(report["public_key"], old.key.public().to_string());
    assert_eq!(report["taken"]["messages"], 8);
    assert_eq!(report["taken"]["scheduled bans"], 1);
    assert_eq!(report["taken"]["earlier versions of messages"], 1);
    assert_eq!(count(&report, "expired_file"), 1);
    assert_eq!(count(&report, "expired_direct_message"), 1);
    let live = place.live().await;
    assert_eq!(live.app().key.public(), old.key.public());
    Some((old, place, live))
}

async fn apps_notice_nothing(stores: Stores) {
    let Some((_old, _place, live)) = moved(stores).await else {
        return;
    };
    let alice = live.person_of(account(ALICE));

    // What Alice's app asks for with all that it remembers from the old server.
    let poll = alice.json("/room/Lobby/pollInfo/17").await;
    assert_eq!(
        (&poll["token"], poll.get("details")),
        (&json!("Lobby"), None),
        "nothing is new"
    );
    let news = alice.json("/room/Lobby/messages/since/30?t=r").await;
    let seen: Vec<(i64, i64)> = news
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["id"].as_i64().unwrap(), entry["seqno"].as_i64().unwrap()))
        .collect();
    assert_eq!(seen, [(101, 31), (102, 33), (104, 37), (105, 38), (106, 39)]);
    assert_eq!(news[0]["data"], STANDARD.encode("edited"));
    assert_eq!(news[0]["edited"], 1_700_000_050.5);
    assert_eq!(
        (&news[1]["deleted"], news[1].get("data")),
        (&json!(true), Some(&Value::Null))
    );
    assert_eq!(news[2].get("data"), None, "only the reactions have changed");
    let cat = &news[2]["reactions"]["🐈"];
    assert_eq!(
        (&cat["index"], &cat["count"], &cat["you"]),
        (&json!(0), &json!(2), &json!(true))
    );
    assert_eq!(cat["reactors"], json!([alice.id, live.person_of(account(FRANK)).id]));
    assert_eq!(news[2]["reactions"]["👍"]["index"], 1);
    assert_eq!(news[4]["whisper_to"], alice.id);

    let first = alice.get("/room/lobby/message/100").await;
    let text = std::str::from_utf8(&first.body).unwrap();
    assert!(text.contains(&format!("\"posted\":{POSTED},")), "{text}");
    let first = json(&first);
    let mut padded = b"hello\x80".to_vec();
    padded.resize(160, 0);
    assert_eq!(first["data"], STANDARD.encode(padded));
    assert_eq!(first["signature"], STANDARD.encode([0x5a; 64]));
    assert_eq!(first["session_id"], alice.id);

    let room = alice.json("/room/Lobby").await;
    let carol = live.person_of(account(CAROL)).id;
    assert_eq!(
        (
            &room["name"],
            &room["description"],
            &room["image_id"],
            &room["info_updates"],
            &room["message_sequence"]
        ),
        (
            &json!("The Lobby"),
            &json!("Come in"),
            &json!(201),
            &json!(17),
            &json!(40)
        )
    );
    assert_eq!(room["created"], 1_650_000_000.25);
    assert_eq!(room["admins"], json!([carol]));
    assert_eq!(
        room["pinned_messages"],
        json!([
            { "id": 100, "pinned_at": 1_700_000_004, "pinned_by": carol },
            { "id": 104, "pinned_at": 1_700_000_005, "pinned_by": carol },
        ])
    );

    for id in ["200", "200/pic.jpg", "7"] {
        let file = alice.get(&format!("/room/Lobby/file/{id}")).await;
        assert_eq!(
            (file.status, &file.body[..]),
            (200, &b"the bytes of a picture"[..]),
            "{id}"
        );
        assert!(
            file.header("content-disposition").unwrap().contains("holiday"),
            "{file:?}"
        );
    }
    let image = alice.get("/room/Lobby/file/201").await;
    assert_eq!(&image.body[..], b"the image of the room");
    assert_eq!(alice.get("/room/Lobby/file/8").await.status, 404);

    let inbox = alice.json("/inbox").await;
    assert_eq!(inbox[0]["id"], 500);
    assert_eq!(
        (&inbox[0]["message"], &inbox[0]["posted_at"]),
        (&json!("AP8A"), &json!(1_700_000_000.5))
    );
    assert_eq!(alice.get("/inbox/since/500").await.status, 304);

    // And what she does next is numbered above everything that ever was.
    assert_eq!(alice.say("Lobby", "I am still here").await, 108);
    let news = alice.json("/room/Lobby/messages/since/40").await;
    assert_eq!(
        (&news[0]["id"], &news[0]["seqno"], news.as_array().unwrap().len()),
        (&json!(108), &json!(41), 1)
    );
    let upload = alice.call(Request::new("POST", "/room/Lobby/file").body("new")).await;
    let upload: Value = serde_json::from_slice(&upload.body).unwrap();
    assert_eq!(upload["id"], 301);
    let letter = json!({ "message": "AAAA" }).to_string();
    let sent = alice.call(post(&format!("/inbox/{carol}"), letter)).await;
    let sent: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(sent["id"], 501);
}

fn post(path: &str, body: String) -> Request {
    Request::new("POST", path)
        .header("Content-Type", "application/json")
        .body(body)
}

async fn people_keep_what_they_may_and_may_not_do(stores: Stores) {
    let Some((_old, _place, live)) = moved(stores).await else {
        return;
    };
    let [bob, carol, frank] = [BOB, CAROL, FRANK].map(|name| live.person_of(account(name)));
    assert_eq!(bob.get("/room/Lobby/messages/recent").await.status, 403);
    assert_eq!(frank.try_to_say("Lobby", "may I").await.status, 403);
    let room = carol.json("/room/Lobby").await;
    assert_eq!((&room["admin"], &room["moderator"]), (&json!(true), &json!(true)));
    // An unban and a permission that were to come still do.
    let planned = carol.json(&format!("/room/Lobby/futurePermissions/{}", frank.id)).await;
    assert_eq!(planned[0]["write"], true, "{planned}");
    assert!(planned[0]["at"].as_f64().unwrap() > now());
    let unban = carol
        .call(post(
            &format!("/user/{}/unban", bob.id),
            json!({ "rooms": ["Lobby"] }).to_string(),
        ))
        .await;
    assert_eq!(unban.status, 200);
    assert_eq!(bob.get("/room/Lobby/messages/recent").await.status, 200);
    // The posts of somebody whose message was filtered are still seen by nobody.
    assert_eq!(carol.get("/room/Lobby/message/107").await.status, 404);
}

async fn people_who_were_waited_for_are_recognised(stores: Stores) {
    let Some((_old, _place, live)) = moved(stores).await else {
        return;
    };
    let [dave, erin] = [DAVE, ERIN].map(|name| live.person_of(account(name)));
    let room = dave.json("/room/Lobby").await;
    assert_eq!(
        (&room["global_moderator"], &room["hidden_moderators"]),
        (&json!(true), &json!([dave.id]))
    );
    // Erin was not noted as waited for, as a server that was last used without blinding leaves it.
    assert_eq!(erin.get("/capabilities").await.status, 403);
}

async fn a_request_from_before_the_move_has_no_effect_again(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    let old = OldServer::new().await;
    community(&old).await;
    let body = json!({ "data": STANDARD.encode("once"), "signature": STANDARD.encode([0; 64]) }).to_string();
    let mut request = post("/room/Lobby/message", body);
    let signed = SignedRequest {
        method: "POST",
        path: "/room/Lobby/message",
        query: None,
        body: &request.body,
    };
    let nonce = [9; 16];
    let time = Clock::system().now();
    let headers = account(ALICE)
        .sign_with_nonce(Identity::Blinded, old.key.public(), &signed, time, &nonce)
        .unwrap();
    request.headers.extend(headers);
    let (later, earlier) = (now() + 80_000.0, now() - 10.0);
    old.sql(&format!(
        r#"INSERT INTO user_request_nonces ("user", nonce, expiry) VALUES
            (10, X'{}', {later}), (10, X'00112233445566778899aabbccddeeff', {earlier});"#,
        hex::encode(nonce)
    ))
    .await;
    let report = old.import(&place, &["--json"]).json();
    assert_eq!(
        (&report["taken"]["nonces"], count(&report, "old_nonce")),
        (&json!(1), 1)
    );
    let server = place.serve();
    let answer = server.direct(request).await;
    assert_eq!(answer.status, 425, "{answer:?}");
    let recent = server.direct(Request::new("GET", "/room/Lobby/messages/recent")).await;
    assert_eq!(json(&recent)[0]["id"], 105);
}
