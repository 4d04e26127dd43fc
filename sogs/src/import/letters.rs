//! Direct messages, visits to rooms and nonces.

use serde::Serialize;
use shared::crypto::UserId;
use shared::db::PerDialect;
use shared::run;

use super::copying::Copying;
use super::report::Check;
use super::rows::{hex, nanos};
use super::{ImportError, PAGE};
use crate::caller::identity;

/// The bytes of a nonce.
const NONCE: usize = 16;

#[derive(sqlx::FromRow)]
struct OldLetter {
    id: i64,
    sender: i64,
    recipient: i64,
    body: Vec<u8>,
    posted_at: f64,
    expiry: f64,
}

#[derive(Serialize)]
struct NewLetter {
    id: i64,
    sender: i64,
    recipient: i64,
    #[serde(serialize_with = "hex")]
    body: Option<Vec<u8>>,
    posted_at: i64,
    expiry: i64,
}

#[derive(sqlx::FromRow)]
struct OldVisit {
    room: i64,
    person: i64,
    last_active: f64,
}

#[derive(Serialize)]
struct NewVisit {
    room: i64,
    person: i64,
    last_active: i64,
}

#[derive(sqlx::FromRow)]
struct OldNonce {
    session_id: String,
    nonce: Vec<u8>,
    expiry: f64,
}

#[derive(Serialize)]
struct NewNonce {
    #[serde(serialize_with = "hex")]
    identity: Option<Vec<u8>>,
    #[serde(serialize_with = "hex")]
    nonce: Option<Vec<u8>>,
    expiry: i64,
}

const LETTERS: &str = concat!(
    "SELECT id, sender, recipient, body, COALESCE(",
    seconds!("posted_at"),
    ", 0.0) AS posted_at, COALESCE(",
    seconds!("expiry"),
    ", 0.0) AS expiry
    FROM inbox
    WHERE id > $1
      AND EXISTS (SELECT 1 FROM users WHERE users.id = inbox.sender)
      AND EXISTS (SELECT 1 FROM users WHERE users.id = inbox.recipient)
    ORDER BY id
    LIMIT $2"
);

const VISITS: &str = concat!(
    r#"SELECT room, "user" AS person, COALESCE("#,
    seconds!("last_active"),
    r#", 0.0) AS last_active
    FROM room_users
    WHERE (room, "user") > ($1, $2)
      AND EXISTS (SELECT 1 FROM rooms WHERE rooms.id = room_users.room)
      AND EXISTS (SELECT 1 FROM users WHERE users.id = room_users."user")
    ORDER BY room, "user"
    LIMIT $3"#
);

const NONCES: &str = concat!(
    r#"SELECT CAST(COALESCE(users.session_id, '') AS TEXT) AS session_id, used.nonce AS nonce, used.expiry AS expiry
    FROM (SELECT "user", nonce, COALESCE("#,
    seconds!("expiry"),
    r#", 0.0) AS expiry
        FROM user_request_nonces
        WHERE nonce > $1
        ORDER BY nonce
        LIMIT $2) AS used
    LEFT JOIN users ON users.id = used."user"
    ORDER BY used.nonce"#
);

const ADD_LETTERS: PerDialect = insert!(
    "direct_messages"; id int, sender int, recipient int, body blob, posted_at int, expiry int; ""
);

/// Of somebody who was there twice one visit is enough.
const ADD_VISITS: PerDialect = insert!(
    "room_activity"; room int, person int, last_active int; "ON CONFLICT DO NOTHING"
);

const ADD_NONCES: PerDialect = insert!("nonces"; identity blob, nonce blob, expiry int; "ON CONFLICT DO NOTHING");

impl Copying<'_> {
    pub(super) async fn letters(&mut self) -> Result<(), ImportError> {
        let mut after = i64::MIN;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldLetter>, LETTERS, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let count = page.len();
            let (live, expired): (Vec<_>, Vec<_>) = page
                .into_iter()
                .partition(|old| nanos(old.expiry) > self.now.as_nanos());
            self.report
                .found_many(Check::ExpiredDirectMessage, expired.len() as u64);
            let rows: Vec<NewLetter> = live
                .into_iter()
                .map(|old| NewLetter {
                    id: old.id,
                    sender: self.people.number(old.sender),
                    recipient: self.people.number(old.recipient),
                    body: Some(old.body),
                    posted_at: nanos(old.posted_at),
                    expiry: nanos(old.expiry),
                })
                .collect();
            self.add("direct messages", ADD_LETTERS, &rows).await?;
            self.did(count);
        }
    }

    pub(super) async fn visits(&mut self) -> Result<(), ImportError> {
        let oldest = self.now.minus(self.settings.rooms.active_prune_threshold.0).as_nanos();
        let (mut room, mut person) = (i64::MIN, i64::MIN);
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldVisit>, VISITS, room, person, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            (room, person) = (last.room, last.person);
            let rows: Vec<NewVisit> = page
                .iter()
                .filter(|old| nanos(old.last_active) >= oldest)
                .map(|old| NewVisit {
                    room: old.room,
                    person: self.people.number(old.person),
                    last_active: nanos(old.last_active),
                })
                .collect();
            self.report
                .found_many(Check::OldActivity, (page.len() - rows.len()) as u64);
            self.add("visits to rooms", ADD_VISITS, &rows).await?;
            self.did(page.len());
        }
    }

    pub(super) async fn nonces(&mut self) -> Result<(), ImportError> {
        let mut after = Vec::new();
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldNonce>, NONCES, &after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.nonce);
            let count = page.len();
            let rows: Vec<NewNonce> = page
                .into_iter()
                .filter(|old| nanos(old.expiry) > self.now.as_nanos() && old.nonce.len() == NONCE)
                .filter_map(|old| {
                    let id: UserId = old.session_id.parse().ok()?;
                    Some(NewNonce {
                        identity: Some(identity(&id).to_vec()),
                        nonce: Some(old.nonce),
                        expiry: nanos(old.expiry),
                    })
                })
                .collect();
            self.report.found_many(Check::OldNonce, (count - rows.len()) as u64);
            self.add("nonces", ADD_NONCES, &rows).await?;
            self.did(count);
        }
    }
}
