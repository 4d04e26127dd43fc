//! Shows settings to the operator.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use toml::{Table, Value};

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
}

impl Shown {
    /// Whether nobody set the key.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_default
    }
}

impl<T: Serialize + JsonSchema> Loaded<T> {
    /// All keys with the values in force. Secrets are hidden.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let table = Table::try_from(&self.settings).unwrap_or_default();
        let shown = |key: Key| {
            let origin = self.origin(&key.path);
            Shown {
                value: value_at(&table, &key.path).map(ToString::to_string),
                is_default: origin == Origin::Default,
                origin: origin.to_string(),
                description: key.description,
                key: key.path,
            }
        };
        keys::<T>().into_iter().map(shown).collect()
    }

    /// The settings in force as a configuration file with comments. What nobody set is commented out.
    #[must_use]
    pub fn to_file(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        let shown = self.shown();
        for shown in &shown {
            let (inside, name) = shown.key.rsplit_once('.').unwrap_or(("", &shown.key));
            if inside != section {
                section = inside;
                let _ = writeln!(text, "[{section}]\n");
            }
            for line in shown.description.lines() {
                let _ = writeln!(text, "{}", format!("# {line}").trim_end());
            }
            let value = shown.value.as_deref().unwrap_or("\"\"");
            let mark = if shown.is_default { "#" } else { "" };
            let _ = writeln!(text, "{mark}{name} = {value}\n");
        }
        text
    }
}

fn value_at<'table>(table: &'table Table, path: &str) -> Option<&'table Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((section, rest)) => value_at(table.get(section)?.as_table()?, rest),
    }
}

/// Environment variables that begin like those of this server but belong to no key; usually a slip of the pen.
#[must_use]
pub fn strange_variables<T: JsonSchema>(prefix: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let known: Vec<String> = keys::<T>().iter().map(|key| key.variable(prefix)).collect();
    let begin = format!("{prefix}_");
    let config = format!("{prefix}_CONFIG");
    let mut strange: Vec<String> = names
        .into_iter()
        .filter(|name| name.starts_with(&begin) && *name != config && !known.contains(name))
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

    #[test]
    fn strange_variables_are_found() {
        let names = ["X_LISTEN", "X_CONFIG", "X_LISTNE", "Y_Z", "X_S3_ENDPOINT"].map(str::to_owned);
        assert_eq!(strange_variables::<Settings>("X", names), ["X_LISTNE"]);
    }
}
