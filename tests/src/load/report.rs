//! The figures of a run, for people and for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

use super::run::Outcome;

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was asked for.
    pub scenario: String,
    /// Requests sent.
    pub requests: usize,
    /// How many were in flight at the same time.
    pub concurrency: usize,
    /// How often each status came.
    pub statuses: BTreeMap<String, u64>,
    /// Requests per second of wall time.
    pub per_second: f64,
    /// Half of the answers were there within so many milliseconds.
    pub p50_ms: f64,
    /// Nine in ten.
    pub p90_ms: f64,
    /// Ninety-nine in a hundred.
    pub p99_ms: f64,
    /// All.
    pub max_ms: f64,
    /// Processor time of the server per request, in milliseconds.
    pub server_cpu_ms: Option<f64>,
    /// Memory of the server before the run, in MiB.
    pub resident_before_mib: Option<f64>,
    /// The most memory of the server during the run, in MiB.
    pub peak_mib: Option<f64>,
}

impl Report {
    /// The figures of a run under a name.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    pub fn new(scenario: String, concurrency: usize, outcome: &Outcome) -> Self {
        let requests = outcome.latencies.len();
        let count = requests.max(1) as f64;
        let quantile = |percent| milliseconds(percentile(&outcome.latencies, percent));
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        Self {
            scenario,
            requests,
            concurrency,
            statuses: outcome.statuses.clone(),
            per_second: count / outcome.elapsed.as_secs_f64(),
            p50_ms: quantile(50),
            p90_ms: quantile(90),
            p99_ms: quantile(99),
            max_ms: quantile(100),
            server_cpu_ms: outcome.cpu.map(|cpu| milliseconds(cpu) / count),
            resident_before_mib: outcome.resident_before.map(mebibytes),
            peak_mib: outcome.peak.map(mebibytes),
        }
    }

    /// Several reports as a table that is also Markdown.
    #[must_use]
    pub fn table(reports: &[Self]) -> Table {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header([
            "scenario",
            "answers",
            "at once",
            "requests/s",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "max ms",
            "server CPU ms",
            "memory MiB, before and peak",
        ]);
        for report in reports {
            table.add_row(report.row());
        }
        table
    }

    fn row(&self) -> [String; 10] {
        let answers = self
            .statuses
            .iter()
            .map(|(status, count)| format!("{count} x {status}"));
        let memory = self.resident_before_mib.zip(self.peak_mib);
        [
            self.scenario.clone(),
            answers.collect::<Vec<_>>().join(", "),
            self.concurrency.to_string(),
            format!("{:.0}", self.per_second),
            format!("{:.1}", self.p50_ms),
            format!("{:.1}", self.p90_ms),
            format!("{:.1}", self.p99_ms),
            format!("{:.1}", self.max_ms),
            self.server_cpu_ms.map_or_else(String::new, |cpu| format!("{cpu:.2}")),
            memory.map_or_else(String::new, |(before, peak)| format!("{before:.0}, {peak:.0}")),
        ]
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The smallest latency that so many in a hundred did not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_were_measured() {
        let sorted: Vec<_> = (1..=10).map(Duration::from_millis).collect();
        let of = |percent| percentile(&sorted, percent).as_millis();
        assert_eq!((of(50), of(90), of(99), of(100)), (5, 9, 10, 10));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
