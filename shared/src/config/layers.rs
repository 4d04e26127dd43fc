//! Puts file, environment and flags on top of each other and tells where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::keys::{Key, Kind, dotted, keys};

/// How alike two keys must be for one to be suggested instead of the other.
const ALIKE: f64 = 0.7;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration file {} is not valid TOML", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The file has a key that does not exist.
    #[error("unknown key `{key}` in {}{}", path.display(), suggestion(near.as_deref()))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The key that was perhaps meant.
        near: Option<String>,
    },
    /// A value does not fit its key.
    #[error("{key}: {reason} (it is set by {origin})")]
    BadValue {
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
        /// Where the value came from.
        origin: Origin,
    },
}

fn suggestion(near: Option<&str>) -> String {
    near.map_or_else(
        || ". `config print` lists all keys".to_owned(),
        |near| format!(". Did you mean `{near}`?"),
    )
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(path) => write!(formatter, "file {}", path.display()),
            Self::Environment(name) => write!(formatter, "environment {name}"),
            Self::Flag(name) => write!(formatter, "flag {name}"),
        }
    }
}

/// Settings, and where each key that was set got its value.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The settings themselves.
    pub settings: T,
    origins: BTreeMap<String, Origin>,
}

impl<T> Loaded<T> {
    /// Where the value of a key came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// The configuration file, if it sets anything.
    #[must_use]
    pub fn file(&self) -> Option<&Origin> {
        self.origins.values().find(|origin| matches!(origin, Origin::File(_)))
    }
}

/// Reads the settings of a server.
///
/// `variables` is the environment, `prefix` begins the names that count (`FILESERVER`), and `flags` holds pairs of key
/// and value as given on the command line.
///
/// # Errors
///
/// [`ConfigError`], worded for the operator.
pub fn load<T: DeserializeOwned + JsonSchema>(
    prefix: &str,
    file: Option<&Path>,
    variables: impl Fn(&str) -> Option<String>,
    flags: &[(&'static str, String)],
) -> Result<Loaded<T>, ConfigError> {
    let known = keys::<T>();
    let mut origins = Origins::new();
    let mut table = match file {
        Some(path) => read(path, &known, &mut origins)?,
        None => Table::new(),
    };
    for key in &known {
        let Some(name) = key.variable(prefix) else { continue };
        if let Some(text) = variables(&name).filter(|text| !text.is_empty()) {
            set(&mut table, key, text, Origin::Environment(name), &mut origins)?;
        }
    }
    for (path, text) in flags {
        if let Some(key) = known.iter().find(|key| key.path == *path) {
            let flag = format!("--{}", path.replace(['_', '.'], "-"));
            set(&mut table, key, text.clone(), Origin::Flag(flag), &mut origins)?;
        }
    }
    // Key by key first, so that a value that does not fit is reported with its key and where it came from.
    for (names, origin) in &origins {
        check_alone::<T>(&table, names, origin)?;
    }
    let settings = table
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::BadValue {
            key: "configuration".to_owned(),
            reason: error.message().to_owned(),
            origin: Origin::Default,
        })?;
    let origins = origins.into_iter().map(|(names, origin)| (dotted(&names), origin));
    Ok(Loaded {
        settings,
        origins: origins.collect(),
    })
}

/// Where the value of each key came from, by the names that lead to it.
type Origins = BTreeMap<Vec<String>, Origin>;

fn read(path: &Path, known: &[Key], origins: &mut Origins) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let table: Table = text.parse().map_err(|source| ConfigError::Syntax {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    for leaf in leaves(&table) {
        if !known.iter().any(|key| key.is(&leaf)) {
            return Err(ConfigError::UnknownKey {
                path: path.to_owned(),
                key: dotted(&leaf),
                near: nearest(&leaf, known),
            });
        }
        origins.insert(leaf, Origin::File(path.to_owned()));
    }
    Ok(table)
}

/// The names that lead to each value.
pub(super) fn leaves(table: &Table) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (name, value) in table {
        let inner = match value {
            Value::Table(inner) => leaves(inner),
            _ => vec![Vec::new()],
        };
        found.extend(inner.into_iter().map(|rest| [vec![name.clone()], rest].concat()));
    }
    found
}

fn nearest(leaf: &[String], known: &[Key]) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let given = dotted(leaf);
    let likeness = |path: &str| {
        let whole = strsim::normalized_damerau_levenshtein(&given, path);
        let name = strsim::normalized_damerau_levenshtein(&last(&given), &last(path));
        // Of two keys with the same name, the one in the section that was meant.
        (whole.max(name), whole)
    };
    known
        .iter()
        .map(|key| key.path_with(leaf))
        .map(|path| (likeness(&path), path))
        .filter(|((likeness, _), _)| *likeness >= ALIKE)
        .max_by(|(left, _), (right, _)| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)))
        .map(|(_, path)| path)
}

fn set(table: &mut Table, key: &Key, text: String, origin: Origin, origins: &mut Origins) -> Result<(), ConfigError> {
    let value = parse(key.kind, text).map_err(|reason| ConfigError::BadValue {
        key: key.path.clone(),
        reason,
        origin: origin.clone(),
    })?;
    let names: Vec<String> = key.path.split('.').map(str::to_owned).collect();
    put(table, &names, value);
    origins.insert(names, origin);
    Ok(())
}

