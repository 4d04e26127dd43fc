//! `sogs.ini` in our form (`community-operations.md` sections 2 and 3). What has no counterpart stays as a comment.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Value;

use super::Ini;
use super::meaning::{KEYS, Meaning, OF_ROOMS, address, alphabets, bytes, days, flag, level};
use crate::settings::Settings;

/// A configuration in our form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// The file, with comments.
    pub toml: String,
    /// What the operator should look at.
    pub notes: Vec<String>,
}

/// What messages are filtered for.
const TYPES: [&str; 6] = ["*", "profanity", "alphabet", "arabic", "cyrillic", "persian"];

/// The configuration in our form. `folder` is where the old server ran, by which it means its paths.
#[must_use]
pub fn convert(ini: &Ini, folder: &Path) -> Converted {
    let mut writing = Writing {
        ini,
        folder,
        tables: BTreeMap::new(),
        without: Vec::new(),
        notes: Vec::new(),
    };
    for section in ini.sections() {
        let parts: Vec<&str> = section.split(':').collect();
        match parts.as_slice() {
            ["room", token] => writing.room(section, token),
            ["filter", room, kind] => writing.filter(section, room, kind),
            ["room" | "filter", ..] => writing.strange(section, "its name should be room:TOKEN or filter:ROOM:TYPE"),
            _ => writing.general(section),
        }
    }
    writing.finish()
}

struct Writing<'a> {
    ini: &'a Ini,
    folder: &'a Path,
    /// Lines by the table that they stand in.
    tables: BTreeMap<String, Vec<String>>,
    /// What has no counterpart.
    without: Vec<String>,
    notes: Vec<String>,
}

impl Writing<'_> {
    fn general(&mut self, section: &str) {
        for key in self.ini.keys(section) {
            let Some(value) = self.ini.value(section, key) else {
                continue;
            };
            let path = format!("{section}.{key}");
            let known = KEYS.iter().find(|(name, _)| *name == path);
            match known {
                Some((_, meaning)) => self.set(section, key, &value, *meaning, None),
                None => {
                    let why = "PySOGS does not know it either";
                    self.drop_value(section, key, &value, why);
                }
            }
        }
    }

    fn room(&mut self, section: &str, token: &str) {
        let table = format!("filters.rooms.{}", quoted(token));
        for key in self.ini.keys(section) {
            let Some(value) = self.ini.value(section, key) else {
                continue;
            };
            match OF_ROOMS.iter().find(|(name, _)| *name == key) {
                Some((_, meaning)) => self.set(section, key, &value, *meaning, Some(&table)),
                None => self.drop_value(section, key, &value, "rooms have no such setting"),
            }
        }
    }

    fn filter(&mut self, section: &str, room: &str, kind: &str) {
        if !TYPES.contains(&kind) {
            self.strange(section, "there is no such filter");
            return;
        }
        let table = format!("filters.replies.{}.{}", quoted(room), quoted(kind));
        for key in self.ini.keys(section) {
            let Some(value) = self.ini.value(section, key) else {
                continue;
            };
            match key {
                "reply" => {
                    let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
                    let lines = lines.map(|line| Value::String(line.to_owned())).collect();
                    self.line(&table, key, &Value::Array(lines));
                }
                "profile_name" => self.line(&table, key, &Value::String(value)),
                "public" => self.set(section, key, &value, Meaning::Flag("public"), Some(&table)),
                _ => self.drop_value(section, key, &value, "replies have no such setting"),
            }
        }
    }

    /// Writes a value down, in a table or where its path says.
    fn set(&mut self, section: &str, key: &str, value: &str, meaning: Meaning, table: Option<&str>) {
        let (path, meant) = match meaning {
            Meaning::Address => ("base_url", address(value)),
            Meaning::Level => ("log_level", level(value)),
            Meaning::Flag(path) => (path, flag(value).map(Value::Boolean)),
            Meaning::Days(path) => (path, days(value)),
            Meaning::Bytes(path) => (path, bytes(value)),
            Meaning::Alphabets(path) => (path, alphabets(value)),
            Meaning::Path(_) if value.is_empty() => return,
            Meaning::Path(path) => (path, Ok(Value::String(self.folder.join(value).display().to_string()))),
            Meaning::Nothing(why) => return self.without_counterpart(section, key, value, why),
        };
        match meant {
            Ok(meant) => match (table, path.rsplit_once('.')) {
                (Some(table), _) => self.line(table, path, &meant),
                (None, Some((table, name))) => self.line(table, name, &meant),
                (None, None) => self.line("", path, &meant),
            },
            Err(why) => self.drop_value(section, key, value, why),
        }
    }

    fn line(&mut self, table: &str, name: &str, value: &Value) {
        let line = format!("{name} = {value}");
        self.tables.entry(table.to_owned()).or_default().push(line);
    }

    fn without_counterpart(&mut self, section: &str, key: &str, value: &str, why: &str) {
        // An address may hold a password.
        let value = if (section, key) == ("db", "url") { "…" } else { value };
        self.without
            .push(format!("# [{section}] {key} = {}\n#   {why}", one_line(value)));
    }

    /// A value that cannot be taken over and that somebody should look at.
    fn drop_value(&mut self, section: &str, key: &str, value: &str, why: &str) {
        self.without_counterpart(section, key, value, why);
        self.notes.push(format!("[{section}] {key}: {why}"));
    }

    fn strange(&mut self, section: &str, why: &str) {
        self.without.push(format!("# [{section}]\n#   {why}"));
        self.notes.push(format!("[{section}]: {why}"));
    }

    fn finish(mut self) -> Converted {
        let mut toml = String::from("# Made from the configuration of PySOGS. `sogs config print` shows all keys.\n");
        for (table, lines) in &self.tables {
            toml.push('\n');
            if !table.is_empty() {
                toml.push_str(&format!("[{table}]\n"));
            }
            for line in lines {
                toml.push_str(line);
                toml.push('\n');
            }
        }
        if !self.without.is_empty() {
            toml.push_str("\n# What has no counterpart here:\n#\n");
            toml.push_str(&self.without.join("\n"));
            toml.push('\n');
        }
        self.notes.extend(complaints(&toml));
        Converted {
            toml,
            notes: self.notes,
        }
    }
}

