//! What old servers have in their tables that cannot be, and what becomes of it.

use serde_json::{Value, json};

use crate::count;
use crate::old_server::{OldServer, now};
use crate::support::{Place, Stores};

/// An id of this kind.
fn id(prefix: &str, byte: &str) -> String {
    format!("{prefix}{}", byte.repeat(32))
}

/// A little of everything.
async fn odd(old: &OldServer) {
    let (recent, long_ago, later) = (now() - 60.0, now() - 100.0 * 86_400.0, now() + 1e6);
    let signature = "5a".repeat(64);
    let twin = |last: &str| format!("15{}{last}", "22".repeat(31));
    for (number, id, rights) in [
        (1, "deleted".to_owned(), "FALSE, FALSE, FALSE"),
        (2, "no id at all".to_owned(), "FALSE, FALSE, FALSE"),
        (3, id("05", "ab"), "TRUE, TRUE, FALSE"),
        (4, id("15", "cd"), "FALSE, FALSE, TRUE"),
        (5, id("15", "EF"), "TRUE, FALSE, FALSE"),
        (6, id("15", "ef"), "FALSE, TRUE, FALSE"),
        (7, id("05", "BA"), "FALSE, FALSE, FALSE"),
        (8, id("ff", "11"), "FALSE, TRUE, TRUE"),
        (9, twin("02"), "FALSE, FALSE, FALSE"),
        (10, twin("82"), "FALSE, FALSE, FALSE"),
    ] {
        old.sql(&format!(
            "INSERT INTO users (id, session_id, banned, moderator, admin) VALUES ({number}, '{id}', {rights});"
        ))
        .await;
    }
    old.sql(&format!(
        r#"INSERT INTO rooms (id, token, name, message_sequence, info_updates, image) VALUES
            (1, 'one', 'One', 50, 4, NULL), (2, 'two', 'Two', 0, 4, NULL);
        INSERT INTO user_permission_overrides (room, "user") VALUES (1, 1);
        INSERT INTO user_permission_overrides (room, "user", banned, moderator) VALUES (1, 2, TRUE, TRUE);
        INSERT INTO user_permission_overrides (room, "user", admin) VALUES (2, 7, TRUE), (2, 8, TRUE);
        INSERT INTO user_permission_overrides (room, "user", read) VALUES (1, 5, FALSE), (1, 999, TRUE), (99, 1, TRUE);
        INSERT INTO user_permission_overrides (room, "user", write) VALUES (1, 6, FALSE);
        INSERT INTO user_permission_futures (room, "user", at) VALUES (1, 1, {later});
        INSERT INTO user_permission_futures (room, "user", at, write) VALUES (1, 10, {later}, FALSE), (1, 10, {later}, TRUE);
        INSERT INTO user_ban_futures (room, "user", at, banned) VALUES (NULL, 10, {later}, TRUE);
        INSERT INTO messages (id, room, "user", seqno, seqno_data, data, data_size, signature) VALUES
            (10, 1, 5, 1, 1, X'61', 1, X'{signature}'),
            (11, 1, 1, 2, 2, NULL, 7, X'{signature}'),
            (12, 1, 1, 3, 3, X'616263', 2, X'{signature}'),
            (13, 1, 1, 4, 4, X'61', 1, X'010203'),
            (14, 1, 1, 5, 5, NULL, NULL, NULL),
            (16, 1, 999, 7, 7, X'61', 1, X'{signature}'),
            (18, 1, 1, 9, 9, X'62', 999999999999, X'{signature}'),
            (19, 1, 1, 10, 10, X'62', NULL, X'{signature}'),
            (20, 99, 1, 10, 10, X'62', 1, X'{signature}');
        INSERT INTO messages (id, room, "user", seqno, seqno_data, data, data_size, signature, whisper) VALUES
            (15, 1, 1, 6, 6, X'61', 1, X'{signature}', 6), (17, 1, 1, 8, 8, X'61', 1, X'{signature}', 998);
        INSERT INTO message_history (message, replaced, data, signature) VALUES
            (10, {recent}, X'30', X'{signature}'), (10, {long_ago}, X'31', X'{signature}'),
            (16, {recent}, X'32', X'{signature}'), (777, {recent}, X'33', X'{signature}');
        INSERT INTO reactions (id, message, reaction) VALUES
            (30, 10, 'x'), (31, 10, 'unused'), (32, 14, 'x'), (33, 777, 'x'), (35, 16, 'x');
        INSERT INTO user_reactions (reaction, "user", at) VALUES
            (30, 5, 1700000000), (30, 6, 1700000001), (30, 9, 1700000002), (32, 6, 1700000000), (34, 6, 1700000000),
            (35, 6, 1700000000), (30, 999, 1700000000);
        INSERT INTO pinned_messages (room, message, pinned_by) VALUES (1, 10, 5), (1, 14, 6), (1, 15, 6), (2, 10, 6);
        INSERT INTO inbox (id, recipient, sender, body, expiry) VALUES (1, 9, 999, X'00', {later}), (2, 9, 5, X'00', {later});
        INSERT INTO room_users (room, "user", last_active) VALUES (1, 6, {recent}), (1, 5, {recent}), (1, 9, {long_ago});"#
    ))
    .await;
}

