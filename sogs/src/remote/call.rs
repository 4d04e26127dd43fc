//! Requests to a community and what became of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::client::Answer;

use super::error::Refusal;

/// A request, alone or as a part of a batch.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// In upper case.
    pub(super) method: &'static str,
    /// With what is not plain in it percent-encoded.
    pub(super) path: String,
    /// The body. What changes something has one, even if it is empty.
    #[serde(rename = "json", skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
}

/// What a server says when it does what it was asked, or why it does not.
pub type Outcome = Result<Value, Refusal>;

impl Call {
    /// Asks for something.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path.into(), None)
    }

    /// Changes something.
    #[must_use]
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new("POST", path.into(), Some(body))
    }

    /// Changes something that has a place of its own.
    #[must_use]
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new("PUT", path.into(), Some(body))
    }

    /// Takes something away.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new("DELETE", path.into(), None)
    }

    const fn new(method: &'static str, path: String, body: Option<Value>) -> Self {
        Self { method, path, body }
    }
}

/// What became of a part of a batch. Old servers leave fields out.
#[derive(Deserialize)]
pub(super) struct Part {
    code: u16,
    #[serde(default)]
    body: Value,
}

impl Part {
    pub(super) fn outcome(self) -> Outcome {
        let Self { code, body } = self;
        if (200..300).contains(&code) {
            return Ok(body);
        }
        // What is no JSON comes in base64.
        let text = match &body {
            Value::String(text) => STANDARD.decode(text).unwrap_or_default(),
            _ => Vec::new(),
        };
        Err(Refusal::new(code, &text))
    }
}

/// What a server answers to a request of its own.
pub(super) fn outcome(answer: &Answer) -> Outcome {
    match answer.status {
        200..300 => Ok(serde_json::from_slice(&answer.body).unwrap_or_default()),
        status => Err(Refusal::new(status, &answer.body)),
    }
}
