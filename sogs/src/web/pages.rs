//! What each page shows, and to whom: hidden rooms are 404, rooms that not everybody may read 403, and so is what is
//! switched off for the server or for the room.

use std::sync::Arc;
use std::time::Duration;

use mime::Mime;
use shared::http::{Head, Request};

use super::answer::{Content, NoPage};
use super::cache::{Key, Place, Stamp};
use super::feed::{self as atom, Frame};
use super::messages::{days, hue, initial};
use super::view::{IndexPage, RoomCard, RoomPage};
use super::{qr, reading, text};
use crate::api::ApiError;
use crate::app::Community;
use crate::directory::Rooms;
use crate::model::Room;

/// The longest name and description of a room that are shown; settings allow as much at first.
const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 5000;

const DAY: u64 = 86_400;

/// The list of rooms.
pub(super) async fn index(app: &Arc<Community>) -> Result<Content, NoPage> {
    let rooms = app.directory.rooms().await?;
    // Whoever has just set the server up is told how to go on in any case.
    if !app.settings.web.show_index && rooms.iter().any(|room| is_listed(room)) {
        return Err(NoPage::SwitchedOff);
    }
    let stamp = Stamp::new(rooms.generation(), None);
    let make = async || {
        let rooms = Arc::clone(&rooms);
        let draw = move |app: &Community| {
            let listed = rooms.iter().filter(|room| is_listed(room));
            let page = IndexPage {
                site: app.web.pages.site(),
                rooms: listed.map(|room| card(app, room)).collect(),
                active_within: active_within(app),
            };
            app.web.pages.render(&page)
        };
        drawn(app, mime::TEXT_HTML_UTF_8, draw).await
    };
    app.web.shelf.page(Key::Index, stamp, make).await
}

/// The page of a room.
pub(super) async fn room(app: &Arc<Community>, request: &Request) -> Result<Content, NoPage> {
    let (room, stamp) = readable(app, request.param("token")).await?;
    if !shows_page(app, &room) {
        return Err(NoPage::SwitchedOff);
    }
    let place = place(&request.head)?;
    let make = async || {
        let has_messages = app.settings.web.show_messages && room.web.messages;
        let read = match has_messages {
            true => Some(reading::page(app, &room, place).await?),
            false => None,
        };
        let room = Arc::clone(&room);
        let draw = move |app: &Community| {
            let link = app.join_link(&room.token);
            let code = qr::path(&link);
            let older = read.as_ref().and_then(|read| read.older);
            let newer = read.as_ref().and_then(|read| read.newer);
            let page = RoomPage {
                site: app.web.pages.site(),
                room: card(app, &room),
                active_within: active_within(app),
                link,
                has_code: code.is_some(),
                code_size: code.as_ref().map_or(0, |(size, _)| *size),
                code_path: code.map(|(_, path)| path).unwrap_or_default(),
                has_feed: shows_feed(app, &room),
                has_messages,
                is_latest: place == Place::Latest,
                days: days(read.map(|read| read.material.views()).unwrap_or_default()),
                has_older: older.is_some(),
                older: older.unwrap_or_default(),
                has_newer: newer.is_some(),
                newer: newer.unwrap_or_default(),
            };
            app.web.pages.render(&page)
        };
        drawn(app, mime::TEXT_HTML_UTF_8, draw).await
    };
    app.web.shelf.page(Key::Room(room.no, place), stamp, make).await
}

/// The feed of a room.
pub(super) async fn feed(app: &Arc<Community>, request: &Request) -> Result<Content, NoPage> {
    let (room, stamp) = readable(app, request.param("token")).await?;
    if !shows_feed(app, &room) {
        return Err(NoPage::SwitchedOff);
    }
    let make = async || {
        let read = reading::page(app, &room, Place::Latest).await?;
        let room = Arc::clone(&room);
        let draw = move |app: &Community| {
            let frame = Frame {
                site: app.web.pages.site(),
                base: app.settings.base_url(),
                key: app.key.public().to_string(),
                has_page: shows_page(app, &room),
            };
            let page = atom::feed(frame, &room, card(app, &room), read.material.views());
            app.web.pages.render(&page)
        };
        let content_type: Mime = "application/atom+xml; charset=utf-8".parse().unwrap_or(mime::TEXT_XML);
        drawn(app, content_type, draw).await
    };
    app.web.shelf.page(Key::Feed(room.no), stamp, make).await
}

