//! Pages of messages as apps get them, put together from messages that have been rendered before.
//!
//! Which messages a page has is asked of the database each time, for it depends on the reader and on what is going on;
//! what is in them is not, as long as they are in the state in which they were rendered.

use std::sync::Arc;

use http::StatusCode;
use moka::sync::Cache;
use serde::Serialize;
use shared::http::{Body, Response};

use super::ApiError;
use super::messages::{MOST_NAMED, MessageObject, Reactions};
use crate::app::Community;
use crate::caller::Visit;
use crate::model::UserNo;
use crate::store::{MessageRow, OwnReaction, Query, ReactionRow, Selection, Version};

/// How many bytes of rendered messages are kept in memory, about; that is 4,000 messages of 400 bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What an entry takes up besides its texts, about.
const OVERHEAD: usize = 256;

/// Messages as they were rendered last, by their numbers, for all readers. Those that are asked for least are given up
/// first. Nothing has to be told that a message has changed, for each is used in the state only that it was rendered in.
#[derive(Debug)]
pub struct Renderings(Cache<i64, Arc<Rendering>>);

impl Default for Renderings {
    fn default() -> Self {
        let weigh = |_: &i64, rendering: &Arc<Rendering>| u32::try_from(rendering.weight()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MOST_BYTES).weigher(weigh).build())
    }
}

/// A message in one state: all that is the same for whoever can see it.
#[derive(Debug)]
struct Rendering {
    version: Version,
    seqno_data: i64,
    deleted: bool,
    /// The object without its reactions and without the brace at its end.
    text: Box<str>,
    /// With as many people named as anybody can ask for, and nobody's own marked.
    reactions: Box<[ReactionRow]>,
}

/// Says that only the reactions of a message have changed. Clients know it by its having these keys and no others.
#[derive(Serialize)]
struct ReactionUpdate<'a> {
    id: i64,
    seqno: i64,
    reactions: Reactions<'a>,
}

/// A page of messages as an answer.
pub(super) async fn page(app: &Community, visit: &Visit, query: &Query) -> Result<Response, ApiError> {
    let mut text = Text::new(query);
    if let Some(page) = app.renderings.page(app.store.versions(query).await?)
        && let Some(own) = own_reactions(app, &page, query.viewer.user).await?
    {
        let reader = visit.member.as_ref().map(|member| member.user.session_id.as_str());
        for message in &page {
            let reactions = Reactions {
                rows: &message.reactions,
                named: text.named,
                reader,
                own: &own,
            };
            text.add(message, reactions)?;
        }
        return Ok(text.finish());
    }
    // All of it is read again, so that it is of one moment.
    let query = Query {
        reactors: MOST_NAMED,
        ..*query
    };
    let page = app.store.messages(&query).await?;
    for row in &page.messages {
        let rows = page.reactions.message(row.id);
        let message = app.renderings.rendered(row, rows)?;
        let reactions = Reactions {
            rows,
            named: text.named,
            ..Reactions::default()
        };
        text.add(&message, reactions)?;
    }
    Ok(text.finish())
}

/// The reader's reactions to messages that do not name everybody who reacted. `None` if one of those has changed since
/// the page was looked up.
async fn own_reactions(
    app: &Community,
    page: &[Arc<Rendering>],
    reader: Option<UserNo>,
) -> Result<Option<Vec<OwnReaction>>, ApiError> {
    let crowded = || page.iter().filter(|message| !message.names_everybody());
    let ids: Vec<i64> = crowded().map(|message| message.version.id).collect();
    let Some(reader) = reader.filter(|_| !ids.is_empty()) else {
        return Ok(Some(Vec::new()));
    };
    let own = app.store.own_reactions(&ids, reader).await?;
    let is_unchanged = |message: &Arc<Rendering>| {
        let Version { id, seqno, .. } = message.version;
        own.iter().any(|own| own.message == id && own.seqno == seqno)
    };
    Ok(crowded().all(is_unchanged).then_some(own))
}

impl Renderings {
    /// The messages in these states, if all are here.
    fn page(&self, versions: Option<Vec<Version>>) -> Option<Vec<Arc<Rendering>>> {
        let versions = versions?;
        let here = versions.into_iter().map(|version| {
            let rendering = self.0.get(&version.id)?;
            (rendering.version == version).then_some(rendering)
        });
        here.collect()
    }

