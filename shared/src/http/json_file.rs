//! Files as old clients send and get them: base64 inside JSON.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;

use super::{ByteStream, Source, base64_length, base64_text};

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why there is no file in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFileError {
    /// Not such JSON, or no base64 in it.
    #[error("the body must be a JSON object with a file in base64")]
    Malformed,
    /// More bytes than are accepted.
    #[error("the file is too large")]
    TooLarge,
}

#[derive(Deserialize)]
struct Upload<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
}

/// The most bytes of JSON that a file of this size can take up: its text, every slash in it perhaps escaped, and what is
/// around it.
#[must_use]
pub fn json_file_limit(max_size: u64) -> u64 {
    let text = base64_length(max_size);
    text + text / 32 + 16 * 1024
}

/// Reads a file of at most `max_size` bytes out of `{"file": "BASE64"}`. With a large one it belongs on a thread where
/// that disturbs nobody.
///
/// # Errors
///
/// [`JsonFileError`].
pub fn read_json_file(body: &[u8], max_size: u64) -> Result<Bytes, JsonFileError> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        // An array of one text would do for serde.
        return Err(JsonFileError::Malformed);
    }
    let Upload { file } = serde_json::from_slice(body).map_err(|_| JsonFileError::Malformed)?;
    if file.len() as u64 > base64_length(max_size) {
        return Err(JsonFileError::TooLarge);
    }
    let bytes = LENIENT.decode(file.as_bytes()).map_err(|_| JsonFileError::Malformed)?;
    if bytes.len() as u64 > max_size {
        return Err(JsonFileError::TooLarge);
    }
    Ok(bytes.into())
}

/// The answer with a file in base64, encoded while it is sent.
pub struct JsonFile<S>(pub S);

const BEFORE: &str = r#"{"status_code": 200, "result": ""#;
const AFTER: &str = r#""}"#;

impl<S: Source> Source for JsonFile<S> {
    fn length(&self) -> u64 {
        (BEFORE.len() + AFTER.len()) as u64 + base64_length(self.0.length())
    }

    fn stream(self: Box<Self>) -> ByteStream {
        let end = |text: &'static str| stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
        let text = base64_text(Box::new(self.0).stream());
        end(BEFORE).chain(text).chain(end(AFTER)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        assert_eq!(read_json_file(br#"{"file":"YWJj"}"#, 3).unwrap(), &b"abc"[..]);
        assert_eq!(read_json_file(br#" {"x":1,"file":"YQ"}"#, 3).unwrap(), &b"a"[..]);
        assert_eq!(read_json_file(br#"{"file":""}"#, 3).unwrap(), &b""[..]);
        for (body, error) in [
            (&br#"{"file":"YWJjZA=="}"#[..], JsonFileError::TooLarge),
            (br#"{"file":"YWJjYWJjYWJj"}"#, JsonFileError::TooLarge),
            (br#"{"file":"!"}"#, JsonFileError::Malformed),
            (br#"["YWJj"]"#, JsonFileError::Malformed),
            (br#"{"file":null}"#, JsonFileError::Malformed),
            (b"", JsonFileError::Malformed),
        ] {
            assert_eq!(read_json_file(body, 3), Err(error));
        }
    }
}
