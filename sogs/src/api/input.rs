//! Reading what clients send (`community-api.md` section 4).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use shared::clock::Timestamp;
use shared::crypto::{UserId, decode_base64};
use shared::http::{Head, Request};

use super::ApiError;

/// The most lists, objects and their elements that JSON may consist of; the largest batch has some thousands.
const MOST_PARTS: usize = 200_000;

/// A JSON value, which needs the content type to say that it is one.
///
/// # Errors
///
/// 400.
pub(crate) fn json(request: &Request) -> Result<Value, ApiError> {
    require_json(request)?;
    serde_json::from_slice(&request.body).map_err(|_| ApiError::bad("the body is not valid JSON"))
}

fn require_json(request: &Request) -> Result<(), ApiError> {
    let named = request.head.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let is_json = named.parse::<mime::Mime>().is_ok_and(|kind| {
        kind.type_() == mime::APPLICATION
            && (kind.subtype() == mime::JSON || kind.suffix().is_some_and(|suffix| suffix == mime::JSON))
    });
    if !is_json {
        return Err(ApiError::bad("the content type must be application/json"));
    }
    // What is parsed takes many times the memory of its text, so there is a limit to its parts.
    let parts = request.body.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{'));
    if parts.count() > MOST_PARTS {
        return Err(ApiError::TooLarge("the JSON has too many parts"));
    }
    Ok(())
}

/// A JSON object.
///
/// # Errors
///
/// 400.
pub(crate) fn object(request: &Request) -> Result<Map<String, Value>, ApiError> {
    match json(request)? {
        Value::Object(object) => Ok(object),
        _ => Err(ApiError::bad("the body must be a JSON object")),
    }
}

/// A JSON object of this shape, read without making a tree of it first: for what is posted all the time.
///
/// # Errors
///
/// 400.
pub(crate) fn body<'de, T: Deserialize<'de>>(request: &'de Request) -> Result<T, ApiError> {
    require_json(request)?;
    // A list of the values would do for serde as well.
    if !request.body.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::bad("the body must be a JSON object"));
    }
    serde_json::from_slice(&request.body).map_err(|error| ApiError::bad(error.to_string()))
}

/// A JSON object of this shape; keys that are not known are ignored.
///
/// # Errors
///
/// 400.
pub(crate) fn parsed<T: for<'de> Deserialize<'de>>(request: &Request) -> Result<T, ApiError> {
    serde_json::from_value(Value::Object(object(request)?)).map_err(|error| ApiError::bad(error.to_string()))
}

/// Base64, padded or not.
///
/// # Errors
///
/// 400.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, ApiError> {
    decode_base64(text).ok_or(ApiError::bad("malformed base64"))
}

/// Base64 with its padding, as it is always sent.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The moment so many seconds later, or earlier. What is out of range becomes the nearest that is not.
pub(crate) fn after(now: Timestamp, seconds: f64) -> Timestamp {
    let span = Duration::try_from_secs_f64(seconds.abs()).unwrap_or(Duration::MAX);
    if seconds < 0.0 { now.minus(span) } else { now.plus(span) }
}

/// Whether a value counts as true, as in Python: `0`, `""`, `[]`, `{}`, `null` and `false` do not.
pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

/// A field that may be absent or null, which is the same, and else counts as true or false.
pub(crate) fn optional_truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok((!value.is_null()).then(|| truthy(&value)))
}

/// A field that counts as true or false; `None` if it is absent or null.
pub(crate) fn truth(fields: &Map<String, Value>, name: &str) -> Option<bool> {
    fields.get(name).filter(|value| !value.is_null()).map(truthy)
}

/// The number that the path holds under this name. Anything but digits is another path, and so is what is out of range.
///
/// # Errors
///
/// 404.
pub(crate) fn path_number(head: &Head, name: &str) -> Result<i64, ApiError> {
    let text = head.params.value(name);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or(ApiError::Refused(http::StatusCode::NOT_FOUND, "Not Found"))
}

/// The id of a user that the path holds under this name: 05 or 15 and 64 hexadecimal digits.
///
/// # Errors
///
/// 404.
pub(crate) fn path_user(head: &Head, name: &str) -> Result<UserId, ApiError> {
    head.params
        .value(name)
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| ApiError::Refused(http::StatusCode::NOT_FOUND, "Not Found"))
}

/// A number in the query, or the default where there is none; out of range it becomes the nearest that is in range.
///
/// # Errors
///
/// 400 if it is no number.
pub(crate) fn query_number(
    head: &Head,
    name: &str,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
) -> Result<i64, ApiError> {
    let Some(text) = head.query_value(name) else {
        return Ok(default);
    };
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::bad("a number in the query is malformed"));
    }
    let extreme = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    let number: i64 = text.parse().unwrap_or(extreme);
    Ok(number.clamp(*range.start(), *range.end()))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use shared::http::Entrance;

    use super::*;

    fn head(query: &str) -> Head {
        Head::new(Method::GET, "/".to_owned(), Some(query.to_owned()), Entrance::Batch)
    }

    #[test]
    fn numbers_in_the_query_are_clamped_and_never_guessed() {
        let limit = |query: &str| query_number(&head(query), "limit", 100, 1..=256);
        for (query, expected) in [
            ("", 100),
            ("limit=7", 7),
            ("limit=+7", 7),
            ("limit=%207%20", 7),
            ("limit=0", 1),
            ("limit=-5", 1),
            ("limit=99999999999999999999999", 256),
            ("limit=-99999999999999999999999", 1),
            ("limit=3&limit=4", 3),
        ] {
            assert_eq!(limit(query).unwrap(), expected, "{query}");
        }
        for query in [
            "limit=",
            "limit=x",
            "limit=1_0",
            "limit=%D9%A1",
            "limit=--1",
            "limit=1.5",
        ] {
            assert!(limit(query).is_err(), "{query}");
        }
    }

    #[test]
    fn truth_is_as_in_python() {
        for (text, expected) in [
            ("0", false),
            ("0.0", false),
            ("\"\"", false),
            ("[]", false),
            ("{}", false),
            ("null", false),
            ("false", false),
            ("1", true),
            ("\"0\"", true),
            ("[0]", true),
            ("{\"a\":0}", true),
            ("true", true),
            ("-0.5", true),
        ] {
            assert_eq!(truthy(&serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn base64_may_lack_its_padding_and_nothing_else() {
        assert_eq!(base64("YQ==").unwrap(), b"a");
        assert_eq!(base64("YQ").unwrap(), b"a");
        for bad in ["YQ=", "Y Q==", "YQ=\n=", "-_==", "Y", "YQ===="] {
            assert!(base64(bad).is_err(), "{bad}");
        }
    }
}
