//! Attachments: uploading, fetching, names, lives, and what becomes of the bytes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use in_process::{Person, START, Server, Stores, json};
use serde_json::json;
use shared::blob::{BlobKey, Listed};
use shared::client::{Answer, Client, Identity, Request};
use shared::clock::{Clock, Timestamp};
use shared::config::Size;
use shared::crypto::sogs_auth::SignedRequest;
use shared::run;
use sogs::model::{Defaults, Override, RoomNo};
use sogs::store::Write;

on_both_stores!(
    what_was_uploaded_comes_back_with_its_headers,
    a_head_request_tells_the_same_without_the_bytes,
    names_come_back_as_they_were_but_for_slashes,
    an_empty_file_is_a_file,
    a_file_is_only_found_in_its_own_room,
    an_upload_that_nothing_takes_is_gone_after_an_hour,
    only_those_who_may_upload_and_only_readers_fetch,
    a_hidden_room_has_no_files,
    somebody_banned_is_refused_403_both_ways,
    the_largest_file_is_taken_and_one_byte_more_is_not,
    uploads_of_one_person_are_limited_but_not_those_of_admins,
    files_go_up_and_down_in_a_batch_and_through_an_onion,
    a_replay_on_another_process_leaves_nothing_behind,
    bytes_that_a_crash_left_behind_are_removed_when_they_are_old,
    a_room_whose_image_is_swept_has_none_and_says_so,
    the_files_of_a_deleted_room_are_swept,
    a_server_refuses_the_files_of_another,
);

const MINUTE: u64 = 60;

async fn upload(person: &Person, room: &str, bytes: impl Into<Bytes>) -> Answer {
    let request = Request::new("POST", &format!("/room/{room}/file")).body(bytes);
    person.call(request).await
}

async fn uploaded(person: &Person, room: &str, bytes: impl Into<Bytes>) -> i64 {
    let answer = upload(person, room, bytes).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let reply = json(&answer);
    assert_eq!(reply.as_object().unwrap().len(), 1);
    reply["id"].as_i64().unwrap()
}

async fn upload_named(person: &Person, room: &str, disposition: &str) -> i64 {
    let request = Request::new("POST", &format!("/room/{room}/file"))
        .header("Content-Disposition", disposition)
        .body("x");
    json(&person.call(request).await)["id"].as_i64().unwrap()
}

async fn fetch(person: &Person, room: &str, id: i64) -> Answer {
    person.get(&format!("/room/{room}/file/{id}")).await
}

async fn blobs(server: &Server) -> usize {
    let listed = server.app().blobs.list();
    let ours = listed.filter(|found| {
        let ours = matches!(found, Ok(Listed::Blob(_)));
        async move { ours }
    });
    ours.count().await
}

async fn sweep(server: &Server) -> usize {
    let app = server.app();
    app.files.sweep(&app.directory).await.unwrap()
}

/// A client that can also send through onion requests.
fn client(server: &Server, person: &Person) -> Client {
    server
        .anonymous()
        .with_account(person.account.clone(), Identity::Blinded, server.clock.clone())
}

async fn what_was_uploaded_comes_back_with_its_headers(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("Lobby").await;
    let (person, other) = (server.user().await, server.user().await);
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let id = uploaded(&person, "lobby", content.clone()).await;
    let path = format!("/room/lobby/file/{id}");
    server.pass(MINUTE);
    for answer in [
        other.get(&path).await,
        server.get(&path).await,
        other.get(&format!("{path}/any%20name.jpg")).await,
    ] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, content);
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert_eq!(answer.header("content-length"), Some("300000"));
        assert_eq!(answer.header("content-disposition"), Some("attachment"));
        assert_eq!(answer.header("date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
        assert_eq!(answer.header("expires"), Some("Tue, 14 Nov 2023 23:13:20 GMT"));
    }
    assert_ne!(uploaded(&person, "lobby", content).await, id);
    assert_eq!(blobs(&server).await, 2);
}

async fn a_head_request_tells_the_same_without_the_bytes(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let person = server.user().await;
    let id = uploaded(&person, "lobby", "content").await;
    for target in [format!("/room/lobby/file/{id}"), format!("/room/lobby/file/{id}/name")] {
        let answer = person.call(Request::new("HEAD", &target)).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b""[..]));
        assert_eq!(answer.header("content-length"), Some("7"));
        assert_eq!(answer.header("expires"), Some("Tue, 14 Nov 2023 23:13:20 GMT"));
    }
    assert_eq!(
        person.call(Request::new("HEAD", "/room/lobby/file/99")).await.status,
        404
    );
}

