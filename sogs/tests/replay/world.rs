//! Two processes, and whoever sends them requests.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::Client;
use shared::run;
use sogs::model::Defaults;
use sogs::store::{NewMessage, NewRoom, Stale, Write};

use crate::DAY;
use crate::in_process::{Person, Server, Stores, with_json};
use crate::plan::{Change, Shape, Step};
use crate::signed::{Signed, alone, is_vain, sign, succeeded};
use crate::two_processes::{Fault, Process, Saboteur, send};

pub(crate) struct World {
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
    pub(crate) outcomes: BTreeMap<&'static str, u32>,
}

impl World {
    pub(crate) async fn new(stores: Stores) -> Option<Self> {
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
    pub(crate) async fn play(&mut self, shapes: &[Shape], steps: &[Step]) {
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
