//! How small and how large the numbers of the configuration may be.

use std::str::FromStr;

use super::{BadSettings, Settings};

/// Looks at every number. Bounds are written as an operator would write the value.
pub(super) fn check(settings: &Settings) -> Result<(), BadSettings> {
    let Settings {
        files, abuse, versions, ..
    } = settings;
    let http = &settings.common.http;
    within("http.body_budget", &http.body_budget, "1 MiB", "4 GiB")?;
    within("http.budget_wait", &http.budget_wait, "0", "1h")?;
    within("http.head_timeout", &http.head_timeout, "1s", "1h")?;
    within("http.idle_timeout", &http.idle_timeout, "1s", "1 day")?;
    within("http.body_idle_timeout", &http.body_idle_timeout, "1s", "1 day")?;
    within("http.body_timeout", &http.body_timeout, "1s", "1 day")?;
    within("http.handler_timeout", &http.handler_timeout, "1s", "1 day")?;
    within("http.shutdown_timeout", &http.shutdown_timeout, "0", "1 day")?;
    within("http.max_connections", &http.max_connections, "1", "1000000")?;
    within("http.workers", &http.workers, "0", "1024")?;
    within("files.default_ttl", &files.default_ttl, "1s", "100 years")?;
    within("files.max_ttl", &files.max_ttl, "0", "100 years")?;
    within("files.sweep_interval", &files.sweep_interval, "100ms", "1 day")?;
    within("abuse.free_space_floor", &abuse.free_space_floor, "0", "1 PiB")?;
    within(
        "abuse.upload_bytes_per_minute",
        &abuse.upload_bytes_per_minute,
        "0",
        "4 TB",
    )?;
    within("abuse.total_quota", &abuse.total_quota, "0", "1000 PiB")?;
    within(
        "versions.fetch_interval",
        &versions.fetch_interval,
        "1 minute",
        "30 days",
    )
}

fn within<T: FromStr + PartialOrd>(key: &'static str, value: &T, least: &str, most: &str) -> Result<(), BadSettings> {
    let large_enough = least.parse().is_ok_and(|least: T| *value >= least);
    let small_enough = most.parse().is_ok_and(|most: T| *value <= most);
    if large_enough && small_enough {
        return Ok(());
    }
    Err(BadSettings {
        key,
        reason: format!("must be from {least} to {most}"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::config::{Size, Span};

    use super::*;

    const FOR_EVER: Span = Span::seconds(i64::MAX.cast_unsigned());

    /// The key that is complained of after this change.
    fn complaint(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.validate().unwrap_err().key.to_owned()
    }

    #[test]
    fn spans_that_never_end_are_refused() {
        macro_rules! refused {
            ($($section:ident $(. $rest:ident)+),+ $(,)?) => {$(
                let path = concat!(stringify!($section) $(, ".", stringify!($rest))+);
                let key = complaint(|settings| settings.$section$(.$rest)+ = FOR_EVER);
                assert_eq!(key, path.trim_start_matches("common."));
            )+};
        }
        refused!(
            common.http.budget_wait,
            common.http.head_timeout,
            common.http.idle_timeout,
            common.http.body_idle_timeout,
            common.http.body_timeout,
            common.http.handler_timeout,
            common.http.shutdown_timeout,
            files.default_ttl,
            files.max_ttl,
            files.sweep_interval,
            versions.fetch_interval,
        );
    }

    #[test]
    fn numbers_that_leave_a_server_without_work_or_room_are_refused() {
        let none = Span(Duration::ZERO);
        assert_eq!(
            complaint(|settings| settings.common.http.head_timeout = none),
            "http.head_timeout"
        );
        assert_eq!(
            complaint(|settings| settings.common.http.handler_timeout = none),
            "http.handler_timeout"
        );
        assert_eq!(
            complaint(|settings| settings.common.http.max_connections = 0),
            "http.max_connections"
        );
        assert_eq!(
            complaint(|settings| settings.common.http.workers = u16::MAX),
            "http.workers"
        );
        assert_eq!(
            complaint(|settings| settings.common.http.body_budget = Size(u64::MAX)),
            "http.body_budget"
        );
        assert_eq!(
            complaint(|settings| settings.files.default_ttl = none),
            "files.default_ttl"
        );
        assert_eq!(
            complaint(|settings| settings.files.sweep_interval = none),
            "files.sweep_interval"
        );
        let often = |settings: &mut Settings| settings.versions.fetch_interval = Span::seconds(59);
        assert_eq!(complaint(often), "versions.fetch_interval");
    }

    #[test]
    fn nought_stays_good_where_it_means_off() {
        let mut settings = Settings::default();
        settings.common.http.workers = 0;
        settings.common.http.misses_per_minute = 0;
        settings.files.max_ttl = Span::seconds(0);
        settings.abuse.upload_bytes_per_minute = Size(0);
        settings.abuse.total_quota = Size(0);
        settings.abuse.free_space_floor = Size(0);
        settings.validate().unwrap();
    }

    #[test]
    fn the_reason_says_what_would_be_good() {
        let mut settings = Settings::default();
        settings.files.sweep_interval = FOR_EVER;
        let reason = settings.validate().unwrap_err().to_string();
        assert_eq!(reason, "files.sweep_interval: must be from 100ms to 1 day");
    }
}
