//! A signed request takes effect once at most, whatever becomes of the processes that it is sent to, and a client whose
//! request failed through no fault of its own may send it again (`spec/README.md` "Nonces").

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;
mod two_processes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use in_process::{Person, Server, Stores, with_json};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use shared::client::{Answer, Client, Identity, Request};
use shared::clock::Clock;
use shared::config::Span;
use shared::crypto::sogs_auth::SignedRequest;
use shared::onion::split_endpoint;
use shared::run;
use sogs::model::Defaults;
use sogs::store::{NewMessage, NewRoom, Stale, Write};
use two_processes::{Fault, Process, Saboteur, send};

const DAY: u64 = 86_400;

/// A change that can be counted by the word in it, which no other change has.
#[derive(Clone, Copy, Debug)]
enum Change {
    Post,
    Upload,
    Room,
    Letter,
    Reaction,
    /// In a room of its own, whose count of news tells how often it was pinned.
    Pin,
}

/// What a request asks for.
#[derive(Clone, Debug)]
enum Shape {
    One(Change),
    Batch(Vec<Change>),
    Sequence(Vec<Change>),
}

/// What happens next. Requests are chosen out of those there are, processes by their number.
#[derive(Clone, Debug)]
enum Step {
    Send {
        request: usize,
        to: usize,
        onion: bool,
    },
    Twice {
        request: usize,
        to: [usize; 2],
        onion: bool,
    },
    Broken {
        request: usize,
        to: [usize; 2],
        onion: bool,
        fault: Fault,
    },
    Restart(usize),
    Crash(usize),
    CrashMeanwhile {
        request: usize,
        to: usize,
        after: usize,
    },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Post),
        Just(Change::Upload),
        Just(Change::Room),
        Just(Change::Letter),
        Just(Change::Reaction),
        Just(Change::Pin),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let several = || prop::collection::vec(change(), 1..4);
    prop_oneof![
        2 => change().prop_map(Shape::One),
        1 => several().prop_map(Shape::Batch),
        1 => several().prop_map(Shape::Sequence),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (request, to, onion) = (0..6_usize, 0..2_usize, any::<bool>());
    let fault = prop_oneof![Just(Fault::Commit), Just(Fault::Messages), Just(Fault::Files)];
    let pair = [0..2_usize, 0..2_usize];
    prop_oneof![
        3 => (request.clone(), to.clone(), onion).prop_map(|(request, to, onion)| Step::Send { request, to, onion }),
        3 => (request.clone(), pair.clone(), onion)
            .prop_map(|(request, to, onion)| Step::Twice { request, to, onion }),
        3 => (request.clone(), pair, onion, fault)
            .prop_map(|(request, to, onion, fault)| Step::Broken { request, to, onion, fault }),
        1 => to.clone().prop_map(Step::Restart),
        1 => to.clone().prop_map(Step::Crash),
        // From at once to when most requests are done.
        3 => (request, to, 6..18_u32)
            .prop_map(|(request, to, power)| Step::CrashMeanwhile { request, to, after: 1 << power }),
    ]
}

/// A request that is signed, and what is known of it.
struct Signed {
    request: Request,
    several: bool,
    /// The change that each part asks for, and the word to count it by.
    parts: Vec<(Change, String)>,
    /// How often each part has taken effect, as far as was ever seen.
    seen: Vec<i64>,
    /// The lives of processes that have answered it with success, although no part may have succeeded.
    answered_by: BTreeSet<u64>,
}

struct World {
    server: Server,
    saboteur: Saboteur,
    fault: Option<Fault>,
    processes: Vec<Option<Process>>,
    /// Which life of a process this is; no two are the same.
    lives: Vec<u64>,
    admin: Person,
    friend: Person,
    message: i64,
    words: u64,
    outcomes: BTreeMap<&'static str, u32>,
}

