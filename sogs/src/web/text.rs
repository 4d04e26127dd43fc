//! Text of strangers, made fit to be shown: nothing that reaches out of its place, no ids, and not too much of it.
//!
//! Templates escape what they print; this is about what escaping leaves as it is.

use std::collections::HashMap;

use linkify::{LinkFinder, LinkKind};
use serde::Serialize;
use unicode_normalization::char::is_combining_mark;
use url::Url;

/// The most marks that one letter carries. Four are enough for every script that is in use.
const MARKS: usize = 4;

/// The most lines of one text.
const LINES: usize = 100;

/// From this many hexadecimal digits in a row on they are taken for an id.
const ID_DIGITS: usize = 66;

/// Stands for an id until the text is in pieces. It is taken out of what people write, so none of it is theirs.
const HIDDEN: char = '\u{fffc}';

/// A stretch of text, or a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Piece {
    /// What is to be read.
    pub(crate) text: String,
    /// Where it leads; empty if it is no link.
    pub(crate) href: String,
    /// Whether it is a link.
    pub(crate) is_link: bool,
    /// Whether it is a line break and nothing else; only feeds have such pieces.
    pub(crate) is_break: bool,
}

/// A text in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) pieces: Vec<Piece>,
    /// Whether something is missing at its end.
    pub(crate) is_cut: bool,
}

/// What people are called, by their ids, so that mentions can be shown as names.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// Takes note of somebody's name.
    pub(super) fn learn(&mut self, id: &str, name: &str) {
        self.0.insert(id.to_ascii_lowercase(), name.to_owned());
    }

    fn of(&self, id: &str) -> Option<&str> {
        self.0.get(&id.to_ascii_lowercase()).map(String::as_str)
    }
}

/// A text of one line: a name, a title, a file name.
pub(crate) fn line(text: &str, most: usize) -> String {
    let (text, _) = hide_ids(&tidy(text), &Names::default());
    let words: Vec<&str> = text.split_whitespace().collect();
    let (mut shown, is_cut) = cut(&words.join(" "), most);
    if is_cut {
        shown.push('…');
    }
    shown.replace(HIDDEN, "(id)")
}

/// A text of one line, or `instead` if nothing of it could be seen.
pub(crate) fn line_or(text: Option<&str>, most: usize, instead: &str) -> String {
    let shown = text.map(|text| line(text, most)).unwrap_or_default();
    if shown.chars().all(is_blank) {
        instead.to_owned()
    } else {
        shown
    }
}

/// A text of several lines, all of it text.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let pieces = body(text, most, &Names::default());
    let mut shown: String = pieces.pieces.into_iter().map(|piece| piece.text).collect();
    if pieces.is_cut {
        shown.push('…');
    }
    shown
}

/// A text of several lines, in which addresses become links and ids become names.
pub(crate) fn body(text: &str, most: usize, names: &Names) -> Pieces {
    let (text, hidden) = hide_ids(&tidy(text), names);
    let (text, is_cut) = cut(text.trim(), most);
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let mut hidden = hidden.into_iter();
    let mut pieces: Vec<Piece> = Vec::new();
    for span in finder.spans(&text) {
        let ends = |rest: &str| rest.contains(char::is_whitespace);
        let broken_off = is_cut && !text.get(span.end()..).is_some_and(ends);
        let link = match span.kind() {
            Some(_) if !broken_off && !span.as_str().contains(HIDDEN) => link(span.as_str()),
            _ => None,
        };
        match (link, pieces.last_mut()) {
            (Some(link), _) => pieces.push(link),
            (None, Some(last)) if !last.is_link => last.text.push_str(&reveal(span.as_str(), &mut hidden)),
            (None, _) => pieces.push(Piece {
                text: reveal(span.as_str(), &mut hidden),
                ..Piece::default()
            }),
        }
    }
    Pieces { pieces, is_cut }
}

/// An address that a browser may be sent to, if it is one: no other scheme than these two, and nothing that makes one
/// place look like another.
pub(crate) fn link(address: &str) -> Option<Piece> {
    let url = Url::parse(address).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if !plain || url.host_str().is_none_or(str::is_empty) || has_id(url.as_str()) {
        return None;
    }
    // Letters of other scripts may look like those of a well-known name.
    let text = if address.is_ascii() { address } else { url.as_str() };
    Some(Piece {
        text: text.to_owned(),
        href: url.as_str().to_owned(),
        is_link: true,
        is_break: false,
    })
}

