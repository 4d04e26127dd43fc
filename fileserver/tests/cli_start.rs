//! Starting and stopping.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use shared::testing::free_port;
use support::{Place, Server};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_without_any_configuration_makes_what_it_needs_and_serves() {
    if shared::testing::nothing_installed("FILESERVER").is_none() {
        return;
    }
    let place = Place::new();
    let mut command = place.command(&["--listen", "127.0.0.1:0"]);
    command.env_clear();
    let server = Server::start(command);
    let data = place.path().join("data/fileserver");
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("key_ed25519")), 0o600);
    assert_eq!(mode(&data.join("fileserver.db")), 0o600);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    assert_eq!(server.key.len(), 64);
    let shown = place.run(&["key", "show", "--data", data.to_str().unwrap()]).ok();
    assert_eq!(shown.trim_end(), server.key);
}

#[test]
fn a_second_start_keeps_the_key_and_a_termination_ends_with_success() {
    let place = Place::new();
    let first = place.serve();
    let key = first.key.clone();
    assert_eq!(first.stop(), Some(0));
    let second = Server::start(place.command(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(second.key, key);
    assert_eq!(second.stop(), Some(0));
}

/// A new key in a folder inside or around the right one would be a second server, to which no link leads.
#[test]
fn a_first_start_beside_another_data_folder_is_refused() {
    let place = Place::new();
    let key = place.run(&["key", "new"]).ok();
    let right = place.data();
    for wrong in [
        right.join("data"),
        right.join("data/fileserver"),
        place.path().to_owned(),
    ] {
        for start in [&["serve"][..], &[]] {
            let complaint = place
                .run(&[start, &["--data", wrong.to_str().unwrap()]].concat())
                .fails();
            assert!(
                complaint.contains(&format!("--data {}:", right.display())),
                "{complaint}"
            );
            assert!(complaint.contains("key new"), "{complaint}");
            assert!(!wrong.join("fileserver.db").exists());
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
    let key = place.data().join("key_ed25519");
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
fn a_healthcheck_asks_the_operators_listener_of_a_running_server() {
    let mut place = Place::new();
    assert!(place.run(&["healthcheck"]).fails().contains("metrics_listen"));
    place.set("FILESERVER_METRICS_LISTEN", &format!("127.0.0.1:{}", free_port()));
    assert!(place.run(&["healthcheck"]).fails().contains("does not answer"));
    let _server = place.serve();
    assert_eq!(place.run(&["healthcheck"]).ok(), "alive\n");
}
