//! Filling a room with messages, past the API.

use anyhow::{Context, Result};
use rand::{Rng, RngExt};
use shared::clock::{Clock, Timestamp};
use shared::crypto::UserId;
use sogs::model::{RoomNo, RoomToken, UserNo};
use sogs::store::{NewMessage, Store, Write};

use super::people::People;

/// So many messages are written in one transaction, and have one time.
const TOGETHER: usize = 1000;

/// What a room is filled with.
#[derive(Clone, Debug)]
pub struct Filling {
    /// The room, which must be there.
    pub room: RoomToken,
    /// Who writes, in turn.
    pub people: People,
    /// How many messages.
    pub messages: usize,
    /// How long each is, in bytes.
    pub size: usize,
}

/// Fills a room. Contents and their signatures are random, which is all the same to the server. It may run meanwhile, but
/// its own changes wait.
///
/// # Errors
///
/// When there is no such room, the key of the server is no key, and when the database fails.
pub async fn seed(store: &Store, filling: &Filling) -> Result<()> {
    let clock = Clock::system();
    let mut write = store.write(clock.now()).await?;
    let row = write.room(&filling.room).await?;
    let room = RoomNo(row.with_context(|| format!("there is no room {}", filling.room))?.id);
    let authors = authors(&mut write, &filling.people).await?;
    write.commit().await?;
    let mut authors = authors.iter().copied().cycle();
    let mut left = filling.messages;
    while left > 0 {
        let count = left.min(TOGETHER);
        posts(store, clock.now(), room, authors.by_ref().take(count), filling.size).await?;
        left -= count;
    }
    Ok(())
}

async fn authors(write: &mut Write, people: &People) -> Result<Vec<UserNo>> {
    let mut authors = Vec::with_capacity(people.count());
    for id in people.ids()? {
        authors.push(write.appear(&UserId::Blinded(id)).await?.no);
    }
    Ok(authors)
}

async fn posts(
    store: &Store,
    now: Timestamp,
    room: RoomNo,
    authors: impl Iterator<Item = UserNo>,
    size: usize,
) -> Result<()> {
    let (mut data, mut signature) = (vec![0; size], [0; 64]);
    let mut write = store.write(now).await?;
    for author in authors {
        let mut random = rand::rng();
        random.fill_bytes(&mut data);
        random.fill_bytes(&mut signature);
        // Zeros at the end are not stored.
        if let Some(last) = data.last_mut() {
            *last = random.random_range(1..=u8::MAX);
        }
        let new = NewMessage {
            room,
            author,
            data: &data,
            signature: &signature,
            whisper: None,
            whisper_mods: false,
            filtered: false,
            limit: None,
        };
        write.post(&new).await?;
    }
    write.commit().await?;
    Ok(())
}
