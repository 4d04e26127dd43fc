//! Times in arguments.

use std::str::FromStr;
use std::time::Duration;

use shared::clock::Timestamp;
use shared::config::Span;

/// A time as it is named in an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(Span(span)) = Span::with_unit(text) {
            return Ok(Self::Ago(span));
        }
        let midnight = format!("{text}T00:00:00Z");
        let time = humantime::parse_rfc3339_weak(text).or_else(|_| humantime::parse_rfc3339(&midnight));
        let time = time.map_err(|_| {
            "a time is a day such as 2026-01-31, a moment in UTC such as 2026-01-31T18:00:00Z, or a span such as 2d for \
             so long ago"
                .to_owned()
        })?;
        Ok(Self::At(time.into()))
    }
}

impl Moment {
    /// When that is, if it is named now.
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(span) => now.minus(span),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_moment_or_so_long_ago() {
        let now = Timestamp::from_seconds(1_700_000_000);
        let at = |text: &str| text.parse::<Moment>().unwrap().at(now).as_nanos() / 1_000_000_000;
        assert_eq!(at("1970-01-02"), 86_400);
        assert_eq!(at("1970-01-02T00:00:01Z"), 86_401);
        assert_eq!(at("1970-01-02 00:00:01"), 86_401);
        assert_eq!(at("2h"), 1_699_992_800);
        for bad in ["", "soon", "2026-13-01", "2026-1-1", "yesterday", "2"] {
            assert!(bad.parse::<Moment>().is_err(), "{bad}");
        }
    }
}
