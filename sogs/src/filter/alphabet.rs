//! Scripts that a room may keep out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A script that can be kept out of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Alphabet {
    /// Letters that Persian is written with, most of which are Arabic too.
    Persian,
    /// Everything in the blocks of Arabic script.
    Arabic,
    /// Cyrillic.
    Cyrillic,
}

impl Alphabet {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 3] = [Self::Persian, Self::Arabic, Self::Cyrillic];

    /// Whether the text has a character of this script.
    #[must_use]
    pub fn occurs_in(self, text: &str) -> bool {
        text.chars().any(|character| self.has(character))
    }

    const fn has(self, character: char) -> bool {
        match self {
            Self::Persian => matches!(
                character,
                '\u{621}'..='\u{628}'
                    | '\u{62a}'..='\u{63a}'
                    | '\u{641}'..='\u{642}'
                    | '\u{644}'..='\u{648}'
                    | '\u{64e}'..='\u{651}'
                    | '\u{655}'
                    | '\u{67e}'
                    | '\u{686}'
                    | '\u{698}'
                    | '\u{6a9}'
                    | '\u{6af}'
                    | '\u{6be}'
                    | '\u{6cc}'
            ),
            Self::Arabic => matches!(
                character,
                '\u{600}'..='\u{6ff}'
                    | '\u{750}'..='\u{77f}'
                    | '\u{8a0}'..='\u{8ff}'
                    | '\u{fb50}'..='\u{fdff}'
                    | '\u{fe70}'..='\u{fefe}'
            ),
            Self::Cyrillic => matches!(character, '\u{400}'..='\u{4ff}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and last character of each range, and the ones just outside.
    fn ends_exactly(alphabet: Alphabet, ranges: &[(u32, u32)]) {
        let has =
            |code: u32| char::from_u32(code).is_some_and(|character| alphabet.occurs_in(&format!("a{character}b")));
        let within = |code: u32| ranges.iter().any(|(first, last)| (*first..=*last).contains(&code));
        for code in 0..=0xffff {
            assert_eq!(has(code), within(code), "{alphabet:?} {code:x}");
        }
    }

    #[test]
    fn each_alphabet_has_its_ranges_and_nothing_else() {
        ends_exactly(Alphabet::Cyrillic, &[(0x400, 0x4ff)]);
        ends_exactly(
            Alphabet::Arabic,
            &[
                (0x600, 0x6ff),
                (0x750, 0x77f),
                (0x8a0, 0x8ff),
                (0xfb50, 0xfdff),
                (0xfe70, 0xfefe),
            ],
        );
        let persian = [
            (0x621, 0x628),
            (0x62a, 0x63a),
            (0x641, 0x642),
            (0x644, 0x648),
            (0x64e, 0x651),
            (0x655, 0x655),
            (0x67e, 0x67e),
            (0x686, 0x686),
            (0x698, 0x698),
            (0x6a9, 0x6a9),
            (0x6af, 0x6af),
            (0x6be, 0x6be),
            (0x6cc, 0x6cc),
        ];
        ends_exactly(Alphabet::Persian, &persian);
    }
}
