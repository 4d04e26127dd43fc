//! Shows settings to the operator.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use toml::{Table, Value};

use super::keys::dotted;
use super::layers::{leaves, value_at};
use super::{Key, Loaded, Origin, keys};

/// One key with its value in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Dotted path of the key.
    pub key: String,
    /// The value as it would stand in the file; `None` if nothing is set and there is no default.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: String,
    #[serde(skip)]
    is_default: bool,
    #[serde(skip)]
    description: String,
    #[serde(skip)]
    section: String,
    #[serde(skip)]
    name: String,
}

impl Shown {
    /// Whether nobody set the key.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_default
    }
}

impl<T: Serialize + JsonSchema> Loaded<T> {
    /// All keys with the values in force; of entries whose names the operator chooses, the keys that are set. Secrets
    /// are hidden.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let table = Table::try_from(&self.settings).unwrap_or_default();
        let (in_entries, alone): (Vec<Key>, Vec<Key>) = keys::<T>().into_iter().partition(Key::is_in_entry);
        let alone = alone.into_iter().map(|key| {
            let names: Vec<String> = key.path.split('.').map(str::to_owned).collect();
            self.show(&table, &names, key.description)
        });
        let mut entries: Vec<Shown> = leaves(&table)
            .into_iter()
            .filter_map(|names| in_entries.iter().find(|key| key.is(&names)).map(|key| (names, key)))
            .map(|(names, key)| self.show(&table, &names, key.description.clone()))
            .collect();
        entries.sort_by(|left, right| left.section.cmp(&right.section));
        alone.chain(entries).collect()
    }

    fn show(&self, table: &Table, names: &[String], description: String) -> Shown {
        let key = dotted(names);
        let origin = self.origin(&key);
        let (section, name) = names.split_at(names.len().saturating_sub(1));
        Shown {
            value: value_at(table, names).map(Value::to_string),
            is_default: origin == Origin::Default,
            origin: origin.to_string(),
            description,
            section: dotted(section),
            name: dotted(name),
            key,
        }
    }

    /// The settings in force as a configuration file with comments. What nobody set is commented out.
    #[must_use]
    pub fn to_file(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        let shown = self.shown();
        for shown in &shown {
            if shown.section != section {
                section = &shown.section;
                let _ = writeln!(text, "[{section}]\n");
            }
            for line in shown.description.lines() {
                let _ = writeln!(text, "{}", format!("# {line}").trim_end());
            }
            let value = shown.value.as_deref().unwrap_or("\"\"");
            let mark = if shown.is_default { "#" } else { "" };
            let _ = writeln!(text, "{mark}{} = {value}\n", shown.name);
        }
        text + &about_entries::<T>()
    }
}

/// What may stand in entries whose names the operator chooses.
fn about_entries<T: JsonSchema>() -> String {
    let mut text = String::new();
    let mut section = String::new();
    for key in keys::<T>().iter().filter(|key| key.is_in_entry()) {
        let (inside, name) = key.path.rsplit_once('.').unwrap_or(("", &key.path));
        if inside != section {
            inside.clone_into(&mut section);
            let _ = writeln!(text, "# Keys of each section [{section}]:\n#");
        }
        let description = key.description.replace('\n', " ");
        let _ = writeln!(text, "# {name}: {description}");
    }
    text
}

/// Complaints about variables of the environment that begin like those of this server but belong to no key; usually a
/// slip of the pen. `of_commands` are those that commands read for themselves.
#[must_use]
pub fn strange_variables<T: JsonSchema>(prefix: &str, of_commands: &[&str]) -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    strange_names::<T>(prefix, of_commands, names)
        .into_iter()
        .map(|name| format!("the environment variable {name} belongs to no key"))
        .collect()
}

