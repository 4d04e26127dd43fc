//! The server is killed at many moments while people post and upload. Whatever it had acknowledged is there afterwards,
//! and whoever got no answer and asks again, with the same headers as clients do, has it there once and not twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use e2e::{Setup, Sogs, random_bytes};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use shared::client::{Client, Request};
use tokio::sync::Notify;

use crate::people::{Person, message, number, text, upload};
use crate::{knows, start, with_room};

/// People who are busy at the same time.
const PEOPLE: u64 = 4;

/// What the server was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Post(String),
    /// A file made from this.
    File(u64),
}

/// What is known about all rounds from the outside.
#[derive(Default)]
struct Ledger {
    /// What was acknowledged, by its number.
    granted: Mutex<BTreeMap<Wish, i64>>,
    /// What got no answer, with the request as it went out.
    unanswered: Mutex<Vec<(Wish, Request)>>,
    one_more: Notify,
}

fn bytes(seed: u64) -> Bytes {
    random_bytes(seed, 1000 + usize::try_from(seed % 10_000).unwrap())
}

impl Ledger {
    fn grant(&self, wish: Wish, number: i64) {
        assert_eq!(self.granted.lock().unwrap().insert(wish, number), None);
        self.one_more.notify_one();
    }

    fn count(&self) -> usize {
        self.granted.lock().unwrap().len()
    }
}

/// Posts and uploads until the server is gone.
async fn be_busy(unsigned: Client, requests: Vec<(Wish, Request)>, ledger: Arc<Ledger>) {
    for (wish, request) in requests {
        match unsigned.direct(request.clone()).await {
            Ok(answer) => ledger.grant(wish, number(&answer)),
            Err(_) => return ledger.unanswered.lock().unwrap().push((wish, request)),
        }
    }
    panic!("there was too little to do");
}

/// More than a round takes, signed beforehand so that the server has all the time.
fn wishes(server: &Sogs, person: &Person, random: &mut StdRng) -> Vec<(Wish, Request)> {
    let wish = |_| {
        let seed = random.random();
        let (wish, request) = if random.random_bool(0.6) {
            let text = format!("message {seed}");
            let request = message("lobby", &text);
            (Wish::Post(text), request)
        } else {
            (Wish::File(seed), upload("lobby", bytes(seed)))
        };
        (wish, person.sign(server, request))
    };
    (0..80).map(wish).collect()
}

/// Lets people work until a moment that the seed decides.
async fn work(server: &Sogs, ledger: &Arc<Ledger>, seed: u64) -> Vec<tokio::task::JoinHandle<()>> {
    let mut random = StdRng::seed_from_u64(seed);
    let enough = ledger.count() + random.random_range(1..60);
    let and_then = random
        .random_bool(0.5)
        .then(|| Duration::from_micros(random.random_range(0..20_000)));
    let mut busy = Vec::new();
    for _ in 0..PEOPLE {
        let requests = wishes(server, &Person::at(server), &mut random);
        busy.push(tokio::spawn(be_busy(server.client(), requests, Arc::clone(ledger))));
    }
    let working = async {
        while ledger.count() < enough {
            ledger.one_more.notified().await;
        }
    };
    e2e::soon("working", working).await;
    if let Some(a_while) = and_then {
        // Somewhere in the middle of what comes next.
        tokio::time::sleep(a_while).await;
    }
    busy
}

/// Sends what got no answer again as it was. It is done now, or was before.
async fn ask_again(server: &Sogs, ledger: &Ledger, done: &mut BTreeSet<Wish>) {
    let unanswered = std::mem::take(&mut *ledger.unanswered.lock().unwrap());
    for (wish, request) in unanswered {
        let answer = server.client().direct(request).await.unwrap();
        match answer.status {
            201 => ledger.grant(wish, number(&answer)),
            425 => assert!(done.insert(wish)),
            _ => panic!("{wish:?}: {answer:?}"),
        }
    }
}

/// Compares what was wished for with what is there.
async fn assert_all_is_there_once(server: &Sogs, ledger: &Ledger, done: &BTreeSet<Wish>) {
    let reader = Person::at(server);
    let granted = ledger.granted.lock().unwrap().clone();
    let mut posts = BTreeMap::new();
    let mut cursor = 0;
    loop {
        let page = reader
            .json(&format!("/room/lobby/messages/since/{cursor}?limit=256"))
            .await;
        for message in page.as_array().unwrap() {
            let seqno = message["seqno"].as_i64().unwrap();
            assert_eq!(seqno, cursor + 1, "no sequence number is left out");
            cursor = seqno;
            let wish = Wish::Post(text(message));
            assert_eq!(
                posts.insert(wish, message["id"].as_i64().unwrap()),
                None,
                "twice: {message}"
            );
        }
        if page == Value::Array(Vec::new()) {
            break;
        }
    }
    for (wish, id) in &granted {
        match wish {
            Wish::Post(_) => assert_eq!(posts.remove(wish), Some(*id), "{wish:?}"),
            Wish::File(seed) => {
                let file = reader.get(&format!("/room/lobby/file/{id}")).await;
                assert!(file.status == 200 && file.body == bytes(*seed), "{wish:?}");
            }
        }
    }
    for wish in done.iter().filter(|wish| matches!(wish, Wish::Post(_))) {
        assert!(posts.remove(wish).is_some(), "{wish:?}");
    }
    assert!(posts.is_empty(), "nobody wished for {posts:?}");

    // Files whose number nobody was told are there as well, and no others.
    let numbers: BTreeSet<i64> = granted
        .iter()
        .filter_map(|(wish, id)| matches!(wish, Wish::File(_)).then_some(*id))
        .collect();
    let mut untold: BTreeMap<Bytes, &Wish> = done
        .iter()
        .filter_map(|wish| match wish {
            Wish::File(seed) => Some((bytes(*seed), wish)),
            Wish::Post(_) => None,
        })
        .collect();
    let last = reader.uploaded("lobby", "the last one").await;
    for id in (1..last).filter(|id| !numbers.contains(id)) {
        let file = reader.get(&format!("/room/lobby/file/{id}")).await;
        if file.status == 200 {
            let known = file.body == "the last one" || untold.remove(&file.body).is_some();
            assert!(known, "nobody wished for file {id}");
        }
    }
    assert!(untold.is_empty(), "{:?}", untold.values());
}

/// How a round ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Stopped,
}

async fn rounds(server: &mut Sogs, end: End, seeds: std::ops::Range<u64>) {
    with_room(server, "lobby");
    knows(server, "lobby").await;
    let ledger = Arc::new(Ledger::default());
    let mut done = BTreeSet::new();
    for seed in seeds {
        println!("seed {seed}");
        let busy = work(server, &ledger, seed).await;
        match end {
            End::Killed => server.kill(),
            End::Stopped => server.stop(),
        }
        for person in busy {
            person.await.unwrap();
        }
        server.restart();
        ask_again(server, &ledger, &mut done).await;
        if end == End::Stopped {
            assert!(done.is_empty(), "what was done was not answered: {done:?}");
        }
        assert_all_is_there_once(server, &ledger, &done).await;
    }
    println!("{} acknowledged, {} done without an answer", ledger.count(), done.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_crashes_on_sqlite_and_a_directory() {
    let mut server = start!(Setup::SqliteLocal);
    rounds(&mut server, End::Killed, 0..6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_crashes_on_postgres_and_a_bucket() {
    let mut server = start!(Setup::PostgresS3);
    rounds(&mut server, End::Killed, 100..103).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_answers_all_that_it_does() {
    let mut server = start!(Setup::SqliteLocal);
    rounds(&mut server, End::Stopped, 200..203).await;
}
