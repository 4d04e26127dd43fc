//! From nothing to a community that can be joined, with one command.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use shared::client::{Account, Request};
use shared::testing::missing;
use support::{Place, Server, Stores};

in_every_place!(one_command_makes_all_that_is_needed_and_a_second_changes_nothing);

const ADDRESS: &str = "https://chat.example.org";

/// A place that nobody has told its address.
fn bare(place: Option<Place>) -> Option<Place> {
    let mut place = place?;
    place.set("SOGS_BASE_URL", "");
    Some(place)
}

fn nowhere() -> Place {
    bare(Some(Place::new())).unwrap()
}

fn somebody() -> String {
    shared::crypto::init().unwrap();
    Account::generate().session_id().to_string()
}

async fn one_command_makes_all_that_is_needed_and_a_second_changes_nothing(stores: Stores) {
    let Some(place) = bare(Place::on(stores)) else { return };
    let admin = somebody();
    let command = [
        "quickstart",
        "--base-url",
        ADDRESS,
        "--room",
        "sudoku",
        "--name",
        "Sudoku club",
        "--admin",
        &admin,
        "--yes",
        "--no-serve",
    ];
    let printed = place.run(&command).ok();
    let key = place.run(&["key", "show"]).ok();
    let link = format!("{ADDRESS}/sudoku?public_key={}", key.trim_end());
    for said in [
        &link,
        "Sudoku club (sudoku)",
        "doctor --outside",
        "reverse_proxy 127.0.0.1:8080",
    ] {
        assert!(printed.contains(said), "{said}: {printed}");
    }
    assert!(!printed.contains('█'), "a QR code is for terminals");

    // From now on every command knows the address.
    let file = place.data().join("sogs.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let rooms = place.run(&["room", "list", "--json"]).ok();
    assert!(rooms.contains(&link), "{rooms}");
    let moderators = place.run(&["mod", "list", "--json"]).ok();
    assert!(moderators.contains(&admin), "{moderators}");

    let before = fs::read(&file).unwrap();
    let again = place.run(&["quickstart", "--no-serve"]).ok();
    assert!(
        again.contains("nothing was changed") && again.contains(&link),
        "{again}"
    );
    let other = [
        "quickstart",
        "--room",
        "other",
        "--base-url",
        "https://other.example.org",
        "--yes",
        "--no-serve",
    ];
    let other = place.run(&other).ok();
    assert!(other.contains("sogs room add other"), "{other}");
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(place.run(&["key", "show"]).ok(), key);
    assert_eq!(place.run(&["room", "list", "--json"]).ok(), rooms);
}

/// A hint without the flags would lead to another server.
#[test]
fn hints_name_the_server_as_the_command_did() {
    let place = nowhere();
    let run = |arguments: &[&str]| place.run(&[&["--data", "elsewhere"], arguments].concat());
    run(&["init"]).ok();
    let doctor = run(&["doctor"]).stdout;
    assert!(doctor.contains("sogs --data elsewhere room add lobby"), "{doctor}");
    let quickstart = ["quickstart", "--base-url", ADDRESS, "--yes", "--no-serve"];
    let made = run(&quickstart).ok();
    for hint in ["mod add YOUR_SESSION_ID --global --admin", "doctor --outside"] {
        assert!(
            made.contains(&format!("sogs --data elsewhere {hint}")),
            "{hint}: {made}"
        );
    }
    let other = run(&["quickstart", "--room", "other", "--no-serve"]).ok();
    assert!(other.contains("`sogs --data elsewhere room add other`"), "{other}");
}

#[tokio::test]
async fn it_serves_what_it_has_made_and_sees_that_it_is_served_already() {
    let place = nowhere();
    let command = ["quickstart", "--base-url", ADDRESS, "--yes", "--listen", "127.0.0.1:0"];
    let server = Server::start(place.command(&command));
    let answer = server.direct(Request::new("GET", "/room/lobby")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let listen = server.url.strip_prefix("http://").unwrap();
    let again = place.run(&["quickstart", "--listen", listen]).ok();
    assert!(again.contains("runs already"), "{again}");
}

#[test]
fn where_nobody_can_be_asked_it_names_the_flags_and_makes_nothing() {
    let place = nowhere();
    let complaint = place.run(&["quickstart"]).fails();
    assert!(complaint.contains("--base-url and --room"), "{complaint}");
    let complaint = place.run(&["quickstart", "--yes"]).fails();
    assert!(complaint.contains("--base-url must be given"), "{complaint}");
    assert!(!place.data().exists());
}

#[test]
fn what_no_client_would_take_is_refused_before_anything_is_made() {
    let place = nowhere();
    let blinded = format!("15{}", "ab".repeat(32));
    for (arguments, code) in [
        (&["--base-url", "https://localhost"][..], 1),
        (&["--base-url", "https://chat.example.org/path"], 1),
        (&["--base-url", ADDRESS, "--room", "my room"], 2),
        (&["--base-url", ADDRESS, "--admin", &blinded], 2),
        (&["--base-url", ADDRESS, "--admin", "me"], 2),
        (&["--base-url", ADDRESS, "--name", " "], 1),
    ] {
        let done = place.run(&[&["quickstart", "--yes", "--no-serve"], arguments].concat());
        assert_eq!(done.code, code, "{done:?}");
        assert!(!done.stderr.is_empty());
        assert!(!place.data().exists(), "{arguments:?}");
    }
}

#[test]
fn a_configuration_that_is_there_stays_as_it_is_and_one_that_is_named_is_made() {
    let place = nowhere();
    let start = [
        "quickstart",
        "--base-url",
        ADDRESS,
        "--yes",
        "--no-serve",
        "--config",
        "here.toml",
    ];
    place.run(&start).ok();
    let made = fs::read_to_string(place.path().join("here.toml")).unwrap();
    assert!(made.contains(&format!("\nbase_url = \"{ADDRESS}\"\n")), "{made}");
    assert!(!place.data().join("sogs.toml").exists());

    let other = nowhere();
    other.write("here.toml", "# mine\n");
    let printed = other.run(&start).ok();
    assert!(printed.contains(&format!("base_url = \"{ADDRESS}\"")), "{printed}");
    assert_eq!(fs::read_to_string(other.path().join("here.toml")).unwrap(), "# mine\n");
}

#[test]
fn a_lost_key_is_not_replaced() {
    let place = nowhere();
    let start = ["quickstart", "--base-url", ADDRESS, "--yes", "--no-serve"];
    place.run(&start).ok();
    let key = place.data().join("key_x25519");
    fs::remove_file(&key).unwrap();
    let complaint = place.run(&start).fails();
    assert!(complaint.contains("put the key back from a backup"), "{complaint}");
    assert!(!key.exists());
}

#[test]
fn at_a_terminal_it_asks_and_shows_a_qr_code() {
    let place = nowhere();
    let program = place.command(&[]);
    let line = format!("{} quickstart --no-serve", program.get_program().display());
    let started = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(place.path())
        .env("SOGS_DATA", place.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        missing::<()>("terminal", "install the package bsdutils, which has the command script");
        return;
    };
    let answers = format!("chat.example.org\n{ADDRESS}\n\n\n{}\n", somebody());
    child.stdin.as_mut().unwrap().write_all(answers.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    for said in [
        "The public address",
        "is https://chat.example.org meant?",
        "[lobby]",
        "[Lobby]",
        "Session ID",
        "█",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let link = format!("{ADDRESS}/lobby?public_key=");
    assert!(shown.contains(&link), "{shown}");
}
