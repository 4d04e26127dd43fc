//! A community server inside the test, with a clock that the test moves, on each pair of stores.

#![allow(dead_code, unused_macros, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::client::{Account, Answer, Client, Identity, Request};
use shared::clock::{Clock, Timestamp};
use shared::crypto::UserId;
use shared::testing;
pub(crate) use shared::testing::Stores;
use sogs::app::Community;
use sogs::model::{Defaults, Override, RoomNo, User, UserNo};
use sogs::serve::Running;
use sogs::settings::Settings;
use sogs::store::{NewRoom, Write};
use tempfile::TempDir;

/// The moment at which every test begins; that of the vectors.
pub(crate) const START: i64 = 1_700_000_000;

/// A community server, and what must live as long as it does.
pub(crate) struct Server {
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    running: Option<Running>,
    _database: Option<testing::TestDatabase>,
    data: TempDir,
}

/// Somebody who talks to the server, signed with the blinded id.
pub(crate) struct Person {
    pub(crate) account: Account,
    /// The blinded id.
    pub(crate) id: String,
    client: Client,
}

/// See the macro that it calls.
#[macro_export]
macro_rules! on_both_stores {
    ($($tests:tt)+) => {
        shared::on_both_stores!($($tests)+);
    };
}

impl Server {
    pub(crate) async fn start(stores: Stores) -> Option<Self> {
        Self::start_with(stores, |_| ()).await
    }

    /// `None` if the stores are not at hand, which has been said then.
    pub(crate) async fn start_with(stores: Stores, change: impl FnOnce(&mut Settings)) -> Option<Self> {
        shared::crypto::init().unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        let common = &mut settings.common;
        common.data = Some(data.path().join("data"));
        common.listen = Some(([127, 0, 0, 1], 0).into());
        settings.files.free_space_floor.0 = 0;
        let mut database = None;
        if stores == Stores::Shared {
            let (rows, bucket) = (testing::postgres()?, testing::s3()?);
            common.database_url = Some(rows.url.clone().into());
            common.blob_url = Some(bucket.url);
            common.s3.endpoint = Some(bucket.endpoint);
            common.s3.region = Some(bucket.region);
            common.s3.access_key_id = Some(bucket.access_key_id);
            common.s3.secret_access_key = Some(bucket.secret_access_key.into());
            database = Some(rows);
        }
        change(&mut settings);
        let clock = Clock::manual(Timestamp::from_seconds(START));
        let running = Running::start(settings.clone(), clock.clone()).await.unwrap();
        Some(Self {
            clock,
            settings,
            running: Some(running),
            _database: database,
            data,
        })
    }

    /// Stops the server and starts it again on the same stores and at the same address.
    pub(crate) async fn restart(&mut self) {
        let running = self.running.take().unwrap();
        let address = running.address();
        running.stop().await;
        self.settings.common.listen = Some(address);
        let running = Running::start(self.settings.clone(), self.clock.clone()).await.unwrap();
        self.running = Some(running);
    }

    /// Ends timed work, so that nothing is committed but what the test asks for.
    pub(crate) async fn stop_jobs(&mut self) {
        self.running.as_mut().unwrap().stop_jobs().await;
    }

    /// A second process, so to speak, on the same stores.
    pub(crate) async fn second(&self) -> Running {
        let mut settings = self.settings.clone();
        settings.common.listen = Some(([127, 0, 0, 1], 0).into());
        Running::start(settings, self.clock.clone()).await.unwrap()
    }

    pub(crate) fn app(&self) -> &Arc<Community> {
        self.running.as_ref().unwrap().app()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.as_ref().unwrap().address())
    }

    pub(crate) fn now(&self) -> f64 {
        self.clock.now().as_seconds_f64()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A client that does not sign.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.url(), *self.app().key.public()).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.anonymous().direct(Request::new("GET", path)).await.unwrap()
    }

    /// Somebody new; the server has not seen them yet.
    pub(crate) fn person(&self) -> Person {
        self.person_of(Account::generate())
    }

    pub(crate) fn person_of(&self, account: Account) -> Person {
        let id = account.blinded_id(self.app().key.public()).unwrap().to_string();
        let client = self
            .anonymous()
            .with_account(account.clone(), Identity::Blinded, self.clock.clone());
        Person { account, id, client }
    }

    /// Somebody new who signs with the id of their account, as servers allow that do not ask for blinded ids.
    pub(crate) fn unblinded(&self) -> Person {
        self.unblinded_of(Account::generate())
    }

    /// The person with this account, who signs with it.
    pub(crate) fn unblinded_of(&self, account: Account) -> Person {
        let id = account.session_id().to_string();
        let client = self
            .anonymous()
            .with_account(account.clone(), Identity::Unblinded, self.clock.clone());
        Person { account, id, client }
    }

    /// Somebody whom the server has seen.
    pub(crate) async fn user(&self) -> Person {
        let person = self.person();
        assert_eq!(person.get("/capabilities").await.status, 200);
        person
    }

    /// A change made beside the API, as the command line makes it.
    pub(crate) async fn change<T>(&self, work: impl AsyncFnOnce(&mut Write) -> T) -> T {
        let mut write = self.app().store.write(self.clock.now()).await.unwrap();
        let outcome = work(&mut write).await;
        let committed = write.commit().await.unwrap();
        self.app().take_note(&committed);
        outcome
    }

    /// A new room in which everybody may do everything.
    pub(crate) async fn room(&self, token: &str) -> RoomNo {
        self.room_with(token, Defaults::default()).await
    }

    pub(crate) async fn room_with(&self, token: &str, defaults: Defaults) -> RoomNo {
        let new = NewRoom {
            token: token.parse().unwrap(),
            name: format!("The room {token}"),
            description: None,
            defaults,
        };
        self.change(async |write: &mut Write| write.create_room(&new).await.unwrap().unwrap())
            .await
    }

    /// Sets what differs for somebody in a room.
    pub(crate) async fn differ(&self, room: RoomNo, id: &str, new: Override) {
        let id: UserId = id.parse().unwrap();
        self.change(async |write: &mut Write| {
            let user: User = write.named(&id).await.unwrap();
            write.set_override(room, &user, new).await.unwrap();
        })
        .await;
    }

    /// The number of somebody whom the server has seen.
    pub(crate) async fn number_of(&self, person: &Person) -> UserNo {
        let id: UserId = person.id.parse().unwrap();
        self.app().store.find_user(&id).await.unwrap().unwrap().no
    }

    /// Makes somebody a visible moderator of a room, or an admin.
    pub(crate) async fn appoint(&self, room: RoomNo, person: &Person, admin: bool) {
        let role = Override {
            moderator: true,
            admin,
            ..Override::default()
        };
        self.differ(room, &person.id, role).await;
    }
}

impl Person {
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

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call(with_json("PUT", path, body)).await
    }

    /// Posts a message whose signature is 64 zeros.
    pub(crate) async fn say(&self, room: &str, text: &str) -> Answer {
        use base64::Engine;
        let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let body = json!({ "data": encode(text.as_bytes()), "signature": encode(&[0; 64]) });
        self.post(&format!("/room/{room}/message"), &body).await
    }
}

pub(crate) fn with_json(method: &str, path: &str, body: &Value) -> Request {
    Request::new(method, path)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// The JSON of an answer, which must say that it is JSON.
pub(crate) fn json(answer: &Answer) -> Value {
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/json"), "{}: {:?}", answer.status, answer.body);
    serde_json::from_slice(&answer.body).unwrap()
}
