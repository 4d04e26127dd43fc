//! How bytes and times stand in authentication headers: as hex or base64, and as seconds.

use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::clock::Timestamp;

/// How far a signed time may lie from ours, in either direction.
pub const TOLERANCE: Duration = Duration::from_hours(24);

const fn base64(padding: DecodePaddingMode) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(padding)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, config)
}

static PADDED: GeneralPurpose = base64(DecodePaddingMode::RequireCanonical);
static UNPADDED: GeneralPurpose = base64(DecodePaddingMode::RequireNone);

/// Decodes exactly `N` bytes: `2 N` characters are hex, anything else is standard base64 with all of its padding or
/// none.
#[must_use]
pub fn decode_hex_or_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() == 2 * N {
        hex::decode_to_slice(text, &mut bytes).ok()?;
        return Some(bytes);
    }
    if text.len() > 4 * N.div_ceil(3) {
        return None;
    }
    decode_base64(text)?.try_into().ok()
}

/// Decodes standard base64 with all of its padding or none (`community-api.md` section 4).
#[must_use]
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let engine = if text.ends_with('=') { &PADDED } else { &UNPADDED };
    engine.decode(text).ok()
}

/// Reads whole seconds since the epoch: 1 to 15 digits without a leading zero.
#[must_use]
pub fn parse_seconds(text: &str) -> Option<Timestamp> {
    let strict = matches!(text.as_bytes(), [b'0'] | [b'1'..=b'9', ..])
        && text.len() <= 15
        && text.bytes().all(|byte| byte.is_ascii_digit());
    if strict {
        text.parse().ok().map(Timestamp::from_seconds)
    } else {
        None
    }
}

/// What is wrong with the time of a signed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// Not a number of seconds.
    #[error("not a number of seconds")]
    Malformed,
    /// More than a day from our time.
    #[error("too far from the current time")]
    TooFar,
}

/// Reads a time and checks that it is not more than a day from now; exactly a day is fine.
pub(super) fn parse_recent(text: &str, now: Timestamp) -> Result<Timestamp, AgeError> {
    let time = parse_seconds(text).ok_or(AgeError::Malformed)?;
    if now.since(time).max(time.since(now)) > TOLERANCE {
        Err(AgeError::TooFar)
    } else {
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fraction_of_a_second_beyond_a_day_is_too_far() {
        let now = Timestamp::from_nanos(1_700_000_000_000_000_001);
        assert_eq!(parse_recent("1699913600", now), Err(AgeError::TooFar));
        assert!(parse_recent("1700086400", now).is_ok());
    }

    proptest! {
        #[test]
        fn hex_and_base64_of_the_same_bytes_decode_to_them(bytes: [u8; 16]) {
            prop_assert_eq!(decode_hex_or_base64(&hex::encode(bytes)), Some(bytes));
            prop_assert_eq!(decode_hex_or_base64(&hex::encode_upper(bytes)), Some(bytes));
            prop_assert_eq!(decode_hex_or_base64(&PADDED.encode(bytes)), Some(bytes));
            prop_assert_eq!(decode_hex_or_base64(PADDED.encode(bytes).trim_end_matches('=')), Some(bytes));
        }
    }
}