/// What is wrong with the values of a configuration. Each is told alone, so it is taken out before the next is looked for.
fn complaints(toml: &str) -> Vec<String> {
    let mut table: toml::Table = match toml::from_str(toml) {
        Ok(table) => table,
        Err(error) => return vec![error.message().to_owned()],
    };
    let mut complaints = Vec::new();
    loop {
        let settings: Settings = match table.clone().try_into() {
            Ok(settings) => settings,
            Err(error) => {
                complaints.push(error.message().to_owned());
                return complaints;
            }
        };
        let Err(bad) = settings.validate() else {
            return complaints;
        };
        complaints.push(bad.to_string());
        let removed = match bad.key.split_once('.') {
            None => table.remove(bad.key),
            Some((section, key)) => match table.get_mut(section) {
                Some(Value::Table(section)) => section.remove(key),
                _ => None,
            },
        };
        if removed.is_none() {
            return complaints;
        }
    }
}

/// A text as a key or a value.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use shared::config::{Size, Span};

    use super::*;

    fn converted(text: &str) -> (Settings, Converted) {
        let converted = convert(&Ini::parse(text).unwrap(), Path::new("/var/lib/old"));
        let settings = toml::from_str(&converted.toml).unwrap_or_else(|error| panic!("{error}\n{}", converted.toml));
        (settings, converted)
    }

    const WHOLE: &str = r"
[db]
url = postgresql://sogs:hunter2@db/sogs
[crypto]
key_file = key_x25519
[net]
base_url = https://open.example.org/
http_show_index = off
http_show_recent = no
omq_listen = tcp://*:22028
    tcp://[::1]:22028
[files]
expiry = 0.5
max_size = 6000000
uploads_dir = uploads
[rooms]
active_threshold = 7
active_prune_threshold = 30
[direct_messages]
expiry = 10
[users]
require_blind_keys = No
[messages]
history_prune_threshold = 14
profanity_filter = Y
profanity_silent = no
profanity_custom = words.txt
alphabet_filters = cyrillic, persian arabic
alphabet_silent = false
filter_mods = on
[log]
level = WARNING
[room:Lobby]
profanity_filter = no
alphabet_filters = arabic
[filter:*:*]
profile_name = Bot 100%%
reply =
    Hi \p, mind the rules of \r.
    Not posted, \@.
