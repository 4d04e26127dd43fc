//! Reading the messages of one page, with what they quote and bring along. What is read is bounded, whatever is asked for.

use super::answer::NoPage;
use super::cache::Place;
use super::messages::Material;
use crate::app::Community;
use crate::content::Decoded;
use crate::model::Room;
use crate::store::{MessageRow, Query, Selection, Viewer};

/// How many messages a page has.
pub(super) const PAGE: usize = 50;

/// The messages of a page, and where the pages beside it begin.
pub(super) struct Reading {
    pub(super) material: Material,
    /// The message before which there are older ones.
    pub(super) older: Option<i64>,
    /// The message after which there are newer ones.
    pub(super) newer: Option<i64>,
}

/// Reads as somebody who has not signed: what is deleted, filtered or whispered is not there for them.
pub(super) async fn page(app: &Community, room: &Room, place: Place) -> Result<Reading, NoPage> {
    let selection = match place {
        Place::Latest => Selection::Recent,
        Place::Before(id) => Selection::Before(id),
        Place::After(id) => Selection::After(id),
    };
    let (mut rows, reactions, more) = read(app, room, selection, PAGE).await?;
    if !matches!(place, Place::After(_)) {
        rows.reverse();
    }
    let first = rows.first().map(|row| row.id);
    let last = rows.last().map(|row| row.id);
    let (older, newer) = match place {
        Place::Latest => (first.filter(|_| more), None),
        Place::Before(_) => {
            let is_last = match last {
                Some(last) => read(app, room, Selection::After(last), 0).await?.2,
                None => false,
            };
            (first.filter(|_| more), last.filter(|_| is_last))
        }
        Place::After(_) => {
            let is_first = match first {
                Some(first) => read(app, room, Selection::Before(first), 0).await?.2,
                None => false,
            };
            (first.filter(|_| is_first), last.filter(|_| more))
        }
    };
    let material = material(app, room, rows, reactions).await?;
    Ok(Reading { material, older, newer })
}

/// Messages of a room, and whether there are more.
async fn read(
    app: &Community,
    room: &Room,
    selection: Selection,
    most: usize,
) -> Result<(Vec<MessageRow>, crate::store::ReactionsOf, bool), NoPage> {
    let query = Query {
        room: room.no,
        viewer: Viewer::default(),
        selection,
        limit: i64::try_from(most).unwrap_or(0) + 1,
        reactors: 0,
    };
    let page = app.store.messages(&query).await?;
    let mut rows = page.messages;
    let more = rows.len() > most;
    rows.truncate(most);
    Ok((rows, page.reactions, more))
}

async fn material(
    app: &Community,
    room: &Room,
    rows: Vec<MessageRow>,
    reactions: crate::store::ReactionsOf,
) -> Result<Material, NoPage> {
    let decode = move || -> Vec<(MessageRow, Option<Decoded>)> {
        let decoded = rows.into_iter().map(|row| {
            let decoded = row.data.as_deref().and_then(Decoded::read);
            (MessageRow { data: None, ..row }, decoded)
        });
        decoded.collect()
    };
    let messages = tokio::task::spawn_blocking(decode)
        .await
        .map_err(|_| crate::api::ApiError::Panicked)?;
    let decoded = || {
        messages
            .iter()
            .filter_map(|(row, decoded)| Some((row, decoded.as_ref()?)))
    };
    let quotes: Vec<u64> = decoded()
        .filter_map(|(_, decoded)| Some(decoded.quote.as_ref()?.posted_ms))
        .collect();
    let with_files: Vec<i64> = decoded()
        .filter(|(_, decoded)| !decoded.attachments.is_empty())
        .map(|(row, _)| row.id)
        .collect();
    Ok(Material {
        quoted: app.store.quoted(room.no, &quotes).await?,
        files: app.store.attached(room.no, &with_files, app.clock.now()).await?,
        token: room.token.clone(),
        messages,
        reactions,
    })
}
