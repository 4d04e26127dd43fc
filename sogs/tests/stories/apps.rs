//! The three apps as they behave on the wire (`client-usage.md`): everything goes through onion requests, and each has
//! its own way to join, to poll and to act.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use shared::client::{Account, Answer, Client, Identity, Request};

use crate::good;
use crate::in_process::{Server, with_json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Desktop,
    Ios,
    Android,
}

/// An app with an account, in one room.
pub(crate) struct App {
    kind: Kind,
    /// The blinded id.
    pub(crate) id: String,
    signed: Client,
    unsigned: Client,
    /// As the link spells it.
    room: &'static str,
    /// The last answer to `pollInfo`, over what was known before.
    pub(crate) info: Map<String, Value>,
    /// The highest sequence number received.
    cursor: Option<i64>,
    /// The highest id of a direct message received.
    inbox: Option<i64>,
}

/// What a poll has brought.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) messages: Vec<Value>,
    pub(crate) letters: Vec<Value>,
}

impl App {
    pub(crate) fn new(server: &Server, kind: Kind, room: &'static str) -> Self {
        let account = Account::generate();
        let unsigned = server.anonymous();
        Self {
            kind,
            id: account.blinded_id(server.app().key.public()).unwrap().to_string(),
            signed: unsigned
                .clone()
                .with_account(account, Identity::Blinded, server.clock.clone()),
            unsigned,
            room,
            info: Map::new(),
            cursor: None,
            inbox: None,
        }
    }

    pub(crate) async fn call(&self, request: Request) -> Answer {
        through_the_onion(&self.signed, request).await
    }

    /// Joins, and gives the room as it was told.
    pub(crate) async fn join(&self) -> Value {
        let capabilities = Request::new("GET", "/capabilities");
        let room = Request::new("GET", &format!("/room/{}", self.room));
        let (capabilities, room) = match self.kind {
            Kind::Desktop => (
                good(&self.call(capabilities).await, 200),
                good(&self.call(room).await, 200),
            ),
            Kind::Ios => {
                let elements = [get("/capabilities"), get(&format!("/room/{}", self.room))];
                let [capabilities, room] = self.several("/sequence", &elements).await.try_into().unwrap();
                (capabilities["body"].clone(), room["body"].clone())
            }
            Kind::Android => {
                let (capabilities, room) = tokio::join!(
                    through_the_onion(&self.unsigned, capabilities),
                    through_the_onion(&self.unsigned, room)
                );
                (good(&capabilities, 200), good(&room, 200))
            }
        };
        assert_eq!(capabilities["capabilities"], json!(["blind", "reactions", "sogs"]));
        assert_room(&room);
        room
    }

    /// One poll, with the elements in the order in which this app sends them.
    pub(crate) async fn poll(&mut self) -> News {
        let Self { kind, room, .. } = *self;
        let known = self.info.get("info_updates").and_then(Value::as_i64).unwrap_or(0);
        let known = if kind == Kind::Desktop { 0 } else { known };
        let limit = if kind == Kind::Ios { "&limit=100" } else { "" };
        let messages = match (self.cursor, kind) {
            (None, Kind::Desktop) => format!("/room/{room}/messages/recent?reactors=5"),
            (None, _) => format!("/room/{room}/messages/recent?t=r&reactors=5{limit}"),
            (Some(seqno), _) => format!("/room/{room}/messages/since/{seqno}?t=r&reactors=5{limit}"),
        };
        let inbox = match self.inbox {
            None => "/inbox".to_owned(),
            Some(id) => format!("/inbox/since/{id}"),
        };
        let mut paths = vec![
            "/capabilities".to_owned(),
            format!("/room/{room}/pollInfo/{known}"),
            messages,
            inbox,
            "/outbox".to_owned(),
        ];
        if kind == Kind::Android {
            paths.remove(0);
        }
        let elements: Vec<Value> = paths.iter().map(|path| self.element("GET", path, None)).collect();
        let mut results = self.several("/batch", &elements).await;
        if kind != Kind::Android {
            let capabilities = body(&results.remove(0), 200);
            assert_eq!(capabilities["capabilities"], json!(["blind", "reactions", "sogs"]));
        }
        let [info, messages, inbox, _] = results.try_into().unwrap();
        self.learn(&body(&info, 200), known);
        let letters = self.receive(&inbox);
        let messages = body(&messages, 200).as_array().unwrap().clone();
        messages.iter().for_each(assert_update);
        let seqnos = messages.iter().map(|message| message["seqno"].as_i64().unwrap());
        self.cursor = self.cursor.max(seqnos.max());
        News { messages, letters }
    }