[filter:Lobby:cyrillic]
reply = English please
public = yes
";

    #[test]
    fn every_setting_that_has_a_counterpart_is_converted_with_its_unit() {
        let day = 86_400;
        let (settings, converted) = converted(WHOLE);
        assert_eq!(settings.common.base_url.as_deref(), Some("https://open.example.org"));
        assert_eq!(settings.common.log_level.as_deref(), Some("warn"));
        assert!(!settings.web.show_index && !settings.web.show_messages && !settings.users.require_blind_keys);
        assert_eq!(settings.files.expiry, Span::seconds(day / 2));
        assert_eq!(settings.files.max_size, Size(6_000_000));
        assert_eq!(settings.rooms.active_threshold, Span::seconds(7 * day));
        assert_eq!(settings.rooms.active_prune_threshold, Span::seconds(30 * day));
        assert_eq!(settings.direct_messages.expiry, Span::seconds(10 * day));
        assert_eq!(settings.messages.history_prune_threshold, Span::seconds(14 * day));
        let filters = &settings.filters;
        assert!(
            filters.profanity_filter && !filters.profanity_silent && !filters.alphabet_silent && filters.filter_mods
        );
        assert_eq!(
            filters.profanity_custom.as_deref(),
            Some(Path::new("/var/lib/old/words.txt"))
        );
        assert_eq!(filters.alphabet_filters.len(), 3);
        assert_eq!(filters.rooms["Lobby"].profanity_filter, Some(false));
        assert_eq!(filters.rooms["Lobby"].alphabet_filters.as_ref().map(Vec::len), Some(1));
        let all = &filters.replies["*"].any;
        assert_eq!(all.profile_name.as_deref(), Some("Bot 100%"));
        assert_eq!(
            all.reply.as_ref().unwrap(),
            &[r"Hi \p, mind the rules of \r.", r"Not posted, \@."]
        );
        let lobby = &filters.replies["Lobby"].cyrillic;
        assert_eq!((lobby.public, lobby.reply.as_ref().unwrap().len()), (Some(true), 1));
        for comment in [
            "[net] omq_listen = tcp://*:22028 tcp://[::1]:22028",
            "[crypto] key_file",
            "[files] uploads_dir",
        ] {
            assert!(converted.toml.contains(&format!("# {comment}")), "{}", converted.toml);
        }
        assert!(!converted.toml.contains("hunter2"));
    }

    #[test]
    fn times_are_written_in_days_and_what_is_left_over() {
        for (days, written) in [
            ("60", "60days"),
            ("1", "1day"),
            ("1.5", "1day 12h"),
            ("0.5", "12h"),
            ("0.0625", "1h 30m"),
            ("365.25", "365days 6h"),
        ] {
            let (settings, converted) = converted(&format!("[files]\nexpiry = {days}"));
            let line = format!("expiry = \"{written}\"\n");
            assert!(converted.toml.contains(&line), "{line}{}", converted.toml);
            let seconds = days.parse::<f64>().unwrap() * 86_400.0;
            assert_eq!(settings.files.expiry.0.as_secs_f64().to_string(), seconds.to_string());
        }
    }

    #[test]
    fn every_value_that_cannot_stand_is_told() {
        let (_, converted) =
            converted("[files]\nmax_size = 0\n[direct_messages]\nexpiry = 0\n[rooms]\nactive_threshold = 0\n");
        let told = |key: &str| converted.notes.iter().any(|note| note.starts_with(key));
        for key in ["files.max_size", "direct_messages.expiry", "rooms.active_threshold"] {
            assert!(told(key), "{key}: {:?}", converted.notes);
        }
    }

    #[test]
    fn nothing_and_zero_keep_files_for_ever() {
        for text in ["[files]\nexpiry = 0", "[files]\nexpiry =", "[files]\nexpiry = 0.0"] {
            assert_eq!(converted(text).0.files.lifetime(), None, "{text}");
        }
    }

    #[test]
    fn an_empty_file_is_a_configuration_without_anything() {
        let (settings, converted) = converted("");
        assert_eq!(settings, Settings::default());
        assert_eq!(converted.notes, Vec::<String>::new());
    }

    #[test]
    fn what_makes_no_sense_is_told_and_left_out() {
        for (text, told) in [
            ("[net]\nbase_url = example.org", "[net] base_url: must be an address"),
            (
                "[net]\nbase_url = https://example.org/sogs",
                "[net] base_url: must end with the host",
            ),
            ("[files]\nexpiry = soon", "[files] expiry: it is no number of days"),
            ("[files]\nexpiry = -1", "[files] expiry: it is no number of days"),
            ("[files]\nexpiry = nan", "[files] expiry: it is no number of days"),
            (
                "[files]\nmax_size = 10 MB",
                "[files] max_size: it is no number of bytes",
            ),
            ("[log]\nlevel = LOUD", "[log] level: it is no level"),
            (
                "[users]\nrequire_blind_keys = maybe",
                "[users] require_blind_keys: it is neither yes nor no",
            ),
            (
                "[messages]\nalphabet_filters = greek",
                "[messages] alphabet_filters: one of these",
            ),
            (
                "[messages]\nprofanity = yes",
                "[messages] profanity: PySOGS does not know it",
            ),
            ("[room:a]\nwrite = no", "[room:a] write: rooms have no such setting"),
            ("[filter:a]\nreply = x", "[filter:a]: its name should be"),
            (
                "[filter:a:greek]\nreply = x",
                "[filter:a:greek]: there is no such filter",
            ),
            ("[rooms]\nactive_threshold = 90", "rooms.active_prune_threshold"),
        ] {
            let converted = convert(&Ini::parse(text).unwrap(), Path::new("/"));
            assert!(
                converted.notes.iter().any(|note| note.contains(told)),
                "{text}: {:?}",
                converted.notes
            );
        }
    }
}
