//! What is not to be shown: decided for each post and edit before anything is stored.

use std::sync::Arc;

use shared::crypto::UserId;
use shared::http::Head;

use crate::api::ApiError;
use crate::app::Community;
use crate::caller::Visit;
use crate::filter::{self, Caught, Kind, Reply};
use crate::model::Member;
use crate::store::{MessageError, NewMessage};

/// Messages from this size on are looked at off the threads that serve requests; nearly all are smaller.
const HEAVY: usize = 8 * 1024;

/// What is to become of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is shown.
    Pass,
    /// It is stored and never shown, without its author being told. An edit is dropped.
    Silent(Caught),
    /// It is refused with this text.
    Refused(Caught, &'static str),
}

/// Looks at what somebody wants to post in a room.
///
/// # Errors
///
/// When looking at it panics.
pub async fn filtered(app: &Community, visit: &Visit, data: &[u8]) -> Result<Verdict, ApiError> {
    let by_moderator = visit.may.moderator;
    let caught = if data.len() < HEAVY {
        app.filters.check(&visit.room.token, data, by_moderator)
    } else {
        let (filters, room, data) = (Arc::clone(&app.filters), Arc::clone(&visit.room), data.to_vec());
        tokio::task::spawn_blocking(move || filters.check(&room.token, &data, by_moderator))
            .await
            .map_err(|_| ApiError::Panicked)?
    };
    Ok(match caught {
        None => Verdict::Pass,
        Some(caught) if caught.silent => Verdict::Silent(caught),
        Some(caught) => {
            let why = match caught.kind {
                Kind::Alphabet(_) => "filtration rejected message (alphabet)",
                Kind::Profanity => "filtration rejected message (profanity)",
            };
            Verdict::Refused(caught, why)
        }
    })
}

/// Answers the author of a filtered message if the operator wants that, as a message of its own. Whoever is caught again
/// and again is not answered each time.
///
/// # Errors
///
/// When the database fails.
pub async fn reply(
    app: &Community,
    head: &Head,
    visit: &Visit,
    author: &Member,
    caught: &Caught,
) -> Result<(), ApiError> {
    let room = filter::Room {
        token: &visit.room.token,
        name: &visit.room.name,
    };
    let now = u64::try_from(app.clock.now().as_nanos() / 1_000_000).unwrap_or(0);
    let reply = app.filters.reply(room, caught, &author.id, &mut rand::rng(), now);
    match reply {
        Some(reply) if app.reply_limit.take(author.user.no).is_ok() => post(app, head, visit, author, &reply).await,
        _ => Ok(()),
    }
}

async fn post(app: &Community, head: &Head, visit: &Visit, to: &Member, reply: &Reply) -> Result<(), ApiError> {
    let mut write = app.write(head).await?;
    let author = write.appear(&UserId::Blinded(reply.author)).await?;
    let new = NewMessage {
        room: visit.room.no,
        author: author.no,
        data: &reply.data,
        signature: reply.signature.as_ref(),
        whisper: (!reply.public).then_some(to.user.no),
        whisper_mods: false,
        filtered: false,
        limit: None,
    };
    match write.post(&new).await {
        Err(MessageError::Database(error)) => return Err(error.into()),
        // Nobody is left to be answered.
        Err(_) => return Ok(()),
        Ok(_) => {}
    }
    app.commit(head, write).await?;
    Ok(())
}