    /// Polls until nothing is new.
    pub(crate) async fn catch_up(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let before = self.cursor;
            let news = self.poll().await.messages;
            if news.is_empty() || before == self.cursor {
                return all;
            }
            all.extend(news);
        }
    }

    /// Takes the answer to `pollInfo` in, as Android does: over what was known, so that what is left out stays.
    fn learn(&mut self, info: &Value, known: i64) {
        for (name, is_right) in [
            ("active_users", info["active_users"].is_i64()),
            ("read", info["read"].is_boolean()),
            ("write", info["write"].is_boolean()),
            ("upload", info["upload"].is_boolean()),
        ] {
            assert!(is_right, "{name}: {info}");
        }
        let mut info = info.as_object().unwrap().clone();
        let details = info.remove("details");
        if known == 0 {
            assert!(details.is_some(), "{info:?}");
        }
        if let Some(details) = details {
            assert_room(&details);
            assert_ne!(details["info_updates"], known);
            self.info.extend(details.as_object().unwrap().clone());
        }
        self.info.extend(info);
    }

    fn receive(&mut self, inbox: &Value) -> Vec<Value> {
        if self.inbox.is_some() && inbox["code"] == 304 {
            assert_eq!(inbox["body"], "");
            return Vec::new();
        }
        let letters = body(inbox, 200).as_array().unwrap().clone();
        for letter in &letters {
            for name in ["id", "posted_at", "expires_at", "sender", "recipient", "message"] {
                assert!(!letter[name].is_null(), "{name}: {letter}");
            }
            self.inbox = self.inbox.max(letter["id"].as_i64());
        }
        letters
    }

    /// Does something, alone or, as Android does everything, in a batch. The answer must be a success.
    pub(crate) async fn act(&self, method: &str, path: &str, content: Option<Value>) -> Value {
        let path = format!("/room/{}{path}", self.room);
        // Desktop deletes in batches.
        let batched = self.kind == Kind::Android || (self.kind == Kind::Desktop && method == "DELETE");
        if batched {
            let element = self.element(method, &path, content);
            let [result] = self.several("/batch", &[element]).await.try_into().unwrap();
            assert!(matches!(result["code"].as_u64(), Some(200 | 201)), "{result}");
            return result["body"].clone();
        }
        let mut request = Request::new(method, &path);
        if method != "DELETE" {
            request = request.header("Content-Type", "application/json");
        }
        if let Some(content) = content {
            request = request.body(content.to_string());
        }
        let answer = self.call(request).await;
        good(&answer, if method == "POST" { 201 } else { 200 })
    }

    /// Posts these bytes, and gives what the server made of them.
    pub(crate) async fn post(&self, data: &[u8], files: &[i64]) -> Value {
        let files: Vec<String> = files.iter().map(i64::to_string).collect();
        let mut content = json!({ "data": STANDARD.encode(data), "signature": STANDARD.encode([7; 64]) });
        let more = match self.kind {
            Kind::Desktop => json!({ "files": files, "timestamp": 5, "public_key": self.id, "server_id": 7 }),
            Kind::Ios if files.is_empty() => json!({ "whisper_mods": false }),
            Kind::Ios => json!({ "files": files, "whisper_mods": false }),
            Kind::Android if files.is_empty() => json!({ "timestamp": 5, "public_key": self.id }),
            Kind::Android => json!({ "files": files, "timestamp": 5, "public_key": self.id }),
        };
        let fields = content.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        let (data, signature) = (content["data"].clone(), content["signature"].clone());
        let posted = self.act("POST", "/message", Some(content)).await;
        assert_update(&posted);
        assert_eq!((&posted["data"], &posted["signature"]), (&data, &signature));
        assert_eq!(posted["session_id"], self.id);
        posted
    }

    /// Reacts with a pineapple, or no longer does.
    pub(crate) async fn pineapple(&self, method: &str, message: i64) -> Value {
        let path = match self.kind {
            Kind::Android => format!("/reaction/{message}/%F0%9F%8D%8D"),
            Kind::Desktop | Kind::Ios => format!("/reaction/{message}/🍍"),
        };
        let content = (self.kind == Kind::Android && method == "PUT").then(|| json!({}));
        self.act(method, &path, content).await
    }

    /// Uploads, and gives the number of the file.
    pub(crate) async fn upload(&self, bytes: &[u8]) -> i64 {
        let path = format!("/room/{}/file", self.room);
        let uploaded = if self.kind == Kind::Android {
            let element = json!({
                "method": "POST",
                "path": path,
                "headers": { "Content-Disposition": "attachment", "Content-Length": bytes.len().to_string() },
                "b64": STANDARD.encode(bytes),
            });
            let [result] = self.several("/batch", &[element]).await.try_into().unwrap();
            body(&result, 201)
        } else {
            let request = Request::new("POST", &path)
                .header("Content-Type", "application/octet-stream")
                .body(bytes.to_vec());
            good(&self.call(request).await, 201)
        };
        uploaded["id"].as_i64().unwrap()
    }

    /// An element of a batch. Android leaves in it what its own layers would need if it went out alone.
    fn element(&self, method: &str, path: &str, content: Option<Value>) -> Value {
        let mut element = json!({ "method": method, "path": path });
        if self.kind == Kind::Android {
            element["headers"] = json!({
                "X-SOGS-PubKey": self.id,
                "X-SOGS-Nonce": STANDARD.encode([1; 16]),
                "X-SOGS-Timestamp": "1",
                "X-SOGS-Signature": STANDARD.encode([1; 64]),
                "Room": self.room,
                "Content-Type": "application/json",
                "Content-Length": content.as_ref().map_or(0, |content| content.to_string().len()).to_string(),
            });
        }
        if let Some(content) = content {
            element["json"] = content;
        }
        element
    }

    /// A batch or a sequence. As many results must come back as there are elements, and each must be complete.
    async fn several(&self, path: &str, elements: &[Value]) -> Vec<Value> {
        let request = with_json("POST", path, &json!(elements));
        let results = good(&self.call(request).await, 200).as_array().unwrap().clone();
        assert_eq!(results.len(), elements.len());
        for result in &results {
            assert!(result["code"].is_u64() && result["headers"].is_object(), "{result}");
            assert!(result.get("body").is_some(), "{result}");
        }
        results
    }
}

