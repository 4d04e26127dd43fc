//! The configuration and the keys, as the commands show them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod support;

use shared::crypto::{Ed25519Public, X25519Public};
use support::Place;

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
    let mut place = Place::new();
    place.write("conf.toml", "base_url = \"https://files.example.org\"\n");
    place.set("FILESERVER_CONFIG", "conf.toml");
    place.set("FILESERVER_FILES_MAX_SIZE", "5 MB");
    let text = place.run(&["config", "check", "--listen", "127.0.0.1:9"]).ok();
    for (key, origin) in [
        ("base_url", "file conf.toml"),
        ("files.max_size", "environment FILESERVER_FILES_MAX_SIZE"),
        ("listen", "flag --listen"),
    ] {
        let line = text.lines().find(|line| line.trim_start().starts_with(key)).unwrap();
        assert!(line.contains(origin), "{line}");
    }
    assert!(text.contains("The configuration is valid."), "{text}");

    let json = place.run(&["config", "check", "--json"]).json();
    assert!(json["warnings"].as_array().unwrap().is_empty(), "{json}");
}

#[test]
fn a_check_warns_of_variables_that_belong_to_no_key() {
    let mut place = Place::new();
    place.set("FILESERVER_MAX_SICE", "1");
    let json = place.run(&["config", "check", "--json"]).json();
    assert!(json["warnings"].to_string().contains("FILESERVER_MAX_SICE"), "{json}");
}

#[test]
fn a_check_warns_of_a_budget_that_no_large_file_fits_in() {
    let mut place = Place::new();
    place.set("FILESERVER_HTTP_BODY_BUDGET", "1 MiB");
    let json = place.run(&["config", "check", "--json"]).json();
    assert!(json["warnings"].to_string().contains("http.body_budget"), "{json}");
}

#[test]
fn what_is_printed_can_be_used_as_a_configuration_file() {
    let mut place = Place::new();
    place.set("FILESERVER_FILES_DEFAULT_TTL", "2 days");
    let printed = place.run(&["config", "print"]).ok();
    assert!(printed.contains("default_ttl = \"2 days\""), "{printed}");
    let again = Place::new();
    again.write("conf.toml", &printed);
    let json = again
        .run(&["config", "check", "--json", "--config", "conf.toml"])
        .json();
    assert!(json["settings"].to_string().contains("2 days"), "{json}");
}