impl World {
    async fn new(stores: Stores) -> Option<Self> {
        let mut server = Server::start(stores).await?;
        server.stop_jobs().await;
        let room = server.room("lobby").await;
        let (admin, friend) = (server.user().await, server.user().await);
        let id = admin.id.parse().unwrap();
        let role = sogs::model::RoleChange::Admin { visible: None };
        server
            .change(async |write: &mut Write| write.change_role(&id, &sogs::model::Scope::Server, role).await.unwrap())
            .await;
        let author = server.number_of(&friend).await;
        let message = server.change(async |write: &mut Write| write.post(&text(room, author)).await.unwrap().id);
        let message = message.await;
        let files = (stores == Stores::Embedded).then(|| server.settings.data().join("files"));
        let saboteur = Saboteur::new(server.app().store.database(), files).await;
        let mut world = Self {
            server,
            saboteur,
            fault: None,
            processes: vec![None, None],
            lives: vec![0, 0],
            admin,
            friend,
            message,
            words: 0,
            outcomes: BTreeMap::new(),
        };
        world.revive(0).await;
        world.revive(1).await;
        Some(world)
    }

    /// Starts a process, unless it is running.
    async fn revive(&mut self, number: usize) {
        if self.processes[number].is_none() {
            self.processes[number] = Some(Process::start(&self.server.settings, &self.server.clock).await);
            self.lives[number] = self.lives.iter().max().unwrap() + 1;
        }
    }

    fn client(&self, number: usize) -> Client {
        self.processes[number].as_ref().unwrap().client()
    }

    /// One of those that have not been done yet, if there are any.
    fn fresh(requests: &mut [Signed], number: usize) -> &mut Signed {
        let fresh = |signed: &Signed| signed.seen.iter().all(|count| *count == 0);
        let among: Vec<usize> = (0..requests.len()).filter(|index| fresh(&requests[*index])).collect();
        let index = among.get(number % among.len().max(1)).copied();
        &mut requests[index.unwrap_or(0)]
    }

    /// Plays all steps, and then lets every request succeed that has not.
    async fn play(&mut self, shapes: &[Shape], steps: &[Step]) {
        // An earlier play may have been broken off.
        if let Some(fault) = self.fault.take() {
            self.saboteur.end(fault).await;
        }
        self.revive(0).await;
        self.revive(1).await;
        let mut requests = Vec::new();
        for shape in shapes {
            requests.push(self.sign(shape).await);
        }
        for process in self.processes.iter().flatten() {
            process.catch_up().await;
        }
        for step in steps {
            self.step(&mut requests, step).await;
        }
        for signed in &mut requests {
            for to in [0, 1, 0] {
                self.send(signed, to, to == 1, None).await;
            }
            // A batch counts as done although parts of it failed, or a crash came after its first change.
            let all = signed.seen.iter().all(|count| *count == 1);
            let some = signed.seen.contains(&1) || !signed.answered_by.is_empty();
            assert!(all || (signed.several && some), "{:?}", signed.parts);
        }
        // The last moment at which they could be accepted.
        self.server.pass(DAY);
        let now = self.server.clock.now();
        self.server.app().store.delete_stale(Stale::Nonces, now).await.unwrap();
        for signed in &mut requests {
            self.send(signed, 0, false, None).await;
            self.send(signed, 1, true, None).await;
        }
    }

    async fn step(&mut self, requests: &mut [Signed], step: &Step) {
        let count = requests.len();
        let among = |number: usize| number % count;
        match *step {
            Step::Send { request, to, onion } => self.send(&mut requests[among(request)], to, onion, None).await,
            Step::Twice { request, to, onion } => self.twice(&mut requests[among(request)], to, onion, None).await,
            Step::Broken {
                request,
                to,
                onion,
                fault,
            } => {
                let signed = Self::fresh(requests, request);
                self.saboteur.begin(fault).await;
                self.fault = Some(fault);
                self.send(signed, to[0], onion, Some(fault)).await;
                self.twice(signed, to, onion, Some(fault)).await;
                self.saboteur.end(fault).await;
                self.fault = None;
            }
            Step::Restart(number) => {
                self.processes[number].take().unwrap().stop().await;
                self.revive(number).await;
            }
            Step::Crash(number) => {
                self.processes[number].take().unwrap().crash().await;
                self.revive(number).await;
            }
            Step::CrashMeanwhile { request, to, after } => {
                let signed = Self::fresh(requests, request);
                let (client, request) = (self.client(to), signed.request.clone());
                let sending = tokio::spawn(async move { send(&client, request, false).await });
                for _ in 0..after {
                    tokio::task::yield_now().await;
                }
                self.processes[to].take().unwrap().crash().await;
                let answer = sending.await.unwrap();
                self.revive(to).await;
                let before = signed.seen.clone();
                self.look(signed).await;
                let took = signed.seen != before;
                *self
                    .outcomes
                    .entry(match (answer.is_some(), took) {
                        (true, true) => "crash: answered and done",
                        (true, false) => "crash: answered, not done",
                        (false, true) => "crash: done without answer",
                        (false, false) => "crash: not done",
                    })
                    .or_default() += 1;
                if let Some(answer) = answer.filter(|answer| answer.status == 200 || answer.status == 201) {
                    assert!(
                        before.iter().all(|count| *count == 0),
                        "accepted again: {:?}",
                        signed.parts
                    );
                    succeeded(signed, &answer);
                }
            }
        }
    }

