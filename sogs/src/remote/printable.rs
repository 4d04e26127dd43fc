//! What strangers wrote, made fit for a terminal.

/// Without characters that would move the cursor, change colours or turn the direction of what follows; line breaks and
/// tabs stay.
#[must_use]
pub fn text(text: &str) -> String {
    let fit = |letter: char| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() || turns_direction(letter) => '\u{fffd}',
        letter => letter,
    };
    text.chars().map(fit).collect()
}

/// The same in one line.
#[must_use]
pub fn line(text: &str) -> String {
    let spaced: Vec<&str> = text.split_whitespace().collect();
    self::text(&spaced.join(" "))
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm, and what breaks lines without being a
/// control character.
const fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_replaced() {
        assert_eq!(text("a\u{1b}[31mb\u{9b}1m\r\u{202e}c\n\td"), "a�[31mb�1m��c\n\td");
        assert_eq!(line(" a\n\n b\tc\u{7} "), "a b c�");
        assert_eq!(line("Grüße 🍍 العربية"), "Grüße 🍍 العربية");
    }
}