async fn through_the_onion(client: &Client, request: Request) -> Answer {
    let answer = client.onion_v4(request).await.unwrap();
    assert_eq!(answer.outside.status, 200);
    answer.inside.unwrap()
}

fn get(path: &str) -> Value {
    json!({ "method": "GET", "path": path })
}

#[track_caller]
fn body(result: &Value, code: u16) -> Value {
    assert_eq!(result["code"], code, "{result}");
    assert_eq!(result["headers"]["content-type"], "application/json", "{result}");
    result["body"].clone()
}

/// That a room has all that the most demanding app wants of it.
#[track_caller]
fn assert_room(room: &Value) {
    for name in ["token", "name", "description"] {
        assert!(room[name].is_string(), "{name}: {room}");
    }
    for name in [
        "info_updates",
        "message_sequence",
        "active_users",
        "active_users_cutoff",
    ] {
        assert!(room[name].is_i64(), "{name}: {room}");
    }
    assert!(room["created"].is_number());
    for name in [
        "admins",
        "moderators",
        "hidden_admins",
        "hidden_moderators",
        "pinned_messages",
    ] {
        assert!(room[name].is_array(), "{name}: {room}");
    }
    for name in [
        "read",
        "write",
        "upload",
        "moderator",
        "admin",
        "global_moderator",
        "global_admin",
    ] {
        assert!(room[name].is_boolean(), "{name}: {room}");
    }
}

/// That this is a message, what is left of one, or news of its reactions, with all that clients want of it.
#[track_caller]
fn assert_update(update: &Value) {
    let fields = update.as_object().unwrap();
    assert!(update["id"].is_i64() && update["seqno"].is_i64(), "{update}");
    if !fields.contains_key("data") {
        let mut keys: Vec<&String> = fields.keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["id", "reactions", "seqno"]);
    } else if update["data"].is_null() {
        assert_eq!(update["deleted"], true);
    } else {
        assert!(
            update["session_id"].is_string() && update["posted"].is_number(),
            "{update}"
        );
        assert!(
            update["data"].is_string() && update["signature"].is_string(),
            "{update}"
        );
        assert!(update["reactions"].is_object(), "{update}");
    }
}
