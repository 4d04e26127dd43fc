//! People who talk to the community server of a sandbox.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::{Account, Answer, Client, Identity, Request};
use shared::clock::Clock;
use shared::crypto::X25519Public;

use crate::sandbox::{Sandbox, Server};

/// Somebody with an account.
pub(crate) struct Person {
    account: Account,
    key: X25519Public,
    client: Client,
}

impl Person {
    /// Somebody new, at the server that runs.
    pub(crate) fn at(sandbox: &Sandbox) -> Self {
        shared::crypto::init().unwrap();
        let key = X25519Public::from_hex(&sandbox.public_key(Server::Sogs)).unwrap();
        let account = Account::generate();
        let url = format!("http://{}", sandbox.address(Server::Sogs));
        let client = Client::new(&url, key).unwrap();
        let client = client.with_account(account.clone(), Identity::Blinded, Clock::system());
        Self { account, key, client }
    }

    /// The blinded id.
    pub(crate) fn id(&self) -> String {
        self.account.blinded_id(&self.key).unwrap().to_string()
    }

    /// Comes by once.
    pub(crate) fn visits(&self, room: &str) {
        assert_eq!(self.call(Request::new("GET", &format!("/room/{room}"))).status, 200);
    }

    /// Posts as an app does, and tells the number of the message.
    pub(crate) fn writes(&self, room: &str, text: &str, name: &str) -> i64 {
        let data = sogs::content::plain_text(text, name, 1_700_000_000_000);
        let body = json!({ "data": STANDARD.encode(data), "signature": STANDARD.encode([7; 64]) });
        let request = Request::new("POST", &format!("/room/{room}/message"));
        number(
            &self.call(
                request
                    .header("Content-Type", "application/json")
                    .body(body.to_string()),
            ),
        )
    }

    /// Uploads a file, and tells its number.
    pub(crate) fn uploads(&self, room: &str) -> i64 {
        number(&self.call(Request::new("POST", &format!("/room/{room}/file")).body("the bytes of a file")))
    }

    fn call(&self, request: Request) -> Answer {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(self.client.direct(request)).unwrap()
    }
}

fn number(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 201, "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["id"].as_i64().unwrap()
}
