//! What processes have used, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux tells processor time in hundredths of a second, whatever its own clock does.
const TICKS_PER_SECOND: u64 = 100;

/// Processes that are watched together.
#[derive(Clone, Debug)]
pub struct Processes(Vec<u32>);

/// What processes have used so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time in user mode and in the kernel, to a hundredth of a second.
    pub cpu: Duration,
    /// Memory they hold, in bytes.
    pub resident: u64,
    /// The most memory they have held since [`Processes::forget_peak`], in bytes; a sum over the processes, whose peaks
    /// may have been at different times.
    pub peak: u64,
}

impl Processes {
    /// The processes with these ids.
    #[must_use]
    pub fn new(ids: Vec<u32>) -> Self {
        Self(ids)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets the peak of memory start anew. That may be forbidden; the peak is that since the start of the process then.
    pub fn forget_peak(&self) {
        for id in &self.0 {
            let _ = fs::write(format!("/proc/{id}/clear_refs"), "5");
        }
    }

    /// What they have used so far.
    ///
    /// # Errors
    ///
    /// When one of them is gone.
    pub fn usage(&self) -> Result<Usage> {
        let mut sum = Usage {
            cpu: Duration::ZERO,
            resident: 0,
            peak: 0,
        };
        for id in &self.0 {
            let read = |file: &str| {
                fs::read_to_string(format!("/proc/{id}/{file}")).with_context(|| format!("there is no process {id}"))
            };
            sum.cpu += cpu(&read("stat")?).context("/proc/PID/stat is not as expected")?;
            let status = read("status")?;
            sum.resident += memory(&status, "VmRSS:").context("the process has ended")?;
            sum.peak += memory(&status, "VmHWM:").context("the process has ended")?;
        }
        Ok(sum)
    }
}

/// User and kernel time out of the text of a `stat` file.
fn cpu(stat: &str) -> Option<Duration> {
    // The name of the program, in parentheses, may hold anything.
    let (_name, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11);
    let user: u64 = ticks.next()?.parse().ok()?;
    let kernel: u64 = ticks.next()?.parse().ok()?;
    Some(Duration::from_millis((user + kernel) * 1000 / TICKS_PER_SECOND))
}

/// A figure in kB out of the text of a `status` file, in bytes.
fn memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "1 (a ) b) S 0 1 1 0 -1 4194560 9 8 7 6 150 50 3 2 20 0 1 0 5 1000 200 184";
        assert_eq!(cpu(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn this_process_has_used_memory() {
        let usage = Processes::new(vec![std::process::id()]).usage().unwrap();
        assert!(usage.resident > 0 && usage.peak >= usage.resident);
    }
}