/// What the report has to say, whatever database the old server had.
fn check(report: &Value) {
    for (check, times) in [
        ("opaque_id", 2),
        ("former_server_id", 1),
        // User 3; user 5, who is 6 as well; user 2 in a room.
        ("banned_moderator", 3),
        // User 4, and user 7 in a room.
        ("admin_only", 2),
        ("upper_case_id", 1),
        ("merged_id", 1),
        ("twin_ids", 1),
        // Users 3 and 7.
        ("pending_blinding", 2),
        ("empty_override", 1),
        ("empty_schedule", 1),
        ("half_deleted", 1),
        ("wrong_size", 3),
        ("strange_signature", 1),
        ("shared_seqno", 0),
        ("old_history", 1),
        ("unused_reaction", 1),
        ("reaction_counter", 1),
        ("irregular_pin", 3),
        ("old_activity", 1),
    ] {
        assert_eq!(count(report, check), times, "{check}: {report:#}");
    }
    assert_eq!(report["findings"]["dangling"]["action"], "left_out");
    for (kind, rows) in [
        ("messages", 8),
        ("people's reactions", 3),
        ("pins", 1),
        ("direct messages", 1),
    ] {
        assert_eq!(report["taken"][kind], rows, "{kind}");
    }
}

async fn import_odd(old: &OldServer, place: &Place) {
    old.is_left().await;
    let dry = old.import(place, &["--dry-run", "--json"]).json();
    check(&dry);
    old.is_left().await;
    let mut report = old.import(place, &["--json"]).json();
    check(&report);
    // A dry run says just what comes of it.
    report["dry_run"] = json!(true);
    report["configuration"] = Value::Null;
    assert_eq!(report, dry);

    let live = place.live().await;
    let reader = live.user().await;
    let messages = reader.json("/room/one/messages/since/0").await;
    let find = |id: i64| messages.as_array().unwrap().iter().find(|message| message["id"] == id);
    assert_eq!(find(10).unwrap()["session_id"], id("15", "ef"));
    let reactors = &find(10).unwrap()["reactions"]["x"]["reactors"];
    assert_eq!(
        reactors.as_array().unwrap().len(),
        2,
        "one person does not react twice: {reactors}"
    );
    assert_eq!(find(11).unwrap()["deleted"], true);
    assert_eq!(
        (&find(12).unwrap()["data"], &find(18).unwrap()["data"]),
        (&json!("YWJj"), &json!("Yg=="))
    );
    assert_eq!(find(13).unwrap()["signature"], "AQID");
    for gone in [15, 16, 17, 20] {
        assert_eq!(find(gone), None, "{gone}");
    }
    let room = reader.json("/room/one").await;
    assert_eq!(room["pinned_messages"].as_array().unwrap().len(), 1);
    // Apps have to fetch the details again, for they list other moderators.
    assert_eq!(room["info_updates"], 5);
    let moderators = place.run(&["mod", "list", "--json"]).ok();
    assert!(
        moderators.contains(&id("05", "ab")) && moderators.contains(&id("15", "ef")),
        "{moderators}"
    );
    assert!(!moderators.contains(&id("ff", "11")), "{moderators}");
    // Nothing is left that the check of this server would complain about.
    place.run(&["check"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_are_mended_or_left_out_from_sqlite() {
    let place = Place::new();
    let old = OldServer::new().await;
    odd(&old).await;
    // SQLite has no flags, and columns of the reference have had other numbers than 0 and 1.
    old.sql("UPDATE users SET moderator = 2 WHERE id = 6;").await;
    import_odd(&old, &place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_are_mended_or_left_out_from_postgresql() {
    let Some(place) = Place::on(Stores::Shared) else { return };
    let Some(old) = OldServer::on_postgres().await else {
        return;
    };
    odd(&old).await;
    import_odd(&old, &place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_on_the_command_line_counts_more_than_that_in_the_configuration() {
    let Some(elsewhere) = OldServer::on_postgres().await else {
        return;
    };
    elsewhere
        .sql("INSERT INTO rooms (id, token, name) VALUES (1, 'elsewhere', 'Elsewhere');")
        .await;
    let ini = std::fs::read_to_string(elsewhere.path().join("sogs.ini")).unwrap();
    let url = ini.lines().last().unwrap().trim_start_matches("url = ");
    let (old, place) = (OldServer::new().await, Place::new());
    let report = old.import(&place, &["--json", "--from-database", url]).json();
    assert_eq!(report["rooms"], json!(["elsewhere"]));
}

/// Ids that were given once are not given again, also where their rows are gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_knows_ids_that_it_gave_away_and_took_back() {
    let Some(old) = OldServer::on_postgres().await else {
        return;
    };
    old.sql(
        r#"INSERT INTO rooms (id, token, name) VALUES (1, 'lobby', 'Lobby');
        INSERT INTO messages (room, "user", seqno, seqno_data) VALUES (1, 0, 1, 1), (1, 0, 2, 2), (1, 0, 3, 3);
        DELETE FROM messages;"#,
    )
    .await;
    let place = Place::new();
    old.import(&place, &[]).ok();
    let live = place.live().await;
    assert_eq!(live.user().await.say("lobby", "the fourth").await, 4);
}

/// A page of the history counts messages, also those that are gone.
#[tokio::test(flavor = "multi_thread")]
async fn history_goes_on_behind_any_number_of_messages_that_are_gone() {
    for old in [Some(OldServer::new().await), OldServer::on_postgres().await] {
        let Some(old) = old else { continue };
        let place = Place::new();
        old.sql(
            r#"INSERT INTO rooms (id, token, name, message_sequence) VALUES (1, 'lobby', 'Lobby', 1);
            INSERT INTO messages (id, room, "user", seqno, seqno_data, data, data_size, signature) VALUES
                (1000, 1, 0, 1, 1, X'61', 1, X'00');"#,
        )
        .await;
        let gone: Vec<i64> = (1..=150).collect();
        for message in gone.iter().chain([&1000]) {
            old.sql(&format!(
                "INSERT INTO message_history (message, replaced, data, signature) VALUES ({message}, {}, X'30', X'00');",
                now() - 60.0
            ))
            .await;
        }
        let report = old.import(&place, &["--json"]).json();
        assert_eq!(report["taken"]["earlier versions of messages"], 1, "{report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_what_the_old_server_would_have_forgotten() {
    for (ini, taken) in [
        ("", 0),
        (
            "[messages]\nhistory_prune_threshold = 365\n[rooms]\nactive_prune_threshold = 365\n",
            1,
        ),
    ] {
        let (old, place) = (OldServer::new().await, Place::new());
        let long_ago = now() - 100.0 * 86_400.0;
        old.write("sogs.ini", ini);
        old.sql(&format!(
            r#"INSERT INTO users (id, session_id) VALUES (5, '{}');
            INSERT INTO rooms (id, token, name, message_sequence) VALUES (1, 'lobby', 'Lobby', 1);
            INSERT INTO messages (id, room, "user", seqno, seqno_data, data, data_size, signature) VALUES
                (10, 1, 5, 1, 1, X'61', 1, X'00');
            INSERT INTO message_history (message, replaced, data, signature) VALUES (10, {long_ago}, X'30', X'00');
            INSERT INTO room_users (room, "user", last_active) VALUES (1, 5, {long_ago});"#,
            id("15", "cd")
        ))
        .await;
        let report = old.import(&place, &["--json"]).json();
        for kind in ["earlier versions of messages", "visits to rooms"] {
            assert_eq!(report["taken"][kind].as_u64().unwrap_or(0), taken, "{kind}: {report:#}");
        }
    }
}

/// The old server's tools made no longer tokens, but its tables took them.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_with_a_long_token_is_shown_and_deleted() {
    let (old, place) = (OldServer::new().await, Place::new());
    let token = "long".repeat(20);
    old.sql(&format!(
        "INSERT INTO rooms (id, token, name) VALUES (1, '{token}', 'Long');"
    ))
    .await;
    old.import(&place, &[]).ok();
    place.run(&["init"]).ok();
    assert_eq!(place.run(&["room", "show", "long", "--json"]).json()["token"], token);
    let complaint = place.run(&["room", "delete", "long"]).fails();
    assert!(complaint.contains("--yes"), "{complaint}");
    place.run(&["room", "delete", "long", "--yes"]).ok();
    assert_eq!(place.run(&["room", "list", "--json"]).json(), json!([]));
}