async fn names_come_back_as_they_were_but_for_slashes(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let person = server.user().await;
    for (given, expected) in [
        ("attachment", "attachment"),
        (
            "attachment; filename=\"simple.txt\"",
            "attachment; filename*=UTF-8''simple.txt",
        ),
        (
            "attachment; filename*=UTF-8''%F0%9F%8E%82%20caf%C3%A9.png",
            "attachment; filename*=UTF-8''%F0%9F%8E%82%20caf%C3%A9.png",
        ),
        (
            "attachment; filename*=UTF-8''quo%22te%27s%3Ba=b,c.txt",
            "attachment; filename*=UTF-8''quo%22te%27s%3Ba%3Db%2Cc.txt",
        ),
        (
            "attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd%00",
            "attachment; filename*=UTF-8''..%EF%BF%BD..%EF%BF%BDetc%EF%BF%BDpasswd%EF%BF%BD",
        ),
        (
            "attachment; filename*=UTF-8''a%0D%0ASet-Cookie:b",
            "attachment; filename*=UTF-8''a%0D%0ASet-Cookie%3Ab",
        ),
    ] {
        let id = upload_named(&person, "lobby", given).await;
        let answer = fetch(&person, "lobby", id).await;
        assert_eq!(answer.header("content-disposition"), Some(expected), "{given}");
    }
    let long = format!("attachment; filename=\"{}\"", "x".repeat(5000));
    let id = upload_named(&person, "lobby", &long).await;
    let answer = fetch(&person, "lobby", id).await;
    assert!(answer.header("content-disposition").unwrap().len() < 1200);
}

async fn an_empty_file_is_a_file(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let person = server.user().await;
    let id = uploaded(&person, "lobby", "").await;
    let answer = fetch(&person, "lobby", id).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b""[..]));
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(blobs(&server).await, 0);
    server.pass(60 * MINUTE);
    assert_eq!(sweep(&server).await, 1);
}

async fn a_file_is_only_found_in_its_own_room(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    server.room("attic").await;
    let person = server.user().await;
    let id = uploaded(&person, "lobby", "content").await;
    assert_eq!(fetch(&person, "lobby", id).await.status, 200);
    assert_eq!(fetch(&person, "attic", id).await.status, 404);
    assert_eq!(fetch(&person, "nowhere", id).await.status, 404);
    for wrong in [
        "0",
        "99",
        "9223372036854775807",
        "9223372036854775808",
        "-1",
        "x",
        "",
        "+1",
    ] {
        let answer = person.get(&format!("/room/lobby/file/{wrong}")).await;
        assert_eq!(answer.status, 404, "{wrong}");
    }
    let padded = person.get(&format!("/room/lobby/file/000{id}")).await;
    assert_eq!(padded.status, 200);
}

async fn an_upload_that_nothing_takes_is_gone_after_an_hour(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let person = server.user().await;
    let id = uploaded(&person, "lobby", "content").await;
    server.pass(60 * MINUTE - 1);
    assert_eq!(sweep(&server).await, 0);
    assert_eq!(fetch(&person, "lobby", id).await.status, 200);
    server.pass(1);
    assert_eq!(fetch(&person, "lobby", id).await.status, 404, "before any sweep");
    assert_eq!(blobs(&server).await, 1);
    assert_eq!(sweep(&server).await, 1);
    assert_eq!(blobs(&server).await, 0);
    assert_ne!(
        uploaded(&person, "lobby", "content").await,
        id,
        "ids are never used again"
    );
}

async fn only_those_who_may_upload_and_only_readers_fetch(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let closed = Defaults {
        upload: false,
        ..Defaults::default()
    };
    let room = server.room_with("lobby", closed).await;
    let (person, guest, mute, blind) = (
        server.user().await,
        server.user().await,
        server.user().await,
        server.user().await,
    );
    let allowed = Override {
        upload: Some(true),
        ..Override::default()
    };
    server.differ(room, &guest.id, allowed).await;
    let no_write = Override {
        write: Some(false),
        ..allowed
    };
    server.differ(room, &mute.id, no_write).await;
    let no_read = Override {
        read: Some(false),
        ..allowed
    };
    server.differ(room, &blind.id, no_read).await;
    let anonymous = Request::new("POST", "/room/lobby/file").body("x");
    assert_eq!(server.anonymous().direct(anonymous).await.unwrap().status, 401);
    assert_eq!(upload(&person, "lobby", "x").await.status, 403);
    assert_eq!(upload(&mute, "lobby", "x").await.status, 403);
    let id = uploaded(&guest, "lobby", "x").await;
    assert_eq!(fetch(&mute, "lobby", id).await.status, 200);
    let blinds = uploaded(&blind, "lobby", "x").await;
    for id in [id, blinds, 99] {
        assert_eq!(fetch(&blind, "lobby", id).await.status, 403);
    }
    assert_eq!(blobs(&server).await, 2);
}