/// Whether something in it can be taken for an id.
pub(crate) fn has_id(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_hexdigit())
        .any(|run| run.len() >= ID_DIGITS)
}

/// Leaves out what disturbs the text around it: control characters, those that turn the direction of writing, heaps of
/// marks. Every kind of line break becomes a line feed.
fn tidy(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut marks = 0;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        marks = if is_combining_mark(letter) { marks + 1 } else { 0 };
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => kept.push('\n'),
            '\t' => kept.push(' '),
            '\n' => kept.push('\n'),
            HIDDEN => {}
            letter if turns_direction(letter) || letter.is_control() || is_no_character(letter) || marks > MARKS => {}
            letter => kept.push(letter),
        }
    }
    kept
}

/// Embeddings, overrides and isolates. Marks that only say of what direction they are may stay.
fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Code points that no text has, and that XML does not allow.
fn is_no_character(letter: char) -> bool {
    matches!(letter, '\u{fdd0}'..='\u{fdef}') || u32::from(letter) & 0xfffe == 0xfffe
}

/// White space, and letters that are as good as that.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2060}'..='\u{2064}'
                | '\u{206a}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{e0000}'..='\u{e0fff}'
        )
        || is_combining_mark(letter)
}

/// Puts [`HIDDEN`] where an id is; the answer has what to show there, in their order.
fn hide_ids(text: &str, names: &Names) -> (String, Vec<String>) {
    if !has_id(text) {
        return (text.to_owned(), Vec::new());
    }
    let mut kept = String::with_capacity(text.len());
    let mut shown = Vec::new();
    for part in text.split_inclusive(|letter: char| !letter.is_ascii_hexdigit()) {
        let digits = part.trim_end_matches(|letter: char| !letter.is_ascii_hexdigit());
        let (digits, rest) = part.split_at(digits.len());
        match digits.get(..ID_DIGITS) {
            Some(id) => {
                let is_mention = kept.ends_with('@');
                let name = names.of(id).filter(|_| is_mention);
                shown.push(name.unwrap_or(if is_mention { "someone" } else { "(id)" }).to_owned());
                kept.push(HIDDEN);
            }
            None => kept.push_str(digits),
        }
        kept.push_str(rest);
    }
    (kept, shown)
}

/// The text with what was hidden in it replaced.
fn reveal(text: &str, hidden: &mut impl Iterator<Item = String>) -> String {
    let mut parts = text.split(HIDDEN);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str(&hidden.next().unwrap_or_default());
        shown.push_str(part);
    }
    shown
}

