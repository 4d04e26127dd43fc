//! Filters at work: what is stored, shown and answered.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use shared::client::Answer;
use sogs::content::{self, Decoded};
use sogs::filter::FilterSettings;
use sogs::settings::Settings;

on_both_stores!(
    a_silently_filtered_post_looks_posted_to_its_author_and_is_shown_to_nobody,
    a_refused_post_is_429_and_leaves_nothing_but_the_reply,
    an_edit_into_filtered_words_is_dropped_or_refused,
    moderators_may_write_what_others_may_not,
);

fn cyrillic(settings: &mut Settings, more: &str) {
    let text = format!(
        "alphabet_filters = [\"cyrillic\"]\n{more}\n[replies.\"*\".\"*\"]\nreply = [\"Not here, \\\\p\"]\nprofile_name = \"Guard\"\n"
    );
    settings.filters = toml::from_str::<FilterSettings>(&text).unwrap();
}

fn body(text: &str) -> Value {
    let data = content::plain_text(text, "Ann", 1_700_000_000_000);
    json!({ "data": STANDARD.encode(data), "signature": STANDARD.encode([0; 64]) })
}

async fn say(person: &Person, text: &str) -> Answer {
    person.post("/room/lobby/message", &body(text)).await
}

/// The texts that somebody sees in the room, oldest first.
async fn seen(person: &Person) -> Vec<String> {
    let messages = json(&person.get("/room/lobby/messages/since/0?t=r").await);
    let text = |message: &Value| {
        let data = STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
        Decoded::read(&data).unwrap().body.unwrap_or_default()
    };
    messages.as_array().unwrap().iter().map(text).collect()
}

async fn a_silently_filtered_post_looks_posted_to_its_author_and_is_shown_to_nobody(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| cyrillic(settings, "")).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (author, reader, moderator) = (server.user().await, server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    assert_eq!(say(&author, "Hello").await.status, 201);
    let answer = say(&author, "Привет").await;
    let posted = json(&answer);
    assert_eq!(answer.status, 201);
    assert!(posted["id"].is_i64() && posted["seqno"].is_i64() && posted.get("filtered").is_none());
    assert_eq!(seen(&author).await, ["Hello", "Not here, Ann"]);
    for other in [&reader, &moderator] {
        assert_eq!(seen(other).await, ["Hello"]);
    }
    let single = format!("/room/lobby/message/{}", posted["id"]);
    assert_eq!(author.get(&single).await.status, 404);
    let reply = json(&author.get("/room/lobby/messages/recent").await)[0].clone();
    assert_eq!(
        (&reply["whisper"], &reply["whisper_to"]),
        (&json!(true), &json!(author.id))
    );
    assert!(reply["id"].as_i64() > posted["id"].as_i64());
    assert!(reply["session_id"].as_str().unwrap().starts_with("15"));
}

async fn a_refused_post_is_429_and_leaves_nothing_but_the_reply(stores: Stores) {
    let refuse = |settings: &mut Settings| cyrillic(settings, "alphabet_silent = false");
    let Some(server) = Server::start_with(stores, refuse).await else {
        return;
    };
    server.room("lobby").await;
    let author = server.user().await;
    let answer = say(&author, "Привет").await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (429, &b"filtration rejected message (alphabet)"[..])
    );
    assert_eq!(seen(&author).await, ["Not here, Ann"]);
    assert_eq!(json(&server.get("/room/lobby").await)["message_sequence"], 1);
}

async fn an_edit_into_filtered_words_is_dropped_or_refused(stores: Stores) {
    for (more, status) in [("", 200), ("alphabet_silent = false", 429)] {
        let Some(server) = Server::start_with(stores, |settings| cyrillic(settings, more)).await else {
            return;
        };
        server.room("lobby").await;
        let author = server.user().await;
        let id = json(&say(&author, "Hello").await)["id"].clone();
        let answer = author.put(&format!("/room/lobby/message/{id}"), &body("Привет")).await;
        assert_eq!(answer.status, status);
        assert_eq!(seen(&author).await, ["Hello"]);
    }
}

async fn moderators_may_write_what_others_may_not(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| cyrillic(settings, "")).await else {
        return;
    };
    let room = server.room("lobby").await;
    let moderator = server.user().await;
    server.appoint(room, &moderator, false).await;
    assert_eq!(say(&moderator, "Привет").await.status, 201);
    assert_eq!(seen(&server.user().await).await, ["Привет"]);
}
