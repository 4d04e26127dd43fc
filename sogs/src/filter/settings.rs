//! The settings of filters and of automatic replies.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Alphabet;

/// What is kept out of rooms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct FilterSettings {
    /// Refuse messages with a listed word in them or in the name of their sender.
    pub profanity_filter: bool,
    /// Accept such messages but show them to nobody; otherwise the sender is told that they are refused.
    pub profanity_silent: bool,
    /// A file with the words to look for, one a line, instead of the built-in English ones.
    pub profanity_custom: Option<PathBuf>,
    /// Refuse messages with letters of these alphabets: `arabic`, `cyrillic`, `persian`.
    pub alphabet_filters: Vec<Alphabet>,
    /// Accept such messages but show them to nobody; otherwise the sender is told that they are refused.
    pub alphabet_silent: bool,
    /// Filter what moderators and admins write, too.
    pub filter_mods: bool,
    /// What is different in a room, by its token.
    pub rooms: BTreeMap<String, RoomFilterSettings>,
    /// Automatic replies to filtered messages, by the token of the room, or `*` for all rooms.
    pub replies: BTreeMap<String, RoomReplySettings>,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self {
            profanity_filter: false,
            profanity_silent: true,
            profanity_custom: None,
            alphabet_filters: Vec::new(),
            alphabet_silent: true,
            filter_mods: false,
            rooms: BTreeMap::new(),
            replies: BTreeMap::new(),
        }
    }
}

/// What is different in one room. What is not set is as in all rooms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct RoomFilterSettings {
    /// Refuse messages with a listed word, in this room.
    pub profanity_filter: Option<bool>,
    /// Accept such messages but show them to nobody, in this room.
    pub profanity_silent: Option<bool>,
    /// A file with the words to look for in this room; `""` for the built-in ones.
    pub profanity_custom: Option<PathBuf>,
    /// Refuse messages with letters of these alphabets, in this room.
    pub alphabet_filters: Option<Vec<Alphabet>>,
    /// Accept such messages but show them to nobody, in this room.
    pub alphabet_silent: Option<bool>,
    /// Filter what moderators and admins write in this room, too.
    pub filter_mods: Option<bool>,
}

/// Replies in one room or in all, by what was filtered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct RoomReplySettings {
    /// Whatever was filtered.
    #[serde(rename = "*")]
    pub any: ReplySettings,
    /// Words.
    pub profanity: ReplySettings,
    /// Any alphabet.
    pub alphabet: ReplySettings,
    /// Arabic.
    pub arabic: ReplySettings,
    /// Cyrillic.
    pub cyrillic: ReplySettings,
    /// Persian.
    pub persian: ReplySettings,
}

/// How a filtered message is replied to. What is not set is taken from the less specific section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(inline)]
pub struct ReplySettings {
    /// Texts, of which one is picked at random; none or an empty one for no reply. `\@`, `\p`, `\r`, `\t`, `\n` and
    /// `\\` stand for the author's id and name, the room's name and token, a line break and a backslash.
    pub reply: Option<Vec<String>>,
    /// The name that replies are written under.
    pub profile_name: Option<String>,
    /// Show replies to everybody, not only to whoever wrote the message.
    pub public: Option<bool>,
}

#[cfg(test)]
mod tests {
    use shared::config::{Loaded, keys, load};

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Settings {
        /// What is kept out of rooms.
        filters: FilterSettings,
    }

    fn read(text: &str) -> Result<Loaded<Settings>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load("SOGS", Some(file.path()), |_| None, &[]).map_err(|error| error.to_string())
    }

    const FILE: &str = r#"
        [filters]
        profanity_filter = true
        alphabet_filters = ["persian", "cyrillic"]

        [filters.rooms.lobby]
        alphabet_filters = []
        profanity_silent = false

        [filters.replies."*"."*"]
        profile_name = "Bot"

        [filters.replies.lobby.cyrillic]
        reply = ['one', 'two\n']
        public = true
    "#;

    #[test]
    fn the_defaults_filter_nothing_and_are_silent() {
        let settings = read("").unwrap().settings.filters;
        assert_eq!(settings, FilterSettings::default());
        assert!(!settings.profanity_filter && settings.alphabet_filters.is_empty() && !settings.filter_mods);
        assert!(settings.profanity_silent && settings.alphabet_silent);
    }

    #[test]
    fn a_file_with_rooms_and_replies_is_read_and_printed() {
        let loaded = read(FILE).unwrap();
        let settings = &loaded.settings.filters;
        assert!(settings.profanity_filter);
        assert_eq!(settings.alphabet_filters, [Alphabet::Persian, Alphabet::Cyrillic]);
        assert_eq!(settings.rooms["lobby"].alphabet_filters, Some(Vec::new()));
        assert_eq!(settings.rooms["lobby"].profanity_silent, Some(false));
        assert_eq!(settings.rooms["lobby"].profanity_filter, None);
        assert_eq!(settings.replies["*"].any.profile_name.as_deref(), Some("Bot"));
        let reply = settings.replies["lobby"].cyrillic.reply.as_ref().unwrap();
        assert_eq!(reply, &["one", r"two\n"]);

        let printed = loaded.to_file();
        assert_eq!(read(&printed).unwrap().settings, loaded.settings, "{printed}");
    }

    #[test]
    fn misspelt_keys_alphabets_and_kinds_of_filters_are_refused() {
        for (text, complaint) in [
            (
                "[filters.rooms.lobby]\nprofanity_filtr = true",
                "Did you mean `filters.rooms.lobby.profanity_filter`?",
            ),
            (
                "[filters.replies.lobby.cyrilic]\nreply = ['x']",
                "Did you mean `filters.replies.lobby.cyrillic.reply`?",
            ),
            (
                "[filters.replies.\"*\".\"*\"]\npublik = true",
                "Did you mean `filters.replies.\"*\".\"*\".public`?",
            ),
            ("[filters]\nalphabet_filters = ['greek']", "filters.alphabet_filters: "),
            (
                "[filters.rooms.lobby]\nfilter_mods = 'some'",
                "filters.rooms.lobby.filter_mods: ",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn the_examples_for_operators_can_be_used() {
        const PAGE: &str = include_str!("../../../docs/filters.md");
        let examples: Vec<&str> = PAGE
            .split("```toml\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
            .collect();
        assert_eq!(examples.len(), 3);
        for example in examples {
            let settings = read(example).unwrap().settings.filters;
            assert_ne!(settings, FilterSettings::default(), "{example}");
        }
    }

    #[test]
    fn every_key_is_described() {
        let keys = keys::<Settings>();
        assert_eq!(keys.len(), 6 + 6 + 6 * 3, "{keys:?}");
        for key in keys {
            assert!(!key.description.is_empty(), "{} has no description", key.path);
        }
    }
}