/// The beginning of a text, and whether there is more.
fn cut(text: &str, most: usize) -> (String, bool) {
    let mut kept = String::new();
    let (mut lines, mut breaks) = (1, 0);
    for (count, letter) in text.chars().enumerate() {
        if letter == '\n' {
            lines += 1;
            breaks += 1;
        } else if !letter.is_whitespace() {
            breaks = 0;
        }
        if count >= most || lines > LINES {
            return (kept.trim_end().to_owned(), true);
        }
        // One empty line is enough between two others.
        if breaks <= 2 || letter != '\n' {
            kept.push(letter);
        }
    }
    (kept, false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_written_can_be_shown(text in any::<String>(), digits in "[0-9a-f]{60,140}", most in 0..100_usize) {
            for text in [text.clone(), format!("{text}{digits}"), format!("https://example.org/@{digits}{text}")] {
                let shown = body(&text, most, &Names::default());
                let all: String = shown.pieces.iter().flat_map(|piece| [&*piece.text, &*piece.href]).collect();
                prop_assert!(!has_id(&all), "{all}");
                prop_assert!(!all.chars().any(turns_direction));
                prop_assert!(!line(&text, most).contains(['\n', HIDDEN]));
            }
        }
    }

    fn plain(text: &str) -> String {
        let body = body(text, 1000, &Names::default());
        body.pieces.into_iter().map(|piece| piece.text).collect()
    }

    fn links(text: &str) -> Vec<String> {
        let body = body(text, 1000, &Names::default());
        let links = body.pieces.into_iter().filter(|piece| piece.is_link);
        links.map(|piece| piece.href).collect()
    }

    #[test]
    fn nothing_is_left_that_turns_or_breaks_the_text_around_it() {
        assert_eq!(plain("invoice\u{202e}fdp.exe\u{2066}"), "invoicefdp.exe");
        assert_eq!(plain("a\u{0}b\u{1b}c\u{fffe}\u{fdd0}\u{9f}"), "abc");
        assert_eq!(plain("one\r\ntwo\rthree\u{2028}four"), "one\ntwo\nthree\nfour");
        assert_eq!(plain("a\n\n\n\n\nb"), "a\n\nb");
        let heap = format!("Z{}algo", "\u{301}".repeat(50));
        assert_eq!(plain(&heap), format!("Z{}algo", "\u{301}".repeat(4)));
        // What belongs together stays: a family of three, a word with vowel signs.
        for kept in ["👨‍👩‍👧", "שָׁלוֹם", "กี่", "e\u{301}"] {
            assert_eq!(plain(kept), kept);
        }
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        assert_eq!(
            links("see https://example.org/a?b=c&d."),
            ["https://example.org/a?b=c&d"]
        );
        assert_eq!(links("(http://example.org/x)"), ["http://example.org/x"]);
        for none in [
            "javascript:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "data:text/html,x",
            "ftp://example.org/",
            "file:///etc/passwd",
            "https://bank.example@example.org/",
            "https://",
            "example.org",
            "me@example.org",
        ] {
            assert_eq!(links(none), [] as [&str; 0], "{none}");
            assert_eq!(plain(none), none);
        }
    }

    #[test]
    fn a_name_in_other_letters_is_shown_as_it_is_sent() {
        let piece = link("https://\u{430}pple.com/").unwrap();
        assert_eq!(piece.text, "https://xn--pple-43d.com/");
    }

    #[test]
    fn ids_are_never_shown() {
        let id = format!("15{}", "ab".repeat(32));
        let mut names = Names::default();
        names.learn(&id, "Alice");
        let shown = |text: &str, names: &Names| -> String {
            let body = body(text, 1000, names);
            body.pieces.into_iter().map(|piece| piece.text).collect()
        };
        let upper = id.to_uppercase();
        assert_eq!(
            shown(&format!("hi @{upper} and @{id}!"), &names),
            "hi @Alice and @Alice!"
        );
        assert_eq!(shown(&format!("@{id} is {id}"), &Names::default()), "@someone is (id)");
        assert_eq!(line(&format!("{id}{id}"), 50), "(id)");
        let address = format!("https://example.org/?to={id}");
        assert_eq!(links(&address), [] as [&str; 0]);
        assert_eq!(plain(&address), "https://example.org/?to=(id)");
        assert_eq!(link(&address), None);
        // The key in a join link is no id.
        let join = format!("https://example.org/room?public_key={}", "ab".repeat(32));
        assert_eq!(links(&join), [join]);
    }

    #[test]
    fn an_id_is_not_shown_by_cutting_it_short() {
        let text = format!("1234 15{}", "ab".repeat(32));
        let shown = body(&text, 20, &Names::default());
        assert_eq!(shown.pieces[0].text, "1234 (id)");
    }

    #[test]
    fn texts_are_cut_and_a_link_at_the_cut_is_none() {
        let shown = body("see https://example.org/long", 20, &Names::default());
        assert!(shown.is_cut);
        assert_eq!(shown.pieces.len(), 1);
        assert_eq!(shown.pieces[0].text, "see https://example.");
        assert!(body(&"x\n".repeat(500), 10_000, &Names::default()).is_cut);
        assert_eq!(line("one\ntwo  three", 9), "one two t…");
    }

    #[test]
    fn what_cannot_be_seen_is_no_name() {
        for blank in ["", " ", "\u{200b}\u{2060}", "\u{3164}", "\u{301}", "\u{202e}"] {
            assert_eq!(line_or(Some(blank), 10, "Somebody"), "Somebody", "{blank:?}");
        }
        assert_eq!(line_or(None, 10, "Somebody"), "Somebody");
        assert_eq!(line_or(Some("Al"), 10, "Somebody"), "Al");
    }
}