async fn a_hidden_room_has_no_files(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let hidden = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    let room = server.room_with("secret", hidden).await;
    let (admin, person) = (server.user().await, server.user().await);
    server.appoint(room, &admin, true).await;
    let id = uploaded(&admin, "secret", "content").await;
    assert_eq!(fetch(&admin, "secret", id).await.status, 200);
    assert_eq!(fetch(&person, "secret", id).await.status, 404);
    assert_eq!(server.get(&format!("/room/secret/file/{id}")).await.status, 404);
    assert_eq!(upload(&person, "secret", "x").await.status, 404);
}

async fn somebody_banned_is_refused_403_both_ways(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = server.room("lobby").await;
    let person = server.user().await;
    let id = uploaded(&person, "lobby", "content").await;
    let ban = Override {
        banned: true,
        ..Override::default()
    };
    server.differ(room, &person.id, ban).await;
    assert_eq!(upload(&person, "lobby", "x").await.status, 403);
    assert_eq!(fetch(&person, "lobby", id).await.status, 403);
}

async fn the_largest_file_is_taken_and_one_byte_more_is_not(stores: Stores) {
    let small = |settings: &mut sogs::settings::Settings| settings.files.max_size = Size(100_000);
    let Some(server) = Server::start_with(stores, small).await else {
        return;
    };
    let room = server.room("lobby").await;
    let person = server.user().await;
    let id = uploaded(&person, "lobby", vec![7; 100_000]).await;
    assert_eq!(fetch(&person, "lobby", id).await.body.len(), 100_000);
    assert_eq!(upload(&person, "lobby", vec![7; 100_001]).await.status, 413);
    let no_upload = Override {
        upload: Some(false),
        ..Override::default()
    };
    server.differ(room, &person.id, no_upload).await;
    let refused = upload(&person, "lobby", vec![7; 100_001]).await;
    assert_eq!(refused.status, 403, "permission comes before size");
    assert_eq!(blobs(&server).await, 1);
}

async fn uploads_of_one_person_are_limited_but_not_those_of_admins(stores: Stores) {
    let few = |settings: &mut sogs::settings::Settings| settings.limits.uploads_per_hour = 3;
    let Some(server) = Server::start_with(stores, few).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (person, other, admin) = (server.user().await, server.user().await, server.user().await);
    server.appoint(room, &admin, true).await;
    for _ in 0..3 {
        uploaded(&person, "lobby", "x").await;
    }
    let refused = upload(&person, "lobby", "x").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1200"));
    uploaded(&other, "lobby", "x").await;
    for _ in 0..10 {
        uploaded(&admin, "lobby", "x").await;
    }
    server.pass(20 * MINUTE);
    uploaded(&person, "lobby", "x").await;
    assert_eq!(upload(&person, "lobby", "x").await.status, 429);
}

async fn files_go_up_and_down_in_a_batch_and_through_an_onion(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let person = server.user().await;
    let content: Vec<u8> = (0..=255).collect();
    let batch = json!([{
        "method": "POST",
        "path": "/room/lobby/file",
        "b64": STANDARD.encode(&content),
        "headers": { "Content-Disposition": "attachment; filename=\"b.bin\"" },
    }]);
    let up = json(&person.post("/batch", &batch).await);
    assert_eq!(up[0]["code"], 201);
    let id = up[0]["body"]["id"].as_i64().unwrap();
    let path = format!("/room/lobby/file/{id}");
    let down = json(&person.post("/batch", &json!([{ "method": "GET", "path": path }])).await);
    assert_eq!(down[0]["code"], 200);
    assert_eq!(down[0]["body"], STANDARD.encode(&content));
    let headers = &down[0]["headers"];
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["content-disposition"], "attachment; filename*=UTF-8''b.bin");
    assert_eq!(headers["date"], "Tue, 14 Nov 2023 22:13:20 GMT");
    assert_eq!(headers["expires"], "Tue, 14 Nov 2023 23:13:20 GMT");
    let client = client(&server, &person);
    let inside = client
        .onion_v4(Request::new("GET", &path))
        .await
        .unwrap()
        .inside
        .unwrap();
    assert_eq!((inside.status, &inside.body[..]), (200, &content[..]));
    assert_eq!(inside.header("content-type"), Some("application/octet-stream"));
    let post = Request::new("POST", "/room/lobby/file").body(content.clone());
    let inside = client.onion_v4(post).await.unwrap().inside.unwrap();
    assert_eq!(inside.status, 201);
    assert_eq!(blobs(&server).await, 2);
}

