//! Somebody who talks to the server, signed with the blinded id.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use e2e::Sogs;
use serde_json::{Value, json};
use shared::client::{Account, Answer, Client, Identity, Request};
use shared::clock::Clock;
use shared::crypto::sogs_auth::SignedRequest;

/// Somebody who talks to one machine.
#[derive(Clone)]
pub(crate) struct Person {
    account: Account,
    /// The blinded id.
    pub(crate) id: String,
    pub(crate) client: Client,
}

impl Person {
    /// Somebody new, whom the server has not seen yet.
    pub(crate) fn at(server: &Sogs) -> Self {
        Self::of(Account::generate(), server)
    }

    /// The same person at another machine, or after a restart.
    pub(crate) fn also_at(&self, server: &Sogs) -> Self {
        Self::of(self.account.clone(), server)
    }

    fn of(account: Account, server: &Sogs) -> Self {
        Self {
            id: account.blinded_id(&server.key()).unwrap().to_string(),
            client: server.client_of(account.clone()),
            account,
        }
    }

    /// The id of the account.
    pub(crate) fn account_id(&self) -> String {
        self.account.session_id().to_string()
    }

    /// The request with the headers that sign it, to be sent by a client that does not sign: more than once, or slowly.
    pub(crate) fn sign(&self, server: &Sogs, mut request: Request) -> Request {
        let signed = SignedRequest {
            method: &request.method,
            path: &request.target,
            query: None,
            body: &request.body,
        };
        let now = Clock::system().now();
        let headers = self
            .account
            .sign_for_community(Identity::Blinded, &server.key(), &signed, now);
        request.headers.extend(headers.unwrap());
        request
    }

    pub(crate) async fn call(&self, request: Request) -> Answer {
        self.client.direct(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Request::new("GET", path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Request::new("DELETE", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(with_json("POST", path, body)).await
    }

    pub(crate) async fn say(&self, room: &str, text: &str) -> Answer {
        self.call(message(room, text)).await
    }

    /// Posts, which must go well, and tells the number of the message.
    pub(crate) async fn said(&self, room: &str, text: &str) -> i64 {
        number(&self.say(room, text).await)
    }

    /// Uploads, which must go well, and tells the number of the file.
    pub(crate) async fn uploaded(&self, room: &str, bytes: impl Into<Bytes>) -> i64 {
        number(&self.call(upload(room, bytes)).await)
    }

    /// The JSON that is there.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        crate::json(&answer.body)
    }
}

/// The id in an answer that tells of something new.
#[track_caller]
pub(crate) fn number(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 201, "{answer:?}");
    crate::json(&answer.body)["id"].as_i64().unwrap()
}

pub(crate) fn with_json(method: &str, path: &str, body: &Value) -> Request {
    Request::new(method, path)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// A message of this text.
pub(crate) fn message(room: &str, text: &str) -> Request {
    let body = json!({ "data": STANDARD.encode(text), "signature": STANDARD.encode([7; 64]) });
    with_json("POST", &format!("/room/{room}/message"), &body)
}

/// The text of a message.
pub(crate) fn text(message: &Value) -> String {
    String::from_utf8(STANDARD.decode(message["data"].as_str().unwrap()).unwrap()).unwrap()
}

pub(crate) fn upload(room: &str, bytes: impl Into<Bytes>) -> Request {
    Request::new("POST", &format!("/room/{room}/file")).body(bytes)
}