fn strange_names<T: JsonSchema>(
    prefix: &str,
    of_commands: &[&str],
    names: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let known: Vec<String> = keys::<T>().iter().filter_map(|key| key.variable(prefix)).collect();
    let begin = format!("{prefix}_");
    let config = format!("{prefix}_CONFIG");
    let mut strange: Vec<String> = names
        .into_iter()
        .filter(|name| name.starts_with(&begin) && *name != config)
        .filter(|name| !known.contains(name) && !of_commands.contains(&name.as_str()))
        .collect();
    strange.sort();
    strange
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::{CommonSettings, load};
    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Settings {
        #[serde(flatten)]
        common: CommonSettings,
    }

    fn loaded(flags: &[(&'static str, String)]) -> Loaded<Settings> {
        load("X", None, |_| None, flags).unwrap()
    }

    #[test]
    fn the_printed_file_is_a_configuration_that_means_the_same() {
        let flags = [
            ("listen", "127.0.0.1:9999".to_owned()),
            ("log_format", "json".to_owned()),
        ];
        let before = loaded(&flags);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), before.to_file()).unwrap();
        let after: Loaded<Settings> = load("X", Some(file.path()), |_| None, &[]).unwrap();
        assert_eq!(after.settings, before.settings);
    }

    #[test]
    fn every_commented_default_can_be_switched_on() {
        let text = loaded(&[]).to_file();
        let on: String = text
            .lines()
            .filter(|line| !line.ends_with("= \"\""))
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let table: Settings = toml::from_str(&on).unwrap();
        assert_eq!(table, Settings::default());
        assert!(on.contains("body_budget"), "{on}");
    }

    #[test]
    fn secrets_are_hidden() {
        let shown = loaded(&[("database_url", "postgres://u:hunter2@db/x".to_owned())]);
        assert!(!shown.to_file().contains("hunter2"));
        assert!(!format!("{:?}", shown.shown()).contains("hunter2"));
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct House {
        /// Its number.
        number: u16,
        /// By the names that people gave them.
        rooms: std::collections::BTreeMap<String, Room>,
        /// Their birthdays.
        people: std::collections::BTreeMap<String, String>,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Room {
        /// Whether it is kept warm.
        warm: Option<bool>,
        /// Places to sit.
        chairs: Option<u8>,
        beds: std::collections::BTreeMap<String, Bed>,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Bed {
        /// How wide it is.
        width: Option<u8>,
    }

    fn house(text: &str) -> Result<Loaded<House>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load("X", Some(file.path()), |_| None, &[]).map_err(|error| error.to_string())
    }

    const HOUSE: &str = "number = 7\n[rooms.blue]\nwarm = true\n[rooms.\"*\"]\nchairs = 2\n\
        [rooms.blue.beds.big]\nwidth = 2\n[people]\n\"A. B.\" = '1 May'\n";

    #[test]
    fn entries_are_shown_by_their_names_with_what_is_set_in_them() {
        let shown = house(HOUSE).unwrap().shown();
        let all: Vec<(&str, &str)> = shown
            .iter()
            .map(|shown| (shown.key.as_str(), shown.value.as_deref().unwrap()))
            .collect();
        assert_eq!(
            all,
            [
                ("number", "7"),
                ("people.\"A. B.\"", "\"1 May\""),
                ("rooms.\"*\".chairs", "2"),
                ("rooms.blue.warm", "true"),
                ("rooms.blue.beds.big.width", "2"),
            ]
        );
        assert!(shown.iter().all(|shown| shown.origin.starts_with("file ")), "{shown:?}");
    }

    #[test]
    fn printed_entries_mean_the_same_and_their_keys_are_described() {
        let before = house(HOUSE).unwrap();
        let text = before.to_file();
        assert_eq!(house(&text).unwrap().settings, before.settings);
        let about =
            "# Keys of each section [rooms.<name>]:\n#\n# chairs: Places to sit.\n# warm: Whether it is kept warm.\n";
        assert!(text.contains(about), "{text}");
        assert!(house("").unwrap().to_file().contains(about));
    }

    #[test]
    fn an_unknown_key_of_an_entry_is_an_error_that_suggests_the_right_one_there() {
        for (text, key, near) in [
            ("[rooms.blue]\nwram = true", "rooms.blue.wram", Some("rooms.blue.warm")),
            ("[room.blue]\nwarm = true", "room.blue.warm", Some("rooms.blue.warm")),
            (
                "[rooms.\"*\"]\nchair = 5",
                "rooms.\"*\".chair",
                Some("rooms.\"*\".chairs"),
            ),
            (
                "[rooms.blue.beds.big]\nwitdh = 5",
                "rooms.blue.beds.big.witdh",
                Some("rooms.blue.beds.big.width"),
            ),
            ("[rooms]\nwarm = true", "rooms.warm", None),
            ("[rooms.blue]\ncurtains = 2", "rooms.blue.curtains", None),
        ] {
            let complaint = house(text).unwrap_err();
            assert!(complaint.contains(&format!("unknown key `{key}`")), "{complaint}");
            match near {
                Some(near) => assert!(complaint.contains(&format!("Did you mean `{near}`?")), "{complaint}"),
                None => assert!(!complaint.contains("rooms.blue.warm"), "{complaint}"),
            }
        }
    }

    #[test]
    fn a_value_of_an_entry_that_does_not_fit_is_reported_with_its_key() {
        let complaint = house("[rooms.blue]\nchairs = 'many'").unwrap_err();
        assert!(complaint.starts_with("rooms.blue.chairs: "), "{complaint}");
    }

    #[test]
    fn entries_have_no_variables() {
        let names = ["X_NUMBER", "X_ROOMS_BLUE_WARM"].map(str::to_owned);
        assert_eq!(strange_names::<House>("X", &[], names), ["X_ROOMS_BLUE_WARM"]);
        let variables = |name: &str| name.contains('<').then(|| "5".to_owned());
        let loaded: Loaded<House> = load("X", None, variables, &[]).unwrap();
        assert_eq!(loaded.settings, House::default());
    }

    #[test]
    fn strange_variables_are_found() {
        let names = ["X_LISTEN", "X_CONFIG", "X_LISTNE", "Y_Z", "X_S3_ENDPOINT", "X_SING"].map(str::to_owned);
        assert_eq!(strange_names::<Settings>("X", &["X_SING"], names), ["X_LISTNE"]);
    }
}
