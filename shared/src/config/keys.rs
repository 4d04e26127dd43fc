//! The keys of a settings type, read off its schema.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Stands in paths for a name that the operator chooses.
pub(super) const ANY_NAME: &str = "<name>";

/// One key of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Dotted path, such as `files.max_size`. Where a section has entries whose names the operator chooses, `<name>`
    /// stands for the name: `filters.rooms.<name>.filter_mods`.
    pub path: String,
    /// What it means, from the doc comment of the field.
    pub description: String,
    /// Whether a list, a number or yes-or-no is wanted; anything else is text.
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    List,
    Text,
}

impl Key {
    /// The environment variable of the key: `FILESERVER_FILES_MAX_SIZE` for `files.max_size` of the file server. Keys
    /// in entries with free names have none.
    #[must_use]
    pub fn variable(&self, prefix: &str) -> Option<String> {
        (!self.is_in_entry()).then(|| format!("{prefix}_{}", self.path.replace('.', "_").to_uppercase()))
    }

    /// Whether the key stands in an entry whose name the operator chooses.
    #[must_use]
    pub fn is_in_entry(&self) -> bool {
        self.path.split('.').any(|name| name == ANY_NAME)
    }

    /// Whether this is the key of these names.
    pub(super) fn is(&self, names: &[String]) -> bool {
        self.path.split('.').count() == names.len()
            && self
                .path
                .split('.')
                .zip(names)
                .all(|(own, name)| own == ANY_NAME || own == name)
    }

    /// The path with the names that the operator chose, taken from where they stand in `names`.
    pub(super) fn path_with(&self, names: &[String]) -> String {
        let mut names = names.iter();
        let own = self.path.split('.').map(|own| match (own, names.next()) {
            (ANY_NAME, Some(name)) => name.clone(),
            _ => own.to_owned(),
        });
        dotted(&own.collect::<Vec<_>>())
    }
}

/// Names as a dotted path, in quotes where TOML wants them.
pub(super) fn dotted(names: &[String]) -> String {
    let is_bare = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let quoted = names.iter().map(|name| match name {
        name if is_bare(name) => name.clone(),
        name => toml::Value::from(name.as_str()).to_string(),
    });
    quoted.collect::<Vec<_>>().join(".")
}

/// All keys of a settings type, in the order of its fields, sections last and sections in sections after them.
#[must_use]
pub fn keys<T: JsonSchema>() -> Vec<Key> {
    let schema = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>();
    let mut found = Vec::new();
    collect(schema.as_value(), "", &mut found);
    found.sort_by_key(|key: &Key| key.path.matches('.').count());
    found
}

fn collect(schema: &Value, path: &str, found: &mut Vec<Key>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            collect(property, &below(name), found);
        }
    } else if let Some(entry) = schema.get("additionalProperties").filter(|entry| entry.is_object()) {
        collect(entry, &below(ANY_NAME), found);
    } else {
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        found.push(Key {
            path: path.to_owned(),
            description: description.to_owned(),
            kind: kind(schema),
        });
    }
}

fn kind(property: &Value) -> Kind {
    let names: Vec<&str> = match property.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => Vec::new(),
    };
    match names.as_slice() {
        ["boolean"] => Kind::Boolean,
        ["integer"] => Kind::Integer,
        ["array"] => Kind::List,
        _ => Kind::Text,
    }
}
