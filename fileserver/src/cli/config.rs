//! What is allowed in the configuration of a file server, but hardly meant.

use shared::config::strange_variables;

use crate::settings::{PREFIX, Settings};

pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = strange();
    if settings.common.base_url.is_none() {
        warnings.push("base_url is not set; clients need a public address".to_owned());
    }
    warnings.extend(narrow(settings));
    warnings
}

/// Variables of the environment that are hardly meant.
pub(super) fn strange() -> Vec<String> {
    strange_variables::<Settings>(PREFIX, &[])
}

/// Why large files are slow.
pub(super) fn narrow(settings: &Settings) -> Option<String> {
    (settings.common.http.body_budget < settings.files.max_size)
        .then(|| "http.body_budget is less than files.max_size; large files are taken one at a time".to_owned())
}
