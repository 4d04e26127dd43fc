//! How small and how large the numbers of the configuration may be.

use shared::config::{BadSettings, within};

use super::Settings;

/// The longest span that a setting may ask for, so that no time gets out of range.
const LONGEST: &str = "100 years";

/// Looks at every number. Bounds are written as an operator would write the value.
pub(super) fn check(settings: &Settings) -> Result<(), BadSettings> {
    let Settings {
        rooms,
        messages,
        files,
        direct_messages,
        limits,
        audit,
        ..
    } = settings;
    settings.common.http.check()?;
    within("rooms.max_name_length", &rooms.max_name_length, "1", "10000")?;
    within(
        "rooms.max_description_length",
        &rooms.max_description_length,
        "0",
        "100000",
    )?;
    within("rooms.active_threshold", &rooms.active_threshold, "1s", LONGEST)?;
    within(
        "rooms.active_prune_threshold",
        &rooms.active_prune_threshold,
        "1s",
        LONGEST,
    )?;
    within("messages.max_size", &messages.max_size, "1 B", "1 MiB")?;
    within(
        "messages.history_prune_threshold",
        &messages.history_prune_threshold,
        "0",
        LONGEST,
    )?;
    within("files.expiry", &files.expiry, "0", LONGEST)?;
    within("files.max_size", &files.max_size, "1 B", "16 MiB")?;
    within("files.free_space_floor", &files.free_space_floor, "0", "1 PiB")?;
    within("direct_messages.expiry", &direct_messages.expiry, "1s", LONGEST)?;
    within("direct_messages.max_size", &direct_messages.max_size, "1 B", "1 MiB")?;
    within("audit.keep", &audit.keep, "0", LONGEST)?;
    within("limits.batch_elements", &limits.batch_elements, "1", "10000")
}

#[cfg(test)]
mod tests {
    use shared::config::{Size, Span};

    use super::super::LARGEST_REQUEST;
    use super::*;

    /// The key that is complained of after this change.
    fn complaint(change: impl FnOnce(&mut Settings)) -> &'static str {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.validate().unwrap_err().key
    }

    #[test]
    fn spans_that_never_end_are_refused() {
        macro_rules! refused {
            ($($section:ident $(. $rest:ident)+),+ $(,)?) => {$(
                let path = concat!(stringify!($section) $(, ".", stringify!($rest))+);
                let key = complaint(|settings| settings.$section$(.$rest)+ = Span::seconds(i64::MAX.cast_unsigned()));
                assert_eq!(key, path.trim_start_matches("common."));
            )+};
        }
        refused!(
            common.http.handler_timeout,
            rooms.active_threshold,
            rooms.active_prune_threshold,
            messages.history_prune_threshold,
            files.expiry,
            audit.keep,
            direct_messages.expiry,
        );
    }

    #[test]
    fn sizes_and_counts_that_leave_nothing_to_do_are_refused() {
        assert_eq!(
            complaint(|settings| settings.files.max_size = Size(0)),
            "files.max_size"
        );
        assert_eq!(
            complaint(|settings| settings.messages.max_size = Size(0)),
            "messages.max_size"
        );
        let direct = |settings: &mut Settings| settings.direct_messages.max_size = Size(1024 * 1024 + 1);
        assert_eq!(complaint(direct), "direct_messages.max_size");
        assert_eq!(
            complaint(|settings| settings.limits.batch_elements = 0),
            "limits.batch_elements"
        );
        assert_eq!(
            complaint(|settings| settings.rooms.max_name_length = 0),
            "rooms.max_name_length"
        );
        let huge = |settings: &mut Settings| settings.files.free_space_floor = Size(u64::MAX);
        assert_eq!(complaint(huge), "files.free_space_floor");
    }

    #[test]
    fn a_file_may_be_as_large_as_a_request_and_no_larger() {
        let mut settings = Settings::default();
        settings.files.max_size = Size(LARGEST_REQUEST);
        settings.validate().unwrap();
        let larger = |settings: &mut Settings| settings.files.max_size = Size(LARGEST_REQUEST + 1);
        assert_eq!(complaint(larger), "files.max_size");
    }

    #[test]
    fn nought_stays_good_where_it_means_off() {
        let mut settings = Settings::default();
        settings.rooms.max_count = 0;
        settings.files.expiry = Span::seconds(0);
        settings.audit.keep = Span::seconds(0);
        settings.files.free_space_floor = Size(0);
        settings.limits.uploads_per_hour = 0;
        settings.limits.reactions_per_minute = 0;
        settings.direct_messages.per_day = 0;
        settings.validate().unwrap();
    }
}
