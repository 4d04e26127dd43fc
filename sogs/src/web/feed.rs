//! The Atom feed of a room (RFC 4287).

use shared::crypto::hash::blake2b;

use super::messages::{LONGEST_TITLE, rfc3339};
use super::text::{self, Piece};
use super::view::{Entry, FeedPage, MessageView, RoomCard, Site};
use crate::model::Room;

/// What a feed is made from.
pub(super) struct Frame {
    pub(super) site: Site,
    /// The public address of the server, without a slash at its end.
    pub(super) base: String,
    /// The public key of the server, in hex.
    pub(super) key: String,
    pub(super) has_page: bool,
}

/// A feed of these messages, which come the oldest first.
pub(super) fn feed(frame: Frame, room: &Room, card: RoomCard, messages: Vec<MessageView>) -> FeedPage {
    let latest = messages.iter().map(|message| message.updated.clone()).max();
    FeedPage {
        id: urn(&[&frame.key, "room", &room.token]),
        name: card.name,
        description: card.description,
        has_description: card.has_description,
        page: format!("{}/r/{}/", frame.base, room.token),
        has_page: frame.has_page,
        address: format!("{}/r/{}/feed.atom", frame.base, room.token),
        updated: latest.unwrap_or_else(|| rfc3339(room.created)),
        entries: messages
            .into_iter()
            .rev()
            .map(|message| entry(&frame.key, message))
            .collect(),
        site: frame.site,
    }
}

fn entry(key: &str, message: MessageView) -> Entry {
    let text: String = message.text.iter().map(|piece| piece.text.as_str()).collect();
    let first = text.lines().next().unwrap_or_default();
    let attachment = message.attachments.first().map(|file| file.kind.as_str());
    Entry {
        id: urn(&[key, "message", &message.id.to_string()]),
        title: text::line_or(Some(first), LONGEST_TITLE, attachment.unwrap_or("Message")),
        text: message.text.iter().flat_map(lines).collect(),
        message,
    }
}

/// A piece with its line breaks as pieces of their own.
fn lines(piece: &Piece) -> Vec<Piece> {
    if piece.is_link {
        return vec![piece.clone()];
    }
    let mut pieces = Vec::new();
    for (number, line) in piece.text.split('\n').enumerate() {
        if number > 0 {
            pieces.push(Piece {
                is_break: true,
                ..Piece::default()
            });
        }
        pieces.push(Piece {
            text: line.to_owned(),
            ..Piece::default()
        });
    }
    pieces
}

/// A name for ever: a UUID of our own making (RFC 9562, version 8). It stays the same when the server moves to another
/// address, for it is made from the server's key.
fn urn(parts: &[&str]) -> String {
    let mut bytes = blake2b::<16>(parts.join("/").as_bytes());
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
}
