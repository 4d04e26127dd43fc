//! Finds listed words in a text, however they are dressed up.

use std::collections::BTreeMap;

use super::glyphs::{Glyph, Kind, glyphs};

/// From this many on, a letter repeated counts as any number of it: "heeeello".
const STRETCHED: usize = 3;

/// A word of which letters are masked must have this many, or arithmetic would be full of them.
const SHORTEST_MASKED: usize = 4;

/// As many letters in a row, each on its own, are read as one word.
const SHORTEST_SPACED: usize = 3;

/// Words to look for, as a tree of characters.
#[derive(Clone, Debug)]
pub(super) struct Words {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    children: BTreeMap<char, usize>,
    ends_word: bool,
}

/// How far a word has been read, and what it took.
#[derive(Clone, Copy, Default)]
struct Reading {
    node: usize,
    next: usize,
    length: usize,
    letters: usize,
    digits_as_letters: usize,
    symbols_as_letters: usize,
    masked: bool,
}

/// The list that is used unless the operator names another; its first lines tell where it is from.
const ENGLISH: &str = include_str!("english.txt");

impl Words {
    /// The words of the built-in English list.
    pub(super) fn english() -> Self {
        Self::from_list(ENGLISH)
    }

    /// Takes a list: one word or phrase a line. Empty lines and lines beginning with `#` do not count.
    pub(super) fn from_list(list: &str) -> Self {
        let mut words = Self {
            nodes: vec![Node::default()],
        };
        let lines = list.trim_start_matches('\u{feff}').lines().map(str::trim);
        for line in lines.filter(|line| !line.starts_with('#')) {
            let word = glyphs(line);
            words.insert(word.iter().map(Glyph::own));
            words.insert(word.iter().map(Glyph::look));
        }
        words
    }

    /// Whether the list has no words at all.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    fn insert(&mut self, word: impl Iterator<Item = char>) {
        let mut at = 0;
        for character in word {
            let new = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = *node.children.entry(character).or_insert(new);
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at).filter(|_| at != 0) {
            node.ends_word = true;
        }
    }

    /// Whether a listed word stands in the text, on its own and not as a part of another.
    pub(super) fn occur_in(&self, text: &str) -> bool {
        let text = glyphs(text);
        self.occur_among(&text) || spaced_out(&text).iter().any(|word| self.occur_among(word))
    }

    fn occur_among(&self, text: &[Glyph]) -> bool {
        let runs = runs(text);
        let before = std::iter::once(None).chain(text.iter().map(Some));
        text.iter()
            .zip(before)
            .enumerate()
            .filter(|(_, (first, before))| first.kind != Kind::Gap && !before.is_some_and(Glyph::joins))
            .any(|(start, _)| self.word_begins_at(start, text, &runs))
    }

    /// Each node of the tree is reached in one way only, so no text makes this visit more of them than there are.
    fn word_begins_at(&self, start: usize, text: &[Glyph], runs: &[usize]) -> bool {
        let mut open = vec![Reading {
            next: start,
            ..Reading::default()
        }];
        while let Some(reading) = open.pop() {
            let next = text.get(reading.next);
            if !next.is_some_and(Glyph::joins) && self.is_word(&reading) {
                return true;
            }
            if let (Some(glyph), Some(run)) = (next, runs.get(reading.next)) {
                for character in glyph.readings() {
                    self.read_on(reading, glyph, character, *run, &mut open);
                }
            }
        }
        false
    }

    fn read_on(&self, mut reading: Reading, glyph: &Glyph, as_character: char, run: usize, open: &mut Vec<Reading>) {
        let times = if run < STRETCHED { 1 } else { run };
        let after = reading.next + times;
        for _ in 0..times {
            let node = self.nodes.get(reading.node);
            let Some(child) = node.and_then(|node| node.children.get(&as_character)) else {
                return;
            };
            let as_itself = as_character == glyph.own();
            reading.node = *child;
            reading.next = after;
            reading.length += 1;
            match glyph.kind {
                Kind::Letter => reading.letters += 1,
                Kind::Digit if !as_itself => reading.digits_as_letters += 1,
                Kind::Symbol if !as_itself => reading.symbols_as_letters += 1,
                _ => {}
            }
            reading.masked |= glyph.own() == '*' && !as_itself;
            open.push(reading);
        }
    }

    /// Whether a listed word ends here, and it is not just a number or a row of signs that can be read as one.
    fn is_word(&self, reading: &Reading) -> bool {
        let ends_word = self.nodes.get(reading.node).is_some_and(|node| node.ends_word);
        let as_written = reading.digits_as_letters + reading.symbols_as_letters == 0;
        let plausible = reading.letters > 0
            && reading.digits_as_letters * 2 <= reading.length
            && (!reading.masked || reading.length >= SHORTEST_MASKED);
        ends_word && (as_written || plausible)
    }
}

/// For each glyph, how many of the same follow each other from it on.
fn runs(text: &[Glyph]) -> Vec<usize> {
    let mut runs: Vec<usize> = Vec::with_capacity(text.len());
    let mut later = None;
    for glyph in text.iter().rev() {
        let run = match runs.last() {
            Some(run) if later == Some(glyph) => run + 1,
            _ => 1,
        };
        runs.push(run);
        later = Some(glyph);
    }
    runs.reverse();
    runs
}