fn parse(kind: Kind, text: String) -> Result<Value, String> {
    match kind {
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Value::Boolean(true)),
            "false" | "no" | "off" | "0" => Ok(Value::Boolean(false)),
            _ => Err(format!("{text:?} is neither true nor false")),
        },
        Kind::Integer => text
            .replace('_', "")
            .parse()
            .map(Value::Integer)
            .map_err(|_| format!("{text:?} is not a whole number")),
        Kind::List => Ok(Value::Array(
            text.split(',')
                .map(|part| Value::String(part.trim().to_owned()))
                .collect(),
        )),
        Kind::Text => Ok(Value::String(text)),
    }
}

fn put(table: &mut Table, names: &[String], value: Value) {
    match names {
        [] => {}
        [name] => {
            table.insert(name.clone(), value);
        }
        [section, rest @ ..] => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The value that these names lead to.
pub(super) fn value_at<'table>(table: &'table Table, names: &[String]) -> Option<&'table Value> {
    match names {
        [] => None,
        [name] => table.get(name),
        [section, rest @ ..] => value_at(table.get(section)?.as_table()?, rest),
    }
}

fn check_alone<T: DeserializeOwned>(table: &Table, names: &[String], origin: &Origin) -> Result<(), ConfigError> {
    let Some(value) = value_at(table, names) else {
        return Ok(());
    };
    let mut alone = Table::new();
    put(&mut alone, names, value.clone());
    alone
        .try_into::<T>()
        .map(drop)
        .map_err(|error: toml::de::Error| ConfigError::BadValue {
            key: dotted(names),
            reason: error.message().to_owned(),
            origin: origin.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Size, Span};
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
    #[serde(default)]
    struct Settings {
        /// Where to listen.
        listen: String,
        workers: u16,
        verbose: bool,
        note: Option<String>,
        files: Files,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
    #[serde(default)]
    struct Files {
        max_size: Size,
        life: Span,
    }

    impl Default for Settings {
        fn default() -> Self {
            let files = Files::default();
            Self {
                listen: "127.0.0.1:1".to_owned(),
                workers: 2,
                verbose: false,
                note: None,
                files,
            }
        }
    }

    impl Default for Files {
        fn default() -> Self {
            Self {
                max_size: Size(1000),
                life: Span::seconds(60),
            }
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file_and_that_over_the_default() {
        let file = file("listen = 'file'\nworkers = 3\nnote = 'file'\n[files]\nmax_size = '2 kB'\n");
        let variables = |name: &str| match name {
            "X_LISTEN" => Some("environment".to_owned()),
            "X_NOTE" => Some("environment".to_owned()),
            "X_FILES_LIFE" => Some("2 days".to_owned()),
            _ => None,
        };
        let flags = [("listen", "flag".to_owned())];
        let loaded: Loaded<Settings> = load("X", Some(file.path()), variables, &flags).unwrap();
        let Settings {
            listen,
            workers,
            verbose,
            note,
            files,
        } = loaded.settings.clone_parts();
        assert_eq!(
            (listen.as_str(), workers, verbose, note.as_deref()),
            ("flag", 3, false, Some("environment"))
        );
        assert_eq!(
            files,
            Files {
                max_size: Size(2000),
                life: Span::seconds(172_800)
            }
        );
        assert_eq!(loaded.origin("listen"), Origin::Flag("--listen".to_owned()));
        assert_eq!(
            loaded.origin("files.life"),
            Origin::Environment("X_FILES_LIFE".to_owned())
        );
        assert_eq!(loaded.origin("workers"), Origin::File(file.path().to_owned()));
        assert_eq!(loaded.origin("verbose"), Origin::Default);
    }

    impl Settings {
        fn clone_parts(&self) -> Self {
            toml::from_str(&toml::to_string(self).unwrap()).unwrap()
        }
    }

    #[test]
    fn an_unknown_key_is_an_error_that_suggests_the_right_one() {
        let file = file("[files]\nmax_sise = 5\n");
        let error = load::<Settings>("X", Some(file.path()), nothing, &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("files.max_sise") && error.contains("Did you mean `files.max_size`?"),
            "{error}"
        );
    }

    #[test]
    fn a_value_that_does_not_fit_is_reported_with_its_key_and_origin() {
        let variables = |name: &str| (name == "X_WORKERS").then(|| "many".to_owned());
        let error = load::<Settings>("X", None, variables, &[]).unwrap_err().to_string();
        assert!(
            error.contains("workers") && error.contains("X_WORKERS") && error.contains("many"),
            "{error}"
        );

        let file = file("[files]\nlife = 'soon'\n");
        let error = load::<Settings>("X", Some(file.path()), nothing, &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains("files.life") && error.contains("soon"), "{error}");
    }

    #[test]
    fn every_key_has_a_variable_and_its_description() {
        let all = keys::<Settings>();
        let paths: Vec<&str> = all.iter().map(|key| key.path.as_str()).collect();
        assert_eq!(paths.len(), 6, "{paths:?}");
        assert!(paths.contains(&"note") && paths.contains(&"files.max_size"));
        let listen = all.iter().find(|key| key.path == "listen").unwrap();
        assert_eq!(listen.description, "Where to listen.");
        assert_eq!(listen.variable("X").as_deref(), Some("X_LISTEN"));
    }

    #[test]
    fn a_missing_file_is_reported_by_name() {
        let error = load::<Settings>("X", Some(Path::new("/nowhere/x.toml")), nothing, &[]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/x.toml"));
    }

    #[test]
    fn a_cause_is_told_by_the_cause_alone() {
        let missing = load::<Settings>("X", Some(Path::new("/nowhere/x.toml")), nothing, &[]).unwrap_err();
        let file = file("files = = 1");
        let wrong = load::<Settings>("X", Some(file.path()), nothing, &[]).unwrap_err();
        for error in [missing, wrong] {
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(!error.to_string().contains(&cause), "{error}");
        }
    }
}