    /// Sends a request to one process while no other has it.
    async fn send(&mut self, signed: &mut Signed, to: usize, onion: bool, fault: Option<Fault>) {
        let answer = send(&self.client(to), signed.request.clone(), onion).await.unwrap();
        let before = signed.seen.clone();
        self.look(signed).await;
        let done = before.iter().any(|count| *count > 0);
        let known = done || signed.answered_by.contains(&self.lives[to]);
        let status = answer.status;
        *self
            .outcomes
            .entry(match status {
                425 => "refused as used",
                500.. => "failed",
                _ => "succeeded",
            })
            .or_default() += 1;
        match status {
            200 | 201 => {
                let again = known && !is_vain(signed, &answer, fault);
                assert!(!again, "accepted again: {:?}", signed.parts);
                let all = succeeded(signed, &answer);
                assert!(all || fault.is_some(), "a part failed: {:?}", answer.body);
                signed.answered_by.insert(self.lives[to]);
            }
            425 => assert!(known, "refused although nothing was done: {:?}", signed.parts),
            500.. => assert!(fault.is_some(), "failed: {status} {:?}", answer.body),
            _ => panic!("{status} {:?}", answer.body),
        }
    }

    /// Sends a request twice at the same time.
    async fn twice(&mut self, signed: &mut Signed, to: [usize; 2], onion: bool, fault: Option<Fault>) {
        let [one, other] = to.map(|number| self.client(number));
        let request = || signed.request.clone();
        let (one, other) = tokio::join!(send(&one, request(), onion), send(&other, request(), false));
        let (one, other) = (one.unwrap(), other.unwrap());
        let before = signed.seen.clone();
        self.look(signed).await;
        let done = before.iter().any(|count| *count > 0);
        let answered = to.iter().any(|to| signed.answered_by.contains(&self.lives[*to]));
        for (to, answer) in to.iter().zip([&one, &other]) {
            match answer.status {
                200 | 201 => {
                    let again = done && !is_vain(signed, answer, fault);
                    assert!(!again, "accepted again: {:?}", signed.parts);
                    succeeded(signed, answer);
                    signed.answered_by.insert(self.lives[*to]);
                }
                425 => {}
                500.. => assert!(fault.is_some(), "failed: {answer:?}"),
                _ => panic!("{answer:?}"),
            }
        }
        let successes = [&one, &other].iter().filter(|answer| answer.status < 300).count();
        if fault.is_none() && !done && !answered {
            assert_eq!(successes, 1, "{one:?} {other:?}");
        }
    }

    /// Counts what has been done.
    async fn look(&self, signed: &mut Signed) {
        for ((change, word), seen) in signed.parts.iter().zip(&mut signed.seen) {
            let count = self.count(*change, word).await;
            assert!(count <= 1, "done {count} times: {change:?} {word}");
            *seen = count.max(*seen);
        }
    }

    async fn count(&self, change: Change, word: &str) -> i64 {
        let mut tx = self.server.app().store.database().read().await.unwrap();
        let bytes = word.as_bytes();
        let count = match change {
            Change::Post => {
                run!(
                    tx,
                    fetch_one,
                    query_scalar::<_, i64>,
                    "SELECT COUNT(*) FROM messages WHERE data = $1",
                    bytes
                )
            }
            Change::Upload => {
                run!(
                    tx,
                    fetch_one,
                    query_scalar::<_, i64>,
                    "SELECT COUNT(*) FROM files WHERE filename = $1",
                    word
                )
            }
            Change::Room => {
                run!(
                    tx,
                    fetch_one,
                    query_scalar::<_, i64>,
                    "SELECT COUNT(*) FROM rooms WHERE token = $1",
                    word
                )
            }
            Change::Letter => {
                run!(
                    tx,
                    fetch_one,
                    query_scalar::<_, i64>,
                    "SELECT COUNT(*) FROM direct_messages WHERE body = $1",
                    bytes
                )
            }
            Change::Reaction => {
                run!(
                    tx,
                    fetch_one,
                    query_scalar::<_, i64>,
                    "SELECT COUNT(*) FROM reactions WHERE reaction = $1",
                    word
                )
            }
            Change::Pin => {
                run!(
                    tx,
                    fetch_one,
                    query_scalar::<_, i64>,
                    "SELECT info_updates - 1 FROM rooms WHERE token = $1",
                    word
                )
            }
        };
        count.unwrap()
    }

