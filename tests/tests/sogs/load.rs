//! The load generator's scenarios, so that they go on working when the server changes.

use std::process::Command;

use e2e::{Setup, Sogs};
use serde_json::{Value, json};
use shared::client::{Account, Request};
use shared::crypto::X25519Public;

use crate::{on_both, start};

on_both!(a_room_is_filled_and_loaded);

/// Requests of each scenario, and how many are in flight.
const REQUESTS: usize = 6;

/// Runs a command of the load generator on the room of the server with this key, and gives what it printed.
fn loadgen(key: X25519Public, arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(arguments)
        .args(["--pubkey", &key.to_string(), "--room", "measured", "--people", "3"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "loadgen {arguments:?}: {errors}");
    String::from_utf8(done.stdout).unwrap()
}

/// Runs a scenario, all requests of which must be answered with this status.
fn measure(server: &Sogs, arguments: &[&str], status: &str) {
    let (url, pid) = (format!("http://{}", server.address()), server.process_id().to_string());
    let count = REQUESTS.to_string();
    let common = ["--url", &url, "--pid", &pid, "--requests", &count, "--json"];
    for entrance in [&[][..], &["--onion"], &["--onion", "--cipher", "aes-gcm"]] {
        let printed = loadgen(server.key(), &[arguments, &common, entrance].concat());
        let report: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(report["statuses"], json!({ status: REQUESTS }), "{report}");
        assert!(
            report["server_cpu_ms"].is_number() && report["peak_mib"].is_number(),
            "{report}"
        );
    }
}

/// How many messages were ever posted in the room.
async fn messages(server: &Sogs) -> u64 {
    let client = server.client_of(Account::generate());
    let room = client.direct(Request::new("GET", "/room/measured")).await.unwrap();
    let room: Value = serde_json::from_slice(&room.body).unwrap();
    room["message_sequence"].as_u64().unwrap()
}

async fn a_room_is_filled_and_loaded(setup: Setup) {
    let mut server = start!(setup, "[limits]\nuploads_per_hour = 0\n");
    let _ = server.run(&["room", "add", "measured"]);
    let _ = server.run(&["room", "set", "measured", "--rate-limit", "off"]);
    let database = match server.variable("DATABASE_URL") {
        Some(url) => url.to_owned(),
        None => format!("sqlite:{}", server.data().join("sogs.db").display()),
    };
    let key = server.key();
    server.stop();
    let arguments = [
        "seed",
        "--database-url",
        &database,
        "--messages",
        "1001",
        "--size",
        "99B",
    ];
    let _ = loadgen(key, &arguments);
    server.restart();
    assert_eq!(messages(&server).await, 1001);

    measure(&server, &["rooms"], "200");
    measure(&server, &["recent"], "200");
    measure(&server, &["poll"], "200");
    measure(&server, &["poll", "--behind", "7"], "200");
    measure(&server, &["poll", "--behind", "1001"], "200");
    measure(&server, &["post", "--size", "99B"], "201");
    assert_eq!(messages(&server).await, 1001 + 3 * REQUESTS as u64);
    measure(&server, &["community-upload", "--size", "70000B"], "201");
    measure(
        &server,
        &["community-download", "--size", "70000B", "--files", "2"],
        "200",
    );
}
