//! The keys of a settings type, read off its schema.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// One key of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Dotted path, such as `files.max_size`.
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
    /// The environment variable of the key: `FILESERVER_FILES_MAX_SIZE` for `files.max_size` of the file server.
    #[must_use]
    pub fn variable(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// All keys of a settings type, in the order of its fields, sections last.
#[must_use]
pub fn keys<T: JsonSchema>() -> Vec<Key> {
    let schema = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>();
    let mut found = Vec::new();
    collect(schema.as_value(), "", &mut found);
    found.sort_by_key(|key: &Key| key.path.contains('.'));
    found
}

fn collect(schema: &Value, prefix: &str, found: &mut Vec<Key>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, property) in properties {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        if property.get("properties").is_some() {
            collect(property, &path, found);
        } else {
            let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
            found.push(Key {
                path,
                description: description.to_owned(),
                kind: kind(property),
            });
        }
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
