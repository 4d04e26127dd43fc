//! Tables for people, JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::clock::Timestamp;

/// Prints a value as JSON.
///
/// # Errors
///
/// When the value cannot be written as JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints a table that fits the terminal.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    for row in rows {
        table.add_row(row);
    }
    println!("{table}");
}

/// A moment in UTC, to the second.
#[must_use]
pub fn time(moment: Timestamp) -> String {
    humantime::format_rfc3339_seconds(moment.into()).to_string()
}

/// The day of a moment, in UTC.
#[must_use]
pub fn day(moment: Timestamp) -> String {
    time(moment).split('T').next().unwrap_or_default().to_owned()
}

/// A number of bytes with a unit.
#[must_use]
pub fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