/// Words whose letters stand apart: "h e l l o", "h.e.l.l.o".
fn spaced_out(text: &[Glyph]) -> Vec<Vec<Glyph>> {
    let mut found = vec![Vec::new()];
    for word in text.split(|glyph| glyph.kind == Kind::Gap) {
        match (without_signs(word), found.last_mut()) {
            ([only], Some(row)) => row.push(*only),
            (_, Some(row)) if !row.is_empty() => found.push(Vec::new()),
            _ => {}
        }
    }
    found.retain(|row| row.len() >= SHORTEST_SPACED);
    found
}

/// A word without the signs at its end; signs alone are left as they are.
fn without_signs(word: &[Glyph]) -> &[Glyph] {
    let end = word.iter().rposition(Glyph::joins).map_or(word.len(), |last| last + 1);
    word.split_at(end).0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list() -> Words {
        Words::from_list("# comment\n\ndarn\nblow job\nheck\nass\nbitch\n88\nхрен\nxxx\ncum\n")
    }

    #[test]
    fn whole_words_are_found_in_any_case_and_beside_punctuation() {
        for text in [
            "darn",
            "Darn!",
            "oh DARN it",
            "(darn)",
            "darn,darn",
            "well...darn",
            "darn_it",
            "darn-it",
        ] {
            assert!(list().occur_in(text), "{text}");
        }
    }

    #[test]
    fn words_that_contain_a_listed_one_are_not() {
        for text in [
            "darned",
            "class",
            "Assassin",
            "heckle",
            "documents",
            "cucumber",
            "1885",
            "a88",
            "comment",
            "# comment",
        ] {
            assert!(!list().occur_in(text), "{text}");
        }
    }

    #[test]
    fn dressed_up_words_are_found() {
        for text in [
            "ｄａｒｎ",
            "dаrn", // Cyrillic а
            "darո", // Armenian ո
            "d\u{200b}a\u{200d}rn",
            "d\u{ad}arn",
            "da\u{336}r\u{336}n\u{336}",
            "dårñ",
            "d4rn",
            "d@rn",
            "d*rn",
            "b1tch",
            "b!tch",
            "BlTCH",
            "bІtсh", // Cyrillic І and с
            "a$$",
            "@ss",
            "daaaarn",
            "daaarrrrnnn",
            "asssss",
            "d a r n",
            "d.a.r.n",
            "D-A-R-N!",
            "oh d  a  r  n it",
            "d\u{2800}a\u{2800}r\u{2800}n",
            "𝖉𝖆𝖗𝖓",
            "ᴅᴀʀɴ",
            "🅳🅰🆁🅽",
        ] {
            assert!(list().occur_in(text), "{text}");
        }
    }

    #[test]
    fn numbers_and_signs_that_could_be_read_as_words_are_left_alone() {
        for text in [
            "455",
            "A55 to Chester",
            "@$$",
            "a*s",
            "4$$",
            "+1 455 0455",
            "asse 5",
            "@ 5 5",
            "c*m",
        ] {
            assert!(!list().occur_in(text), "{text}");
        }
        assert!(list().occur_in("88"), "listed as it is written");
    }

    #[test]
    fn phrases_are_found_across_any_gap_but_not_in_part() {
        for text in ["blow job", "Blow-Job", "blow\n\njob!", "bl0w job"] {
            assert!(list().occur_in(text), "{text}");
        }
        for text in ["blow", "job", "blow jobs", "blow a job", "a blow to the job"] {
            assert!(!list().occur_in(text), "{text}");
        }
    }

    #[test]
    fn a_word_in_another_script_is_found_behind_latin_look_alikes() {
        for text in ["хрен", "ХРЕН", "xpeн", "x p e н"] {
            assert!(list().occur_in(text), "{text}");
        }
        assert!(!list().occur_in("хреновый"));
    }

    #[test]
    fn a_spaced_word_is_taken_as_a_whole() {
        for text in ["s d a r n s", "a s", "a s sample", "grade a, s, s+, t"] {
            assert!(!list().occur_in(text), "{text}");
        }
    }

    #[test]
    fn the_english_list_lets_innocent_words_pass() {
        let words = Words::english();
        for text in [
            "Scunthorpe and Penistone",
            "a classic assessment of the assassin's grass",
            "Hancock, Babcock, cocktails and peacocks",
            "I can't push it",
            "burn the pom-pom, Tom",
            "документы и сок",
            "https://example.org/watch?v=dQw4w9WgXcQ&t=455",
            "pawn takes f5, 5-3, 1 + 1 = 2",
            "Cumberland, Sussex, therapist, analysis, shiitake",
        ] {
            assert!(!words.occur_in(text), "{text}");
        }
    }

    #[test]
    fn the_english_list_finds_what_it_is_for() {
        let words = Words::english();
        for text in [
            "bullshit",
            "b u l l s h i t",
            "what the fuuuuck?",
            "ѕһіt",
            "FUСК",
            "5h1t",
            "son of a bitch",
            "a55hole",
        ] {
            assert!(words.occur_in(text), "{text}");
        }
    }

    #[test]
    fn a_list_without_words_finds_nothing() {
        let none = Words::from_list("\u{feff}# nothing\n\n ...\n");
        assert!(none.is_empty());
        assert!(!none.occur_in("nothing ..."));
        assert!(!list().is_empty());
    }

    proptest! {
        #[test]
        fn no_text_brings_the_search_down(text in any::<String>(), list in any::<String>()) {
            let _ = Words::from_list(&list).occur_in(&text);
        }

        #[test]
        fn every_listed_word_is_found_by_itself(word in "[a-zа-яß-öø-ý]{1,12}( [a-z]{1,5})?") {
            let text = format!("({word})");
            prop_assert!(Words::from_list(&word).occur_in(&text));
        }
    }
}
