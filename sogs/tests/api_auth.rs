//! Who may talk to the server, and that no request takes effect twice.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, START, Server, Stores, json, with_json};
use serde_json::{Value, json};
use shared::client::{Account, Answer, Client, Identity, Request};
use shared::clock::Timestamp;
use shared::crypto::sogs_auth::SignedRequest;
use sogs::model::{RoleChange, Scope};

on_both_stores!(
    a_request_takes_effect_once_whatever_happens_in_between,
    a_nonce_belongs_to_one_person,
    a_refused_signature_leaves_no_trace,
    somebody_banned_from_the_server_is_told_so,
    a_batch_is_one_request_with_one_nonce,
    nonces_are_kept_for_as_long_as_the_request_could_be_sent_again,
);

/// A request with headers that are signed once and sent as often as wanted.
fn signed(server: &Server, person: &Person, mut request: Request) -> Request {
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (request.target.clone(), None),
    };
    let parts = SignedRequest {
        method: &request.method,
        path: &path,
        query: query.as_deref(),
        body: &request.body,
    };
    let headers =
        person
            .account
            .sign_for_community(Identity::Blinded, server.app().key.public(), &parts, server.clock.now());
    for (name, value) in headers.unwrap() {
        request = request.header(&name, &value);
    }
    request
}

async fn send(server: &Server, request: &Request) -> Answer {
    server.anonymous().direct(request.clone()).await.unwrap()
}

/// A request that makes a room, of somebody who may.
async fn making(server: &Server, token: &str) -> (Person, Request) {
    let root = server.user().await;
    let id = root.id.parse().unwrap();
    server
        .change(async |write: &mut sogs::store::Write| {
            let admin = RoleChange::Admin { visible: None };
            write.change_role(&id, &Scope::Server, admin).await.unwrap();
        })
        .await;
    let body = json!({ "token": token, "name": "Made" });
    let request = signed(server, &root, with_json("POST", "/rooms", &body));
    (root, request)
}

async fn a_request_takes_effect_once_whatever_happens_in_between(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    let (root, request) = making(&server, "once").await;
    assert_eq!(send(&server, &request).await.status, 201);
    assert_eq!(send(&server, &request).await.status, 425, "the same process");
    assert_eq!(root.delete("/room/once").await.status, 200);
    let second = server.second().await;
    let there = Client::new(&format!("http://{}", second.address()), *server.app().key.public()).unwrap();
    assert_eq!(
        there.direct(request.clone()).await.unwrap().status,
        425,
        "another process"
    );
    second.stop().await;
    server.restart().await;
    assert_eq!(send(&server, &request).await.status, 425, "after a restart");
    assert_eq!(server.get("/room/once").await.status, 404);
}

async fn a_nonce_belongs_to_one_person(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let key = *server.app().key.public();
    let parts = SignedRequest {
        method: "GET",
        path: "/capabilities",
        query: None,
        body: &[],
    };
    for _ in 0..2 {
        let headers =
            Account::generate().sign_with_nonce(Identity::Blinded, &key, &parts, server.clock.now(), &[7; 16]);
        let mut request = Request::new("GET", "/capabilities");
        request.headers = headers.unwrap();
        assert_eq!(send(&server, &request).await.status, 200);
        assert_eq!(send(&server, &request).await.status, 425);
    }
}

async fn a_refused_signature_leaves_no_trace(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let person = server.person();
    let good = signed(&server, &person, Request::new("GET", "/capabilities"));
    let mut other_path = good.clone();
    other_path.target = "/nowhere".to_owned();
    assert_eq!(send(&server, &other_path).await.status, 401, "before any 404");
    let mut other_body = good.clone();
    other_body.body = "x".into();
    other_body.target = "/nowhere".to_owned();
    other_body.method = "POST".to_owned();
    assert_eq!(send(&server, &other_body).await.status, 401);
    let id = person.id.parse().unwrap();
    assert!(server.app().store.member(&id).await.unwrap().is_none());
    assert_eq!(send(&server, &good).await.status, 200, "its nonce is not used up");
}

async fn somebody_banned_from_the_server_is_told_so(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    server.room("lobby").await;
    let person = server.user().await;
    let id = person.id.parse().unwrap();
    server
        .change(async |write: &mut sogs::store::Write| {
            write.ban(&id, &Scope::Server, None).await.unwrap();
        })
        .await;
    for path in ["/capabilities", "/room/lobby", "/nowhere"] {
        let answer = person.get(path).await;
        assert_eq!((answer.status, &answer.body[..]), (403, &b"Banned"[..]), "{path}");
    }
    assert_eq!(server.get("/room/lobby").await.status, 200, "as anybody");
}

