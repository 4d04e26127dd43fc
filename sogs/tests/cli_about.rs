//! Completions, the manual, the help.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use support::Place;

const COMMANDS: [&str; 18] = [
    "serve",
    "quickstart",
    "init",
    "doctor",
    "room",
    "mod",
    "user",
    "message",
    "file",
    "schedule",
    "config",
    "key",
    "remote",
    "templates",
    "healthcheck",
    "completions",
    "man",
    "help",
];

const NESTED: [&str; 30] = [
    "room add",
    "room list",
    "room show",
    "room set",
    "room image",
    "room delete",
    "mod add",
    "mod remove",
    "mod list",
    "user show",
    "user list",
    "user ban",
    "user unban",
    "user bans",
    "user permit",
    "user purge",
    "message list",
    "message show",
    "message delete",
    "file list",
    "file usage",
    "file delete",
    "schedule list",
    "schedule cancel",
    "config check",
    "key show",
    "remote add",
    "remote identity new",
    "remote message delete",
    "remote user ban",
];

#[test]
fn the_help_has_every_command_and_each_command_has_help() {
    let place = Place::new();
    let text = place.run(&["--help"]).ok();
    for command in COMMANDS {
        assert!(text.contains(&format!("\n  {command}")), "{command}");
    }
    for command in NESTED {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        let text = place.run(&arguments).ok();
        assert!(text.contains(&format!("Usage: sogs {command}")), "{command}: {text}");
    }
    assert!(place.run(&["--version"]).ok().starts_with("sogs "));
}

#[test]
fn the_manual_page_and_the_completions_know_every_command() {
    let place = Place::new();
    let page = place.run(&["man"]).ok();
    assert!(page.contains(".TH sogs 1"), "{page}");
    for command in COMMANDS {
        assert!(page.contains(command), "{command}");
    }
    place.run(&["man", "pages"]).ok();
    for command in NESTED {
        let file = format!("pages/sogs-{}.1", command.replace(' ', "-"));
        assert!(place.path().join(&file).exists(), "{file}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.run(&["completions", shell]).ok().contains("unban"), "{shell}");
    }
}

#[test]
fn a_reader_who_leaves_is_no_reason_to_complain() {
    let place = Place::new();
    place.run(&["init"]).ok();
    for command in [
        "completions bash",
        "man",
        "--help",
        "config print",
        "config check",
        "key show",
        "room add a",
        "room list",
        "user list --json",
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let done = place.run_unheard(&arguments);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{command}");
    }
    // What was to be done was done.
    assert_eq!(place.run(&["room", "list", "--quiet"]).ok(), "a\n");
}

#[test]
fn output_that_cannot_be_kept_is_complained_of() {
    let place = Place::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let done = place.command(&["config", "print"]).stdout(full).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8(done.stderr).unwrap().contains("cannot be written"));
}

#[test]
fn neither_needs_a_configuration_that_is_in_order() {
    let mut place = Place::new();
    place.set("SOGS_LISTEN", "nowhere");
    place.run(&["man"]).ok();
    place.run(&["completions", "bash"]).ok();
}
