//! Questions to somebody at a terminal.

use std::io::{BufRead, Write};

use anyhow::{Result, bail};

/// Somebody who reads and types.
pub(super) struct Dialogue<R, W> {
    answers: R,
    questions: W,
}

impl<R: BufRead, W: Write> Dialogue<R, W> {
    pub(super) fn new(answers: R, questions: W) -> Self {
        Self { answers, questions }
    }

    /// Asks until the answer can be read. An empty one stands for the default, if there is one.
    pub(super) fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T> {
        loop {
            match default {
                Some(default) if !default.is_empty() => write!(self.questions, "{question} [{default}]: ")?,
                _ => write!(self.questions, "{question}: ")?,
            }
            self.questions.flush()?;
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                bail!("broken off; nothing was made");
            }
            let answer = match (line.trim(), default) {
                ("", Some(default)) => default,
                (answer, _) => answer,
            };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(reason) => writeln!(self.questions, "  {reason}")?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u8, String> {
        text.parse().map_err(|_| "a number is needed".to_owned())
    }

    #[test]
    fn what_cannot_be_read_is_asked_for_again_with_the_reason() {
        let mut questions = Vec::new();
        let mut dialogue = Dialogue::new(&b"many\n 7 \n"[..], &mut questions);
        assert_eq!(dialogue.ask("How many", None, number).unwrap(), 7);
        assert_eq!(
            String::from_utf8(questions).unwrap(),
            "How many:   a number is needed\nHow many: "
        );
    }

    #[test]
    fn an_empty_answer_is_the_default_and_none_at_all_the_end() {
        let mut dialogue = Dialogue::new(&b"\n"[..], Vec::new());
        assert_eq!(dialogue.ask("How many", Some("3"), number).unwrap(), 3);
        assert!(dialogue.ask("How many", Some("3"), number).is_err());
    }
}