    /// A request of this shape with words of its own.
    async fn sign(&mut self, shape: &Shape) -> Signed {
        let (changes, path) = match shape {
            Shape::One(change) => (std::slice::from_ref(change), None),
            Shape::Batch(changes) => (&changes[..], Some("/batch")),
            Shape::Sequence(changes) => (&changes[..], Some("/sequence")),
        };
        let mut parts = Vec::new();
        let mut elements = Vec::new();
        for change in changes {
            self.words += 1;
            let word = format!("w{}", self.words);
            elements.push(self.element(*change, &word).await);
            parts.push((*change, word));
        }
        let request = match path {
            Some(path) => with_json("POST", path, &elements.into()),
            None => alone(&elements[0]),
        };
        Signed {
            request: sign(&self.server, &self.admin, request),
            several: matches!(shape, Shape::Batch(_) | Shape::Sequence(_)),
            seen: vec![0; parts.len()],
            parts,
            answered_by: BTreeSet::new(),
        }
    }

    /// The element of a batch that asks for this.
    async fn element(&self, change: Change, word: &str) -> Value {
        let base64 = STANDARD.encode(word);
        let zeros = STANDARD.encode([0; 64]);
        match change {
            Change::Post => {
                let body = json!({ "data": base64, "signature": zeros });
                json!({ "method": "POST", "path": "/room/lobby/message", "json": body })
            }
            Change::Upload => {
                let headers = json!({ "Content-Disposition": format!("attachment; filename={word}") });
                json!({ "method": "POST", "path": "/room/lobby/file", "b64": base64, "headers": headers })
            }
            Change::Room => {
                json!({ "method": "POST", "path": "/rooms", "json": { "token": word, "name": word } })
            }
            Change::Letter => {
                let path = format!("/inbox/{}", self.friend.id);
                json!({ "method": "POST", "path": path, "json": { "message": base64 } })
            }
            Change::Reaction => {
                let path = format!("/room/lobby/reaction/{}/{word}", self.message);
                json!({ "method": "PUT", "path": path, "json": {} })
            }
            Change::Pin => {
                let new = NewRoom {
                    token: word.parse().unwrap(),
                    name: word.to_owned(),
                    description: None,
                    defaults: Defaults::default(),
                };
                let author = self.server.number_of(&self.friend).await;
                let message = self.server.change(async |write: &mut Write| {
                    let room = write.create_room(&new).await.unwrap().unwrap();
                    write.post(&text(room, author)).await.unwrap().id
                });
                let path = format!("/room/{word}/pin/{}", message.await);
                json!({ "method": "POST", "path": path, "json": {} })
            }
        }
    }
}

fn text(room: sogs::model::RoomNo, author: sogs::model::UserNo) -> NewMessage<'static> {
    NewMessage {
        room,
        author,
        data: b"text",
        signature: &[0; 64],
        whisper: None,
        whisper_mods: false,
        filtered: false,
        limit: None,
    }
}

/// A request that is to be sent as it is, with the same nonce each time.
fn sign(server: &Server, person: &Person, mut request: Request) -> Request {
    let (path, query) = split_endpoint(&request.target).unwrap();
    let signed = SignedRequest {
        method: &request.method,
        path: &path,
        query: query.as_deref(),
        body: &request.body,
    };
    let (key, now) = (server.app().key.public(), server.clock.now());
    let headers = person.account.sign_for_community(Identity::Blinded, key, &signed, now);
    request.headers.extend(headers.unwrap());
    request
}

