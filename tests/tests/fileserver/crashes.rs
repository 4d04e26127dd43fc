//! The server is killed at many moments. Whatever it had acknowledged is there afterwards, whole and for as long as it
//! had promised, and nothing else is left over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use e2e::{Fileserver, Setup, eventually, random_bytes};
use fileserver::model::FileId;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::client::{Answer, Client, ClientError, Request};
use shared::clock::Clock;
use tokio::sync::Notify;

use crate::inventory::Inventory;
use crate::{get, json, put, start};

const SETTINGS: &str = "files.sweep_interval = \"1s\"";

/// Clients that are busy at the same time.
const CLIENTS: u64 = 4;

/// Times on the wire are doubles.
const ROUNDING: f64 = 1e-5;

/// What is known about one file from the outside.
#[derive(Clone, Debug)]
struct Known {
    /// What its bytes are made from.
    seed: u64,
    length: usize,
    /// Until when the server has promised to keep it; zero if an upload was tried but never answered.
    promised: f64,
    /// Until when it may be kept if every request that was ever sent took effect.
    possible: f64,
}

impl Known {
    fn bytes(&self) -> Bytes {
        random_bytes(self.seed, self.length)
    }
}

/// All files of all rounds, by id.
#[derive(Default)]
struct Ledger {
    files: Mutex<BTreeMap<String, Known>>,
    answered: Mutex<u32>,
    one_more: Notify,
}

impl Ledger {
    /// Notes what a request may bring about, before it is sent.
    fn try_for(&self, id: &str, known: &Known, seconds: u32) {
        // The request may arrive a good while later.
        let possible = now() + f64::from(seconds) + 30.0;
        let mut files = self.files.lock().unwrap();
        let known = files.entry(id.to_owned()).or_insert_with(|| known.clone());
        known.possible = known.possible.max(possible);
    }

    /// Notes an answer; a file that had ended and one that is refused stay as they were.
    fn learn(&self, id: &str, answer: &Answer) {
        if answer.status == 200 {
            let expires = json(&answer.body)["expires"].as_f64().unwrap();
            let mut files = self.files.lock().unwrap();
            let known = files.get_mut(id).unwrap();
            known.promised = known.promised.max(expires);
        }
        *self.answered.lock().unwrap() += 1;
        self.one_more.notify_one();
    }

    fn pick(&self, random: &mut StdRng) -> Option<(String, Known)> {
        let files = self.files.lock().unwrap();
        let place = random.random_range(0..files.len().max(1));
        files.iter().nth(place).map(|(id, known)| (id.clone(), known.clone()))
    }

    fn files(&self) -> BTreeMap<String, Known> {
        self.files.lock().unwrap().clone()
    }
}

fn now() -> f64 {
    Clock::system().now().as_seconds_f64()
}

/// Uploads and extends until the server is gone.
async fn be_busy(client: Client, ledger: Arc<Ledger>, mut random: StdRng) {
    loop {
        let seconds = *[1, 2, 60, 600, 86_400].get(random.random_range(0..5_usize)).unwrap();
        let outcome = match ledger.pick(&mut random) {
            Some((id, known)) if random.random_bool(0.4) => {
                let request = if random.random_bool(0.6) {
                    Request::new("POST", &format!("/file/{id}/extend"))
                } else {
                    put(known.bytes())
                };
                send(&client, &ledger, &mut random, (&id, &known), request, seconds).await
            }
            _ => {
                let length = *[1, 900, 20_000, 150_000, 700_000]
                    .get(random.random_range(0..5_usize))
                    .unwrap();
                let seed = random.random();
                let known = Known {
                    seed,
                    length,
                    promised: 0.0,
                    possible: 0.0,
                };
                let id = FileId::of_content(&known.bytes()).to_string();
                let request = put(known.bytes());
                send(&client, &ledger, &mut random, (&id, &known), request, seconds).await
            }
        };
        if outcome.is_err() {
            return;
        }
    }
}

async fn send(
    client: &Client,
    ledger: &Ledger,
    random: &mut StdRng,
    (id, known): (&str, &Known),
    request: Request,
    seconds: u32,
) -> Result<(), ClientError> {
    ledger.try_for(id, known, seconds);
    let request = request.header("X-FS-TTL", &seconds.to_string());
    let answer = if random.random_bool(0.5) {
        client.direct(request).await?
    } else {
        let answer = client.onion_v4(request).await?;
        answer.inside.unwrap_or(answer.outside)
    };
    assert!(matches!(answer.status, 200 | 404), "{answer:?}");
    ledger.learn(id, &answer);
    Ok(())
}

