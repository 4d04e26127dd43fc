//! How small and how large the numbers of the configuration may be.

use std::str::FromStr;

use super::HttpSettings;

/// Settings contradict each other or ask for the impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct BadSettings {
    /// The key that cannot stand.
    pub key: &'static str,
    /// What is wrong with it, or what would be good.
    pub reason: String,
}

impl BadSettings {
    /// This key cannot stand.
    #[must_use]
    pub fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self {
            key,
            reason: reason.into(),
        }
    }
}

/// Looks at one number. Bounds are written as an operator would write the value.
///
/// # Errors
///
/// [`BadSettings`] if it is out of bounds.
pub fn within<T: FromStr + PartialOrd>(
    key: &'static str,
    value: &T,
    least: &str,
    most: &str,
) -> Result<(), BadSettings> {
    let large_enough = least.parse().is_ok_and(|least: T| *value >= least);
    let small_enough = most.parse().is_ok_and(|most: T| *value <= most);
    if large_enough && small_enough {
        return Ok(());
    }
    Err(BadSettings::new(key, format!("must be from {least} to {most}")))
}

impl HttpSettings {
    /// Looks at every number, and at the name of the header.
    ///
    /// # Errors
    ///
    /// [`BadSettings`] with the first that cannot stand.
    pub fn check(&self) -> Result<(), BadSettings> {
        within("http.body_budget", &self.body_budget, "1 MiB", "4 GiB")?;
        within("http.budget_wait", &self.budget_wait, "0", "1h")?;
        within("http.head_timeout", &self.head_timeout, "1s", "1h")?;
        within("http.idle_timeout", &self.idle_timeout, "1s", "1 day")?;
        within("http.body_idle_timeout", &self.body_idle_timeout, "1s", "1 day")?;
        within("http.body_timeout", &self.body_timeout, "1s", "1 day")?;
        within("http.handler_timeout", &self.handler_timeout, "1s", "1 day")?;
        within("http.shutdown_timeout", &self.shutdown_timeout, "0", "1 day")?;
        within("http.max_connections", &self.max_connections, "1", "1000000")?;
        within("http.workers", &self.workers, "0", "1024")?;
        match &self.client_address_header {
            Some(name) if name.parse::<http::HeaderName>().is_err() => Err(BadSettings::new(
                "http.client_address_header",
                "must be the name of a header, such as X-Forwarded-For",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Size, Span};

    /// The key that is complained of after this change.
    fn complaint(change: impl FnOnce(&mut HttpSettings)) -> &'static str {
        let mut settings = HttpSettings::default();
        change(&mut settings);
        settings.check().unwrap_err().key
    }

    #[test]
    fn spans_that_never_end_are_refused() {
        macro_rules! refused {
            ($($key:ident),+ $(,)?) => {$(
                let key = complaint(|settings| settings.$key = Span::seconds(i64::MAX.cast_unsigned()));
                assert_eq!(key, concat!("http.", stringify!($key)));
            )+};
        }
        refused!(
            budget_wait,
            head_timeout,
            idle_timeout,
            body_idle_timeout,
            body_timeout,
            handler_timeout,
            shutdown_timeout,
        );
    }

    #[test]
    fn numbers_that_leave_a_server_without_work_or_room_are_refused() {
        let none = Span(Duration::ZERO);
        assert_eq!(complaint(|settings| settings.head_timeout = none), "http.head_timeout");
        let handler = |settings: &mut HttpSettings| settings.handler_timeout = none;
        assert_eq!(complaint(handler), "http.handler_timeout");
        assert_eq!(
            complaint(|settings| settings.max_connections = 0),
            "http.max_connections"
        );
        assert_eq!(complaint(|settings| settings.workers = u16::MAX), "http.workers");
        assert_eq!(
            complaint(|settings| settings.body_budget = Size(u64::MAX)),
            "http.body_budget"
        );
    }

    #[test]
    fn what_cannot_be_the_name_of_a_header_is_refused() {
        for bad in ["", "X Forwarded For", "X-Forwarded-For:"] {
            let change = |settings: &mut HttpSettings| settings.client_address_header = Some(bad.to_owned());
            assert_eq!(complaint(change), "http.client_address_header", "{bad:?}");
        }
        let named = HttpSettings {
            client_address_header: Some("X-Forwarded-For".to_owned()),
            ..HttpSettings::default()
        };
        named.check().unwrap();
    }

    #[test]
    fn nought_stays_good_where_it_means_off() {
        let settings = HttpSettings {
            workers: 0,
            misses_per_minute: 0,
            ..HttpSettings::default()
        };
        settings.check().unwrap();
    }

    #[test]
    fn the_reason_says_what_would_be_good() {
        let reason = within("a.b", &Span::seconds(1), "2s", "1 day").unwrap_err().to_string();
        assert_eq!(reason, "a.b: must be from 2s to 1 day");
    }
}
