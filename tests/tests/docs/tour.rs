//! A walk through a page: every block is tried when its turn comes, in a sandbox that the blocks before have left behind.

use std::fs;
use std::path::Path;

use crate::page::{Block, blocks};
use crate::sandbox::{Done, Sandbox, Server};
use crate::{proxies, snippets};

/// The walk.
pub(crate) struct Tour {
    page: &'static str,
    text: String,
    blocks: Vec<Block>,
    next: usize,
    pub(crate) sandbox: Sandbox,
    /// Whose settings the page shows.
    pub(crate) server: Server,
    words: Vec<(String, String)>,
    answers: Option<String>,
    serves: bool,
    before_each_line: Option<String>,
    /// What the last commands have printed.
    printed: String,
}

impl Tour {
    /// Opens a page, whose path is that in the sources.
    pub(crate) fn of(page: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
        let text = fs::read_to_string(path).unwrap();
        Self {
            page,
            blocks: blocks(&text),
            text,
            next: 0,
            sandbox: Sandbox::new(),
            server: Server::Sogs,
            words: Vec::new(),
            answers: None,
            serves: false,
            before_each_line: None,
            printed: String::new(),
        }
    }

    /// What the page leaves to its reader: reads this for that from here on.
    pub(crate) fn read(&mut self, word: &str, value: &str) {
        self.words.retain(|(known, _)| known != word);
        self.words.push((word.to_owned(), value.to_owned()));
    }

    /// What is typed when the commands of the next block ask.
    pub(crate) fn answer(&mut self, answers: &str) {
        self.answers = Some(answers.to_owned());
    }

    /// The next block ends with a server that goes on.
    pub(crate) fn next_serves(&mut self) {
        self.serves = true;
    }

    /// The lines of the next block are ways to do the same: tries each, after these commands.
    pub(crate) fn one_by_one(&mut self, before: &str) {
        self.before_each_line = Some(self.sandbox.moved(before));
    }

    /// What the last commands have printed.
    pub(crate) fn printed(&self) -> &str {
        &self.printed
    }

    /// Runs commands that are not on the page, and gives what they printed.
    #[track_caller]
    pub(crate) fn run(&self, commands: &str) -> String {
        let done = self.sandbox.run(&self.sandbox.moved(commands), None);
        assert_eq!(done.code, Some(0), "{commands}\n{}{}", done.output, done.errors);
        done.output
    }

    /// Runs a command that is not on the page, and fails; the page shows its complaint next.
    #[track_caller]
    pub(crate) fn fail(&mut self, command: &str) {
        let done = self.sandbox.run(&self.sandbox.moved(command), None);
        assert_eq!(done.code, Some(1), "{command}\n{}", done.output);
        self.printed = done.errors;
    }

    /// Tries all blocks before the first line with this text.
    #[track_caller]
    pub(crate) fn up_to(&mut self, text: &str) {
        let line = self.text.lines().position(|line| line.contains(text));
        let line = line.unwrap_or_else(|| panic!("{}: there is no {text:?}", self.page)) + 1;
        while self.blocks.get(self.next).is_some_and(|block| block.line < line) {
            self.step();
        }
    }

    /// Tries all blocks that are left.
    pub(crate) fn go_on(&mut self) {
        while self.next < self.blocks.len() {
            self.step();
        }
    }

    fn step(&mut self) {
        let block = self.blocks[self.next].clone();
        self.next += 1;
        if block.excuse.is_some() {
            return;
        }
        let place = format!("{}:{}", self.page, block.line);
        let mut text = block.text.clone();
        for (word, value) in &self.words {
            text = text.replace(word, value);
        }
        match block.kind.as_str() {
            "sh" => self.commands(&place, &self.sandbox.moved(&text)),
            "console" => self.dialogue(&place, &self.sandbox.moved(&text)),
            "text" => assert_shown(&place, &self.sandbox.moved(&text), &self.printed),
            "toml" => snippets::settings(self, &place, &self.sandbox.moved(&text)),
            "ini" => snippets::unit(self, &place, &block, &self.sandbox.moved(&text)),
            "sql" => snippets::statements(&place, &text),
            "caddyfile" => proxies::caddy(self, &place, &text),
            "nginx" => proxies::nginx(self, &place, &text),
            kind => panic!(
                "{place}: blocks of the kind {kind:?} are not known here. Name another kind after the three backticks, or say \
                 above them why it is not tried: <!-- not run: REASON -->"
            ),
        }
    }

    fn commands(&mut self, place: &str, text: &str) {
        let answers = self.answers.take();
        if let Some(before) = self.before_each_line.take() {
            for line in text.lines() {
                let commands = format!("{before}\n{line}");
                self.printed = well(place, &commands, self.sandbox.run(&commands, None));
            }
            return;
        }
        if std::mem::take(&mut self.serves) {
            self.printed = self
                .sandbox
                .keep(text, answers.as_deref(), |written| written.contains("Public key: "));
            return;
        }
        let done = self.sandbox.run(text, answers.as_deref());
        self.printed = well(place, text, done);
    }

    /// Commands behind `$`, each with what it prints below.
    fn dialogue(&mut self, place: &str, text: &str) {
        for part in format!("\n{text}").split("\n$ ").skip(1) {
            let (command, shown) = part.split_once('\n').unwrap_or((part, ""));
            self.printed = well(place, command, self.sandbox.run(command, None));
            assert_shown(place, shown, &self.printed);
            assert_eq!(
                shown.trim().is_empty(),
                self.printed.trim().is_empty(),
                "{place}: {command}\n{}",
                self.printed
            );
        }
    }
}

fn well(place: &str, text: &str, done: Done) -> String {
    let Done { code, output, errors } = done;
    assert_eq!(
        code,
        Some(0),
        "{place}:\n{text}\nprinted:\n{output}\nand complained:\n{errors}"
    );
    output
}

/// The lines that the page shows must have been printed like that. Keys, ids and times are others every time.
fn assert_shown(place: &str, shown: &str, printed: &str) {
    let (wanted, found) = (masked(shown), masked(printed));
    assert!(
        format!("\n{found}\n").contains(&format!("\n{wanted}\n")),
        "{place} shows:\n{wanted}\nwhere this is printed:\n{found}"
    );
}

fn masked(text: &str) -> String {
    let mask = |word: &str| {
        let is_id = word.len() >= 64 && word.bytes().all(|letter| letter.is_ascii_hexdigit());
        let is_time = word.len() == 20 && word.starts_with("20") && word.ends_with('Z');
        if is_id {
            "ID".to_owned()
        } else if is_time {
            "TIME".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| word.split('=').map(mask).collect::<Vec<_>>().join("="))
            .collect();
        words.join(" ").trim_end().to_owned()
    };
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}
