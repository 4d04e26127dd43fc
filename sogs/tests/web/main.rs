//! Pages for browsers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[path = "../in_process/mod.rs"]
#[macro_use]
mod in_process;
#[path = "../wire/mod.rs"]
mod wire;

mod browser;
mod driver;
mod feed;
mod light;
mod messages;
mod pages;
mod rooms;
mod switches;
mod templates;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::Request;
use sogs::model::RoomNo;
use sogs::store::{RoomChange, Write};

use in_process::{Person, Server, json};
use wire::{bytes, data_message, number, posted};

/// A room in which people may post as often as they like.
pub(crate) async fn lobby(server: &Server) -> RoomNo {
    let room = server.room("lobby").await;
    change(
        server,
        room,
        RoomChange {
            rate_limit: Some((0, Duration::ZERO)),
            ..RoomChange::default()
        },
    )
    .await;
    room
}

pub(crate) async fn change(server: &Server, room: RoomNo, change: RoomChange) {
    server
        .change(async |write: &mut Write| write.change_room(room, &change).await.unwrap())
        .await;
}

/// Posts these bytes, which must go well, and tells the number of the message.
pub(crate) async fn post(person: &Person, data: &[u8]) -> i64 {
    post_with(person, data, &json!({})).await
}

/// The same, with what else is to be said of it.
pub(crate) async fn post_with(person: &Person, data: &[u8], more: &Value) -> i64 {
    let mut body = json!({ "data": STANDARD.encode(data), "signature": STANDARD.encode([0; 64]) });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = person.post("/room/lobby/message", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    json(&answer)["id"].as_i64().unwrap()
}

/// Posts a text under a name.
pub(crate) async fn say(person: &Person, name: &str, text: &str) -> i64 {
    post(person, &posted(&data_message(text, Some(name)))).await
}

/// A message that answers the one of this moment.
pub(crate) fn answering(milliseconds: u64, author: &str, text: &str) -> Vec<u8> {
    let quote = [
        number(1, milliseconds),
        bytes(2, author),
        bytes(3, "what the answer claims"),
    ]
    .concat();
    posted(&[data_message(text, Some("Quoter")), bytes(8, quote)].concat())
}

/// Uploads a file and tells its number.
pub(crate) async fn upload(person: &Person, name: &str, content: &str) -> i64 {
    let request = Request::new("POST", "/room/lobby/file")
        .header("Content-Disposition", &format!("attachment; filename=\"{name}\""))
        .body(content.to_owned());
    let answer = person.call(request).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    json(&answer)["id"].as_i64().unwrap()
}

/// A page, which must be there.
pub(crate) async fn page(server: &Server, path: &str) -> String {
    let answer = server.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    String::from_utf8(answer.body.to_vec()).unwrap()
}
