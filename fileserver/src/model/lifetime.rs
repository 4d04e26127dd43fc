//! How long files live.

use std::time::Duration;

use shared::clock::Timestamp;

/// The longest and the usual life of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The life of a file whose uploader asks for none.
    pub default: Duration,
    /// The longest life that may be asked for; zero means that nobody may ask.
    pub max: Duration,
}

/// The life asked for is malformed or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("X-FS-TTL must be a whole number of seconds, at most the maximum")]
pub struct BadTtl;

impl Lifetimes {
    /// When a file ends whose uploader sent this `X-FS-TTL`, in decimal seconds. Zero means at once. The header is
    /// ignored where nobody may ask for a life, even if it is malformed.
    ///
    /// # Errors
    ///
    /// [`BadTtl`] for anything but digits, and for more than the maximum.
    pub fn expiry(&self, now: Timestamp, ttl: Option<&str>) -> Result<Timestamp, BadTtl> {
        let life = match ttl {
            Some(text) if !self.max.is_zero() => self.asked(text)?,
            _ => self.default,
        };
        Ok(now.plus(life))
    }

    fn asked(&self, text: &str) -> Result<Duration, BadTtl> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadTtl);
        }
        let life = Duration::from_secs(text.parse().map_err(|_| BadTtl)?);
        if life > self.max { Err(BadTtl) } else { Ok(life) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const FORTNIGHT: Lifetimes = Lifetimes {
        default: Duration::from_secs(1_209_600),
        max: Duration::from_secs(1_209_600),
    };

    fn seconds(lifetimes: Lifetimes, ttl: Option<&str>) -> Result<i64, BadTtl> {
        lifetimes
            .expiry(NOW, ttl)
            .map(|expiry| expiry.as_seconds() - NOW.as_seconds())
    }

    #[test]
    fn a_file_lives_as_long_as_asked_and_a_fortnight_otherwise() {
        assert_eq!(seconds(FORTNIGHT, None), Ok(1_209_600));
        assert_eq!(seconds(FORTNIGHT, Some("30")), Ok(30));
        assert_eq!(seconds(FORTNIGHT, Some("0")), Ok(0));
        assert_eq!(seconds(FORTNIGHT, Some("1209600")), Ok(1_209_600));
    }

    #[test]
    fn malformed_and_excessive_lives_are_refused() {
        for text in [
            "",
            "abc",
            "-1",
            "+1",
            " 1",
            "1.5",
            "1e3",
            "1_0",
            "1209601",
            "99999999999999999999",
            "٣",
        ] {
            assert_eq!(seconds(FORTNIGHT, Some(text)), Err(BadTtl), "{text}");
        }
    }

    #[test]
    fn the_header_is_ignored_where_nobody_may_ask() {
        let fixed = Lifetimes {
            max: Duration::ZERO,
            ..FORTNIGHT
        };
        assert_eq!(seconds(fixed, Some("30")), Ok(1_209_600));
        assert_eq!(seconds(fixed, Some("nonsense")), Ok(1_209_600));
    }
}
