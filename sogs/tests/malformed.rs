//! Nothing that is sent brings the server down or makes it answer 5xx, and what it refuses leaves no trace.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod endpoints;
mod in_process;
mod mutations;
mod raw_http;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endpoints::{Body, Endpoint, Props, Scene};
use in_process::{Person, Stores};
use mutations::{Mutation, mutation};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use raw_http::Raw;
use serde_json::{Map, Value, json};
use shared::client::{Client, Destination, Identity, Request, v3_reply, v4_reply, wrap};
use shared::crypto::sogs_auth::SignedRequest;
use shared::db::{Dialect, Runner, Tx};
use shared::http::App;
use shared::onion::{Cipher, split_endpoint};

/// How a request gets to its handler.
#[derive(Clone, Copy, Debug)]
enum Entrance {
    Direct,
    Onion,
    Batch,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
enum Role {
    Admin,
    Moderator,
    User,
    Banned,
    Nobody,
}

impl Role {
    fn of(self, scene: &Scene) -> Option<&Person> {
        match self {
            Self::Admin => Some(&scene.admin),
            Self::Moderator => Some(&scene.moderator),
            Self::User => Some(&scene.user),
            Self::Banned => Some(&scene.banned),
            Self::Nobody => None,
        }
    }
}

fn raw(endpoint: &Endpoint, props: &Props) -> Raw {
    let mut raw = Raw {
        method: endpoint.method.to_owned(),
        target: endpoint.target.clone(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let mut header = |name: &str, value: &str| raw.headers.push((name.to_owned(), value.to_owned()));
    if endpoint.old {
        header("Room", &props.token);
    }
    match &endpoint.body {
        Body::None => {}
        Body::Json(value) => {
            header("Content-Type", "application/json");
            raw.body = value.to_string().into_bytes();
        }
        Body::Bytes(bytes) => {
            header("Content-Type", "application/octet-stream");
            header("Content-Disposition", "attachment; filename*=UTF-8''a%20name");
            raw.body = bytes.to_vec();
        }
    }
    raw
}

/// As whom people ask.
fn identity(endpoint: &Endpoint) -> Identity {
    if endpoint.old {
        Identity::Unblinded
    } else {
        Identity::Blinded
    }
}

fn client(scene: &Scene, person: Option<&Person>, identity: Identity) -> Client {
    let client = scene.server.anonymous();
    match person {
        Some(person) => client.with_account(person.account.clone(), identity, scene.server.clock.clone()),
        None => client,
    }
}

/// Signs what there is to be signed; where the target cannot be decoded any signature is as good.
fn sign(scene: &Scene, person: &Person, identity: Identity, request: &mut Raw) {
    let (path, query) = split_endpoint(&request.target).unwrap_or_default();
    let signed = SignedRequest {
        method: &request.method,
        path: &path,
        query: query.as_deref(),
        body: &request.body,
    };
    let (key, now) = (scene.server.app().key.public(), scene.server.clock.now());
    let headers = person.account.sign_for_community(identity, key, &signed, now);
    request.headers.extend(headers.unwrap());
}

/// Sends a request and answers its status, which is that of the innermost answer; `None` if the server hung up.
async fn send(scene: &Scene, batches: &Client, request: &Raw, entrance: Entrance) -> Option<u16> {
    let address = scene.server.url().trim_start_matches("http://").parse().unwrap();
    match entrance {
        Entrance::Direct => raw_http::send(address, request).await,
        Entrance::Onion => {
            let inner = Request {
                method: request.method.clone(),
                target: request.target.clone(),
                headers: request.headers.clone(),
                body: request.body.clone().into(),
            };
            let answer = scene.server.anonymous().onion_v4(inner).await.unwrap();
            Some(answer.inside.unwrap_or(answer.outside).status)
        }
        Entrance::Batch => {
            let element = element(request);
            let batch = in_process::with_json("POST", "/batch", &json!([element]));
            let answer = batches.direct(batch).await.unwrap();
            if answer.status != 200 {
                return Some(answer.status);
            }
            let elements: Value = serde_json::from_slice(&answer.body).unwrap();
            Some(u16::try_from(elements[0]["code"].as_u64().unwrap()).unwrap())
        }
    }
}

/// A request as an element of a batch.
fn element(request: &Raw) -> Value {
    let headers = request.headers.iter();
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let mut element = json!({ "method": request.method, "path": request.target, "headers": headers });
    if matches!(&*request.method, "POST" | "PUT") {
        element["b64"] = STANDARD.encode(&request.body).into();
    }
    element
}

/// Everything in the database but nonces, as one text.
async fn dump(scene: &Scene) -> String {
    let mut tx = scene.server.app().store.database().read().await.unwrap();
    let tables = texts(
        &mut tx,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> '_sqlx_migrations' ORDER BY name",
        "SELECT table_name::text FROM information_schema.tables
            WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' ORDER BY table_name",
    )
    .await;
    assert!(tables.len() > 15, "{tables:?}");
    let mut whole = String::new();
    for table in tables.iter().filter(|table| *table != "nonces") {
        let columns = format!("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')");
        let row = match tx.dialect() {
            Dialect::Sqlite => texts(&mut tx, &columns, "").await.join(" || ',' || "),
            Dialect::Postgres => String::new(),
        };
        let sqlite = format!("SELECT {row} AS line FROM {table} ORDER BY 1");
        let postgres = format!("SELECT t::text FROM {table} t ORDER BY 1");
        let rows = texts(&mut tx, &sqlite, &postgres).await;
        whole += &format!("{table}\n{}\n", rows.join("\n"));
    }
    whole
}

async fn texts(tx: &mut Tx, sqlite: &str, postgres: &str) -> Vec<String> {
    use shared::db::Parts;
    use shared::db::sqlx::{AssertSqlSafe, query_scalar};
    match tx.parts().await.unwrap() {
        Parts::Sqlite(connection) => {
            query_scalar(AssertSqlSafe(sqlite.to_owned()))
                .fetch_all(connection)
                .await
        }
        Parts::Postgres(connection) => {
            query_scalar(AssertSqlSafe(postgres.to_owned()))
                .fetch_all(connection)
                .await
        }
    }
    .unwrap()
}

/// Where two texts differ.
fn difference(before: &str, after: &str) -> Vec<String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    lines(before).symmetric_difference(&lines(after)).cloned().collect()
}

fn scene(stores: Stores) -> Option<(tokio::runtime::Runtime, Scene)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let scene = runtime.block_on(Scene::new(stores, false))?;
    Some((runtime, scene))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_endpoints_is_complete() {
    let mut scene = Scene::new(Stores::Embedded, false).await.unwrap();
    let props = scene.props().await;
    let endpoints = scene.endpoints(&props);
    let tried: BTreeSet<(&str, &str)> = endpoints.iter().map(|one| (one.pattern, one.method)).collect();
    let router = scene.server.app().router();
    let there: BTreeSet<(&str, &str)> = router
        .patterns()
        .flat_map(|(pattern, methods)| methods.into_iter().map(move |method| (pattern, method.as_str())))
        .collect();
    assert_eq!(tried, there);
    assert_eq!(tried.len(), endpoints.len());
}

/// Or the spoilt requests would be refused for something else.
#[tokio::test(flavor = "multi_thread")]
async fn the_requests_that_are_spoilt_are_good() {
    let mut scene = Scene::new(Stores::Embedded, false).await.unwrap();
    let props = scene.props().await;
    for number in 0..scene.endpoints(&props).len() {
        let props = scene.props().await;
        let endpoint = &scene.endpoints(&props)[number];
        let mut request = raw(endpoint, &props);
        sign(&scene, &scene.admin, identity(endpoint), &mut request);
        let status = send(&scene, &scene.server.anonymous(), &request, Entrance::Direct).await;
        assert_eq!(status, Some(endpoint.status), "{} {}", endpoint.method, endpoint.target);
    }
}

/// Each odd text in each place, many at a time.
async fn no_place_takes_what_is_odd_for_a_fault_of_ours(stores: Stores) {
    for blinded in [true, false] {
        let Some(scene) = Scene::new(stores, blinded).await else {
            return;
        };
        try_all(scene, blinded).await;
    }
}

async fn try_all(mut scene: Scene, blinded: bool) {
    let props = scene.props().await;
    for number in 0..scene.endpoints(&props).len() {
        let props = scene.props().await;
        let endpoint = &scene.endpoints(&props)[number];
        let spoilt = mutations::each(&raw(endpoint, &props));
        let identity = if blinded { Identity::Blinded } else { identity(endpoint) };
        let client = client(&scene, Some(&scene.admin), identity);
        // What does not decode is refused with the whole batch.
        let spoilt = spoilt.iter().filter(|request| split_endpoint(&request.target).is_ok());
        let elements: Vec<(&str, Value)> = spoilt.map(|request| (&*request.target, element(request))).collect();
        for some in elements.chunks(100) {
            let batch: Vec<&Value> = some.iter().map(|(_, element)| element).collect();
            let batch = in_process::with_json("POST", "/batch", &json!(batch));
            let answers = in_process::json(&client.direct(batch).await.unwrap());
            for ((target, element), answer) in some.iter().zip(answers.as_array().unwrap()) {
                assert!(answer["code"].as_u64().unwrap() < 500, "{target} {element} {answer}");
            }
        }
    }
}

on_both_stores!(no_place_takes_what_is_odd_for_a_fault_of_ours);

type Case = (Index, Vec<Mutation>, Role, Entrance);

fn case() -> impl Strategy<Value = Case> {
    let role = prop_oneof![
        6 => Just(Role::Admin),
        2 => Just(Role::Moderator),
        2 => Just(Role::User),
        1 => Just(Role::Banned),
        1 => Just(Role::Nobody),
    ];
    let entrance = prop_oneof![3 => Just(Entrance::Direct), 1 => Just(Entrance::Onion), 1 => Just(Entrance::Batch)];
    (any::<Index>(), prop::collection::vec(mutation(), 1..3), role, entrance)
}

/// What there was before a request, and is after it if it was refused.
struct Stage {
    scene: Scene,
    set: Option<(Props, String)>,
}

async fn try_case(stage: &mut Stage, (which, mutations, role, entrance): &Case) {
    let (props, before) = match stage.set.take() {
        Some(set) => set,
        None => (stage.scene.props().await, dump(&stage.scene).await),
    };
    let scene = &stage.scene;
    let endpoints = scene.endpoints(&props);
    let endpoint = &endpoints[which.index(endpoints.len())];
    let mut request = raw(endpoint, &props);
    let (late, early): (Vec<_>, Vec<_>) = mutations.iter().partition(|one| one.is_of_the_signature());
    early.iter().for_each(|one| one.apply(&mut request));
    let person = role.of(scene);
    if let Some(person) = person {
        sign(scene, person, identity(endpoint), &mut request);
    }
    late.iter().for_each(|one| one.apply(&mut request));
    let status = send(scene, &client(scene, person, identity(endpoint)), &request, *entrance).await;
    let what = || {
        let body: String = String::from_utf8_lossy(&request.body).chars().take(300).collect();
        format!("{status:?} {} {} {body:?}", request.method, request.target)
    };
    let code = status.unwrap_or_else(|| panic!("no answer: {}", what()));
    assert!(matches!(code, 200 | 201 | 304 | 307 | 308 | 400..500), "{}", what());
    if code >= 400 {
        let changed = difference(&before, &dump(scene).await);
        assert!(changed.is_empty(), "{}: {changed:?}", what());
        stage.set = Some((props, before));
    }
}

fn nothing_spoilt_does_harm(stores: Stores, cases: u32) {
    let Some((runtime, scene)) = scene(stores) else {
        return;
    };
    let stage = tokio::sync::Mutex::new(Stage { scene, set: None });
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&case(), |case| {
        runtime.block_on(async {
            try_case(&mut *stage.lock().await, &case).await;
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let answer = runtime.block_on(async { stage.lock().await.scene.user.get("/rooms").await });
    assert_eq!(answer.status, 200);
}

#[test]
fn nothing_spoilt_does_harm_on_one_machine() {
    nothing_spoilt_does_harm(Stores::Embedded, 300);
}

#[test]
fn nothing_spoilt_does_harm_on_shared_stores() {
    nothing_spoilt_does_harm(Stores::Shared, 300);
}

/// What is inside an envelope that opens, and what is no envelope at all.
#[derive(Clone, Debug)]
enum Envelope {
    Sealed(Vec<u8>),
    Spoilt(Vec<u8>, Index, u8),
    Cut(Vec<u8>, Index),
    Bare(Vec<u8>),
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let garbage = || prop::collection::vec(any::<u8>(), 0..200);
    let metadata = prop_oneof![
        mutations::value().prop_map(str::to_owned),
        (mutations::value(), mutations::value(), mutations::value()).prop_map(|(method, endpoint, headers)| {
            format!("{{\"method\":{method},\"endpoint\":{endpoint},\"headers\":{headers},\"body\":{headers}}}")
        }),
    ];
    let shaped = (metadata, garbage(), 0..4_u8)
        .prop_map(|(metadata, body, shape)| match shape {
            0 => metadata.into_bytes(),
            1 => format!("l{}:{metadata}e", metadata.len()).into_bytes(),
            2 => [
                format!("l{}:{metadata}{}:", metadata.len(), body.len()).as_bytes(),
                &body,
                b"e",
            ]
            .concat(),
            _ => format!("l99999999999999999999:{metadata}").into_bytes(),
        })
        .boxed();
    let plaintext = || prop_oneof![3 => shaped.clone(), 1 => garbage()];
    prop_oneof![
        4 => plaintext().prop_map(Envelope::Sealed),
        1 => (plaintext(), any::<Index>(), any::<u8>()).prop_map(|(text, at, byte)| Envelope::Spoilt(text, at, byte)),
        1 => (plaintext(), any::<Index>()).prop_map(|(text, at)| Envelope::Cut(text, at)),
        1 => garbage().prop_map(Envelope::Bare),
    ]
}

async fn try_envelope(scene: &Scene, path: &str, envelope: Envelope) {
    let target = Destination {
        protocol: "http".to_owned(),
        host: "localhost".to_owned(),
        port: 80,
        target: path.to_owned(),
        key: *scene.server.app().key.public(),
    };
    let seal = |plaintext: &[u8]| wrap(&target, &[], Cipher::default(), plaintext).unwrap();
    let (body, key) = match envelope {
        Envelope::Bare(bytes) => (bytes, None),
        Envelope::Sealed(plaintext) => {
            let wrapped = seal(&plaintext);
            (wrapped.body.to_vec(), Some(wrapped.key))
        }
        Envelope::Spoilt(plaintext, at, byte) => {
            let mut body = seal(&plaintext).body.to_vec();
            let at = at.index(body.len());
            body[at] = byte;
            (body, None)
        }
        Envelope::Cut(plaintext, at) => {
            let mut body = seal(&plaintext).body.to_vec();
            body.truncate(at.index(body.len()));
            (body, None)
        }
    };
    let request = Request::new("POST", path).body(body);
    let answer = scene.server.anonymous().direct(request).await.unwrap();
    assert!(matches!(answer.status, 200 | 400), "{answer:?}");
    let Some(key) = key else { return };
    assert_eq!(answer.status, 200, "{answer:?}");
    if path.contains("v4") {
        let inside = v4_reply(key.open(answer.body[..].into()).unwrap()).unwrap();
        assert!(inside.status < 500, "{inside:?}");
    } else {
        let sealed = STANDARD.decode(&answer.body).unwrap();
        let inside = v3_reply(key.open(sealed[..].into()).unwrap());
        assert!(inside.status < 500, "{inside:?}");
    }
}

#[test]
fn no_envelope_does_harm() {
    let (runtime, scene) = scene(Stores::Embedded).unwrap();
    let config = Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let path = prop::sample::select(vec!["/oxen/v3/lsrpc", "/oxen/v4/lsrpc", "/loki/v3/lsrpc"]);
    let before = runtime.block_on(dump(&scene));
    let outcome = runner.run(&(path, envelope()), |(path, envelope)| {
        runtime.block_on(try_envelope(&scene, path, envelope));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let changed = difference(&before, &runtime.block_on(dump(&scene)));
    assert!(changed.is_empty(), "{changed:?}");
}
