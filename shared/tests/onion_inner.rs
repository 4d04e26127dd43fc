//! Requests inside onion requests.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use shared::onion::v3::Slashless;
use shared::onion::{BadPlaintext, InnerRequest, bencode, v3, v4};
use vectors::{bytes, flag, list, load, text};

fn parse(case: &Value) -> Result<InnerRequest, BadPlaintext> {
    let plaintext = Bytes::from(bytes(case, "plaintext_hex"));
    match (
        case["version"].as_u64(),
        case.get("application").and_then(Value::as_str),
    ) {
        (Some(4), _) => v4::parse(plaintext),
        (_, Some("community-server")) => v3::parse(plaintext, Slashless::Legacy),
        _ => v3::parse(plaintext, Slashless::Root),
    }
}

#[test]
fn debugging_shows_nothing_of_what_was_decrypted() {
    let key = "k".repeat(64);
    let request = InnerRequest {
        method: "hidden".to_owned(),
        path: "/hidden".to_owned(),
        query: Some("hidden".to_owned()),
        headers: vec![("x-hidden".to_owned(), key)],
        body: Bytes::from_static(b"hidden"),
    };
    let shown = format!("{request:?}");
    assert!(!shown.contains("hidden") && !shown.contains("kk"), "{shown}");
    assert!(shown.contains("body_length: 6"), "{shown}");
}

#[test]
fn inner_requests_are_dispatched_as_written_or_refused() {
    for case in list(&load("onion_requests.json"), "inner_plaintexts") {
        let expected = case.get("expected").unwrap();
        match (parse(case), expected.get("dispatch")) {
            (Ok(request), Some(dispatch)) => check_dispatch(request, dispatch, case),
            (Err(BadPlaintext), Some(_)) => assert!(flag(case, "optional"), "{case}"),
            (Err(BadPlaintext), None) => assert_eq!(expected["error_inside_envelope"], 400, "{case}"),
            (Ok(request), None) => {
                assert_eq!(expected["error_inside_envelope"], 405, "{case}");
                assert!(
                    !["GET", "POST", "PUT", "DELETE", "HEAD"].contains(&request.method.as_str()),
                    "{case}"
                );
            }
        }
    }
}

fn check_dispatch(request: InnerRequest, dispatch: &Value, case: &Value) {
    assert_eq!(request.method, text(dispatch, "method"), "{case}");
    assert_eq!(request.path, text(dispatch, "decoded_path"), "{case}");
    assert_eq!(request.query.as_deref(), dispatch["raw_query"].as_str(), "{case}");
    assert_eq!(request.body, bytes(dispatch, "body_hex"), "{case}");
    let mut headers: BTreeMap<_, _> = request.headers.into_iter().collect();
    assert_eq!(
        headers.remove("content-type").as_deref(),
        Some(text(dispatch, "content_type")),
        "{case}"
    );
    assert_eq!(serde_json::to_value(headers).unwrap(), dispatch["headers"], "{case}");
}

/// A v4 plaintext with this metadata and no body.
fn v4_with(metadata: &Value) -> Result<InnerRequest, BadPlaintext> {
    v4_text(&metadata.to_string())
}

fn v4_text(metadata: &str) -> Result<InnerRequest, BadPlaintext> {
    v4::parse(Bytes::from(format!("l{}:{metadata}e", metadata.len())))
}

