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
fn variables_of_commands_are_no_keys_and_nothing_to_warn_of() {
    let mut place = Place::new();
    place.set("SOGS_REMOTE_PROXY", "socks5://127.0.0.1:9050");
    place.set("SOGS_REMOTE_IDENTITY", "");
    place.set("SOGS_REMOTE_PROXI", "socks5://127.0.0.1:9050");
    let warnings = place.run(&["config", "check", "--json"]).json()["warnings"].clone();
    assert_eq!(
        warnings,
        serde_json::json!(["the environment variable SOGS_REMOTE_PROXI belongs to no key"])
    );
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
        (&["user", "ban", &id, "--global", "--for", "2"], "\"2d\""),
        (&["user", "timeout", &id, "--all-rooms", "--for", "2"], "\"4h\""),
        (&["remote", "user", "ban", &id, "--for", "2"], "\"2d\""),
        (&["remote", "user", "timeout", &id, "--for", "2"], "\"4h\""),
        (
            &["remote", "user", "permit", &id, "--allow", "w", "--in", "2"],
            "\"4h\"",
        ),
        (&["room", "set", "a", "--rate-limit", "5/16"], "has no unit"),
        (&["check", "--for", "10"], "has no unit"),
        (&["message", "list", "--since", "2"], "such as 2d"),
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

#[test]
fn the_page_about_what_is_kept_is_what_the_program_prints() {
    let place = Place::new();
    let printed = place.run(&["config", "retention"]).ok();
    let page = include_str!("../../docs/data-retention.md");
    let (page, _) = page.split_at(page.rfind("\n# ").unwrap() + 1);
    assert!(
        printed.clone() + "\n" == page,
        "run: for server in sogs fileserver; do cargo run --bin $server -- config retention; echo; done \
         | sed '$d' > docs/data-retention.md"
    );
}

#[test]
fn what_is_kept_is_told_from_the_settings_in_force() {
    let mut place = Place::new();
    place.set("SOGS_DIRECT_MESSAGES_EXPIRY", "2h");
    place.set("SOGS_AUDIT_KEEP", "0");
    place.set("SOGS_LIMITS_UPLOADS_PER_HOUR", "0");
    place.set("SOGS_HTTP_MISSES_PER_MINUTE", "0");
    place.set("SOGS_MESSAGES_HISTORY_PRUNE_THRESHOLD", "0");
    place.set("SOGS_FILES_EXPIRY", "0");
    place.set("SOGS_WEB_SHOW_MESSAGES", "false");
    place.set("SOGS_LOG_LEVEL", "debug");
    place.set("SOGS_USERS_REQUIRE_BLIND_KEYS", "false");
    place.set("SOGS_DATABASE_URL", "postgres://u:hunter2@db.example/x");
    place.set("SOGS_BLOB_URL", "s3://bucket");
    let kept = place.run(&["config", "retention", "--json"]).json();
    let term = |key: &str| {
        let set_by = |kept: &&serde_json::Value| kept["set_by"].as_array().unwrap().contains(&key.into());
        kept.as_array().unwrap().iter().find(set_by).unwrap().clone()
    };
    assert_eq!(term("direct_messages.expiry")["seconds"], 7200);
    assert_eq!(term("audit.keep")["how_long"], "for ever (`audit.keep`)");
    assert_eq!(term("audit.keep")["seconds"], serde_json::Value::Null);
    // Whoever clears up comes by every ten seconds.
    assert_eq!(term("messages.history_prune_threshold")["seconds"], 10);
    for key in ["limits.uploads_per_hour", "http.misses_per_minute"] {
        assert_eq!(term(key)["kept"], false);
        assert_eq!(
            term(key)["how_long"],
            format!("not kept, for it is switched off (`{key}`)")
        );
    }
    let page = place.run(&["config", "retention"]).ok();
    for said in [
        "| 2 hours (`direct_messages.expiry`)",
        "| for ever (`files.expiry`); 1 hour if no message",
        "PostgreSQL, the files are in a bucket",
        "Logs have ids, because `log_level` is `debug`",
        "`users.require_blind_keys` is off",
    ] {
        assert!(page.contains(said), "{said:?} is not in\n{page}");
    }
    for unsaid in ["web.show_messages", "web.show_feed", "hunter2", "db.example", "s3://"] {
        assert!(!page.contains(unsaid), "{unsaid:?} is in\n{page}");
    }
    let known = place.run(&["config", "check", "--json"]).json();
    let known: Vec<&str> = known["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["key"].as_str().unwrap())
        .collect();
    for key in kept
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|kept| kept["set_by"].as_array().unwrap())
    {
        assert!(known.contains(&key.as_str().unwrap()), "there is no key {key}");
    }
}
