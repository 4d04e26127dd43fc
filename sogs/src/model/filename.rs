//! Names that uploaders give to files. They are only ever shown to clients, never used for a path.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest name that is kept, in bytes: more than any file system takes.
const LONGEST: usize = 1024;

/// What needs no encoding: `A-Za-z0-9_.-~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');

/// The name in a `Content-Disposition` header, if there is one. `filename*` comes before `filename`. NUL and `/`, which
/// no name may have, become U+FFFD, and so do bytes that are no UTF-8.
#[must_use]
pub fn from_disposition(header: &[u8]) -> Option<String> {
    let header = String::from_utf8_lossy(header);
    let parameters: Vec<(String, String)> = parameters(&header);
    let find = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let name = find("filename*")
        .and_then(extended)
        .or_else(|| find("filename").map(Cow::Borrowed))?;
    let name: String = name
        .chars()
        .map(|char| {
            if matches!(char, '\0' | '/') {
                char::REPLACEMENT_CHARACTER
            } else {
                char
            }
        })
        .collect();
    let end = name.floor_char_boundary(LONGEST);
    name.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The `Content-Disposition` of a download.
#[must_use]
pub fn to_disposition(name: Option<&str>) -> String {
    match name {
        None => "attachment".to_owned(),
        Some(name) => format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, RESERVED)),
    }
}

/// A value with its character set and language, as in RFC 8187: `UTF-8'en'50%25.txt`.
fn extended(value: &str) -> Option<Cow<'_, str>> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    let decoded = percent_decode_str(encoded);
    if charset.eq_ignore_ascii_case("utf-8") {
        Some(decoded.decode_utf8_lossy())
    } else if charset.eq_ignore_ascii_case("iso-8859-1") {
        Some(decoded.map(char::from).collect())
    } else {
        None
    }
}

/// What follows the first word of the header, with names in lower case and values without their quotes.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some((_, mut rest)) = header.split_once(';') else {
        return found;
    };
    while let Some((name, after)) = rest.split_once('=') {
        // A word without a value may come before the next name.
        let name = name.rsplit(';').next().unwrap_or(name);
        let (value, remaining) = value(after.trim_start());
        found.push((name.trim().to_ascii_lowercase(), value));
        rest = remaining;
    }
    found
}

/// A value, quoted or not, and what follows the semicolon behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return (value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => value.extend(chars.next()),
            char => value.push(char),
        }
    }
    let rest = chars.as_str().split_once(';').map_or("", |(_, rest)| rest);
    (value, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(header: &str) -> Option<String> {
        from_disposition(header.as_bytes())
    }

    #[test]
    fn both_ways_to_write_a_name_are_understood() {
        for (header, expected) in [
            ("attachment; filename=\"simple.txt\"", "simple.txt"),
            ("attachment; filename=simple.txt", "simple.txt"),
            ("attachment;filename = simple.txt ; size=3", "simple.txt"),
            ("Attachment; FileName=\"a;b=c.txt\"; size=3", "a;b=c.txt"),
            (r#"attachment; filename="quo\"te\\.txt""#, r#"quo"te\.txt"#),
            ("attachment; filename*=UTF-8''caf%C3%A9.png", "café.png"),
            ("attachment; filename*=utf-8'en'50%25%3B.txt", "50%;.txt"),
            ("attachment; filename*=iso-8859-1''caf%E9.png", "café.png"),
            ("attachment; filename=\"plain\"; filename*=UTF-8''better", "better"),
            ("attachment; filename*=UTF-8''better; filename=\"plain\"", "better"),
            ("attachment; filename*=KOI8-R''%C1; filename=plain", "plain"),
            ("attachment; flag; filename=x", "x"),
            ("attachment; filename=\"naïve.txt\"", "naïve.txt"),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn no_name_is_no_name() {
        for header in [
            "",
            "attachment",
            "attachment;",
            "attachment; filename",
            "attachment; filename=",
            "attachment; filename=\"\"",
            "attachment; filename*=UTF-8''",
            "attachment; filename*=oops",
            "filename=x",
        ] {
            assert_eq!(name(header), None, "{header}");
        }
    }

    #[test]
    fn what_no_name_may_have_is_replaced() {
        assert_eq!(
            name("attachment; filename*=UTF-8''..%2F..%2Fa%00b").unwrap(),
            "..\u{fffd}..\u{fffd}a\u{fffd}b"
        );
        assert_eq!(name("attachment; filename*=UTF-8''a%FFb").unwrap(), "a\u{fffd}b");
        assert_eq!(
            from_disposition(b"attachment; filename=\"a\xffb\"").unwrap(),
            "a\u{fffd}b"
        );
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        let cut = name(&format!("attachment; filename=\"{}\"", "€".repeat(1000))).unwrap();
        assert_eq!(cut, "€".repeat(341));
    }

    #[test]
    fn a_name_is_written_with_nothing_but_unreserved_characters() {
        assert_eq!(to_disposition(None), "attachment");
        let written = to_disposition(Some("a-b_c.d~ é\"\r\n;='*"));
        let expected = "attachment; filename*=UTF-8''a-b_c.d~%20%C3%A9%22%0D%0A%3B%3D%27%2A";
        assert_eq!(written, expected);
    }
}
