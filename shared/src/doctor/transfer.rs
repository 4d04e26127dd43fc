//! Ten million bytes up and down through the public address, and what keeps them from passing.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::outside::Reached;
use super::proxy::Proxy;
use super::{Finding, chain, within};
use crate::client::{Answer, Client, ClientError, OnionAnswer, Request};

/// How long a large request may take; clients give up then.
const PATIENCE: Duration = Duration::from_secs(60);

/// After this time the onion network has given up.
const SLOW: Duration = Duration::from_secs(25);

/// What nginx takes if it is not told otherwise.
const NGINX_DEFAULT: usize = 1024 * 1024;

/// How exactly a limit is found.
const EXACTNESS: usize = 32 * 1024;

/// Where onion requests go.
const ONION: &str = "/oxen/v4/lsrpc";

/// A large request through the public address.
#[derive(Debug)]
pub struct Transfer<'a> {
    /// The server.
    pub reached: &'a Reached,
    /// Signs and wraps the request.
    pub client: &'a Client,
    /// Whether it goes up or down.
    pub check: &'static str,
    /// Bytes of the file.
    pub size: usize,
}

/// What became of a large request.
#[derive(Debug)]
pub enum Sent {
    /// The server itself answered this.
    Answered(Answer, Duration),
    /// It did not come through, for this reason.
    Stuck(Finding),
}

impl Transfer<'_> {
    /// Sends the request. If it does not reach the server, finds out why: what large bodies the proxy lets through.
    pub async fn send(&self, request: Request) -> Sent {
        let begin = Instant::now();
        let outcome = within(PATIENCE, self.client.onion_v4(request)).await;
        let elapsed = begin.elapsed();
        match outcome {
            Some(Ok(OnionAnswer {
                inside: Some(answer), ..
            })) => Sent::Answered(answer, elapsed),
            None => Sent::Stuck(self.too_slow()),
            Some(Ok(OnionAnswer { outside, .. })) if matches!(outside.status, 408 | 504) => {
                Sent::Stuck(self.too_slow())
            }
            Some(Ok(OnionAnswer { outside, .. })) => {
                let proxy = match Proxy::of(&outside) {
                    Proxy::Unknown => self.reached.proxy,
                    known => known,
                };
                Sent::Stuck(
                    self.refused(proxy, &format!("was refused with {}", outside.status))
                        .await,
                )
            }
            Some(Err(error @ ClientError::NotOpened(_))) => Sent::Stuck(Finding::error(
                self.check,
                format!(
                    "The answer to a request of {} does not open: {}.",
                    self.shown(),
                    chain(&error)
                ),
                "Something between here and the server changes answers: switch off caches and filters in the proxy.",
            )),
            Some(Err(error)) => Sent::Stuck(
                self.refused(self.reached.proxy, &format!("was cut off ({})", chain(&error)))
                    .await,
            ),
        }
    }

    /// How well it went.
    #[must_use]
    pub fn went_well(&self, what: &str, elapsed: Duration) -> Finding {
        let seconds = elapsed.as_secs_f64();
        let sentence = format!("{} were {what} in {seconds:.1} seconds.", self.shown());
        if elapsed > SLOW {
            Finding::warning(
                self.check,
                sentence,
                "The onion network gives up after 25 seconds. If the line from here to the server is fast, look at the \
                 load of the server and at limits of speed in the proxy.",
            )
        } else {
            Finding::ok(self.check, sentence)
        }
    }

    /// Whether what was asked for came back as it had been sent.
    pub async fn returns(&self, request: Request, sent: &Bytes) -> Finding {
        match self.send(request).await {
            Sent::Stuck(finding) => finding,
            Sent::Answered(answer, elapsed) if answer.body == *sent => self.went_well("downloaded", elapsed),
            Sent::Answered(answer, _) => Finding::error(
                self.check,
                format!(
                    "What was uploaded did not come back: {} with {} bytes.",
                    answer.status,
                    answer.body.len()
                ),
                "Look into the log of the server, and whether the proxy caches or changes answers.",
            ),
        }
    }

    /// An upload that the server itself refuses. `spent` says which limit it was, `busy` what may be out of reach.
    #[must_use]
    pub fn turned_down(&self, program: &str, status: u16, spent: &str, busy: &str) -> Finding {
        let sentence = |why: &str| format!("The server refuses the file ({status}): {why}.");
        match status {
            413 => Finding::warning(
                self.check,
                sentence("it is larger than the server takes, though apps send such"),
                "Set max_size = \"10 MB\" in [files], or leave it out.",
            ),
            429 => Finding::skipped(self.check, sentence(spent)),
            507 => Finding::error(
                self.check,
                sentence("too little is free on its disk"),
                format!(
                    "Make room on the disk of the server; `{program} doctor` there says how much is free and how much \
                     must be."
                ),
            ),
            503 => Finding::warning(
                self.check,
                sentence(busy),
                format!("Try again; `{program} doctor` on the server, and its log, say more."),
            ),
            _ => Finding::error(self.check, sentence("unexpectedly"), "Look into the log of the server."),
        }
    }

    fn shown(&self) -> String {
        bytes(self.size)
    }

    fn too_slow(&self) -> Finding {
        Finding::error(
            self.check,
            format!("{} did not come through in time.", self.shown()),
            format!(
                "If the line from here to the server is fast enough, the proxy is not:\n{}",
                self.reached.proxy.longer_times()
            ),
        )
    }

    /// A large request did not reach the server: is it for its size?
    async fn refused(&self, proxy: Proxy, how: &str) -> Finding {
        let sentence = |limit: &str| {
            format!(
                "A file of {} {how}: {} lets {limit} through.",
                self.shown(),
                proxy.name()
            )
        };
        let limit = if self.passes(NGINX_DEFAULT).await {
            if self.passes(NGINX_DEFAULT + 1).await {
                let most = self.largest(NGINX_DEFAULT + 1, self.size).await;
                format!("requests up to about {}", bytes(most))
            } else {
                "requests up to 1 MiB, which is what nginx does by default,".to_owned()
            }
        } else {
            match self.largest(0, NGINX_DEFAULT).await {
                0 => {
                    return Finding::error(
                        self.check,
                        format!("A file of {} {how}, and so are small requests by now.", self.shown()),
                        "Does the server still run? Its log and that of the proxy say what happened.",
                    );
                }
                most => format!("requests up to about {}", bytes(most)),
            }
        };
        Finding::error(self.check, sentence(&limit), proxy.larger_bodies())
    }

    /// The largest size that passes, between one that does and one that does not.
    async fn largest(&self, mut passes: usize, mut fails: usize) -> usize {
        while fails - passes > EXACTNESS.min(fails / 16 + 1) {
            let middle = passes.midpoint(fails);
            if self.passes(middle).await {
                passes = middle;
            } else {
                fails = middle;
            }
        }
        passes
    }

    /// Whether a body of this size reaches the server, which answers 400 to what it cannot open.
    async fn passes(&self, size: usize) -> bool {
        let request = Request::new("POST", ONION).body(Bytes::from(vec![0; size.max(1)]));
        matches!(within(PATIENCE, self.reached.client.direct(request)).await, Some(Ok(answer)) if answer.status == 400)
    }
}

/// A number of bytes in millions, as limits are told.
fn bytes(number: usize) -> String {
    bytesize::ByteSize(number as u64).display().si().to_string()
}
