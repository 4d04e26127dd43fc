//! The configuration and the key, as the commands show them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use support::{BASE_URL, Place};

#[test]
fn a_misspelt_key_is_refused_with_the_one_that_was_meant() {
    let place = Place::new();
    place.write("conf.toml", "[files]\nmax_sice = \"5 MB\"\n");
    let complaint = place.run(&["--config", "conf.toml", "config", "check"]).fails();
    assert!(complaint.contains("unknown key `files.max_sice`"), "{complaint}");
    assert!(complaint.contains("Did you mean `files.max_size`?"), "{complaint}");
}

#[test]
fn a_check_says_where_each_value_comes_from() {
    let place = Place::new();
    let text = place.run(&["config", "check", "--listen", "127.0.0.1:9"]).ok();
    for (key, origin) in [("base_url", "environment SOGS_BASE_URL"), ("listen", "flag --listen")] {
        let line = text.lines().find(|line| line.trim_start().starts_with(key)).unwrap();
        assert!(line.contains(origin), "{line}");
    }
    assert!(text.contains("The configuration is valid."), "{text}");
    let json = place.run(&["config", "check", "--json"]).json();
    assert!(json["warnings"].as_array().unwrap().is_empty(), "{json}");
}

#[test]
fn a_check_warns_of_what_is_hardly_meant() {
    for (name, value, warning) in [
        ("SOGS_MAX_SICE", "1", "SOGS_MAX_SICE"),
        ("SOGS_HTTP_BODY_BUDGET", "1 MiB", "http.body_budget"),
        ("SOGS_BASE_URL", "http://localhost", "dot"),
        ("SOGS_BASE_URL", "", "base_url is not set"),
    ] {
        let mut place = Place::new();
        place.set(name, value);
        let json = place.run(&["config", "check", "--json"]).json();
        assert!(json["warnings"].to_string().contains(warning), "{name}={value}: {json}");
    }
}

#[test]
fn templates_are_tried_out() {
    let mut place = Place::new();
    let written = place.run(&["templates", "pages"]).ok();
    assert!(written.contains("pages/room.html\n"), "{written}");
    place.set("SOGS_WEB_TEMPLATES", "pages");
    place.run(&["config", "check"]).ok();
    place.write("pages/room.html", "<p>\n{{ room.nmae }}");
    let complaint = place.run(&["config", "check"]).fails();
    assert!(
        complaint.contains("web.templates: pages/room.html: line 2: undefined value"),
        "{complaint}"
    );
    let complaint = place.run(&["serve", "--listen", "127.0.0.1:0"]).fails();
    assert!(complaint.contains("pages/room.html: line 2"), "{complaint}");
    // Commands that need no pages work all the same.
    place.run(&["init"]).ok();
}

#[test]
fn what_is_printed_can_be_used_as_a_configuration_file() {
    let mut place = Place::new();
    place.set("SOGS_FILES_EXPIRY", "2 days");
    place.set("SOGS_DATABASE_URL", "postgres://user:hunter2@127.0.0.1/community");
    let printed = place.run(&["config", "print"]).ok();
    assert!(printed.contains("expiry = \"2 days\""), "{printed}");
    assert!(printed.contains(&format!("base_url = \"{BASE_URL}\"")), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
    let again = Place::new();
    again.write("conf.toml", &printed);
    let json = again
        .run(&["config", "check", "--json", "--config", "conf.toml"])
        .json();
    assert!(json["settings"].to_string().contains("2 days"), "{json}");
}

#[test]
fn the_key_is_made_once_and_shown() {
    let place = Place::new();
    assert!(place.run(&["key", "show"]).fails().contains("`sogs init`"));
    let made = place.run(&["key", "new"]).ok();
    assert_eq!(made.trim_end().len(), 64);
    assert_eq!(place.run(&["key", "show"]).ok(), made);
    assert_eq!(place.run(&["key", "show", "--json"]).json()["x25519"], made.trim_end());
    let complaint = place.run(&["key", "new"]).fails();
    assert!(complaint.contains("there is a key already"), "{complaint}");
}

#[test]
fn a_wrong_command_line_ends_with_two_and_a_hint() {
    let place = Place::new();
    let id = format!("05{}", "ab".repeat(32));
    for (arguments, hint) in [
        (&["rooom"][..], "'room'"),
        (&["room", "add"], "<TOKEN>"),
        (&["room", "add", "a b"], "a room token is 1 to 64 letters"),
        (&["room", "add", "a", "--private", "--deny", "w"], "cannot be used with"),
        (&["room", "add", "a", "--deny", "x"], "permissions are r (read)"),
        (&["room", "set", "a"], "--rate-limit"),
        (&["room", "set", "a", "--rate-limit", "5"], "such as 5/16s"),
        (&["mod", "add", "05ab", "--global"], "an id has 66 digits"),
        (&["mod", "add", &id], "--all-rooms"),
        (&["mod", "add", &id, "--global", "--all-rooms"], "cannot be used with"),
        (
            &["mod", "add", &id, "--global", "--hidden", "--visible"],
            "cannot be used with",
        ),
        (&["mod", "add", "--room", "a", &id], "belongs before --room"),
        (&["user", "ban", &id, "--global", "--for", "soon"], "not a span of time"),
        (&["user", "permit", &id, "--room", "a"], "--allow"),
        (
            &["user", "purge", &id, "--global", "--room", "a"],
            "cannot be used with",
        ),
        (&["user", "list", "--json", "--quiet"], "cannot be used with"),
        (&["message", "delete", "--yes"], "--author"),
        (&["message", "delete", "1", "--room", "a"], "cannot be used with"),
        (&["message", "list", "--since", "soon"], "a time is a day"),
        (&["message", "list", "--limit", "0"], "1..=10000"),
        (&["message", "list", "--filtered", "--deleted"], "cannot be used with"),
        (&["file", "delete", "--yes"], "--room"),
        (&["file", "usage", "--room", "a"], "--by-user"),
        (&["schedule", "cancel", "7"], "such as b1 or p1"),
    ] {
        let done = place.run(arguments);
        assert_eq!(done.code, 2, "{arguments:?}: {done:?}");
        assert!(done.stderr.contains(hint), "{arguments:?}: {done:?}");
    }
}

#[test]
fn the_pages_about_the_configuration_are_what_the_program_prints() {
    let place = Place::new();
    for (command, page, text) in [
        (
            "reference",
            "docs/configuration-sogs.md",
            include_str!("../../docs/configuration-sogs.md"),
        ),
        (
            "schema",
            "docs/sogs.schema.json",
            include_str!("../../docs/sogs.schema.json"),
        ),
    ] {
        let printed = place.run(&["config", command]).ok();
        assert!(
            printed == text,
            "run: cargo run --bin sogs -- config {command} > {page}"
        );
    }
}

#[test]
fn a_header_that_cannot_exist_is_refused_before_anything_starts() {
    let mut place = Place::new();
    place.set("SOGS_HTTP_CLIENT_ADDRESS_HEADER", "X Forwarded For");
    let complaint = place.run(&["config", "check"]).fails();
    assert!(complaint.contains("http.client_address_header"), "{complaint}");
}