async fn a_batch_is_one_request_with_one_nonce(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    let (root, _) = making(&server, "unused").await;
    let make = |token: &str| json!({ "method": "POST", "path": "/rooms", "json": { "token": token, "name": "Made" } });
    let body = json!([make("one"), make("one"), make("two")]);
    let request = signed(&server, &root, with_json("POST", "/batch", &body));
    let answer = json(&send(&server, &request).await);
    let codes: Vec<&Value> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|element| &element["code"])
        .collect();
    assert_eq!(codes, [201, 409, 201]);
    assert!(answer[1]["headers"].is_object());
    server.restart().await;
    for room in ["one", "two"] {
        assert_eq!(root.delete(&format!("/room/{room}")).await.status, 200);
    }
    assert_eq!(send(&server, &request).await.status, 425, "as a whole");
    assert_eq!(json(&server.get("/rooms").await), json!([]));
}

async fn nonces_are_kept_for_as_long_as_the_request_could_be_sent_again(stores: Stores) {
    let Some(mut server) = Server::start(stores).await else {
        return;
    };
    // Dated a day ahead, so it is good for two days.
    server.pass(86_400);
    let (root, request) = making(&server, "ahead").await;
    let now = server.clock.now();
    server.clock.correct(Timestamp::from_seconds(START));
    assert_eq!(send(&server, &request).await.status, 201);
    assert_eq!(root.delete("/room/ahead").await.status, 200);
    server.clock.correct(now);
    server.pass(86_400);
    sogs::jobs::keep_once(server.app()).await;
    server.restart().await;
    assert_eq!(send(&server, &request).await.status, 425);
    server.pass(1);
    assert_eq!(send(&server, &request).await.status, 425, "and is too old from now on");
    sogs::jobs::keep_once(server.app()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_do_not_blind_are_told_to_in_words_that_clients_know() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let plain = server
        .anonymous()
        .with_account(Account::generate(), Identity::Unblinded, server.clock.clone());
    let answer = plain.direct(Request::new("GET", "/capabilities")).await.unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(
        &answer.body[..],
        b"Invalid authentication: this server requires the use of blinded ids"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_blinding_accounts_show_their_own_id() {
    let server = Server::start_with(Stores::Embedded, |settings| settings.users.require_blind_keys = false)
        .await
        .unwrap();
    let account = Account::generate();
    let plain = server
        .anonymous()
        .with_account(account.clone(), Identity::Unblinded, server.clock.clone());
    let capabilities = plain.direct(Request::new("GET", "/capabilities")).await.unwrap();
    assert_eq!(json(&capabilities), json!({ "capabilities": ["reactions", "sogs"] }));
    let id = account.session_id().to_string().parse().unwrap();
    assert!(server.app().store.member(&id).await.unwrap().is_some());
    assert_eq!(
        server.user().await.get("/capabilities").await.status,
        200,
        "both kinds may come in"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_works_alike_direct_and_through_both_kinds_of_onion_request() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    server.room("lobby").await;
    let person = server.user().await;
    let direct = person.get("/room/lobby/pollInfo/1").await;
    let client = server
        .anonymous()
        .with_account(person.account.clone(), Identity::Blinded, server.clock.clone());
    let poll = || Request::new("GET", "/room/lobby/pollInfo/1");
    let inner = client.onion_v4(poll()).await.unwrap().inside.unwrap();
    assert_eq!((inner.status, &inner.body), (200, &direct.body));
    let inner = client.onion_v3(poll()).await.unwrap().inside.unwrap();
    assert_eq!(inner.body, direct.body);
    let batch = json!([{ "method": "GET", "path": "/room/lobby/pollInfo/1" }]);
    let inner = client
        .onion_v4(with_json("POST", "/batch", &batch))
        .await
        .unwrap()
        .inside
        .unwrap();
    let expected: Value = serde_json::from_slice(&direct.body).unwrap();
    assert_eq!(json(&inner)[0]["body"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_writes_nothing_to_the_database() {
    let mut server = Server::start(Stores::Embedded).await.unwrap();
    server.room("lobby").await;
    let person = server.user().await;
    server.stop_jobs().await;
    let version = async || {
        // Counts the commits of all connections but the one that asks.
        let mut watch = server.app().store.database().watch().await.unwrap();
        let batch = json!([
            { "method": "GET", "path": "/capabilities" },
            { "method": "GET", "path": "/room/lobby/pollInfo/0" },
            { "method": "GET", "path": "/rooms" },
        ]);
        for _ in 0..50 {
            assert_eq!(person.post("/batch", &batch).await.status, 200);
        }
        tokio::time::timeout(std::time::Duration::from_millis(900), watch.changed()).await
    };
    assert!(version().await.is_err(), "something was committed");
}
