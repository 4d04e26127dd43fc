//! QR codes for a phone to read off a terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Black on white, whatever the terminal's own colours are.
const COLOURS: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

/// The QR code of a text, two rows of it in each line, with the border that readers need. `None` if the text is too long
/// for a code.
pub(super) fn terminal(text: &str) -> Option<String> {
    // Nothing is smudged on a screen, and a smaller code fits into it.
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let image = code.render::<Dense1x2>().build();
    let lines = image.lines().map(|line| format!("{COLOURS}{line}{RESET}\n"));
    Some(lines.collect())
}

#[cfg(test)]
mod tests {
    use qrcode::Color;

    use super::*;

    #[test]
    fn what_is_shown_is_the_code_with_its_border() {
        let text = format!("https://chat.example.org/lobby?public_key={}", "ab".repeat(32));
        let shown = terminal(&text).unwrap();
        let mut rows: Vec<Vec<bool>> = Vec::new();
        for line in shown.lines() {
            let blocks = line.strip_prefix(COLOURS).unwrap().strip_suffix(RESET).unwrap();
            let halves = blocks.chars().map(|block| match block {
                ' ' => (false, false),
                '▀' => (true, false),
                '▄' => (false, true),
                '█' => (true, true),
                other => panic!("{other:?}"),
            });
            let (upper, lower): (Vec<bool>, Vec<bool>) = halves.unzip();
            rows.extend([upper, lower]);
        }
        let code = QrCode::with_error_correction_level(&text, EcLevel::L).unwrap();
        let (width, border) = (code.width(), 4);
        assert!(rows.iter().all(|row| row.len() == width + 2 * border));
        for (y, row) in rows.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let inside = |place: usize| (border..border + width).contains(&place);
                let expected = inside(x) && inside(y) && code[(x - border, y - border)] == Color::Dark;
                assert_eq!(*dark, expected, "{x} {y}");
            }
        }
        assert!(shown.lines().count() <= 24, "it fits into a terminal");
    }

    #[test]
    fn what_no_code_can_hold_is_none() {
        assert!(terminal(&"x".repeat(3000)).is_none());
    }
}