/// The QR code of a room as an image.
pub(super) async fn invite(app: &Arc<Community>, request: &Request) -> Result<Content, NoPage> {
    let (room, _) = readable(app, request.param("token")).await?;
    if !shows_page(app, &room) {
        return Err(NoPage::SwitchedOff);
    }
    // A link does not change while the server runs.
    let stamp = Stamp::new(0, None);
    let link = app.join_link(&room.token);
    let make = async || {
        let link = link.clone();
        let image = blocking(move || qr::png(&link)).await?;
        Ok(Content::new(mime::IMAGE_PNG, image.ok_or(NoPage::NoCode)?))
    };
    app.web.shelf.page(Key::Invite(room.no), stamp, make).await
}

/// A room that everybody may know of.
pub(super) fn known<'a>(rooms: &'a Rooms, token: &str) -> Result<&'a Arc<Room>, NoPage> {
    rooms.find(token).filter(|room| is_known(room)).ok_or(NoPage::NoRoom)
}

/// A room that stands in the list.
fn is_listed(room: &Room) -> bool {
    is_known(room) && room.web.index
}

fn is_known(room: &Room) -> bool {
    room.defaults.read || room.defaults.accessible
}

/// A room that everybody may read, and the state that it is in.
async fn readable(app: &Community, token: &str) -> Result<(Arc<Room>, Stamp), NoPage> {
    let rooms = app.directory.rooms().await?;
    let room = known(&rooms, token)?;
    if !room.defaults.read {
        return Err(NoPage::NotPublic);
    }
    let stamp = Stamp::new(rooms.generation(), Some(room));
    Ok((Arc::clone(room), stamp))
}

fn shows_page(app: &Community, room: &Room) -> bool {
    app.settings.web.show_page && room.web.page
}

/// A feed is nothing but messages, so that it is not there without them.
fn shows_feed(app: &Community, room: &Room) -> bool {
    let settings = &app.settings.web;
    settings.show_feed && room.web.feed && settings.show_messages && room.web.messages
}

/// Which messages are asked for.
fn place(head: &Head) -> Result<Place, NoPage> {
    let number = |name: &str| match head.query_value(name) {
        None => Ok(None),
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().map(Some).map_err(|_| NoPage::BadCursor)
        }
        Some(_) => Err(NoPage::BadCursor),
    };
    Ok(match (number("before")?, number("after")?) {
        (Some(id), _) => Place::Before(id),
        (None, Some(id)) => Place::After(id),
        (None, None) => Place::Latest,
    })
}

fn card(app: &Community, room: &Room) -> RoomCard {
    let name = text::line_or(Some(&room.name), LONGEST_NAME, &room.token);
    let description = room.description.as_deref().unwrap_or_default();
    let description = text::plain(description, LONGEST_DESCRIPTION);
    let image = room.image.map(|image| format!("/r/{}/image?v={image}", room.token));
    RoomCard {
        token: room.token.clone(),
        initial: initial(&name),
        hue: hue(&room.token),
        name,
        has_description: !description.is_empty(),
        description,
        has_image: image.is_some(),
        image: image.unwrap_or_default(),
        active: room.counters.active_users(),
        has_page: room.defaults.read && shows_page(app, room),
        is_public: room.defaults.read,
    }
}

/// The time within which people count as active, in words.
fn active_within(app: &Community) -> String {
    words(app.settings.rooms.active_threshold.0)
}

fn words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds / DAY {
        1 if seconds == DAY => "24 hours".to_owned(),
        days if days > 1 && seconds.is_multiple_of(DAY) => format!("{days} days"),
        _ => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
    }
}

/// A page that is made on a thread where it keeps nobody waiting.
async fn drawn(
    app: &Arc<Community>,
    content_type: Mime,
    draw: impl FnOnce(&Community) -> Result<String, askama::Error> + Send + 'static,
) -> Result<Content, NoPage> {
    let app = Arc::clone(app);
    let text = blocking(move || draw(&app)).await??;
    Ok(Content::new(content_type, text))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoPage> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::Panicked.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_words() {
        for (seconds, expected) in [
            (7 * DAY, "7 days"),
            (DAY, "24 hours"),
            (36 * 3600, "1day 12h"),
            (3600, "1h"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), expected);
        }
    }
}
