//! Ways to spoil a request.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::raw_http::Raw;

/// One way to spoil a request.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// Puts this text in the place of one value of the JSON body.
    Json(Index, &'static str),
    /// Puts a very long or very deep text in the place of one value.
    Large(Index, Large),
    /// Adds a key to an object, or repeats one.
    Key(Index, &'static str),
    /// Cuts the body.
    Cut(Index),
    /// Changes one byte of the body.
    Byte(Index, u8),
    /// Another body altogether.
    Body(&'static [u8]),
    /// Another method.
    Method(&'static str),
    /// Puts this text in the place of one segment of the path.
    Segment(Index, &'static str),
    /// Puts this text anywhere into the path.
    Insert(Index, &'static str),
    /// Another query.
    Query(&'static str),
    /// Sets a header.
    Header(&'static str, &'static str),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Large {
    Text(usize),
    Digits(usize),
    List(usize),
    Depth(usize),
}

/// Where a value stood; nothing that is sent has it otherwise.
const MARK: &str = "\u{e000}";

#[rustfmt::skip]
const VALUES: &[&str] = &[
    "null", "true", "false", "0", "-0", "-0.0", "1", "-1", "1.5", "1e308", "-1e308", "1e400", "5e-324", "NaN", "1e9",
    "999999999.9", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", "99999999999999999999999999", "01", "0x10", "'a'", "\"\"",
    "\" \"", "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udfff\\ud800\"", "\"\\u202e\\u200d\\ufeff\"",
    "\"\\ud83d\\ude00\"", "\"\u{fffd}\u{10ffff}\"", "\"e\u{301}\\u0345\"", "\"\\x00\"", "\"\n\"", "[]", "{}", "[[]]",
    "[null]", "[\"*\"]", "[\"*\",\"a\"]", "[\"\\u0000\"]", "\"*\"", "[1,2,3]", "[-1]", "[1.5]",
    "[9223372036854775808]", "[\"9223372036854775807\",\"99999999999999999999\"]", "\"AAAA\"", "\"A\"", "\"AA==\"",
    "\"!!!!\"", "\"====\"", "\"AA-_\"", "\"AAAA\\n\"", "\"true\"", "\"0\"", "\"/\"", "\"/%00\"", "\"/batch\"",
    "\"GET\"", "\"/room/%ff\"", "\"//\"", "{\"a\":\"b\\u0000\"}", "{\"\":\"\"}", "{\"x-sogs-pubkey\":\"00\"}",
    "{\"content-type\":\"\\n\"}", "\"150000000000000000000000000000000000000000000000000000000000000000\"",
    "\"05ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
    "\"ff0000000000000000000000000000000000000000000000000000000000000000\"",
];

#[rustfmt::skip]
const KEYS: &[&str] = &[
    "\"unknown\":1", "\"\\u0000\":0", "\"\":null", "\"data\":\"AAAA\"", "\"signature\":null", "\"name\":\"again\"",
    "\"token\":\"again\"", "\"rooms\":[]", "\"global\":true", "\"timeout\":-1e300", "\"timeout\":1e300",
    "\"in\":1e308", "\"files\":[0]", "\"image\":-1", "\"whisper_to\":null", "\"whisper_mods\":[]", "\"json\":{}",
    "\"b64\":\"\"", "\"bytes\":\"\"", "\"method\":\"POST\"", "\"admin\":true", "\"moderator\":false",
    "\"description\":\"\\u0000\"", "\"name\":\"\\u0000\"", "\"name\":\"a\\u0000b\"", "\"description\":\"a\\u0000b\"",
];

#[rustfmt::skip]
const BODIES: &[&[u8]] = &[
    b"", b" ", b"null", b"[]", b"{}", b"[{}]", b"\"\"", b"{", b"}", b"{\"", b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}",
    b"\0", b"{\"a\":\xff}", b"{\"data\":\"\xed\xa0\x80\"}", b"{}{}", b"{} x", b"[1,2", b"data=1&b=2",
];

#[rustfmt::skip]
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "PROPFIND", "A", "M-SEARCH",
];

#[rustfmt::skip]
const SEGMENTS: &[&str] = &[
    "", "%00", "a%00b", "%ff", "%c0%af", "%ed%a0%80", "%2f", "%2e%2e", "..", ".", "%25", "%2500", "%", "%z", "%zz",
    "%e2%80%ae", "%f0%9f%98%80", "%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7", "+", "*", "%7Btoken%7D",
    "-1", "+1", "0", "00", "1.0", "1e5", "0x10", "%EF%BC%91", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "99999999999999999999999999", ";a=b", "~", "%20", "%0d%0a", "%09", "'", "%22", "\\",
    "all", "since", "recent", "message", "room", "rooms", "batch", "since%2f0",
    "150000000000000000000000000000000000000000000000000000000000000000",
    "05ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "000000000000000000000000000000000000000000000000000000000000000000",
    "ff0000000000000000000000000000000000000000000000000000000000000000",
    "25ABCDEF00000000000000000000000000000000000000000000000000000000ff",
];

#[rustfmt::skip]
const QUERIES: &[&str] = &[
    "", "limit=0", "limit=-1", "limit=1", "limit=9223372036854775807", "limit=-9223372036854775808",
    "limit=99999999999999999999", "limit=%00", "limit=%ff", "limit=a", "limit=", "limit", "limit=1&limit=x", "=",
    "&&&", "%", "%zz=%", "reactors=-5", "reactors=9223372036854775807", "reactors=21", "reactors=x", "t=%00r",
    "t=r&t=x", "required=", "required=,,,", "required=%00,%ff", "a[]=1", "?", "?limit=1", "limit=%EF%BC%91",
    "limit=+1", "/", "%2f",
];

const HEADERS: &[(&str, &str)] = &[
    ("Content-Type", ""),
    ("Content-Type", "text/plain"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "application/octet-stream"),
    ("Content-Type", "application/json;;;"),
    ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Type", "\u{e9}"),
    ("Content-Disposition", ""),
    ("Content-Disposition", "attachment; filename=\"\\"),
    ("Content-Disposition", "attachment; filename*=UTF-8''%00%ff%zz"),
    ("Content-Disposition", "attachment; filename*=iso-8859-1''%00%ff"),
    ("Content-Disposition", "attachment; filename*=x"),
    ("Content-Disposition", "filename=\u{202e}\u{1f600}"),
    ("Content-Disposition", ";;;=;=\"\";filename"),
    ("Content-Encoding", "gzip"),
    ("Accept-Encoding", "\u{1f600}"),
    ("Range", "bytes=5-1"),
    ("If-None-Match", "*"),
    ("If-Modified-Since", "yesterday"),
    ("X-Forwarded-For", "999.1.1.1, ::zz"),
    ("Room", ""),
    ("Room", "\u{e9}"),
    ("Room", "%00"),
    ("Authorization", "AAAA"),
    ("Authorization", "\u{1f600}"),
    ("X-SOGS-Pubkey", ""),
    ("X-SOGS-Pubkey", "\u{e9}"),
    (
        "X-SOGS-Pubkey",
        "150000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "X-SOGS-Pubkey",
        "00ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ),
    ("X-SOGS-Pubkey", "25ABCDEF"),
    ("X-SOGS-Nonce", "AAAA"),
    ("X-SOGS-Nonce", "%00"),
    ("X-SOGS-Nonce", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ("X-SOGS-Timestamp", "-1"),
    ("X-SOGS-Timestamp", "0"),
    ("X-SOGS-Timestamp", "999999999999999"),
    ("X-SOGS-Timestamp", "9223372036854775808"),
    ("X-SOGS-Timestamp", "1e9"),
    ("X-SOGS-Signature", "AA"),
    ("X-SOGS-Signature", "\u{0}"),
];

/// The request with each odd text once in the place of each segment of the path and of each value of the body.
pub(crate) fn each(request: &Raw) -> Vec<Raw> {
    let mut all = Vec::new();
    let (path, query) = split(&request.target);
    let segments: Vec<&str> = path.split('/').collect();
    for at in 1..segments.len() {
        for text in SEGMENTS {
            let mut segments = segments.clone();
            segments[at] = text;
            let target = segments.join("/") + &query;
            all.push(Raw {
                target,
                ..request.clone()
            });
        }
    }
    let values = serde_json::from_slice(&request.body).map_or(0, |whole| count(&whole));
    for at in 0..values {
        for text in VALUES {
            let mut spoilt = request.clone();
            put(&mut spoilt, at, text);
            all.push(spoilt);
        }
    }
    all
}

/// A JSON value that nobody expects, or what looks like one.
pub(crate) fn value() -> impl Strategy<Value = &'static str> + Clone {
    select(VALUES)
}

/// Any way to spoil a request.
pub(crate) fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    let large = prop_oneof![
        select(vec![13_usize, 201, 5001, 70_000, 300_000, 2_200_000]).prop_map(Large::Text),
        select(vec![20_usize, 400, 5000]).prop_map(Large::Digits),
        select(vec![1001_usize, 20_000]).prop_map(Large::List),
        select(vec![100_usize, 127, 128, 5000, 100_000]).prop_map(Large::Depth),
    ];
    prop_oneof![
        6 => (at(), select(VALUES)).prop_map(|(at, text)| Mutation::Json(at, text)),
        1 => (at(), large).prop_map(|(at, large)| Mutation::Large(at, large)),
        2 => (at(), select(KEYS)).prop_map(|(at, text)| Mutation::Key(at, text)),
        1 => at().prop_map(Mutation::Cut),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        1 => select(BODIES).prop_map(Mutation::Body),
        1 => select(METHODS).prop_map(Mutation::Method),
        4 => (at(), select(SEGMENTS)).prop_map(|(at, text)| Mutation::Segment(at, text)),
        2 => (at(), select(SEGMENTS)).prop_map(|(at, text)| Mutation::Insert(at, text)),
        2 => select(QUERIES).prop_map(Mutation::Query),
        2 => select(HEADERS).prop_map(|(name, value)| Mutation::Header(name, value)),
    ]
}

impl Mutation {
    /// Whether it is for after the request was signed, so that it spoils the signature.
    pub(crate) fn is_of_the_signature(&self) -> bool {
        matches!(self, Self::Header(name, _) if name.starts_with("X-SOGS"))
    }

    pub(crate) fn apply(&self, request: &mut Raw) {
        match self {
            Self::Json(at, text) => replace(request, *at, text),
            Self::Large(at, large) => replace(request, *at, &large.text()),
            Self::Key(at, text) => insert(&mut request.body, *at, text),
            Self::Cut(at) => request.body.truncate(at.index(request.body.len() + 1)),
            Self::Byte(at, byte) => {
                if !request.body.is_empty() {
                    let at = at.index(request.body.len());
                    request.body[at] = *byte;
                }
            }
            Self::Body(body) => request.body = body.to_vec(),
            Self::Method(method) => request.method = (*method).to_owned(),
            Self::Segment(at, text) => {
                let (path, query) = split(&request.target);
                let mut segments: Vec<&str> = path.split('/').collect();
                let at = 1 + at.index(segments.len().max(2) - 1);
                if let Some(segment) = segments.get_mut(at) {
                    *segment = text;
                }
                request.target = segments.join("/") + &query;
            }
            Self::Insert(at, text) => {
                let (mut path, query) = split(&request.target);
                // What does not begin with a slash is no request to this server.
                path.insert_str(1 + at.index(path.len()), text);
                request.target = path + &query;
            }
            Self::Query(query) => request.target = split(&request.target).0 + "?" + query,
            Self::Header(name, value) => {
                request.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                request.headers.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
    }
}

impl Large {
    fn text(self) -> String {
        match self {
            Self::Text(length) => format!("\"{}\"", "a".repeat(length)),
            Self::Digits(length) => "9".repeat(length),
            Self::List(length) => format!("[{}0]", "0,".repeat(length)),
            Self::Depth(depth) => format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        }
    }
}

/// Path and query, the latter with its question mark.
fn split(target: &str) -> (String, String) {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    (path.to_owned(), query.to_owned())
}

/// Puts a text in the place of one value of the JSON body, which may be the whole.
fn replace(request: &mut Raw, at: Index, text: &str) {
    let Ok(whole) = serde_json::from_slice::<Value>(&request.body) else {
        return;
    };
    put(request, at.index(count(&whole)), text);
}

fn put(request: &mut Raw, at: usize, text: &str) {
    let mut whole: Value = serde_json::from_slice(&request.body).unwrap();
    *nth(&mut whole, &mut { at }).unwrap() = Value::String(MARK.to_owned());
    request.body = whole.to_string().replace(&format!("\"{MARK}\""), text).into_bytes();
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(object) => object.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(list) => list.iter_mut().find_map(|value| nth(value, left)),
        Value::Object(object) => object.values_mut().find_map(|value| nth(value, left)),
        _ => None,
    }
}

/// Puts one more key at the front of an object.
fn insert(body: &mut Vec<u8>, at: Index, text: &str) {
    let braces: Vec<usize> = (0..body.len()).filter(|at| body[*at] == b'{').collect();
    if !braces.is_empty() {
        let at = braces[at.index(braces.len())] + 1;
        let comma: &[u8] = if body.get(at) == Some(&b'}') { b"" } else { b"," };
        let rest = body.split_off(at);
        body.extend_from_slice(text.as_bytes());
        body.extend_from_slice(comma);
        body.extend_from_slice(&rest);
    }
}
