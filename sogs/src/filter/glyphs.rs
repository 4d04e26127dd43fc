//! Text as the eye takes it: letters without their ornaments, and with what each of them may stand for.
//!
//! This is for comparing words only. Whoever wants to know which script a text is in must look at the text itself.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

/// How many characters one may be read as, at most: `*` as itself or any vowel.
const READINGS: usize = 6;

/// One thing that is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    readings: [Option<char>; READINGS],
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Space and punctuation: words end here.
    Gap,
    /// Punctuation that may also stand for a letter.
    Symbol,
    /// May also stand for a letter.
    Digit,
    Letter,
}

impl Glyph {
    const GAP: Self = Self {
        readings: [Some(' '), None, None, None, None, None],
        kind: Kind::Gap,
    };

    fn new(own: char, others: impl IntoIterator<Item = char>, kind: Kind) -> Self {
        let mut readings = [None; READINGS];
        let all = [own].into_iter().chain(others);
        for (reading, character) in readings.iter_mut().zip(all) {
            *reading = Some(character);
        }
        Self { readings, kind }
    }

    /// The character itself.
    pub(super) fn own(&self) -> char {
        self.readings.first().copied().flatten().unwrap_or(' ')
    }

    /// What the character looks like, if that is another one.
    pub(super) fn look(&self) -> char {
        match (self.kind, self.own().is_ascii(), self.readings) {
            (Kind::Letter, false, [_, Some(look), ..]) => look,
            _ => self.own(),
        }
    }

    /// What it may be read as, itself first.
    pub(super) fn readings(&self) -> impl Iterator<Item = char> {
        self.readings.into_iter().flatten()
    }

    /// Whether a word that begins or ends beside it is only a part of one.
    pub(super) fn joins(&self) -> bool {
        matches!(self.kind, Kind::Letter | Kind::Digit)
    }
}

/// The glyphs of a text. There are never two gaps in a row, and none at the ends.
pub(super) fn glyphs(text: &str) -> Vec<Glyph> {
    let mut found = Vec::new();
    for character in text.nfkd() {
        let after_latin = found.last().is_some_and(|glyph: &Glyph| glyph.own().is_ascii());
        if !is_ornament(character, after_latin) {
            push(character, &mut found);
        }
    }
    if found.last() == Some(&Glyph::GAP) {
        found.pop();
    }
    found
}

/// Accents and other marks on letters of Latin, Greek and Cyrillic. In other scripts marks make the word.
fn is_ornament(character: char, after_latin: bool) -> bool {
    match character {
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' => true,
        other => after_latin && is_combining_mark(other),
    }
}

fn push(character: char, found: &mut Vec<Glyph>) {
    if is_invisible(character) {
        return;
    }
    let look = (!character.is_ascii()).then(|| look(character)).flatten();
    if character.is_alphanumeric() || is_combining_mark(character) {
        // Case folding by way of capitals, which makes ß two letters and the two small sigmas one.
        for capital in character.to_uppercase() {
            for own in capital.to_lowercase().filter(|own| !is_ornament(*own, false)) {
                found.push(letter_or_digit(character, own, look));
            }
        }
    } else if let Some(stands_for) = symbol(character) {
        found.push(Glyph::new(character, stands_for.chars(), Kind::Symbol));
    } else if let Some(look) = look.filter(char::is_ascii_alphabetic) {
        found.push(Glyph::new(character, [look], Kind::Symbol));
    } else if found.last().is_some_and(|last| *last != Glyph::GAP) {
        found.push(Glyph::GAP);
    }
}

/// Zero-width characters, soft hyphens, marks of direction and the like.
fn is_invisible(character: char) -> bool {
    if character.is_ascii() || character.is_control() {
        return character.is_control() && !character.is_whitespace();
    }
    skeleton(character.encode_utf8(&mut [0; 4])).next().is_none()
}

fn letter_or_digit(written: char, own: char, look: Option<char>) -> Glyph {
    match (written, own) {
        (_, '0'..='9') => Glyph::new(own, digit(own), Kind::Digit),
        ('I', _) => Glyph::new('i', ['l'], Kind::Letter),
        (_, 'l') => Glyph::new('l', ['i'], Kind::Letter),
        (_, 'v') => Glyph::new('v', ['u'], Kind::Letter),
        _ => {
            let look = look.filter(|look| *look != own && !own.is_ascii());
            // What looks like a capital I looks like a small l.
            let also = look.filter(|look| *look == 'l').map(|_| 'i');
            Glyph::new(own, look.into_iter().chain(also), Kind::Letter)
        }
    }
}

