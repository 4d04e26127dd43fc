//! What is written down of changes that are asked for through the API.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "this is a test"
)]

#[macro_use]
#[path = "../in_process/mod.rs"]
mod in_process;
#[path = "../old_clients/mod.rs"]
mod old_clients;

mod changes;
mod nothing;
mod records;

use in_process::{Person, Server, json};
use serde_json::{Value, json};
use shared::client::Answer;
use shared::crypto::UserId;
use sogs::model::{Action, RoleChange, Scope};
use sogs::store::{Sought, Write};

/// Records of everything, the first first.
pub(crate) async fn records(server: &Server) -> Vec<Value> {
    let mut records = server.app().store.audit(&Sought::default(), i64::MAX).await.unwrap();
    records.reverse();
    let value = |text: &Option<String>| {
        text.as_deref()
            .map_or(json!({}), |text| serde_json::from_str(text).unwrap())
    };
    records
        .iter()
        .map(|record| {
            json!({
                "by": record.actor, "action": record.action, "room": record.room,
                "person": record.target, "detail": value(&record.detail),
            })
        })
        .collect()
}

pub(crate) fn record(by: &str, action: Action, room: Option<&str>, person: Option<&str>, detail: Value) -> Value {
    json!({ "by": by, "action": action.name(), "room": room, "person": person, "detail": detail })
}

/// What has been written down since there were so many records.
pub(crate) async fn since(server: &Server, count: usize) -> Vec<Value> {
    records(server).await.split_off(count)
}

pub(crate) async fn admin(server: &Server) -> Person {
    let person = server.user().await;
    let id: UserId = person.id.parse().unwrap();
    let change = RoleChange::Admin { visible: None };
    server
        .change(async |write: &mut Write| write.change_role(&id, &Scope::Server, change).await.unwrap())
        .await;
    person
}

pub(crate) fn good(answer: &Answer) -> Value {
    assert!((200..300).contains(&answer.status), "{answer:?}");
    json(answer)
}

pub(crate) async fn said(person: &Person, text: &str) -> i64 {
    good(&person.say("lobby", text).await)["id"].as_i64().unwrap()
}
