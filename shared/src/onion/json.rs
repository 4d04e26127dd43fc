//! Reading JSON objects strictly.

use serde::de::DeserializeOwned;

/// An object and nothing after it but white space. Lists, which would otherwise pass for the fields in order, and
/// text that is not UTF-8 anywhere are refused.
pub(super) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}