/// The letters that a digit stands for.
fn digit(digit: char) -> impl Iterator<Item = char> {
    let letters = match digit {
        '0' => "o",
        '1' => "il",
        '3' => "e",
        '4' => "a",
        '5' => "s",
        '6' | '9' => "g",
        '7' => "t",
        '8' => "b",
        _ => "",
    };
    letters.chars()
}

/// The letters that punctuation stands for.
fn symbol(symbol: char) -> Option<&'static str> {
    match symbol {
        '@' => Some("a"),
        '$' | '§' => Some("s"),
        '!' | '¡' => Some("i"),
        '|' => Some("il"),
        '+' => Some("t"),
        '#' => Some("h"),
        '€' => Some("e"),
        '£' => Some("l"),
        '¢' => Some("c"),
        '*' => Some("aeiou"),
        _ => None,
    }
}

/// The one character that another looks like: its skeleton (Unicode TS 39), or that of its capital, and what the table
/// of confusables leaves out.
fn look(character: char) -> Option<char> {
    enclosed(character)
        .or_else(|| small_capital(character))
        .or_else(|| prototype(character))
        .or_else(|| prototype(character.to_uppercase().next()?))
}

fn prototype(character: char) -> Option<char> {
    let mut buffer = [0; 4];
    let mut bare = skeleton(character.encode_utf8(&mut buffer)).filter(|part| !is_combining_mark(*part));
    let look = match (bare.next(), bare.next(), bare.next()) {
        (Some(only), None, None) => only,
        (Some('r'), Some('n'), None) => 'm',
        _ => return None,
    };
    let look = look.to_lowercase().next()?;
    (look != character).then(|| small_capital(look).unwrap_or(look))
}

/// Letters in dark circles and squares, which have no compatible plain form.
fn enclosed(character: char) -> Option<char> {
    let first = match character {
        '\u{1f150}'..='\u{1f169}' => 0x1f150,
        '\u{1f170}'..='\u{1f189}' => 0x1f170,
        _ => return None,
    };
    char::from_u32(u32::from('a') + u32::from(character) - first)
}

fn small_capital(character: char) -> Option<char> {
    // For K and M the letters are those that the table of confusables has for all small ones. There is no small X.
    const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊĸʟʍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ\0ʏᴢ";
    let place = SMALL_CAPITALS.chars().position(|own| own == character)?;
    ('a'..='z').nth(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each glyph looks like.
    fn looks(text: &str) -> String {
        glyphs(text).iter().map(Glyph::look).collect()
    }

    #[test]
    fn ornaments_case_and_width_do_not_count() {
        for (text, plain) in [
            ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"),
            ("É\u{301}\u{335}te\u{20dd}", "ete"),
            ("𝕱𝖆𝖓𝖈𝖞 𝓉𝑒𝓍𝓉 ⓞⓕ 🅰ll", "fancy text of all"),
            ("ꜱᴍᴀʟʟ ᴄᴀᴘꜱ", "small caps"),
            ("z\u{200b}e\u{200d}r\u{ad}o\u{2060}", "zero"),
            ("\u{feff}a\0b\u{202e}c", "abc"),
            ("Straße", "strasse"),
            ("  a -- b. ", "a b"),
        ] {
            assert_eq!(looks(text), plain, "{text}");
        }
    }

    #[test]
    fn look_alikes_of_other_scripts_are_seen_as_what_they_look_like() {
        // Cyrillic, then Greek, then Cherokee and mathematical ones.
        assert_eq!(looks("сосоа ВНК внк"), "cocoa bhk bhk");
        assert_eq!(looks("ΟΡΕΝ"), "open");
        assert_eq!(looks("ᏟᎪᏞᏞ"), "call");
    }

    #[test]
    fn latin_letters_stand_for_themselves_first() {
        for letter in ('a'..='z').chain('A'..='Z') {
            assert_eq!(looks(&letter.to_string()), letter.to_ascii_lowercase().to_string());
        }
    }

    #[test]
    fn the_two_small_sigmas_are_one() {
        let own = |text| glyphs(text).iter().map(Glyph::own).collect::<String>();
        assert_eq!(own("ΟΔΟΣ οδος"), "οδοσ οδοσ");
    }

    #[test]
    fn marks_of_other_scripts_stay() {
        assert_eq!(glyphs("किताब").len(), "किताब".chars().count());
    }
}