async fn a_replay_on_another_process_leaves_nothing_behind(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let person = server.user().await;
    let body = Bytes::from_static(b"content");
    let signed = SignedRequest {
        method: "POST",
        path: "/room/lobby/file",
        query: None,
        body: &body,
    };
    let key = *server.app().key.public();
    let headers = person
        .account
        .sign_for_community(Identity::Blinded, &key, &signed, server.clock.now())
        .unwrap();
    let mut request = Request::new("POST", "/room/lobby/file").body(body);
    request.headers.extend(headers);
    assert_eq!(server.anonymous().direct(request.clone()).await.unwrap().status, 201);
    let second = server.second().await;
    let elsewhere = Client::new(&format!("http://{}", second.address()), key).unwrap();
    assert_eq!(elsewhere.direct(request).await.unwrap().status, 425);
    assert_eq!(blobs(&server).await, 1);
    second.stop().await;
}

async fn bytes_that_a_crash_left_behind_are_removed_when_they_are_old(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    server.room("lobby").await;
    let person = server.user().await;
    let kept = uploaded(&person, "lobby", "kept").await;
    uploaded(&person, "lobby", "").await;
    let left = BlobKey::random();
    let app = server.app();
    app.blobs.put(&left, Bytes::from_static(b"left")).await.unwrap();
    // Blobs are as old as the clock of their store says.
    let written = Clock::system().now();
    server.clock.correct(written.plus(Duration::from_secs(60 * MINUTE)));
    assert_eq!(app.files.remove_strays().await.unwrap(), 0);
    server.clock.correct(written.plus(Duration::from_secs(180 * MINUTE)));
    assert_eq!(app.files.remove_strays().await.unwrap(), 1);
    assert_eq!(app.blobs.size(&left).await.unwrap(), None);
    assert_eq!(blobs(&server).await, 1, "what has a row stays, expired or not");
    server.clock.correct(Timestamp::from_seconds(START));
    assert_eq!(fetch(&person, "lobby", kept).await.body, "kept");
}

async fn a_room_whose_image_is_swept_has_none_and_says_so(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room = server.room("lobby").await;
    server.room("attic").await;
    let admin = server.user().await;
    server.appoint(room, &admin, true).await;
    let image = uploaded(&admin, "lobby", "image").await;
    assert_eq!(admin.put("/room/lobby", &json!({ "image": image })).await.status, 200);
    let answer = fetch(&admin, "lobby", image).await;
    assert_eq!(answer.header("expires"), None);
    server.pass(365 * 24 * 60 * MINUTE);
    assert_eq!(sweep(&server).await, 0);
    let before = json(&server.get("/room/lobby").await);
    assert_eq!(before["image_id"], image);
    expire(&server, image).await;
    assert_eq!(sweep(&server).await, 1);
    let after = json(&server.get("/room/lobby").await);
    assert_eq!(after.get("image_id"), None);
    assert_eq!(
        after["info_updates"].as_i64().unwrap(),
        before["info_updates"].as_i64().unwrap() + 1
    );
    assert_eq!(json(&server.get("/room/attic").await)["info_updates"], 1);
    assert_eq!(blobs(&server).await, 0);
}

/// Ends the life of a file, as the deletion of its message does.
async fn expire(server: &Server, id: i64) {
    let mut tx = server.app().store.database().write().await.unwrap();
    run!(tx, execute, query, "UPDATE files SET expiry = 0 WHERE id = $1", id).unwrap();
    tx.commit().await.unwrap();
}

async fn the_files_of_a_deleted_room_are_swept(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    server.stop_jobs().await;
    let room: RoomNo = server.room("lobby").await;
    server.room("attic").await;
    let person = server.user().await;
    for number in 0..3_u8 {
        uploaded(&person, "lobby", vec![number]).await;
    }
    let kept = uploaded(&person, "attic", "kept").await;
    server
        .change(async |write: &mut Write| write.delete_room(room).await.unwrap())
        .await;
    assert_eq!(sweep(&server).await, 3);
    assert_eq!(blobs(&server).await, 1);
    assert_eq!(fetch(&person, "attic", kept).await.status, 200);
}

async fn a_server_refuses_the_files_of_another(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let mut settings = server.settings.clone();
    let folder = tempfile::tempdir().unwrap();
    settings.common.database_url = Some(format!("sqlite:{}", folder.path().join("other.db").display()).into());
    let refused = sogs::serve::Running::start(settings, server.clock.clone()).await;
    let reason = format!("{:#}", refused.err().unwrap());
    assert!(reason.contains("belong to another database"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_takes_no_uploads() {
    let full = |settings: &mut sogs::settings::Settings| settings.files.free_space_floor = Size(1 << 50);
    let Some(server) = Server::start_with(Stores::Embedded, full).await else {
        return;
    };
    server.room("lobby").await;
    let person = server.user().await;
    assert_eq!(upload(&person, "lobby", "x").await.status, 507);
    assert_eq!(blobs(&server).await, 0);
}
