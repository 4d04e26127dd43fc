//! Completions, the manual page, the help.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use support::Place;

const COMMANDS: [&str; 20] = [
    "serve",
    "doctor",
    "config",
    "key",
    "info",
    "extend",
    "delete",
    "block",
    "unblock",
    "blocked",
    "usage",
    "check",
    "backup",
    "restore",
    "put",
    "get",
    "healthcheck",
    "completions",
    "man",
    "help",
];

/// Whether a shell takes the text for its own language; `None` if the shell is not at hand.
fn parses(shell: &str, text: &str) -> Option<bool> {
    let mut child = Command::new(shell)
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Some(child.wait().unwrap().success())
}

#[test]
fn completions_are_for_the_shell_that_was_asked_for_and_know_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = place.run(&["completions", shell]).ok();
        for command in ["backup", "unblock"] {
            assert!(text.contains(command), "{shell}: {command}");
        }
        match parses(shell, &text) {
            Some(parsed) => assert!(parsed, "{shell} refuses its completions"),
            None => eprintln!("skipped: no {shell}"),
        }
    }
    assert_eq!(place.run(&["completions", "cobol"]).code, 2);
}

#[test]
fn the_manual_page_has_a_title_and_every_command() {
    let text = Place::new().run(&["man"]).ok();
    assert!(text.contains(".TH fileserver 1"), "{text}");
    for command in COMMANDS {
        assert!(text.contains(command), "{command}");
    }
}

#[test]
fn each_command_has_a_page_in_the_folder_that_was_named() {
    let place = Place::new();
    assert_eq!(place.run(&["man", "pages"]).ok(), "");
    for page in ["fileserver.1", "fileserver-backup.1", "fileserver-config-check.1"] {
        let text = std::fs::read_to_string(place.path().join("pages").join(page)).unwrap();
        assert!(text.contains(".TH fileserver"), "{page}: {text}");
    }
}

#[test]
fn the_help_has_every_command_and_each_command_has_help() {
    let place = Place::new();
    let text = place.run(&["--help"]).ok();
    for command in COMMANDS {
        assert!(text.contains(&format!("\n  {command}")), "{command}");
        if command != "help" {
            assert!(
                place.run(&[command, "--help"]).ok().contains("Usage: fileserver"),
                "{command}"
            );
        }
    }
    let text = place.run(&["check", "--help"]).ok();
    assert!(text.contains("exit code"), "the long text is shown: {text}");
    assert!(place.run(&["--version"]).ok().starts_with("fileserver "));
}

#[test]
fn a_reader_who_leaves_is_no_reason_to_complain() {
    let place = Place::new();
    place.run(&["key", "new"]).ok();
    for command in [
        "completions bash",
        "man",
        "--help",
        "config print",
        "config check",
        "key show",
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let done = place.run_unheard(&arguments);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{command}");
    }
}

#[test]
fn neither_needs_a_configuration_that_is_in_order() {
    let mut place = Place::new();
    place.set("FILESERVER_LISTEN", "nowhere");
    place.run(&["man"]).ok();
    place.run(&["completions", "bash"]).ok();
}
