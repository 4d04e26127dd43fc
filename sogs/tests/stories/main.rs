//! What happens in a community, told from one end to the other.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[path = "../in_process/mod.rs"]
mod in_process;

mod apps;
mod demotion;
mod letters;
mod one_room_three_apps;
mod private_room;
mod spammer;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use shared::client::{Answer, Request};

use in_process::{Person, json};

/// A message of this text, and what else is to be said of it.
pub(crate) fn message(text: &str, more: Value) -> Value {
    let mut body = json!({ "data": STANDARD.encode(text), "signature": STANDARD.encode([7; 64]) });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

/// Posts, which must go well, and tells the number of the message.
pub(crate) async fn posted(person: &Person, room: &str, text: &str) -> i64 {
    posted_with(person, room, text, json!({})).await
}

pub(crate) async fn posted_with(person: &Person, room: &str, text: &str, more: Value) -> i64 {
    let answer = person
        .post(&format!("/room/{room}/message"), &message(text, more))
        .await;
    good(&answer, 201)["id"].as_i64().unwrap()
}

pub(crate) async fn upload(person: &Person, room: &str, bytes: impl Into<Bytes>) -> Answer {
    let request = Request::new("POST", &format!("/room/{room}/file")).body(bytes);
    person.call(request).await
}

pub(crate) async fn uploaded(person: &Person, room: &str, bytes: impl Into<Bytes>) -> i64 {
    good(&upload(person, room, bytes).await, 201)["id"].as_i64().unwrap()
}

/// Reacts as a client does, which sends no body.
pub(crate) async fn react(person: &Person, room: &str, message: i64, reaction: &str) -> Answer {
    let request = Request::new("PUT", &format!("/room/{room}/reaction/{message}/{reaction}"));
    person.call(request).await
}

/// The JSON of an answer that must have this status.
#[track_caller]
pub(crate) fn good(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    json(answer)
}

/// The number `name` of each of a list.
pub(crate) fn numbers(list: &[Value], name: &str) -> Vec<i64> {
    list.iter().map(|one| one[name].as_i64().unwrap()).collect()
}

/// Somebody who asks a room again and again for what is new.
pub(crate) struct Reader<'a> {
    pub(crate) person: &'a Person,
    room: &'a str,
    /// The highest sequence number they have received.
    pub(crate) cursor: i64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(person: &'a Person, room: &'a str) -> Self {
        Self {
            person,
            room,
            cursor: 0,
        }
    }

    /// Everything that is new.
    pub(crate) async fn news(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let page = self.page().await;
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// What one request brings; sequence numbers only go up.
    pub(crate) async fn page(&mut self) -> Vec<Value> {
        let Self { person, room, cursor } = self;
        let path = format!("/room/{room}/messages/since/{cursor}?t=r&reactors=5");
        let page = good(&person.get(&path).await, 200).as_array().unwrap().clone();
        for update in &page {
            let seqno = update["seqno"].as_i64().unwrap();
            assert!(seqno > self.cursor, "{update}");
            self.cursor = seqno;
        }
        page
    }
}

/// That this is what is left of a message, and nothing more.
#[track_caller]
pub(crate) fn assert_tombstone(update: &Value, author: &str) {
    let mut keys: Vec<&String> = update.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["data", "deleted", "edited", "id", "posted", "seqno", "session_id"],
        "{update}"
    );
    assert!(update["data"].is_null() && update["deleted"] == true, "{update}");
    assert_eq!(update["session_id"], author);
}