#[test]
fn of_headers_equal_but_for_case_the_last_counts() {
    let request = v4_text(r#"{"method":"GET","endpoint":"/","headers":{"X-A":"1","x-b":"2","x-a":"3"}}"#).unwrap();
    let expected = [("x-b", "2"), ("x-a", "3"), ("content-type", "application/octet-stream")];
    assert_eq!(
        request.headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn a_hundred_headers_are_enough() {
    let with = |count: usize| {
        let headers: BTreeMap<_, _> = (0..count).map(|number| (format!("x-{number}"), "")).collect();
        v4_with(&serde_json::json!({"method": "GET", "endpoint": "/", "headers": headers}))
    };
    assert!(with(100).is_ok());
    assert!(with(101).is_err());
}

#[test]
fn header_names_are_tokens_and_values_one_line() {
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("a:", "x"),
        ("ä", "x"),
        ("a", "x\ny"),
        ("a", "x\0"),
    ] {
        let metadata = serde_json::json!({"method": "GET", "endpoint": "/", "headers": {name: value}});
        assert!(v4_with(&metadata).is_err(), "{name:?}: {value:?}");
    }
}

#[test]
fn metadata_is_an_object_of_at_most_64_kib() {
    let request = r#"{"method":"GET","endpoint":"/"}"#;
    let padded = |length: usize| format!("{request}{}", " ".repeat(length - request.len()));
    assert!(v4_text(&padded(65_536)).is_ok());
    assert!(v4_text(&padded(65_537)).is_err());
    assert!(v4_text(r#"["GET","/",{}]"#).is_err());
    assert!(
        v4_text(&format!(
            r#"{{"method":"GET","endpoint":"/","x":{}}}"#,
            "[".repeat(10_000)
        ))
        .is_err()
    );
}

#[test]
fn the_body_is_a_part_of_the_plaintext_without_a_copy() {
    let plaintext = Bytes::from_static(b"l31:{\"method\":\"PUT\",\"endpoint\":\"/\"}3:abce");
    let body = v4::parse(plaintext.clone()).unwrap().body;
    assert_eq!(body, "abc");
    assert_eq!(body.as_ptr(), plaintext[plaintext.len() - 4..].as_ptr());
}

#[test]
fn strings_are_read_off_the_front_and_written_back() {
    let file = load("bencode.json");
    for case in list(&file, "consume") {
        let input = bytes(case, "input_hex");
        let read = bencode::consume(&input).map(|(value, rest)| (value.to_vec(), rest.to_vec()));
        let expected = (!flag(case, "error")).then(|| (bytes(case, "value_hex"), bytes(case, "rest_hex")));
        assert_eq!(read, expected, "{case}");
    }
    for case in list(&file, "encode") {
        let mut out = Vec::new();
        bencode::encode(&bytes(case, "value_hex"), &mut out);
        assert_eq!(hex::encode(out), text(case, "encoded_hex"));
    }
}

/// JSON-like texts that come close to a request.
fn near_requests() -> impl Strategy<Value = String> {
    let endpoint = prop_oneof![
        Just("/a%zz?b".to_owned()),
        Just("oxen".to_owned()),
        "[/%a-f0-9?]{0,12}",
        ".*"
    ];
    let name = prop_oneof![
        Just("Content-Length".to_owned()),
        Just("content-type".to_owned()),
        "[a-zA-Z -]{0,4}"
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        Just(Value::Null)
    ];
    let headers = proptest::collection::btree_map(name, value, 0..4);
    (endpoint, headers, proptest::option::of("null|.{0,3}"), "GET|POST|get").prop_map(
        |(endpoint, headers, body, method)| {
            serde_json::json!({"method": method, "endpoint": endpoint, "headers": headers, "body": body}).to_string()
        },
    )
}

proptest! {
    #[test]
    fn what_parses_keeps_its_promises(json in near_requests(), body in proptest::collection::vec(any::<u8>(), 0..20)) {
        let mut plaintext = b"l".to_vec();
        bencode::encode(json.as_bytes(), &mut plaintext);
        bencode::encode(&body, &mut plaintext);
        plaintext.push(b'e');
        shared::fuzz::v4_parse(&plaintext);
        shared::fuzz::v3_parse(json.as_bytes());
    }

    #[test]
    fn no_bytes_bring_a_parser_down(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        shared::fuzz::v4_parse(&bytes);
        shared::fuzz::v3_parse(&bytes);
        shared::fuzz::bencode(&bytes);
    }

    #[test]
    fn strings_come_back_as_they_were(value in proptest::collection::vec(any::<u8>(), 0..300), rest: Vec<u8>) {
        let mut input = Vec::new();
        bencode::encode(&value, &mut input);
        input.extend_from_slice(&rest);
        prop_assert_eq!(bencode::consume(&input), Some((&value[..], &rest[..])));
        shared::fuzz::bencode(&input);
    }

    #[test]
    fn no_target_splits_wrongly(endpoint in "[/a%0-9A-F?ä]{0,30}") {
        shared::fuzz::split_endpoint(&endpoint);
    }

    #[test]
    fn no_header_text_decodes_to_two_things(text in "[0-9a-fA-F+/=]{0,90}") {
        shared::fuzz::hex_or_base64(&text);
    }
}
