//! What is allowed in the configuration of a community server, but hardly meant.

use crate::links;
use crate::settings::Settings;

pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings: Vec<String> = unreachable(settings).into_iter().collect();
    if settings.common.http.body_budget < settings.files.max_size {
        warnings.push("http.body_budget is less than files.max_size; large files are taken one at a time".to_owned());
    }
    warnings
}

/// Why clients will not get anywhere with the links of this server.
pub(super) fn unreachable(settings: &Settings) -> Option<String> {
    match &settings.common.base_url {
        None => Some(format!(
            "base_url is not set, so links name {}, which leads nowhere from elsewhere; set it to the public \
             address",
            settings.base_url()
        )),
        Some(url) => links::problem(url).map(|problem| format!("base_url {url}: {problem}")),
    }
}
