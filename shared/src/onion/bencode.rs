//! Length-prefixed byte strings, `<decimal length>:<bytes>`, and lists of them.

/// Most digits a length may have.
const MAX_DIGITS: usize = 8;

/// Takes one string off the front: the string, and what follows it. `None` when there is no whole string.
#[must_use]
pub fn consume(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = input.iter().take(MAX_DIGITS + 1).position(|&byte| byte == b':')?;
    let (length, rest) = input.split_at_checked(digits)?;
    if !length.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = std::str::from_utf8(length).ok()?.parse().ok()?;
    let (_colon, rest) = rest.split_first()?;
    rest.split_at_checked(length)
}

/// Appends one string.
pub fn encode(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(prefix(value.len()).as_bytes());
    out.extend_from_slice(value);
}

/// What stands before a string of so many bytes.
pub(super) fn prefix(length: usize) -> String {
    format!("{length}:")
}

/// The one or two strings of a list that ends exactly at the end of the input; an absent second string is empty.
pub(super) fn one_or_two(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = consume(input.strip_prefix(b"l")?)?;
    if rest == b"e" {
        return Some((first, &[]));
    }
    match consume(rest)? {
        (second, b"e") => Some((first, second)),
        _ => None,
    }
}
