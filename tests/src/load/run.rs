//! Sending prepared requests and measuring what comes of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::process::Processes;
use super::target::Prepared;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// From sending a request to the last byte of its answer, sorted.
    pub latencies: Vec<Duration>,
    /// How often each status came; requests without an answer are under `no answer`.
    pub statuses: BTreeMap<String, u64>,
    /// Processor time of the watched processes; `None` if none were named.
    pub cpu: Option<Duration>,
    /// The most memory that they held during the run, in bytes.
    pub peak: Option<u64>,
    /// The memory they held before the run, in bytes.
    pub resident_before: Option<u64>,
}

struct Answered {
    latency: Duration,
    status: String,
}

/// Sends all requests, at most `concurrency` at a time, and watches the server's processes meanwhile.
///
/// # Errors
///
/// When a process cannot be watched. A request that fails is counted, not an error.
pub async fn run(requests: Vec<Prepared>, concurrency: usize, server: &Processes) -> Result<Outcome> {
    let queue = Arc::new(Mutex::new(VecDeque::from(requests)));
    server.forget_peak();
    let before = server.usage()?;
    let start = Instant::now();
    let clients = (0..concurrency).map(|_| tokio::spawn(client(Arc::clone(&queue))));
    let mut answered = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        answered.extend(client.await?);
    }
    let elapsed = start.elapsed();
    let after = server.usage()?;
    let mut statuses = BTreeMap::new();
    for Answered { status, .. } in &answered {
        *statuses.entry(status.clone()).or_default() += 1;
    }
    let mut latencies: Vec<_> = answered.iter().map(|answered| answered.latency).collect();
    latencies.sort_unstable();
    let watched = !server.is_empty();
    Ok(Outcome {
        elapsed,
        latencies,
        statuses,
        cpu: watched.then(|| after.cpu.saturating_sub(before.cpu)),
        peak: watched.then_some(after.peak),
        resident_before: watched.then_some(before.resident),
    })
}

/// One client: sends a request, waits for the answer, and goes on with the next.
async fn client(queue: Arc<Mutex<VecDeque<Prepared>>>) -> Vec<Answered> {
    let mut answered = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(request) = next else { return answered };
        let start = Instant::now();
        let received = request.send().await;
        let latency = start.elapsed();
        let status = match received.map(super::target::Received::open) {
            Ok(Ok((status, _body))) => status.to_string(),
            Ok(Err(_)) => "not opened".to_owned(),
            Err(_) => "no answer".to_owned(),
        };
        answered.push(Answered { latency, status });
    }
}
