//! The configuration.

use super::{Finding, Report, sentence};
use crate::config::{Loaded, Origin};

const CHECK: &str = "configuration";

/// Takes down what is allowed in the settings but hardly meant, or that they are good.
pub fn configuration<T>(report: &mut Report, program: &str, loaded: &Loaded<T>, warnings: Vec<String>) {
    if warnings.is_empty() {
        let from = match loaded.file() {
            Some(Origin::File(path)) => format!("The configuration in {} is valid.", path.display()),
            _ => "The configuration is valid; no file is in use.".to_owned(),
        };
        report.add(Finding::ok(CHECK, from));
    }
    report.extend(warnings.into_iter().map(|warning| {
        Finding::warning(
            CHECK,
            sentence(&warning),
            format!("`{program} config check` shows what is set, and by what; {program} must be started again after a change."),
        )
    }));
}

/// That there are no settings to go by.
pub(super) fn bad_configuration(program: &str, error: &dyn std::error::Error) -> Finding {
    Finding::error(
        CHECK,
        format!("The configuration cannot be used: {}.", super::chain(error)),
        format!(
            "Correct what it names; `{program} config print` explains every key. The server does not start before."
        ),
    )
}
