//! For how long something is kept.

use std::time::Duration;

use serde::Serialize;

use crate::config::Span;

const UNITS: [(&str, &str, u128); 5] = [
    ("day", "days", 86_400_000),
    ("hour", "hours", 3_600_000),
    ("minute", "minutes", 60_000),
    ("second", "seconds", 1_000),
    ("millisecond", "milliseconds", 1),
];

/// For how long something is kept, and by what that is decided.
#[derive(Clone, Debug, Serialize)]
pub struct Term {
    /// Whether it is kept at all.
    kept: bool,
    /// In words, with the names of the settings in backquotes.
    #[serde(rename = "how_long")]
    words: String,
    /// How many seconds that is at most, if that is certain.
    #[serde(rename = "seconds")]
    span: Option<u64>,
    /// The settings that decide it.
    set_by: Vec<&'static str>,
}

impl Term {
    fn of(words: impl Into<String>, span: Option<Duration>) -> Self {
        Self {
            kept: true,
            words: words.into(),
            span: span.map(|span| span.as_secs()),
            set_by: Vec::new(),
        }
    }

    /// No longer than this.
    #[must_use]
    pub fn span(span: Duration) -> Self {
        Self::of(words(span), Some(span))
    }

    /// Until something happens that is certain to happen within this time: "until it is too old, at most 2 days".
    #[must_use]
    pub fn at_most(event: &str, span: Duration) -> Self {
        Self::of(format!("until {event}, at most {}", words(span)), Some(span))
    }

    /// Until something happens that nobody can tell the time of: "until it is deleted".
    #[must_use]
    pub fn until(event: &str) -> Self {
        Self::of(format!("until {event}"), None)
    }

    /// Without end.
    #[must_use]
    pub fn ever() -> Self {
        Self::of("for ever", None)
    }

    /// As long as a setting says, where zero stands for ever.
    #[must_use]
    pub fn setting_or_ever(span: Span, key: &'static str) -> Self {
        match span.0 {
            Duration::ZERO => Self::ever(),
            span => Self::span(span),
        }
        .set_by(key)
    }

    /// As long as a setting says, where whoever clears up comes by every so often.
    #[must_use]
    pub fn setting(span: Span, every: Duration, key: &'static str) -> Self {
        match span.0 {
            Duration::ZERO => Self::span(every),
            span => Self::span(span),
        }
        .set_by(key)
    }

    /// Not at all, because this setting says so.
    #[must_use]
    pub fn off(key: &'static str) -> Self {
        let off = Self::of("not kept, for it is switched off", None).set_by(key);
        Self { kept: false, ..off }
    }

    /// Names the setting that decides it.
    #[must_use]
    pub fn set_by(mut self, key: &'static str) -> Self {
        self.words = format!("{} (`{key}`)", self.words);
        self.set_by.push(key);
        self
    }

    /// Names the setting that switches it off where it is zero.
    #[must_use]
    pub fn unless_zero(mut self, key: &'static str) -> Self {
        self.words = format!("{}, unless `{key}` is 0", self.words);
        self.set_by.push(key);
        self
    }

    /// Adds what may end it before its time.
    #[must_use]
    pub fn or_sooner(mut self, words: &str) -> Self {
        self.words = format!("{}; {words}", self.words);
        self
    }

    /// Adds what is different for some of it, which may then last longer than was said.
    #[must_use]
    pub fn but(mut self, words: &str) -> Self {
        self.words = format!("{}; {words}", self.words);
        self.span = None;
        self
    }

    /// Whether it is kept at all.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.kept
    }

    /// The words for the page.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }
}

/// A span of time as people say it: `15 days`, `1 hour and 30 minutes`.
#[must_use]
pub fn words(span: Duration) -> String {
    let mut left = span.as_millis();
    let mut parts = Vec::new();
    for (one, many, size) in UNITS {
        let count = left / size;
        left %= size;
        match count {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            _ => parts.push(format!("{count} {many}")),
        }
    }
    match parts.split_last() {
        None => "no time".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_words() {
        for (seconds, expected) in [
            (0, "no time"),
            (1, "1 second"),
            (60, "1 minute"),
            (5_400, "1 hour and 30 minutes"),
            (86_400, "1 day"),
            (15 * 86_400, "15 days"),
            (2 * 86_400 + 3_600, "2 days and 1 hour"),
            (86_400 + 3_600 + 5, "1 day, 1 hour and 5 seconds"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(words(Duration::from_millis(1_500)), "1 second and 500 milliseconds");
    }

    #[test]
    fn what_is_kept_for_ever_or_not_at_all_says_why() {
        let never = Term::setting_or_ever(Span::seconds(0), "audit.keep");
        assert_eq!((never.words(), never.span), ("for ever (`audit.keep`)", None));
        let off = Term::off("versions.statistics");
        assert!(!off.is_kept());
        assert_eq!(off.words(), "not kept, for it is switched off (`versions.statistics`)");
    }

    #[test]
    fn no_end_is_certain_where_some_of_it_stays() {
        let term = Term::span(Duration::from_secs(60)).but("for ever while pinned");
        assert_eq!((term.words(), term.span), ("1 minute; for ever while pinned", None));
    }
}
