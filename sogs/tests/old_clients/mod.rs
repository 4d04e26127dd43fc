//! Somebody with one of the oldest clients.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test, and each file uses a part of it"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::{Account, Answer, Client, Identity, Request};
use shared::onion::{Cipher, LayerKey};
use sogs::model::{Defaults, Override, RoomNo};
use sogs::settings::Settings;

use super::in_process::{Server, Stores, json, with_json};

pub(crate) const HIDDEN: Defaults = Defaults {
    read: false,
    accessible: false,
    write: true,
    upload: true,
};

/// Somebody who signs with the account's own key.
pub(crate) struct Old {
    pub(crate) account: Account,
    pub(crate) id: String,
    pub(crate) client: Client,
    pub(crate) room: &'static str,
}

pub(crate) async fn start(stores: Stores) -> Option<Server> {
    Server::start_with(stores, unblinded).await
}

pub(crate) fn unblinded(settings: &mut Settings) {
    settings.users.require_blind_keys = false;
}

pub(crate) fn old(server: &Server, room: &'static str) -> Old {
    let account = Account::generate();
    let client = server
        .anonymous()
        .with_account(account.clone(), Identity::Unblinded, server.clock.clone());
    Old {
        id: account.session_id().to_string(),
        account,
        client,
        room,
    }
}

impl Old {
    pub(crate) async fn call(&self, request: Request) -> Answer {
        self.client.direct(request.header("Room", self.room)).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Request::new("GET", &format!("/legacy/{path}"))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Request::new("DELETE", &format!("/legacy/{path}"))).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(with_json("POST", &format!("/legacy/{path}"), &body)).await
    }

    pub(crate) async fn say(&self, text: &str) -> Answer {
        let (data, signature) = (STANDARD.encode(text), STANDARD.encode([0; 64]));
        let body = json!({ "public_key": self.id, "timestamp": 5, "data": data, "signature": signature });
        self.post("messages", body).await
    }

    /// The id of a new message.
    pub(crate) async fn said(&self, text: &str) -> i64 {
        good(&self.say(text).await)["message"]["server_id"].as_i64().unwrap()
    }
}

/// The JSON of an answer that tells of success.
pub(crate) fn good(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let value = json(answer);
    assert_eq!(value["status_code"], 200);
    value
}

pub(crate) async fn role(server: &Server, room: RoomNo, person: &Old, admin: bool) {
    let role = Override {
        moderator: true,
        admin,
        ..Override::default()
    };
    server.differ(room, &person.id, role).await;
}

pub(crate) fn texts(answer: &Answer) -> Vec<String> {
    let texts = good(answer)["messages"].as_array().unwrap().clone();
    let text = |message: &Value| STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
    texts
        .iter()
        .map(|message| String::from_utf8(text(message)).unwrap())
        .collect()
}

/// Asks for a token and opens it as the account does.
pub(crate) async fn token(server: &Server, person: &Old) -> Vec<u8> {
    let path = format!("/legacy/auth_token_challenge?public_key={}", person.id);
    let request = Request::new("GET", &path).header("Room", person.room);
    let answer = server.anonymous().direct(request).await.unwrap();
    let challenge = &good(&answer)["challenge"];
    let server_key = server.app().key.public();
    assert_eq!(
        challenge["ephemeral_public_key"],
        STANDARD.encode(server_key.as_bytes())
    );
    let sealed = STANDARD.decode(challenge["ciphertext"].as_str().unwrap()).unwrap();
    let pair = person.account.pair().to_x25519();
    let key = LayerKey::of_server(Cipher::Aes256Gcm, &pair, server_key).unwrap();
    key.open(sealed[..].into()).unwrap().to_vec()
}
