//! What large onion requests cost a real server, against the work that cannot be avoided.
//!
//! `cargo bench -p e2e` prints, for uploads and downloads of 1 MB and 10 MB with both ciphers, the processor time of the
//! server per request, the floor, and the ratio of the two. The floor is measured in the same minute on the same machine:
//! the cipher over the body once, BLAKE2b over it once for an upload, and the body written to a file and flushed to
//! disk, or read from one. Sockets, HTTP, envelope, database and memory management are what comes on top; the last
//! column tells what it takes just to move the body through a socket, which nobody can spare either.
//!
//! A bench harness such as divan times closures of its own process. Here the cost arises in another one, spread over
//! its threads, and the figure of interest is a ratio of two processor times, so this is a program that prints a table.

#![expect(clippy::unwrap_used, reason = "a bench that cannot measure ends")]

mod floor;

use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use e2e::load::{Entrance, Prepared, Processes, Target, fileserver, run};
use e2e::{Fileserver, Storage};
use shared::onion::Cipher;

use floor::{FILES, Floor};

/// Each figure is measured so often, the floor and the server in turn; the median and the extremes are shown.
const ROUNDS: usize = 5;

/// Requests in flight while processor time is measured.
const CONCURRENCY: usize = 4;

/// Bytes that go through the server in a round, so that the clock's hundredths of a second do not count.
const BYTES_PER_ROUND: usize = 300_000_000;

/// Requests in flight while memory is measured.
const IN_FLIGHT: usize = 8;

const SIZES: [usize; 2] = [1_000_000, 10_000_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Upload,
    Download,
}

fn main() {
    shared::crypto::init().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        println!("{}\n", processor_time().await);
        println!("{}", memory().await);
    });
}

async fn processor_time() -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "request",
        "cipher",
        "bytes",
        "server CPU ms",
        "floor ms",
        "of it cipher, hash, file",
        "ratio",
        "lowest, highest",
        "socket ms",
    ]);
    for direction in [Direction::Upload, Direction::Download] {
        for cipher in [Cipher::XChaCha20, Cipher::Aes256Gcm] {
            for size in SIZES {
                table.add_row(row(direction, cipher, size).await);
            }
        }
    }
    table
}

async fn row(direction: Direction, cipher: Cipher, size: usize) -> Vec<String> {
    let server = Fileserver::start_on(Storage::local(), "");
    let target = onion(&server, cipher);
    let count = BYTES_PER_ROUND / size;
    // The first requests to a fresh process pay for more than themselves.
    cost(&server, requests(&target, direction, size, count / 4).await).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let floor = Floor::measure(server.data(), cipher, size, direction == Direction::Upload);
        let cost = cost(&server, requests(&target, direction, size, count).await).await;
        rounds.push((cost, floor));
    }
    let mut ratios: Vec<_> = rounds.iter().map(|(cost, floor)| ratio(*cost, floor.sum())).collect();
    ratios.sort_by(f64::total_cmp);
    let of = |figure: &dyn Fn(&Floor) -> Duration| median(rounds.iter().map(|(_, floor)| figure(floor)));
    let (cipher_time, hash, file) = (
        of(&|floor| floor.cipher),
        of(&|floor| floor.hash),
        of(&|floor| floor.file),
    );
    vec![
        format!("{direction:?}").to_lowercase(),
        cipher.name().to_owned(),
        size.to_string(),
        milliseconds(median(rounds.iter().map(|(cost, _)| *cost))),
        milliseconds(of(&Floor::sum)),
        [cipher_time, hash, file].map(milliseconds).join(", "),
        format!("{:.2}", ratios.get(ROUNDS / 2).unwrap()),
        format!("{:.2}, {:.2}", ratios.first().unwrap(), ratios.last().unwrap()),
        milliseconds(of(&|floor| floor.socket)),
    ]
}

async fn requests(target: &Target, direction: Direction, size: usize, count: usize) -> Vec<Prepared> {
    match direction {
        Direction::Upload => fileserver::uploads(target, count, count, size).unwrap(),
        Direction::Download => {
            let ids = fileserver::put(target, FILES, size).await.unwrap();
            fileserver::downloads(target, &ids, count).unwrap()
        }
    }
}

/// Processor time of the server per request.
async fn cost(server: &Fileserver, requests: Vec<Prepared>) -> Duration {
    let count = u32::try_from(requests.len()).unwrap();
    let outcome = run(requests, CONCURRENCY, &processes(server)).await.unwrap();
    assert!(
        outcome.statuses.keys().eq(["200"]),
        "answers were {:?}",
        outcome.statuses
    );
    outcome.cpu.unwrap() / count
}

async fn memory() -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "request".to_owned(),
        "cipher".to_owned(),
        "idle MiB".to_owned(),
        format!("peak MiB, {IN_FLIGHT} in flight"),
        "growth per request, in bodies of 10 MB".to_owned(),
    ]);
    for direction in [Direction::Upload, Direction::Download] {
        for cipher in [Cipher::XChaCha20, Cipher::Aes256Gcm] {
            table.add_row(memory_row(direction, cipher).await);
        }
    }
    table
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn memory_row(direction: Direction, cipher: Cipher) -> Vec<String> {
    let [_, size] = SIZES;
    let server = Fileserver::start_on(Storage::local(), "");
    let idle = processes(&server).usage().unwrap().resident;
    let target = onion(&server, cipher);
    let requests = requests(&target, direction, size, IN_FLIGHT * 4).await;
    let outcome = run(requests, IN_FLIGHT, &processes(&server)).await.unwrap();
    let peak = outcome.peak.unwrap();
    let mebibytes = |bytes: u64| format!("{:.0}", bytes as f64 / f64::from(1 << 20));
    vec![
        format!("{direction:?}").to_lowercase(),
        cipher.name().to_owned(),
        mebibytes(idle),
        mebibytes(peak),
        format!("{:.2}", (peak - idle) as f64 / (IN_FLIGHT * size) as f64),
    ]
}

fn processes(server: &Fileserver) -> Processes {
    Processes::new(vec![server.process_id()])
}

fn onion(server: &Fileserver, cipher: Cipher) -> Target {
    let entrance = Entrance::Onion {
        server: server.key(),
        cipher,
    };
    Target::new(&format!("http://{}", server.address()), entrance).unwrap()
}

fn ratio(cost: Duration, floor: Duration) -> f64 {
    cost.as_secs_f64() / floor.as_secs_f64()
}

fn median(values: impl Iterator<Item = Duration>) -> Duration {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    *values.get(values.len() / 2).unwrap()
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1000.0)
}
