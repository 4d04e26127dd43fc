//! Roles and bans.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[macro_use]
#[path = "../in_process/mod.rs"]
mod in_process;

mod bans;
mod roles;

use in_process::{Person, Server, json};
use serde_json::Value;
use shared::crypto::UserId;
use sogs::model::{RoleChange, RoomNo, Scope};
use sogs::store::Write;

pub(crate) fn counter(room: &Value) -> i64 {
    room["info_updates"].as_i64().unwrap()
}

pub(crate) async fn room_of(person: &Person, token: &str) -> Value {
    json(&person.get(&format!("/room/{token}")).await)
}

/// What somebody is in a room: moderator, admin.
pub(crate) async fn role_in(person: &Person, token: &str) -> (bool, bool) {
    let room = room_of(person, token).await;
    (room["moderator"] == true, room["admin"] == true)
}

pub(crate) async fn make(server: &Server, person: &Person, change: RoleChange) {
    let id: UserId = person.id.parse().unwrap();
    server
        .change(async |write: &mut Write| {
            write.change_role(&id, &Scope::Server, change).await.unwrap();
        })
        .await;
}

pub(crate) async fn global_admin(server: &Server) -> Person {
    let person = server.user().await;
    make(server, &person, RoleChange::Admin { visible: None }).await;
    person
}

pub(crate) async fn global_moderator(server: &Server) -> Person {
    let person = server.user().await;
    make(server, &person, RoleChange::Moderator { visible: None }).await;
    person
}

pub(crate) async fn admin_of(server: &Server, room: RoomNo) -> Person {
    let person = server.user().await;
    server.appoint(room, &person, true).await;
    person
}

pub(crate) async fn moderator_of(server: &Server, room: RoomNo) -> Person {
    let person = server.user().await;
    server.appoint(room, &person, false).await;
    person
}

/// The status of `POST /user/ID/WHAT`.
pub(crate) async fn status(actor: &Person, target: &Person, what: &str, body: Value) -> u16 {
    actor.post(&format!("/user/{}/{what}", target.id), &body).await.status
}
