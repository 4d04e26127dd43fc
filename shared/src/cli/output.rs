//! Tables for people, JSON for programs, bare names for pipes.

use std::collections::HashSet;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::clock::Timestamp;

/// As what a list is printed: a table, unless something else is asked for.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Format {
    /// Print JSON
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
    /// Print nothing but the ids or tokens, a line each, for pipes
    #[arg(short, long)]
    pub quiet: bool,
}

impl Format {
    /// Whether it is for people.
    #[must_use]
    pub const fn is_table(self) -> bool {
        !self.json && !self.quiet
    }

    /// The most entries to print: as many as were asked for (0 for all), else all for programs and a hundred for people.
    #[must_use]
    pub fn most(self, asked: Option<u32>) -> i64 {
        match asked {
            None if self.is_table() => 100,
            None | Some(0) => i64::MAX,
            Some(most) => i64::from(most),
        }
    }
}

/// How the entries of a list look in each format.
pub struct List<'a, T, const N: usize> {
    /// What stands above the columns.
    pub header: [&'a str; N],
    /// An entry as a row of the table.
    pub row: &'a dyn Fn(&T) -> [String; N],
    /// An entry for programs.
    pub object: &'a dyn Fn(&T) -> Value,
    /// What names an entry, as other commands take it; what names several is printed once.
    pub name: &'a dyn Fn(&T) -> String,
    /// What people are told where a table would have no rows.
    pub nothing: &'a str,
}

impl<T, const N: usize> List<'_, T, N> {
    /// Prints the entries.
    ///
    /// # Errors
    ///
    /// When they cannot be written as JSON.
    pub fn print(&self, format: Format, entries: &[T]) -> anyhow::Result<()> {
        if format.json {
            return json(&entries.iter().map(self.object).collect::<Vec<_>>());
        }
        if format.quiet {
            let mut told = HashSet::new();
            let new = |name: &String| told.insert(name.clone());
            for name in entries.iter().map(self.name).filter(new) {
                println!("{name}");
            }
        } else if entries.is_empty() {
            println!("{}", self.nothing);
        } else {
            table(self.header, entries.iter().map(self.row));
        }
        Ok(())
    }
}

/// Says that a list is not whole, if it is not: on the error output, where it is in no program's way.
pub fn note_cut(shown: usize, count: i64, what: &str) {
    if i64::try_from(shown).is_ok_and(|shown| shown < count) {
        eprintln!("{shown} of {count} {what}; --limit shows more, and --limit 0 all.");
    }
}

/// Prints a value as JSON.
///
/// # Errors
///
/// When the value cannot be written as JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints a table that fits the terminal; where there is none, each entry is one line, however long.
///
/// What does not fit is wrapped. Ids are cut short instead, which other commands take too, since an id of two lines can
/// hardly be copied.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| plain(&cell))).collect();
    println!("{}", fitted(header, rows, Table::new().width()));
}

fn fitted<const N: usize>(header: [&str; N], rows: Vec<[String; N]>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty().set_header(header);
    let mut whole = table.clone();
    whole.add_rows(rows.clone());
    let fits = |width| needed(&whole) <= usize::from(width);
    let lines: Vec<String> = match width {
        Some(width) if !fits(width) => table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width)
            .add_rows(rows.into_iter().map(|row| row.map(shortened)))
            .lines()
            .collect(),
        _ => whole.lines().collect(),
    };
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

/// How wide a table is that nothing is cut from.
fn needed(table: &Table) -> usize {
    let columns = table.column_iter().zip(table.column_max_content_widths());
    columns
        .map(|(column, content)| usize::from(column.padding_width()) + usize::from(content))
        .sum()
}

/// How many letters of an id are left where there is no room for all. Two ids hardly ever share as many.
const SHORT: usize = 14;

/// The length of an id.
const ID: usize = 66;

fn shortened(cell: String) -> String {
    if cell.len() == ID && cell.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return format!("{}…", cell.split_at(SHORT).0);
    }
    cell
}

/// A text from outside, on one line and without anything that a terminal would obey: what is no letter becomes a blank
/// or �.
#[must_use]
pub fn plain(text: &str) -> String {
    text.trim().chars().map(harmless).collect()
}

/// The same, cut after so many letters.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> String {
    let text = plain(text);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text,
    }
}

fn harmless(letter: char) -> char {
    match letter {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        // What turns the direction of what follows.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    }
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

/// How many of something there are, and how many bytes that makes.
#[must_use]
pub fn amount(count: i64, bytes: i64) -> String {
    format!("{count} ({})", size(u64::try_from(bytes).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[String; 3]> {
        let id = format!("15{}", "ab".repeat(32));
        let text = "a text of more than forty letters, so that it is wrapped";
        vec![[id, "a".to_owned(), text.to_owned()]]
    }

    #[test]
    fn a_narrow_terminal_wraps_texts_and_cuts_ids_short() {
        let table = fitted(["ID", "ROOM", "TEXT"], rows(), Some(60));
        assert!(table.contains(" 15abababababab… "), "{table}");
        assert!(!table.contains("15ababababababa"), "{table}");
        assert!(table.lines().count() > 2, "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 60), "{table}");
    }

    #[test]
    fn where_there_is_no_terminal_every_entry_is_one_whole_line() {
        let table = fitted(["ID", "ROOM", "TEXT"], rows(), None);
        assert_eq!(table.lines().count(), 2, "{table}");
        assert!(table.contains(&format!("15{}", "ab".repeat(32))), "{table}");
        assert!(table.ends_with("so that it is wrapped"), "{table}");
        let wide = fitted(["ID", "ROOM", "TEXT"], rows(), Some(200));
        assert_eq!(wide, table);
    }

    #[test]
    fn no_text_makes_a_terminal_do_anything() {
        assert_eq!(
            plain(" red \u{1b}[31m\nnext\u{202e}txt\u{9b}m\u{7f} "),
            "red \u{fffd}[31m next\u{fffd}txt\u{fffd}m\u{fffd}"
        );
        assert_eq!(excerpt("äöü", 2), "äö…");
        assert_eq!(excerpt("äöü", 3), "äöü");
    }
}
