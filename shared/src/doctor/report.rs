//! Findings as they are told.

use std::io::IsTerminal;
use std::process::ExitCode;

use serde_json::json;

use super::{Finding, Level};
use crate::cli::output;

/// How long a line of text may be, without what stands before it.
const WIDTH: usize = 90;

/// What has been found so far. People see each finding at once, programs all of them at the end.
#[derive(Debug)]
pub struct Report {
    json: bool,
    colours: bool,
    findings: Vec<Finding>,
}

impl Report {
    /// An empty report, for programs or for people.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        Self {
            json,
            colours,
            findings: Vec::new(),
        }
    }

    /// Says what is looked at next.
    pub fn heading(&self, text: &str) {
        if !self.json {
            println!("{}{text}", if self.findings.is_empty() { "" } else { "\n" });
        }
    }

    /// Takes a finding down.
    pub fn add(&mut self, finding: Finding) {
        if !self.json {
            println!("{}", line(&finding, self.colours));
        }
        self.findings.push(finding);
    }

    /// Takes findings down.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.add(finding);
        }
    }

    /// The worst of all findings.
    #[must_use]
    pub fn worst(&self) -> Level {
        let levels = self.findings.iter().map(|finding| finding.level);
        levels.max().unwrap_or(Level::Ok)
    }

    /// Sums up. The exit code is 0 if all is well, 1 if there are warnings and 2 if there are errors.
    ///
    /// # Errors
    ///
    /// When the findings cannot be written as JSON.
    pub fn finish(self) -> anyhow::Result<ExitCode> {
        let worst = self.worst();
        let count = |level| self.findings.iter().filter(|finding| finding.level == level).count();
        let (errors, warnings) = (count(Level::Error), count(Level::Warning));
        if self.json {
            output::json(&json!({ "findings": self.findings, "errors": errors, "warnings": warnings }))?;
        } else {
            println!("\n{}", summary(errors, warnings));
        }
        Ok(match worst {
            Level::Ok | Level::Skipped => ExitCode::SUCCESS,
            Level::Warning => ExitCode::from(1),
            Level::Error => ExitCode::from(2),
        })
    }
}

fn summary(errors: usize, warnings: usize) -> String {
    let counted = |count, what| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let parts: Vec<String> = [counted(errors, "error"), counted(warnings, "warning")]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() {
        "All is well.".to_owned()
    } else {
        format!("{}.", parts.join(", "))
    }
}

fn line(finding: &Finding, colours: bool) -> String {
    let Finding {
        level,
        check,
        sentence,
        remedy,
    } = finding;
    let (word, colour) = match level {
        Level::Ok => ("ok", "32"),
        Level::Skipped => ("skipped", "36"),
        Level::Warning => ("warning", "33"),
        Level::Error => ("error", "31"),
    };
    let word = if colours {
        format!("\x1b[{colour}m{word:<8}\x1b[0m")
    } else {
        format!("{word:<8}")
    };
    let mut text = format!("  {word} {check:<15} ");
    text.push_str(&wrapped(sentence).join(&format!("\n{:27}", "")));
    for line in remedy.iter().flat_map(|remedy| remedy.lines()) {
        for part in wrapped(line) {
            text.push_str(&format!("\n{:13}", ""));
            text.push_str(&part);
        }
    }
    text
}

/// A line in parts that fit. What it begins with is kept, for it may be a piece of a configuration.
fn wrapped(line: &str) -> Vec<String> {
    let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
    let mut parts = vec![indent.clone()];
    for word in line.split_whitespace() {
        if let Some(part) = parts.last_mut() {
            if part.trim().is_empty() {
                part.push_str(word);
            } else if part.len() + word.len() < WIDTH {
                part.push(' ');
                part.push_str(word);
            } else {
                parts.push(format!("{indent}{word}"));
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_stands_below_what_it_is_for_and_colours_are_for_terminals() {
        let finding = Finding::error("key", "It is gone.", "Look for it.\nThen look again.");
        assert_eq!(
            line(&finding, false),
            "  error    key             It is gone.\n             Look for it.\n             Then look again."
        );
        assert!(line(&finding, true).contains("\x1b[31merror"));
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let text = format!("  {}", "word ".repeat(30));
        let parts = wrapped(&text);
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= WIDTH && part.starts_with("  word")),
            "{parts:?}"
        );
        assert_eq!(parts.join(" ").split_whitespace().count(), 30);
        assert_eq!(wrapped(&"x".repeat(200)), ["x".repeat(200)]);
    }

    #[test]
    fn the_worst_finding_counts() {
        let mut report = Report::new(true);
        assert_eq!(report.worst(), Level::Ok);
        report.add(Finding::warning("a", "b", "c"));
        report.add(Finding::ok("a", "b"));
        report.add(Finding::skipped("a", "b"));
        assert_eq!(report.worst(), Level::Warning);
        assert_eq!(summary(2, 1), "2 errors, 1 warning.");
        assert_eq!(summary(0, 0), "All is well.");
    }
}