/// Lets clients work and kills the server at a moment that the seed decides.
async fn work_and_crash(server: &mut Fileserver, ledger: &Arc<Ledger>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let answers = random.random_range(1..40);
    // At once every other time: an answer that went out too early is caught right behind it.
    let and_then = random
        .random_bool(0.5)
        .then(|| Duration::from_micros(random.random_range(0..20_000)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let random = StdRng::seed_from_u64(seed * CLIENTS + number);
            tokio::spawn(be_busy(server.client(), Arc::clone(ledger), random))
        })
        .collect();
    let until = *ledger.answered.lock().unwrap() + answers;
    let enough = async {
        while *ledger.answered.lock().unwrap() < until {
            ledger.one_more.notified().await;
        }
    };
    e2e::soon("working", enough).await;
    if let Some(a_while) = and_then {
        // Somewhere in the middle of what comes next.
        tokio::time::sleep(a_while).await;
    }
    server.kill();
    for client in clients {
        client.await.unwrap();
    }
}

/// Compares what was promised with what is there.
async fn assert_promises_are_kept(server: &Fileserver, ledger: &Ledger) {
    let client = server.client();
    let files: Vec<_> = ledger.files().into_iter().collect();
    for some in files.chunks(8) {
        join_all(
            some.iter()
                .map(|(id, known)| assert_promise_is_kept(&client, id, known)),
        )
        .await;
    }
}

async fn assert_promise_is_kept(client: &Client, id: &str, known: &Known) {
    let before = now();
    let answer = get(client, &format!("/file/{id}")).await;
    let info = get(client, &format!("/file/{id}/info")).await;
    let after = now();
    if answer.status == 200 {
        assert!(
            answer.body == known.bytes(),
            "{id} has other bytes than were uploaded: {known:?}"
        );
        assert!(before < known.possible, "{id} outlives its life: {known:?}");
    } else {
        assert_eq!(answer.status, 404, "{id}: {answer:?}");
        assert!(
            known.promised <= after + ROUNDING,
            "{id} is lost: {known:?}, now {after}"
        );
    }
    if info.status == 200 {
        let expires = json(&info.body)["expires"].as_f64().unwrap();
        assert!(
            expires >= known.promised - ROUNDING,
            "{id} lives shorter than promised: {expires} {known:?}"
        );
    }
}

/// The server as it comes up has swept, and what a crash leaves for later is tidied: only whole files remain.
async fn assert_nothing_is_left_over(server: &mut Fileserver, ledger: &Ledger) {
    let inventory = Inventory::of(server).await;
    let is_swept = async || inventory.is_swept(Clock::system().now()).await;
    eventually("what has expired is swept", is_swept).await;
    server.stop();
    let check = server.command(&["check", "--json"]);
    assert!(
        check.status.success(),
        "check: {}",
        String::from_utf8_lossy(&check.stdout)
    );
    inventory.tidy().await;
    // A file may have ended since the last sweep; its row and bytes are still one.
    inventory.assert_consistent().await;
    let files = ledger.files();
    for row in inventory.rows().await {
        assert!(files.contains_key(&row.id), "nobody has uploaded {}", row.id);
    }
    server.restart();
}

async fn rounds(server: &mut Fileserver, seeds: std::ops::Range<u64>) {
    let ledger = Arc::new(Ledger::default());
    for seed in seeds {
        println!("seed {seed}");
        work_and_crash(server, &ledger, seed).await;
        server.restart();
        if seed % 5 == 4 {
            assert_promises_are_kept(server, &ledger).await;
            assert_nothing_is_left_over(server, &ledger).await;
        }
    }
    assert_promises_are_kept(server, &ledger).await;
    assert_nothing_is_left_over(server, &ledger).await;
    let kept = ledger.files().values().filter(|known| known.promised > now()).count();
    assert!(kept > 0, "nothing was tried");
    println!("{} files, {kept} of them still promised", ledger.files().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_files_survive_crashes_on_sqlite_and_a_directory() {
    let mut server = start!(Setup::SqliteLocal, SETTINGS);
    rounds(&mut server, 0..20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_files_survive_crashes_on_postgres_and_a_bucket() {
    let mut server = start!(Setup::PostgresS3, SETTINGS);
    rounds(&mut server, 100..105).await;
}
