//! How small and how large the numbers of the configuration may be.

use shared::config::{BadSettings, within};

use super::Settings;

/// Looks at every number. Bounds are written as an operator would write the value.
pub(super) fn check(settings: &Settings) -> Result<(), BadSettings> {
    let Settings {
        files, abuse, versions, ..
    } = settings;
    settings.common.http.check()?;
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
            common.http.handler_timeout,
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
        settings.files.max_ttl = Span::seconds(0);
        settings.abuse.upload_bytes_per_minute = Size(0);
        settings.abuse.total_quota = Size(0);
        settings.abuse.free_space_floor = Size(0);
        settings.validate().unwrap();
    }
}
