//! Starting and stopping, and commands without a server.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use shared::testing::free_port;
use support::{Place, Server, Stores};

in_every_place!(a_database_that_no_server_has_used_and_a_key_that_is_not_its_own_are_told);

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// All that a server prints until it is asked to stop.
fn printed(place: &Place, environment: &[(&str, &str)]) -> (String, String) {
    let mut command = place.command(&["--listen", "127.0.0.1:0"]);
    command.env_clear();
    command.envs(environment.iter().copied());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id().to_string();
    // What it says about rooms is the last of its first words.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut text = String::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        text.push_str(&line);
        text.push('\n');
        if line.contains("sogs room add") {
            break;
        }
    }
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    (text, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_first_start_without_any_configuration_makes_what_it_needs_and_says_how_to_go_on() {
    if shared::testing::nothing_installed("SOGS").is_none() {
        return;
    }
    let place = Place::new();
    let (text, warnings) = printed(&place, &[]);
    let data = place.path().join("data/sogs");
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("key_x25519")), 0o600);
    assert_eq!(mode(&data.join("sogs.db")), 0o600);
    assert_eq!(fs::read(data.join("key_x25519")).unwrap().len(), 32);
    assert!(text.contains("Serving on http://127.0.0.1:"), "{text}");
    assert!(text.contains("Public key: "), "{text}");
    assert!(text.contains("sogs room add TOKEN --name NAME"), "{text}");
    assert!(text.contains("sogs mod add ID --global --admin"), "{text}");
    assert!(warnings.contains("base_url is not set"), "{warnings}");
}

#[test]
fn a_start_warns_of_an_address_that_clients_do_not_accept() {
    let place = Place::new();
    let (_, warnings) = printed(
        &place,
        &[("SOGS_DATA", "data"), ("SOGS_BASE_URL", "http://localhost:8080")],
    );
    assert!(warnings.contains("host with a dot"), "{warnings}");
    let (_, warnings) = printed(
        &place,
        &[
            ("SOGS_DATA", "data"),
            ("SOGS_BASE_URL", "https://community.example.org"),
        ],
    );
    assert!(!warnings.contains("warning"), "{warnings}");
}

#[test]
fn a_second_start_keeps_the_key_and_a_termination_ends_with_success() {
    let place = Place::new();
    let first = place.serve();
    let key = first.key.clone();
    assert_eq!(first.stop(), Some(0));
    let second = Server::start(place.command(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(second.key, key);
    assert_eq!(place.run(&["key", "show"]).ok().trim_end(), key);
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn rooms_and_admins_can_be_there_before_the_first_start() {
    let place = Place::new();
    place.run(&["init"]).ok();
    place.run(&["room", "add", "sudoku"]).ok();
    place
        .run(&["mod", "add", &format!("0509{}", "00".repeat(31)), "--global", "--admin"])
        .ok();
    let key = place.run(&["key", "show"]).ok();
    assert_eq!(
        place.run(&["init"]).ok().lines().last(),
        Some(&*format!("Public key: {}", key.trim_end()))
    );
    let server = place.serve();
    assert_eq!(server.key, key.trim_end());
}

/// A new key in a folder inside or around the right one would be a second server, to which no link leads.
#[test]
fn a_first_start_beside_another_data_folder_is_refused() {
    let place = Place::new();
    let key = place.run(&["key", "new"]).ok();
    let right = place.data();
    for wrong in [right.join("data"), right.join("data/sogs"), place.path().to_owned()] {
        for start in [&["init"][..], &["serve"], &["quickstart", "--room", "a", "--yes"]] {
            let complaint = place
                .run(&[start, &["--data", wrong.to_str().unwrap()]].concat())
                .fails();
            assert!(
                complaint.contains(&format!("--data {}:", right.display())),
                "{complaint}"
            );
            assert!(complaint.contains("key new"), "{complaint}");
            assert!(!wrong.join("sogs.db").exists());
        }
    }
    // Whoever does want a second one makes its key.
    let second = right.join("data");
    let second = second.to_str().unwrap();
    let other = place.run(&["key", "new", "--data", second]).ok();
    assert_ne!(other, key);
    let server = Server::start(place.command(&["--listen", "127.0.0.1:0", "--data", second]));
    assert_eq!(server.key, other.trim_end());
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_command_that_mends_it() {
    let place = Place::new();
    place.run(&["key", "new"]).ok();
    let key = place.data().join("key_x25519");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let complaint = place.run(&["--listen", "127.0.0.1:0"]).fails();
    assert!(
        complaint.contains(&format!("chmod 600 '{}'", key.display())),
        "{complaint}"
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = place.run(&["--listen", &address]).fails();
    assert!(
        complaint.contains(&address) && complaint.contains("in use"),
        "{complaint}"
    );
}

#[test]
fn a_command_before_the_first_start_names_what_is_missing_and_makes_nothing() {
    let place = Place::new();
    for command in [
        &["room", "list"][..],
        &["room", "add", "a"],
        &["mod", "list"],
        &["user", "bans"],
    ] {
        let complaint = place.run(command).fails();
        assert!(
            complaint.contains("no key") && complaint.contains("`sogs init`"),
            "{complaint}"
        );
        // Most likely it is there, and was not named.
        let asks = complaint.find("Is --data or --config the same as the server's?");
        assert!(asks < complaint.find("`sogs init`") && asks.is_some(), "{complaint}");
    }
    assert!(!place.data().exists());
    place.run(&["key", "new"]).ok();
    let complaint = place.run(&["room", "list"]).fails();
    assert!(
        complaint.contains("no database") && complaint.contains("`sogs init`"),
        "{complaint}"
    );
    assert!(complaint.contains("--data"), "{complaint}");
    assert!(!place.data().join("sogs.db").exists());
}

async fn a_database_that_no_server_has_used_and_a_key_that_is_not_its_own_are_told(stores: Stores) {
    let Some(place) = Place::on(stores) else { return };
    place.run(&["key", "new"]).ok();
    sogs::store::Store::open(&place.database, None).await.unwrap();
    let complaint = place.run(&["room", "add", "a"]).fails();
    assert!(
        complaint.contains("no server has used this database yet"),
        "{complaint}"
    );
    place.run(&["init"]).ok();
    place.run(&["room", "add", "a"]).ok();
    fs::remove_file(place.data().join("key_x25519")).unwrap();
    place.run(&["key", "new"]).ok();
    let complaint = place.run(&["room", "list"]).fails();
    assert!(complaint.contains("another key"), "{complaint}");
    place.run(&["init"]).ok();
    place.run(&["room", "list"]).ok();
}

#[test]
fn a_healthcheck_asks_the_operators_listener_of_a_running_server() {
    let mut place = Place::new();
    assert!(place.run(&["healthcheck"]).fails().contains("metrics_listen"));
    place.set("SOGS_METRICS_LISTEN", &format!("127.0.0.1:{}", free_port()));
    assert!(place.run(&["healthcheck"]).fails().contains("does not answer"));
    let _server = place.serve();
    assert_eq!(place.run(&["healthcheck"]).ok(), "alive\n");
}
