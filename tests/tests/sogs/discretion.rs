//! What the server tells its operator: enough to watch it, nothing about who said what to whom.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::{Setup, Sogs};
use serde_json::json;
use shared::client::Request;

use crate::people::{Person, message, upload, with_json};
use crate::{json, on_both, start_with_room};

on_both! {
    figures_name_routes_and_nobody,
    a_log_for_people_names_nobody,
    a_log_for_programs_names_nobody,
}

/// A client's address that can be told from everything else.
const CLIENT: &str = "203.0.113.77";

/// The text of all messages.
const TEXT: &str = "nobody else is to know that";

/// The name of all files.
const FILE: &str = "a-telling-name.jpg";

/// A room that is not for everybody to know of.
const ROOM: &str = "conspirators";

const HEADER: &str = "http.client_address_header = \"X-Forwarded-For\"";

/// Some of everything: posts, reactions, files, letters, bans, refusals, broken requests. Gives what is not to be told.
async fn business(server: &Sogs) -> Vec<String> {
    let (ann, bob, moderator) = (Person::at(server), Person::at(server), Person::at(server));
    let _ = server.run(&["mod", "add", &moderator.account_id(), "--global", "--admin"]);
    e2e::eventually("the appointment holds", async || {
        moderator.json(&format!("/room/{ROOM}")).await["admin"] == true
    })
    .await;
    for person in [&ann, &bob] {
        let id = person.said(ROOM, TEXT).await;
        let name = format!("attachment; filename=\"{FILE}\"");
        let file = person
            .call(upload(ROOM, TEXT).header("Content-Disposition", &name))
            .await;
        let file = json(&file.body)["id"].clone();
        for (method, end) in [
            ("GET", format!("/file/{file}")),
            ("GET", "/messages/recent".to_owned()),
            ("GET", "/messages/since/0".to_owned()),
            ("GET", "/pollInfo/0".to_owned()),
            ("GET", "/file/4503599627370496".to_owned()),
            ("PUT", format!("/reaction/{id}/x")),
            ("GET", format!("/reactors/{id}/x")),
            ("POST", format!("/pin/{id}")),
            ("DELETE", format!("/all/{}", moderator.id)),
            ("DELETE", format!("/message/{id}")),
            ("DELETE", format!("/all/{}", person.id)),
        ] {
            let request = Request::new(method, &format!("/room/{ROOM}{end}")).header("X-Forwarded-For", CLIENT);
            person.call(request.clone()).await;
            person.client.onion_v4(request.clone()).await.unwrap();
            moderator.call(request.clone()).await;
            server.client().direct(request).await.unwrap();
        }
    }
    let letter = json!({ "message": STANDARD.encode(TEXT) });
    assert_eq!(ann.post(&format!("/inbox/{}", bob.id), &letter).await.status, 201);
    bob.json("/inbox").await;
    let here = json!({ "rooms": [ROOM], "timeout": 1 });
    for (path, body) in [
        (format!("/user/{}/ban", ann.id), here.clone()),
        (format!("/user/{}/ban", bob.account_id()), json!({ "global": true })),
        (format!("/user/{}/unban", bob.id), json!({ "global": true })),
        (
            format!("/user/{}/moderator", bob.id),
            json!({ "rooms": [ROOM], "moderator": true }),
        ),
        (format!("/user/{}/ban", "x".repeat(66)), here),
        (
            format!("/room/{ROOM}/permissions/{}", ann.id),
            json!({ "write": false }),
        ),
    ] {
        moderator.post(&path, &body).await;
        ann.post(&path, &body).await;
    }
    e2e::eventually("the ban of a second ends", async || {
        ann.get(&format!("/room/{ROOM}/pollInfo/0")).await.status == 200
    })
    .await;
    for request in [
        message(ROOM, ""),
        upload(ROOM, ""),
        with_json(
            "POST",
            "/batch",
            &json!([{ "method": "GET", "path": format!("/room/{ROOM}") }]),
        ),
        with_json("POST", "/batch", &json!({ "text": TEXT })),
        Request::new("POST", "/oxen/v4/lsrpc").body(TEXT),
        Request::new("GET", &format!("/r/{ROOM}/")),
        Request::new("GET", "/room/unheard-of"),
        Request::new("GET", &format!("/{ROOM}/{}", ann.id)),
        Request::new("GET", "/capabilities").header("X-SOGS-Pubkey", &ann.id),
    ] {
        let request = request.header("X-Forwarded-For", CLIENT);
        server.client().direct(request.clone()).await.unwrap();
        ann.call(request.clone()).await;
        // The same headers once more are refused.
        let replay = ann.sign(server, request);
        server.client().direct(replay.clone()).await.unwrap();
        server.client().direct(replay).await.unwrap();
    }
    let mut secrets = vec![
        TEXT.to_owned(),
        STANDARD.encode(TEXT),
        FILE.to_owned(),
        CLIENT.to_owned(),
    ];
    for person in [ann, bob, moderator] {
        secrets.extend([person.account_id(), person.id]);
    }
    secrets
}

#[track_caller]
fn assert_tells_none(text: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
        // Nor a part that is long enough to tell people apart.
        if secret.len() == 66 {
            assert!(!text.contains(&secret[2..18]), "{secret} is in\n{text}");
        }
    }
}

async fn figures_name_routes_and_nobody(setup: Setup) {
    let server = start_with_room!(setup, HEADER, ROOM);
    let mut secrets = business(&server).await;
    secrets.push(ROOM.to_owned());
    let (status, text) = server.operator("/metrics").await;
    assert_eq!(status, 200);
    for series in [
        "http_responses_total{route=\"/room/{token}/message\",status=\"201\"}",
        "http_responses_total{route=\"/room/{token}/file\",status=\"201\"}",
        "http_responses_total{route=\"/room/{token}/messages/since/{seqno}\",status=\"200\"}",
        "http_responses_total{route=\"/user/{id}/ban\",status=\"403\"}",
        "http_responses_total{route=\"unknown\",status=\"404\"}",
    ] {
        assert!(text.contains(series), "{series} is not in\n{text}");
    }
    assert_tells_none(&text, &secrets);
    assert_eq!(server.operator("/healthz").await.0, 200);
    assert_eq!(server.operator("/readyz").await.0, 200);
}

async fn a_log_for_people_names_nobody(setup: Setup) {
    let server = start_with_room!(setup, HEADER, ROOM);
    let log = log_of(&server).await;
    assert!(log.contains("stopping"), "{log}");
}

async fn a_log_for_programs_names_nobody(setup: Setup) {
    let settings = format!("log_format = \"json\"\n{HEADER}");
    let server = start_with_room!(setup, &settings, ROOM);
    let log = log_of(&server).await;
    for line in log.lines() {
        let line = json(line.as_bytes());
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

/// All that is logged from start to stop, looked through.
async fn log_of(server: &Sogs) -> String {
    let secrets = business(server).await;
    server.signal("TERM");
    server.wait_for_log("stopping");
    let log = server.log();
    assert_tells_none(&log, &secrets);
    log
}