/// The request that an element of a batch stands for.
fn alone(element: &Value) -> Request {
    let text = |key: &str| element[key].as_str();
    let mut request = Request::new(text("method").unwrap(), text("path").unwrap());
    for (name, value) in element["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap());
    }
    match text("b64") {
        Some(base64) => request.body(STANDARD.decode(base64).unwrap()),
        None => request
            .header("Content-Type", "application/json")
            .body(element["json"].to_string()),
    }
}

/// The status of each part that was run.
fn codes(signed: &Signed, answer: &Answer) -> Vec<u64> {
    if !signed.several {
        return vec![answer.status.into()];
    }
    let parts: Vec<Value> = serde_json::from_slice(&answer.body).unwrap();
    parts.iter().map(|part| part["code"].as_u64().unwrap()).collect()
}

/// Whoever was told of a success can rely on it. Answers whether all parts succeeded.
fn succeeded(signed: &Signed, answer: &Answer) -> bool {
    let codes = codes(signed, answer);
    for (code, (part, seen)) in codes.iter().zip(signed.parts.iter().zip(&signed.seen)) {
        assert!(
            *code >= 300 || *seen == 1,
            "told {code} although nothing was done: {part:?}"
        );
    }
    codes.len() == signed.parts.len() && codes.iter().all(|code| *code < 300)
}

/// A batch that was done before is taken again at most where each of its parts fails before it comes to the nonce.
fn is_vain(signed: &Signed, answer: &Answer, fault: Option<Fault>) -> bool {
    fault.is_some() && signed.several && codes(signed, answer).iter().all(|code| *code >= 500)
}

fn nothing_happens_twice(stores: Stores, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let Some(world) = runtime.block_on(World::new(stores)) else {
        return;
    };
    let world = tokio::sync::Mutex::new(world);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let plan = (
        prop::collection::vec(shape(), 2..6),
        prop::collection::vec(step(), 4..12),
    );
    let outcome = runner.run(&plan, |(shapes, steps)| {
        runtime.block_on(async {
            world.lock().await.play(&shapes, &steps).await;
        });
        Ok(())
    });
    eprintln!("{:?}", world.blocking_lock().outcomes);
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn nothing_happens_twice_and_no_failure_costs_a_nonce_on_one_machine() {
    nothing_happens_twice(Stores::Embedded, 40);
}

#[test]
fn nothing_happens_twice_and_no_failure_costs_a_nonce_on_shared_stores() {
    nothing_happens_twice(Stores::Shared, 40);
}

/// A message, signed once.
fn signed_post(server: &Server, person: &Person, text: &str) -> Request {
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let body = json!({ "data": encode(text.as_bytes()), "signature": encode(&[0; 64]) });
    let request = with_json("POST", "/room/lobby/message", &body);
    sign(server, person, request)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_took_too_long_may_be_sent_again() {
    // Long enough for what is not held up.
    let patience = Span::seconds(2);
    let server = Server::start_with(Stores::Embedded, |settings| {
        settings.common.http.handler_timeout = patience;
    });
    let server = server.await.unwrap();
    server.room("lobby").await;
    let person = server.user().await;
    let client = server.anonymous();
    // Somebody new waits even before it is known who asks.
    for (onion, person) in [(false, &person), (true, &person), (true, &server.person())] {
        let request = signed_post(&server, person, "slow");
        let held_up = server.app().store.database().write().await.unwrap();
        let answer = send(&client, request.clone(), onion).await.unwrap();
        assert_eq!(answer.status, 504, "onion: {onion}");
        held_up.rollback().await.unwrap();
        let answer = send(&client, request.clone(), onion).await.unwrap();
        assert_eq!(answer.status, 201, "onion: {onion} {:?}", answer.body);
        assert_eq!(send(&client, request, onion).await.unwrap().status, 425);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_kept_while_a_process_with_a_slow_clock_would_take_the_request() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    server.room("lobby").await;
    let person = server.user().await;
    let request = signed_post(&server, &person, "once");
    assert_eq!(
        send(&server.anonymous(), request.clone(), false).await.unwrap().status,
        201
    );

    let slow = Clock::manual(server.clock.now().plus(Duration::from_secs(DAY)));
    server.pass(DAY + 60);
    sogs::jobs::keep_once(server.app()).await;
    let other = Process::start(&server.settings, &slow).await;
    assert_eq!(send(&other.client(), request, false).await.unwrap().status, 425);
    other.stop().await;
}
