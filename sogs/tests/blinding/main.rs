//! People who are named by their account's id, which is not the one that they show up with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

#[macro_use]
#[path = "../in_process/mod.rs"]
mod in_process;

mod both;
mod settings;
mod there;
mod waiting;

use in_process::{Person, Server};
use serde_json::Value;
use shared::client::Account;
use shared::crypto::{BlindedId, UserId};
use sogs::model::{Member, RoleChange, Scope};
use sogs::store::Write;

pub(crate) fn account(server: &Server, negative: bool) -> Account {
    loop {
        let account = Account::generate();
        let blinded = account.blinded_id(server.app().key.public()).unwrap();
        if (blinded != blinded.absolute()) == negative {
            return account;
        }
    }
}

/// Somebody new whose blinded id has the sign bit set or not: nobody can tell that from the account.
pub(crate) fn newcomer(server: &Server, negative: bool) -> (Person, UserId) {
    let person = server.person_of(account(server, negative));
    let id: BlindedId = person.id.parse().unwrap();
    assert_eq!(id == id.negative(), negative);
    let session = UserId::Session(person.account.session_id());
    (person, session)
}

pub(crate) async fn root(server: &Server) -> Person {
    let person = server.user().await;
    let id: UserId = person.id.parse().unwrap();
    server
        .change(async |write: &mut Write| {
            let change = RoleChange::Admin { visible: None };
            write.change_role(&id, &Scope::Server, change).await.unwrap();
        })
        .await;
    person
}

pub(crate) async fn act(actor: &Person, id: &UserId, what: &str, body: Value) {
    let answer = actor.post(&format!("/user/{id}/{what}"), &body).await;
    assert_eq!(answer.status, 200, "{what} {body}: {:?}", answer.body);
}

/// What is kept for exactly this id.
pub(crate) async fn kept(server: &Server, id: &UserId) -> Option<Member> {
    server.app().store.member(id).await.unwrap()
}
