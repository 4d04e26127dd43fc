//! Commands that pages mention in a sentence. They are not run, but the programs must know them and their flags.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::{fileserver_binary, sogs_binary};

/// What the programs say of their commands, by the words of each.
#[derive(Default)]
struct Help(BTreeMap<Vec<String>, String>);

impl Help {
    fn of(&mut self, command: &[String]) -> &str {
        self.0.entry(command.to_vec()).or_insert_with(|| {
            let program = if command[0] == "sogs" {
                sogs_binary()
            } else {
                fileserver_binary()
            };
            let told = Command::new(program)
                .args(&command[1..])
                .arg("--help")
                .output()
                .unwrap();
            assert!(told.status.success(), "{command:?}");
            String::from_utf8(told.stdout).unwrap()
        })
    }

    fn has_below(&mut self, command: &[String], word: &str) -> bool {
        let help = self.of(command);
        let below = help
            .split("\nCommands:\n")
            .nth(1)
            .and_then(|rest| rest.split("\n\n").next());
        below.is_some_and(|below| below.lines().any(|line| line.split_whitespace().next() == Some(word)))
    }

    /// What is wrong with a command.
    fn complaint(&mut self, words: &[&str]) -> Option<String> {
        let mut command = vec![words[0].to_owned()];
        let mut rest = &words[1..];
        while let [word, more @ ..] = rest
            && self.has_below(&command, word)
        {
            command.push((*word).to_owned());
            rest = more;
        }
        let is_a_word = |word: &&str| word.bytes().all(|letter| letter.is_ascii_lowercase());
        let takes_commands = self.of(&command).contains("\nCommands:\n");
        if let Some(word) = rest.first().filter(|word| takes_commands && is_a_word(word)) {
            return Some(format!("{} knows no command {word}", command.join(" ")));
        }
        let flags = rest.iter().filter(|word| word.starts_with("--"));
        let mut flags = flags.map(|flag| flag.trim_end_matches(|letter: char| !letter.is_ascii_lowercase()));
        let help = self.of(&command);
        let unknown = flags.find(|flag| !help.split([' ', '\n', ',']).any(|word| word == *flag))?;
        Some(format!("{} knows no {unknown}", command.join(" ")))
    }
}

/// Commands between single backticks, in words.
fn mentioned(page: &str) -> Vec<Vec<&str>> {
    let outside_of_blocks = page.split("```").step_by(2);
    let spans = outside_of_blocks.flat_map(|text| text.split('`').skip(1).step_by(2));
    let commands = spans.map(|span| {
        let words = span.split_whitespace().skip_while(|word| ["sudo", "-u"].contains(word));
        words.collect::<Vec<_>>()
    });
    let ours = |words: &Vec<&str>| matches!(words[..], ["sogs" | "fileserver", next, ..] if next != "help");
    commands.filter(ours).collect()
}

#[test]
fn commands_mentioned_in_sentences_are_known_with_their_flags() {
    let mut help = Help::default();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in crate::PAGES {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page)).unwrap();
        for words in mentioned(&text) {
            seen += 1;
            wrong.extend(
                help.complaint(&words)
                    .map(|complaint| format!("{page}: `{}`: {complaint}", words.join(" "))),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 50, "only {seen} were found");
}

#[test]
fn what_a_program_does_not_know_is_noticed() {
    let mut help = Help::default();
    assert_eq!(help.complaint(&["sogs", "room", "list", "--json"]), None);
    assert_eq!(help.complaint(&["sogs", "room", "show", "TOKEN"]), None);
    assert_eq!(
        help.complaint(&["sogs", "room", "paint"]),
        Some("sogs room knows no command paint".to_owned())
    );
    assert_eq!(
        help.complaint(&["sogs", "check", "--mend"]),
        Some("sogs check knows no --mend".to_owned())
    );
}