    /// The message of a row, rendered if it is not here yet.
    fn rendered(&self, row: &MessageRow, reactions: &[ReactionRow]) -> Result<Arc<Rendering>, ApiError> {
        let known = self.0.get(&row.id);
        if let Some(known) = known.filter(|known| known.version == row.version()) {
            return Ok(known);
        }
        let rendering = Arc::new(Rendering::new(row, reactions)?);
        self.0.insert(row.id, Arc::clone(&rendering));
        Ok(rendering)
    }
}

impl Rendering {
    fn new(row: &MessageRow, reactions: &[ReactionRow]) -> Result<Self, ApiError> {
        let mut text = serde_json::to_string(&MessageObject::new(row))?;
        text.pop();
        let nobodys = |row: &ReactionRow| ReactionRow {
            you: false,
            ..row.clone()
        };
        Ok(Self {
            version: row.version(),
            seqno_data: row.seqno_data,
            deleted: row.data.is_none(),
            text: text.into(),
            reactions: reactions.iter().map(nobodys).collect(),
        })
    }

    fn weight(&self) -> usize {
        let reaction = |row: &ReactionRow| {
            size_of::<ReactionRow>() + row.reaction.len() + row.reactors.as_ref().map_or(0, String::len)
        };
        OVERHEAD + self.text.len() + self.reactions.iter().map(reaction).sum::<usize>()
    }

    /// Whether all who reacted are named, so that it can be told whether a reader is among them.
    fn names_everybody(&self) -> bool {
        self.reactions.iter().all(|row| row.count <= MOST_NAMED)
    }
}

/// The text of a page.
struct Text {
    json: Vec<u8>,
    named: usize,
    /// What the reader has seen; messages whose content has not changed since are not repeated.
    seen: Option<i64>,
}

impl Text {
    fn new(query: &Query) -> Self {
        let seen = match query.selection {
            Selection::Since { seqno, .. } => Some(seqno),
            _ => None,
        };
        Self {
            json: vec![b'['],
            named: usize::try_from(query.reactors).unwrap_or(0),
            seen,
        }
    }

    fn add(&mut self, message: &Rendering, reactions: Reactions<'_>) -> Result<(), ApiError> {
        if self.json.len() > 1 {
            self.json.push(b',');
        }
        if self.seen.is_some_and(|seen| message.seqno_data <= seen) {
            let Version { id, seqno, .. } = message.version;
            let update = ReactionUpdate { id, seqno, reactions };
            return Ok(serde_json::to_writer(&mut self.json, &update)?);
        }
        self.json.extend_from_slice(message.text.as_bytes());
        if !message.deleted {
            self.json.extend_from_slice(br#","reactions":"#);
            serde_json::to_writer(&mut self.json, &reactions)?;
        }
        self.json.push(b'}');
        Ok(())
    }

    fn finish(mut self) -> Response {
        self.json.push(b']');
        Response::new(StatusCode::OK, &mime::APPLICATION_JSON, Body::from(self.json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64) -> MessageRow {
        MessageRow {
            id,
            author: "15aa".to_owned(),
            posted: 1,
            edited: None,
            seqno: id,
            seqno_data: id,
            seqno_reactions: 0,
            data: Some(vec![b'x'; 3000]),
            size: Some(3000),
            signature: Some(vec![7; 64]),
            whisper_to: None,
            whisper_mods: false,
        }
    }

    #[test]
    fn no_more_than_so_many_bytes_are_kept() {
        let renderings = Renderings::default();
        for id in 0..5000 {
            renderings.rendered(&row(id), &[]).unwrap();
        }
        renderings.0.run_pending_tasks();
        let kept = renderings.0.weighted_size();
        assert!(kept <= MOST_BYTES && kept > MOST_BYTES / 2, "{kept}");
    }

    #[test]
    fn a_page_is_given_only_if_all_of_it_is_as_it_was_rendered() {
        let renderings = Renderings::default();
        let (one, two) = (row(1), row(2));
        renderings.rendered(&one, &[]).unwrap();
        assert!(renderings.page(Some(vec![one.version()])).is_some());
        assert!(renderings.page(Some(vec![one.version(), two.version()])).is_none());
        renderings.rendered(&two, &[]).unwrap();
        assert!(renderings.page(Some(vec![one.version(), two.version()])).is_some());
        for other in [
            Version {
                seqno: 3,
                ..one.version()
            },
            Version {
                changed: 2,
                ..one.version()
            },
        ] {
            assert!(renderings.page(Some(vec![other, two.version()])).is_none());
        }
        assert!(renderings.page(None).is_none());
    }
}
