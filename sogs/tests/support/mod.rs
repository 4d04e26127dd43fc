//! The program as its operator runs it, and a server inside the test on the same rows and bytes.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test file uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::{Account, Answer, Client, Identity, Request};
use shared::clock::Clock;
use shared::config::load;
use shared::testing;
pub(crate) use shared::testing::{Done, Program, Server, Stores};
use sogs::app::Community;
use sogs::serve::Running;
use sogs::settings::{PREFIX, Settings};

const SOGS: Program = Program {
    name: "sogs",
    path: env!("CARGO_BIN_EXE_sogs"),
    prefix: PREFIX,
};

/// The public address of all of them.
pub(crate) const BASE_URL: &str = "https://community.example.org";

/// See the macro that it calls.
#[macro_export]
macro_rules! in_every_place {
    ($($tests:tt)+) => {
        shared::on_both_stores!($($tests)+);
    };
}

/// A folder with everything that one server has.
pub(crate) struct Place(testing::Place);

impl Deref for Place {
    type Target = testing::Place;

    fn deref(&self) -> &testing::Place {
        &self.0
    }
}

impl DerefMut for Place {
    fn deref_mut(&mut self) -> &mut testing::Place {
        &mut self.0
    }
}

impl Place {
    /// A place on SQLite and a folder; nothing is there yet.
    pub(crate) fn new() -> Self {
        Self::with_address(testing::Place::new(SOGS))
    }

    /// A place on these stores, or `None` if they are not at hand, which has been said then.
    pub(crate) fn on(stores: Stores) -> Option<Self> {
        testing::Place::on(SOGS, stores).map(Self::with_address)
    }

    fn with_address(mut place: testing::Place) -> Self {
        place.set("SOGS_BASE_URL", BASE_URL);
        place.set("SOGS_FILES_FREE_SPACE_FLOOR", "0");
        Self(place)
    }

    /// Starts a server inside the test.
    pub(crate) async fn live(&self) -> Live {
        shared::crypto::init().unwrap();
        let flags = [("listen", "127.0.0.1:0".to_owned())];
        let loaded = load::<Settings>(PREFIX, None, |name| self.variable(name), &flags).unwrap();
        Live(Running::start(loaded.settings, Clock::system()).await.unwrap())
    }

    /// The link to a room of this place.
    pub(crate) fn link(&self, token: &str) -> String {
        let key = self.run(&["key", "show"]).ok();
        format!("{BASE_URL}/{token}?public_key={}", key.trim_end())
    }
}

/// A server inside the test, beside which commands are run.
pub(crate) struct Live(Running);

/// Somebody who talks to it, signed with the blinded id.
pub(crate) struct Person {
    /// The account's id.
    pub(crate) account: String,
    /// The blinded id.
    pub(crate) id: String,
    client: Client,
}

impl Live {
    pub(crate) fn app(&self) -> &Arc<Community> {
        self.0.app()
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {
        self.0.stop().await;
    }

    /// Somebody new; the server has not seen them yet.
    pub(crate) fn person(&self) -> Person {
        self.person_of(Account::generate())
    }

    /// The person with this account.
    pub(crate) fn person_of(&self, account: Account) -> Person {
        let key = *self.app().key.public();
        let client = Client::new(&format!("http://{}", self.0.address()), key).unwrap();
        Person {
            account: account.session_id().to_string(),
            id: account.blinded_id(&key).unwrap().to_string(),
            client: client.with_account(account, Identity::Blinded, Clock::system()),
        }
    }

    /// Somebody whom the server has seen.
    pub(crate) async fn user(&self) -> Person {
        let person = self.person();
        assert_eq!(person.get("/capabilities").await.status, 200);
        person
    }

    /// Runs a command, which must go well, and waits until the server knows what it has done.
    pub(crate) async fn after(&self, done: Done) -> String {
        let printed = done.ok();
        self.app().directory.catch_up().await.unwrap();
        printed
    }
}

impl Person {
    pub(crate) async fn call(&self, request: Request) -> Answer {
        self.client.direct(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Request::new("GET", path)).await
    }

    /// The JSON of an answer that must be 200.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Posts a message and tells its number.
    pub(crate) async fn say(&self, room: &str, text: &str) -> i64 {
        number(&self.try_to_say(room, text).await)
    }

    pub(crate) async fn try_to_say(&self, room: &str, text: &str) -> Answer {
        self.send("POST", &format!("/room/{room}/message"), &content(text))
            .await
    }

    /// Posts what a client would, with files, and tells its number.
    pub(crate) async fn post(&self, room: &str, data: &[u8], files: &[i64]) -> i64 {
        let mut body = content(data);
        body["files"] = json!(files);
        number(&self.send("POST", &format!("/room/{room}/message"), &body).await)
    }

    /// Uploads a file and tells its number.
    pub(crate) async fn upload(&self, room: &str, name: &str, bytes: &str) -> i64 {
        let request = Request::new("POST", &format!("/room/{room}/file"))
            .header("Content-Disposition", &format!("attachment; filename=\"{name}\""))
            .body(bytes.to_owned());
        number(&self.call(request).await)
    }

    /// Sends JSON.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::new(method, path).header("Content-Type", "application/json");
        self.call(request.body(body.to_string())).await
    }
}

/// The body of a request that posts or edits.
pub(crate) fn content(data: impl AsRef<[u8]>) -> Value {
    json!({ "data": STANDARD.encode(data), "signature": STANDARD.encode([0; 64]) })
}

/// The number in an answer that tells of something new.
#[track_caller]
fn number(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 201, "{answer:?}");
    let new: Value = serde_json::from_slice(&answer.body).unwrap();
    new["id"].as_i64().unwrap()
}
