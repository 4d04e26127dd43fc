//! Why an operator changes something.

use clap::Args;

/// The reason of a change.
#[derive(Args)]
pub(super) struct Why {
    /// Why, for your own records: `sogs audit` tells it
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}