#[test]
fn passwords_are_not_shown() {
    let mut place = Place::new();
    place.set("FILESERVER_DATABASE_URL", "postgres://user:hunter2@127.0.0.1/files");
    place.set("FILESERVER_S3_SECRET_ACCESS_KEY", "hunter3");
    for command in [
        &["config", "print"][..],
        &["config", "check"],
        &["config", "check", "--json"],
    ] {
        let text = place.run(command).ok();
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_an_error_with_its_origin() {
    let mut place = Place::new();
    place.set("FILESERVER_LISTEN", "nowhere");
    let complaint = place.run(&["config", "check"]).fails();
    assert!(
        complaint.contains("listen") && complaint.contains("FILESERVER_LISTEN"),
        "{complaint}"
    );
}

#[test]
fn why_a_configuration_file_cannot_be_used_is_said_once() {
    let place = Place::new();
    let complaint = place.run(&["--config", "none.toml", "config", "check"]).fails();
    assert_eq!(complaint.matches("No such file").count(), 1, "{complaint}");
    place.write("conf.toml", "files = = 1");
    let complaint = place.run(&["--config", "conf.toml", "config", "check"]).fails();
    assert_eq!(complaint.matches("line 1").count(), 1, "{complaint}");
}

#[test]
fn a_mistyped_log_level_is_an_error_of_the_check() {
    let place = Place::new();
    let complaint = place.run(&["config", "check", "--log-level", "debg"]).fails();
    assert!(complaint.contains("log_level: \"debg\""), "{complaint}");
}

#[test]
fn flags_count_before_and_after_the_command_and_above_the_environment() {
    let place = Place::new();
    for arguments in [["--data", "elsewhere", "key", "new"], ["key", "new", "--data", "other"]] {
        place.run(&arguments).ok();
    }
    assert!(place.path().join("elsewhere/key_ed25519").exists());
    assert!(place.path().join("other/key_ed25519").exists());
    assert!(!place.data().exists(), "FILESERVER_DATA is set, but a flag counts more");
}

#[test]
fn a_wrong_command_line_ends_with_two_and_a_hint() {
    let place = Place::new();
    for (arguments, hint) in [
        (&["chekc"][..], "'check'"),
        (&["info"], "<ID>"),
        (&["info", "not-an-id"], "not a file id"),
        (&["check", "--from", "x"], "not a cursor"),
        (&["--listne", "x"], "--listen"),
    ] {
        let done = place.run(arguments);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.stderr.contains(hint), "{done:?}");
    }
}

#[test]
fn a_new_key_is_shown_in_both_forms_that_belong_together() {
    let place = Place::new();
    assert!(place.run(&["key", "show"]).fails().contains("`fileserver key new`"));
    let made = place.run(&["key", "new"]).ok();
    assert_eq!(place.run(&["key", "show"]).ok(), made);
    assert_eq!(made.lines().count(), 1);
    let x25519 = X25519Public::from_hex(made.trim_end()).unwrap();

    let json = place.run(&["key", "show", "--json"]).json();
    assert_eq!(json["x25519"], made.trim_end());
    shared::crypto::init().unwrap();
    let bytes = hex::decode(json["ed25519"].as_str().unwrap()).unwrap();
    let ed25519 = Ed25519Public::from_bytes(bytes.try_into().unwrap()).unwrap();
    assert_eq!(ed25519.to_x25519(), x25519);
}

#[test]
fn a_key_is_never_replaced() {
    let place = Place::new();
    let made = place.run(&["key", "new"]).ok();
    assert!(place.run(&["key", "new"]).fails().contains("there is a key already"));
    assert_eq!(place.run(&["key", "show"]).ok(), made);
}

#[test]
fn the_pages_about_the_configuration_are_what_the_program_prints() {
    let place = Place::new();
    for (command, page, text) in [
        (
            "reference",
            "docs/configuration-fileserver.md",
            include_str!("../../docs/configuration-fileserver.md"),
        ),
        (
            "schema",
            "docs/fileserver.schema.json",
            include_str!("../../docs/fileserver.schema.json"),
        ),
    ] {
        let printed = place.run(&["config", command]).ok();
        assert!(
            printed == text,
            "run: cargo run --bin fileserver -- config {command} > {page}"
        );
    }
}

#[test]
fn the_page_about_what_is_kept_is_what_the_program_prints() {
    let place = Place::new();
    let printed = place.run(&["config", "retention"]).ok();
    let page = include_str!("../../docs/data-retention.md");
    let (_, page) = page.split_at(page.rfind("\n# ").unwrap() + 1);
    assert!(
        printed == page,
        "run: for server in sogs fileserver; do cargo run --bin $server -- config retention; echo; done \
         | sed '$d' > docs/data-retention.md"
    );
}

#[test]
fn what_is_kept_is_told_from_the_settings_in_force() {
    let mut place = Place::new();
    place.set("FILESERVER_FILES_MAX_TTL", "30 days");
    place.set("FILESERVER_VERSIONS_STATISTICS", "true");
    place.set("FILESERVER_VERSIONS_SOURCE", "fetch");
    place.set("FILESERVER_LOG_LEVEL", "trace");
    place.set("FILESERVER_FILES_SWEEP_INTERVAL", "1 minute");
    let kept = place.run(&["config", "retention", "--json"]).json();
    let term = |key: &str| {
        let set_by = |kept: &&serde_json::Value| kept["set_by"].as_array().unwrap().contains(&key.into());
        kept.as_array().unwrap().iter().find(set_by).unwrap().clone()
    };
    assert_eq!(
        term("files.max_ttl")["how_long"],
        "until it expires, at most 30 days (`files.max_ttl`); counted from the last upload or extension; longer if the \
         operator extends it (`fileserver extend`); the bytes go within 1 minute of that, or when a backup that is being \
         made is done"
    );
    // Thirty days besides the one that is counted, and up to six hours until somebody clears up.
    assert_eq!(
        term("versions.statistics")["how_long"],
        "31 days and 6 hours (`versions.statistics`)"
    );
    assert_eq!(term("versions.statistics")["kept"], true);
    let page = place.run(&["config", "retention"]).ok();
    assert!(
        page.contains("Logs have ids of files, because `log_level` is `trace`"),
        "{page}"
    );
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
