//! The community server's program, from outside. One binary for all of it, so that its tests share a database server and
//! a bucket.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure ends the test"
)]

mod backups;
mod commands;
mod crashes;
mod discretion;
mod doctor;
mod limits;
mod load;
mod many_machines;
mod people;
mod remote;
mod stopping;

use e2e::Sogs;
pub(crate) use e2e::on_both;
use serde_json::Value;

/// Starts a server on a set-up, or ends the test where something is missing.
macro_rules! start {
    ($setup:expr) => {
        crate::start!($setup, "")
    };
    ($setup:expr, $settings:expr) => {
        match e2e::Sogs::start($setup, $settings) {
            Some(server) => server,
            None => return,
        }
    };
}
pub(crate) use start;

/// Makes a room in which people may post as fast as they can.
pub(crate) fn with_room(server: &Sogs, token: &str) {
    let _ = server.run(&["room", "add", token]);
    let _ = server.run(&["room", "set", token, "--rate-limit", "off"]);
}

/// A server with a room that it knows of.
macro_rules! start_with_room {
    ($setup:expr, $settings:expr, $token:expr) => {{
        let server = crate::start!($setup, $settings);
        crate::with_room(&server, $token);
        crate::knows(&server, $token).await;
        server
    }};
}
pub(crate) use start_with_room;

/// Waits until a server has taken note of a room.
pub(crate) async fn knows(server: &Sogs, token: &str) {
    let client = server.client();
    let path = format!("/room/{token}");
    e2e::eventually("the room is known", async || {
        let request = shared::client::Request::new("GET", &path);
        client.direct(request).await.unwrap().status == 200
    })
    .await;
}

pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}
