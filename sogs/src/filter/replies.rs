//! Automatic replies to filtered messages.

use std::collections::{BTreeMap, HashMap};

use rand::Rng;
use rand::seq::IndexedRandom;
use shared::crypto::{BlindedId, Ed25519Pair, Signature, UserId, X25519Secret, hash};
use zeroize::Zeroizing;

use super::settings::{ReplySettings, RoomReplySettings};
use super::{Alphabet, BadFilters, Caught, Filters, Kind};
use crate::content;

/// Stands for all rooms.
const ALL_ROOMS: &str = "*";

const DEFAULT_NAME: &str = "SOGS";

/// What sets the keys of replies apart from all others derived from the server's secret.
const KEY_PURPOSE: &[u8] = b"sogsfiltering";

/// Characters of an author's name that are repeated in a reply.
const LONGEST_NAME: usize = 100;

/// The room a message was written in.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// Its token.
    pub token: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// An answer to a filtered message, ready to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whom it is from. Each name that the operator gives has an id of its own.
    pub author: BlindedId,
    /// The message, with its padding.
    pub data: Vec<u8>,
    /// The author's signature over the message: plain Ed25519.
    pub signature: Signature,
    /// Whether everybody may see it; otherwise only whoever wrote the filtered message.
    pub public: bool,
}

impl Filters {
    /// The reply to a message that was caught, if there is to be one: a text that is empty when it is picked is none.
    #[must_use]
    pub fn reply(
        &self,
        room: Room<'_>,
        caught: &Caught,
        author: &UserId,
        rng: &mut impl Rng,
        now_ms: u64,
    ) -> Option<Reply> {
        let settings = self.replies.settings(room.token, caught.kind);
        let template = settings.texts.choose(rng)?;
        let text = fill_in(template, room, &author.to_string(), caught.profile_name.as_deref());
        if text.trim().is_empty() {
            return None;
        }
        let pair = self.replies.pair(settings.profile_name);
        let data = content::plain_text(&text, settings.profile_name, now_ms);
        Some(Reply {
            author: BlindedId::from_key(*pair.public().as_bytes()),
            signature: pair.sign(&data),
            data,
            public: settings.public,
        })
    }
}

/// What the operator wants to be replied, by room.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    rooms: HashMap<String, RoomReplySettings>,
    server: X25519Secret,
}

/// The settings that hold for one reply.
struct Merged<'a> {
    texts: &'a [String],
    profile_name: &'a str,
    public: bool,
}

impl Replies {
    pub(super) fn new(
        settings: &BTreeMap<String, RoomReplySettings>,
        server: &X25519Secret,
    ) -> Result<Self, BadFilters> {
        let mut rooms = HashMap::new();
        for (token, room) in settings {
            if all(room).any(|reply| reply.profile_name.as_deref().is_some_and(|name| name.trim().is_empty())) {
                return Err(BadFilters::Nameless { room: token.clone() });
            }
            if rooms.insert(token.to_lowercase(), room.clone()).is_some() {
                return Err(BadFilters::SameRoom { token: token.clone() });
            }
        }
        Ok(Self {
            rooms,
            server: server.clone(),
        })
    }

    /// All rooms before this one, and within each everything before the kind of filter before the alphabet: the later
    /// wins, key by key.
    fn settings(&self, token: &str, kind: Kind) -> Merged<'_> {
        let mut merged = Merged {
            texts: &[],
            profile_name: DEFAULT_NAME,
            public: false,
        };
        let token = token.to_lowercase();
        let rooms = [ALL_ROOMS, &token].into_iter().filter_map(|room| self.rooms.get(room));
        for reply in rooms.flat_map(|room| ever_more_specific(room, kind)) {
            merged.texts = reply.reply.as_deref().unwrap_or(merged.texts);
            merged.profile_name = reply.profile_name.as_deref().unwrap_or(merged.profile_name);
            merged.public = reply.public.unwrap_or(merged.public);
        }
        merged
    }

    /// The keys behind a name.
    fn pair(&self, profile_name: &str) -> Ed25519Pair {
        let parts = [profile_name.as_bytes(), self.server.as_bytes()];
        Ed25519Pair::from_seed(&Zeroizing::new(hash::blake2b_keyed(&parts, KEY_PURPOSE)))
    }
}

fn ever_more_specific(room: &RoomReplySettings, kind: Kind) -> impl Iterator<Item = &ReplySettings> {
    let (family, language) = match kind {
        Kind::Profanity => (&room.profanity, None),
        Kind::Alphabet(Alphabet::Persian) => (&room.alphabet, Some(&room.persian)),
        Kind::Alphabet(Alphabet::Arabic) => (&room.alphabet, Some(&room.arabic)),
        Kind::Alphabet(Alphabet::Cyrillic) => (&room.alphabet, Some(&room.cyrillic)),
    };
    [&room.any, family].into_iter().chain(language)
}

fn all(room: &RoomReplySettings) -> impl Iterator<Item = &ReplySettings> {
    let alphabets = [&room.alphabet, &room.arabic, &room.cyrillic, &room.persian];
    [&room.any, &room.profanity].into_iter().chain(alphabets)
}

/// Replaces what stands for something else. A backslash before anything else is left as it is.
fn fill_in(template: &str, room: Room<'_>, author: &str, name: Option<&str>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut characters = template.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('p') => text.push_str(&shown_name(name).unwrap_or_else(|| author.to_owned())),
            Some('@') => text.extend(["@", author]),
            Some('r') => text.push_str(room.name),
            Some('t') => text.push_str(room.token),
            Some('n') => text.push('\n'),
            Some('\\') => text.push('\\'),
            other => text.extend(['\\'].into_iter().chain(other)),
        }
    }
    text
}

/// A name as far as it is fit to be repeated.
fn shown_name(name: Option<&str>) -> Option<String> {
    let name = name?.chars().filter(|character| !character.is_control());
    let name: String = name.take(LONGEST_NAME).collect();
    (!name.trim().is_empty()).then_some(name)
}
