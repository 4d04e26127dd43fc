//! Stopping on SIGTERM and SIGINT.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the process to stop.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Starts to listen for the signals; from now on they no longer end the process by themselves.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of the signals.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Runs the work of an orderly stop. A second signal meanwhile ends the process at once, with exit code 1.
    pub async fn finish(&mut self, work: impl Future<Output = ()>) {
        tokio::select! {
            () = work => {}
            () = self.received() => {
                tracing::warn!("stopped at once by a second signal; requests in flight were cut");
                std::process::exit(1);
            }
        }
    }
}
