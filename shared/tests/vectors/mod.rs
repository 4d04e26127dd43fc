//! Reading the JSON files with known answers.

#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken vector file should fail the test"
)]

use serde_json::Value;

/// One file of `tests/vectors`.
pub(crate) fn load(name: &str) -> Value {
    shared::crypto::init().unwrap();
    let path = format!("{}/../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// The elements of a list, of which there is at least one.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value.get(key).unwrap_or_else(|| panic!("no {key}")).as_array().unwrap();
    assert!(!list.is_empty(), "{key} is empty");
    list
}

/// A string.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {key} in {value}"))
}

/// Bytes written in hex.
pub(crate) fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key)).unwrap()
}

/// So many bytes written in hex.
pub(crate) fn array<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    bytes(value, key).try_into().unwrap()
}

/// A yes or no; absent is no.
pub(crate) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}
