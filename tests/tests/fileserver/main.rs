//! The file server's program, from outside. One binary for all of it, so that its tests share a database server and
//! a bucket.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

mod crashes;
mod discretion;
mod doctor;
mod early_refusals;
mod endpoints;
mod guessing;
mod inventory;
mod many_machines;
mod outages;
mod overload;
mod round_trips;
mod slow_senders;
mod stopping;

use bytes::Bytes;
pub(crate) use e2e::on_both;
use serde_json::Value;
use shared::client::{Answer, Client, Request};

/// Starts a server on a set-up, or ends the test where something is missing.
macro_rules! start {
    ($setup:expr) => {
        crate::start!($setup, "")
    };
    ($setup:expr, $settings:expr) => {
        match e2e::Fileserver::start($setup, $settings) {
            Some(server) => server,
            None => return,
        }
    };
}
pub(crate) use start;

/// The ways in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Onion,
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::Direct, Self::Onion];

    /// Sends a request this way; the answer is the inner one if there is one.
    pub(crate) async fn ask(self, client: &Client, request: Request) -> Answer {
        match self {
            Self::Direct => client.direct(request).await.unwrap(),
            Self::Onion => {
                let answer = client.onion_v4(request).await.unwrap();
                answer.inside.unwrap_or(answer.outside)
            }
        }
    }
}

/// What an upload is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Uploaded {
    pub(crate) id: String,
    /// Seconds since the epoch.
    pub(crate) expires: f64,
}

impl Uploaded {
    pub(crate) fn read(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = json(&answer.body);
        Self {
            id: json["id"].as_str().unwrap().to_owned(),
            expires: json["expires"].as_f64().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> String {
        format!("/file/{}", self.id)
    }
}

pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

pub(crate) fn put(body: impl Into<Bytes>) -> Request {
    Request::new("POST", "/file").body(body)
}

pub(crate) async fn upload(client: &Client, body: impl Into<Bytes>) -> Uploaded {
    Uploaded::read(&client.direct(put(body)).await.unwrap())
}

pub(crate) async fn get(client: &Client, path: &str) -> Answer {
    client.direct(Request::new("GET", path)).await.unwrap()
}

/// A file of test vectors.
pub(crate) fn vectors(name: &str) -> Value {
    let path = format!("{}/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    json(&std::fs::read(path).unwrap())
}
