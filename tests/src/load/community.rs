//! Requests of the community server's scenarios. Each is signed, by one of the people after the other, with a nonce of its
//! own.

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::client::Request;

use super::people::People;
use super::target::{Prepared, Target};

/// The most messages that the server gives at once unless it is asked for another number, which clients do not do.
const PAGE: u64 = 100;

/// A room under load, and the people who load it.
#[derive(Clone, Debug)]
pub struct Community {
    target: Target,
    people: People,
    room: String,
}

#[derive(Deserialize)]
struct Room {
    message_sequence: u64,
    info_updates: u64,
}

#[derive(Deserialize)]
struct Part {
    code: u16,
    body: Value,
}

#[derive(Deserialize)]
struct Uploaded {
    id: u64,
}

impl Community {
    /// The room of this token. Everybody visits it once, so that nobody is new to the server later.
    ///
    /// # Errors
    ///
    /// When somebody cannot.
    pub async fn enter(target: Target, people: People, room: &str) -> Result<Self> {
        let community = Self {
            target,
            people,
            room: format!("/room/{room}"),
        };
        for turn in 0..community.people.count() {
            community.get(turn, "")?.send().await?.expect_success()?;
        }
        Ok(community)
    }

    /// Requests for the list of rooms.
    ///
    /// # Errors
    ///
    /// When the requests cannot be built.
    pub fn rooms(&self, count: usize) -> Result<Vec<Prepared>> {
        let request = |turn| self.prepare(turn, Request::new("GET", "/rooms"));
        (0..count).map(request).collect()
    }

    /// Requests for the latest messages, of which there must be a full page.
    ///
    /// # Errors
    ///
    /// When there is none, or the requests cannot be built.
    pub async fn recent(&self, count: usize) -> Result<Vec<Prepared>> {
        let request = |turn| self.get(turn, "/messages/recent?t=r&reactors=5");
        let page = request(0)?.send().await?.expect_success()?;
        let page: Vec<Value> = serde_json::from_slice(&page)?;
        ensure!(
            page.len() as u64 == PAGE,
            "the room must have {PAGE} messages: fill it with seed"
        );
        (0..count).map(request).collect()
    }

    /// What clients send every few seconds (`client-usage.md` section 3), each so many messages behind. It is tried out by
    /// everybody first, so that no poll counts whose parts fail.
    ///
    /// # Errors
    ///
    /// When the trial fails, or the requests cannot be built.
    pub async fn polls(&self, count: usize, behind: u64) -> Result<Vec<Prepared>> {
        let room: Room = serde_json::from_slice(&self.get(0, "")?.send().await?.expect_success()?)?;
        let batch = self.poll(&room, behind)?;
        let request = |turn| self.prepare(turn, json_post("/batch", batch.clone()));
        for turn in 0..self.people.count() {
            check_poll(&request(turn)?.send().await?.expect_success()?, behind)?;
        }
        (0..count).map(request).collect()
    }

    fn poll(&self, room: &Room, behind: u64) -> Result<Bytes> {
        let Room {
            message_sequence,
            info_updates,
        } = room;
        let seqno = message_sequence.checked_sub(behind);
        ensure!(seqno.is_some(), "nobody can be {behind} messages behind in this room");
        let (path, seqno) = (&self.room, seqno.unwrap_or_default());
        let paths = [
            "/capabilities".to_owned(),
            format!("{path}/pollInfo/{info_updates}"),
            format!("{path}/messages/since/{seqno}?t=r&reactors=5"),
            "/inbox/since/0".to_owned(),
            "/outbox/since/0".to_owned(),
        ];
        let parts = paths.map(|path| json!({ "method": "GET", "path": path }));
        Ok(serde_json::to_vec(&parts)?.into())
    }

    /// Posts of so many random bytes. The signature inside is random too, which is all the same to the server.
    ///
    /// # Errors
    ///
    /// When the requests cannot be built.
    pub fn posts(&self, count: usize, size: usize) -> Result<Vec<Prepared>> {
        let request = |turn| {
            let (data, signature) = (STANDARD.encode(random(size)), STANDARD.encode(random(64)));
            let body = serde_json::to_vec(&json!({ "data": data, "signature": signature }))?;
            self.prepare(turn, json_post(&format!("{}/message", self.room), body.into()))
        };
        (0..count).map(request).collect()
    }

    /// Uploads of so many random bytes.
    ///
    /// # Errors
    ///
    /// When the requests cannot be built.
    pub fn uploads(&self, count: usize, size: usize) -> Result<Vec<Prepared>> {
        (0..count).map(|turn| self.upload(turn, size)).collect()
    }

    fn upload(&self, turn: usize, size: usize) -> Result<Prepared> {
        let request = Request::new("POST", &format!("{}/file", self.room));
        let request = request.header("content-type", "application/octet-stream");
        self.prepare(turn, request.body(random(size)))
    }

    /// Puts so many files there and then asks for them in turn.
    ///
    /// # Errors
    ///
    /// When the server does not take a file, or the requests cannot be built.
    pub async fn downloads(&self, count: usize, files: usize, size: usize) -> Result<Vec<Prepared>> {
        let mut paths = Vec::with_capacity(files);
        for turn in 0..files.max(1) {
            let answer = self.upload(turn, size)?.send().await?.expect_success()?;
            let Uploaded { id } = serde_json::from_slice(&answer)?;
            paths.push(format!("/file/{id}"));
        }
        let turns = paths.iter().cycle().take(count).enumerate();
        turns.map(|(turn, path)| self.get(turn, path)).collect()
    }

    /// A request for something of the room.
    fn get(&self, turn: usize, rest: &str) -> Result<Prepared> {
        self.prepare(turn, Request::new("GET", &format!("{}{rest}", self.room)))
    }

    fn prepare(&self, turn: usize, request: Request) -> Result<Prepared> {
        self.target.prepare(self.people.sign(turn, request)?)
    }
}

fn json_post(target: &str, body: Bytes) -> Request {
    let request = Request::new("POST", target).header("content-type", "application/json");
    request.body(body)
}

fn random(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    rand::rng().fill(&mut bytes[..]);
    bytes
}

/// All parts are successes, or tell that there is nothing new, and the messages are as many as were asked for.
fn check_poll(answer: &[u8], behind: u64) -> Result<()> {
    let parts: Vec<Part> = serde_json::from_slice(answer)?;
    let codes: Vec<u16> = parts.iter().map(|part| part.code).collect();
    let all_well = codes.len() == 5 && codes.iter().all(|code| matches!(code, 200 | 304));
    ensure!(all_well, "the parts of a poll were answered {codes:?}");
    let messages = parts[2].body.as_array().map_or(0, Vec::len);
    ensure!(
        messages as u64 == behind.min(PAGE),
        "a poll {behind} messages behind was given {messages} messages"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(codes: [u16; 5], messages: &Value) -> Vec<u8> {
        let parts = codes.map(|code| json!({ "code": code, "headers": {}, "body": messages }));
        serde_json::to_vec(&parts).unwrap()
    }

    #[test]
    fn a_poll_counts_only_if_all_of_it_was_answered() {
        assert!(check_poll(&poll([200, 200, 200, 304, 304], &json!([])), 0).is_ok());
        assert!(check_poll(&poll([200, 403, 200, 304, 304], &json!([])), 0).is_err());
        assert!(check_poll(&poll([200; 5], &json!([{}, {}])), 2).is_ok());
        assert!(check_poll(&poll([200; 5], &json!([{}])), 2).is_err());
    }
}
