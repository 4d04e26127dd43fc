//! `sogs config from-ini`, and what an import does with a configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::count;
use crate::old_server::OldServer;
use crate::support::Place;

const INI: &str = "[net]\nbase_url = https://open.example.org/\n\n[files]\nexpiry = 30\n\n[messages]\nprofanity_custom = words.txt\n
[filter:*:*]\nreply =\n  100%% \\p\n  Second\n\n[crypto]\nkey_file = secret.key\n\n[users]\nrequire_blind_keys = perhaps\n";

#[test]
fn a_configuration_is_printed_in_the_new_form_with_what_to_look_at_on_the_side() {
    let place = Place::new();
    let file = place.write("sogs.ini", INI);
    place.write("words.txt", "word\n");
    let done = place.run(&["config", "from-ini", file.to_str().unwrap()]);
    assert_eq!(done.code, 0);
    assert!(
        done.stderr
            .contains("[users] require_blind_keys: it is neither yes nor no"),
        "{}",
        done.stderr
    );
    let expected = format!(
        "\nbase_url = \"https://open.example.org\"\n\n[files]\nexpiry = \"30days\"\n\n[filters]\nprofanity_custom = \"{}\"\n\n\
         [filters.replies.\"*\".\"*\"]\nreply = ['100% \\p', \"Second\"]\n",
        place.path().join("words.txt").display()
    );
    assert!(done.stdout.contains(&expected), "{}", done.stdout);
    assert!(
        done.stdout.contains("# [crypto] key_file = secret.key\n"),
        "{}",
        done.stdout
    );

    // And it is a configuration.
    let converted = place.write("sogs.toml", done.stdout);
    let printed = place
        .run(&["--config", converted.to_str().unwrap(), "config", "check"])
        .ok();
    assert!(printed.contains("The configuration is valid"), "{printed}");

    let elsewhere = place.run(&["config", "from-ini", file.to_str().unwrap(), "--folder", "/srv/old"]);
    assert!(
        elsewhere.stdout.contains("\"/srv/old/words.txt\""),
        "{}",
        elsewhere.stdout
    );
    let complaint = place.run(&["config", "from-ini", "missing.ini"]).fails();
    assert!(complaint.contains("missing.ini"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_by_the_old_configuration_and_writes_it_in_the_new_form() {
    let (old, place) = (OldServer::new().await, Place::new());
    old.sql("INSERT INTO rooms (id, token, name) VALUES (1, 'lobby', 'Lobby');")
        .await;
    fs::rename(old.path().join("key_x25519"), old.path().join("secret.key")).unwrap();
    fs::create_dir(old.path().join("rows")).unwrap();
    fs::rename(old.path().join("sogs.db"), old.path().join("rows/there.db")).unwrap();
    old.write("etc/sogs.ini", format!("{INI}[db]\nurl = sqlite:///rows/there.db\n"));
    let complaint = old.import(&place, &[]).fails();
    assert!(complaint.contains("no PySOGS database"), "{complaint}");

    let ini = old.path().join("etc/sogs.ini");
    let report = old.import(&place, &["--ini", ini.to_str().unwrap(), "--json"]).json();
    assert_eq!(report["rooms"], json!(["lobby"]));
    assert_eq!(report["base_url"], "https://open.example.org");
    assert_eq!(count(&report, "other_address"), 1);
    assert_eq!(report["configuration_notes"].as_array().unwrap().len(), 1);
    let written = place.data().join("sogs-from-pysogs.toml");
    assert_eq!(report["configuration"], written.to_str().unwrap());
    assert_eq!(fs::metadata(&written).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&written).unwrap();
    // Made the configuration, it leads to what was imported.
    assert!(
        text.starts_with(&format!("data = \"{}\"\n", place.data().display())),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "profanity_custom = \"{}\"",
            old.path().join("words.txt").display()
        )),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_for_people_names_what_was_taken_and_the_links() {
    let (old, place) = (OldServer::new().await, Place::new());
    old.write("sogs.ini", "[net]\nbase_url = https://community.example.org\n");
    old.sql(
        "INSERT INTO rooms (id, token, name) VALUES (1, 'Lobby', 'Lobby');
        INSERT INTO files (id, room, size, path) VALUES (5, 1, 3, 'uploads/Lobby/5_x');",
    )
    .await;
    let printed = old.import(&place, &[]).ok();
    let key = old.key.public();
    for line in [
        "  1 rooms".to_owned(),
        "  5 uploads/Lobby/5_x".to_owned(),
        format!("  https://community.example.org/Lobby?public_key={key}"),
        "  1 files whose bytes are missing; they count as expired".to_owned(),
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}\n{printed}");
    }
    assert_eq!(
        place.link("Lobby"),
        format!("https://community.example.org/Lobby?public_key={key}")
    );
}
