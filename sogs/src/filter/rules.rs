//! What each room keeps out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shared::crypto::X25519Secret;

use super::replies::Replies;
use super::settings::{FilterSettings, RoomFilterSettings};
use super::words::Words;
use super::{Alphabet, BadFilters};
use crate::content::Decoded;

/// Why a message was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is written in a script that is not wanted.
    Alphabet(Alphabet),
    /// It has a listed word.
    Profanity,
}

impl Kind {
    /// What the author of a refused message is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alphabet(_) => "alphabet",
            Self::Profanity => "profanity",
        }
    }
}

/// A message that must not be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// Why it was caught.
    pub kind: Kind,
    /// Whether its author is to believe that it was posted.
    pub silent: bool,
    /// The name its author goes by, unless that would be caught itself.
    pub profile_name: Option<String>,
}

/// The filters of all rooms.
#[derive(Clone, Debug)]
pub struct Filters {
    everywhere: Rules,
    rooms: HashMap<String, Rules>,
    pub(super) replies: Replies,
}

impl Filters {
    /// Reads the lists of words that the settings name. The server's secret is what the keys are derived from that
    /// replies are signed with.
    ///
    /// # Errors
    ///
    /// [`BadFilters`], worded for the operator.
    pub fn new(settings: &FilterSettings, server: &X25519Secret) -> Result<Self, BadFilters> {
        let mut lists = Lists::default();
        let mut rooms = HashMap::new();
        for (token, room) in &settings.rooms {
            let rules = Rules::new(settings, room, &mut lists)?;
            if rooms.insert(token.to_lowercase(), rules).is_some() {
                return Err(BadFilters::SameRoom { token: token.clone() });
            }
        }
        Ok(Self {
            everywhere: Rules::new(settings, &RoomFilterSettings::default(), &mut lists)?,
            rooms,
            replies: Replies::new(&settings.replies, server)?,
        })
    }

    /// Looks at a message as it was posted, padding included. Moderators may write what others may not, unless the
    /// settings say otherwise.
    #[must_use]
    pub fn check(&self, room_token: &str, message: &[u8], by_moderator: bool) -> Option<Caught> {
        let rules = self.rooms.get(&room_token.to_lowercase()).unwrap_or(&self.everywhere);
        if rules.let_everything_pass() || (by_moderator && !rules.filter_mods) {
            return None;
        }
        Decoded::readings(message).find_map(|message| {
            let (kind, silent) = rules.catch(&message)?;
            Some(Caught {
                kind,
                silent,
                profile_name: message.display_name.filter(|name| !rules.have_word_in(name)),
            })
        })
    }
}

/// What one room keeps out.
#[derive(Clone, Debug)]
struct Rules {
    alphabets: Vec<Alphabet>,
    alphabet_silent: bool,
    words: Option<Arc<Words>>,
    profanity_silent: bool,
    filter_mods: bool,
}

impl Rules {
    fn new(global: &FilterSettings, room: &RoomFilterSettings, lists: &mut Lists) -> Result<Self, BadFilters> {
        let wanted = room.alphabet_filters.as_ref().unwrap_or(&global.alphabet_filters);
        let list = room.profanity_custom.as_ref().or(global.profanity_custom.as_ref());
        let filter_words = room.profanity_filter.unwrap_or(global.profanity_filter);
        Ok(Self {
            alphabets: Alphabet::ALL.into_iter().filter(|one| wanted.contains(one)).collect(),
            alphabet_silent: room.alphabet_silent.unwrap_or(global.alphabet_silent),
            words: filter_words.then(|| lists.words(list)).transpose()?,
            profanity_silent: room.profanity_silent.unwrap_or(global.profanity_silent),
            filter_mods: room.filter_mods.unwrap_or(global.filter_mods),
        })
    }

    fn let_everything_pass(&self) -> bool {
        self.alphabets.is_empty() && self.words.is_none()
    }

    /// Alphabets are looked for in the body as it is, words in all that can be read.
    fn catch(&self, message: &Decoded) -> Option<(Kind, bool)> {
        let body = message.body.as_deref().unwrap_or_default();
        if let Some(alphabet) = self.alphabets.iter().find(|alphabet| alphabet.occurs_in(body)) {
            return Some((Kind::Alphabet(*alphabet), self.alphabet_silent));
        }
        message
            .texts()
            .any(|text| self.have_word_in(text))
            .then_some((Kind::Profanity, self.profanity_silent))
    }

    fn have_word_in(&self, text: &str) -> bool {
        self.words.as_ref().is_some_and(|words| words.occur_in(text))
    }
}

/// Lists of words, each read once.
#[derive(Default)]
struct Lists {
    english: Option<Arc<Words>>,
    custom: HashMap<PathBuf, Arc<Words>>,
}

impl Lists {
    /// The list in this file, or the built-in one.
    fn words(&mut self, path: Option<&PathBuf>) -> Result<Arc<Words>, BadFilters> {
        let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else {
            let english = self.english.get_or_insert_with(|| Arc::new(Words::english()));
            return Ok(Arc::clone(english));
        };
        if let Some(known) = self.custom.get(path) {
            return Ok(Arc::clone(known));
        }
        let words = Arc::new(read_list(path)?);
        self.custom.insert(path.clone(), Arc::clone(&words));
        Ok(words)
    }
}

fn read_list(path: &Path) -> Result<Words, BadFilters> {
    let text = std::fs::read_to_string(path).map_err(|source| BadFilters::UnreadableList {
        path: path.to_owned(),
        source,
    })?;
    let words = Words::from_list(&text);
    if words.is_empty() {
        return Err(BadFilters::EmptyList { path: path.to_owned() });
    }
    Ok(words)
}
