//! The page.

use std::fmt::{self, Write};

use super::{Kept, Place, Retention};

impl Retention {
    /// A page in Markdown.
    ///
    /// It names neither folders nor hosts, so that it can be published as it is.
    #[must_use]
    pub fn page(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        let Self { program, kind, .. } = self;
        writeln!(text, "# What the {kind} keeps, and for how long\n")?;
        writeln!(
            text,
            "`{program} config retention` prints this page from the settings in force and from the constants that the \
             server goes by."
        )?;
        let database = match self.database.url.split_once(':') {
            Some(("sqlite", _)) => "a file on the machine of the server (SQLite)",
            _ => "PostgreSQL",
        };
        let files = match self.blobs.directory() {
            Some(_) => "in a folder of the server",
            None => "in a bucket of an object store (S3)",
        };
        writeln!(text, "The database is {database}, the files are {files}.")?;
        let (memory, stored): (Vec<&Kept>, Vec<&Kept>) = self.kept.iter().partition(|kept| kept.place == Place::Memory);
        writeln!(text, "\n## Stored\n")?;
        writeln!(text, "| What | About whom | Where | How long |\n|---|---|---|---|")?;
        for Kept {
            what,
            about,
            place,
            term,
        } in stored
        {
            writeln!(text, "| {what} | {about} | {place} | {} |", term.words())?;
        }
        writeln!(text, "\n## In memory only\n\nIt is gone when the server stops.\n")?;
        writeln!(text, "| What | About whom | How long |\n|---|---|---|")?;
        for Kept { what, about, term, .. } in memory {
            writeln!(text, "| {what} | {about} | {} |", term.words())?;
        }
        for (heading, paragraphs) in &self.notes {
            writeln!(text, "\n## {heading}")?;
            for paragraph in paragraphs {
                writeln!(text, "\n{paragraph}")?;
            }
        }
        Ok(())
    }
}
