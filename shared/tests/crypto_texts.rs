//! Encodings of bytes in headers, padding of messages, and digests of files.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::crypto::{decode_hex_or_base64, hash, padding};
use vectors::{bytes, flag, list, load, text};

#[test]
fn header_bytes_are_hex_or_standard_base64_of_exactly_the_right_length() {
    for case in list(&load("hex_or_base64.json"), "cases") {
        let input = text(case, "text");
        let decoded = match case["size"].as_u64().unwrap() {
            16 => decode_hex_or_base64::<16>(input).map(hex::encode),
            33 => decode_hex_or_base64::<33>(input).map(hex::encode),
            64 => decode_hex_or_base64::<64>(input).map(hex::encode),
            size => panic!("size {size} is not used by any header"),
        };
        let expected = (!flag(case, "error")).then(|| text(case, "value_hex").to_owned());
        assert_eq!(decoded, expected, "{case}");
    }
}

#[test]
fn padding_is_stripped_where_there_is_some_and_restored_to_its_length() {
    let file = load("message_padding.json");
    for case in list(&file, "strip") {
        assert_eq!(
            padding::strip(&bytes(case, "input_hex")),
            bytes(case, "output_hex"),
            "{case}"
        );
    }
    for case in list(&file, "add") {
        let length = usize::try_from(case["length"].as_u64().unwrap()).unwrap();
        assert_eq!(
            *padding::restore(&bytes(case, "input_hex"), length),
            bytes(case, "output_hex"),
            "{case}"
        );
    }
    for case in list(&file, "round_trips") {
        let (padded, unpadded) = (bytes(case, "padded_hex"), bytes(case, "unpadded_hex"));
        assert_eq!(case["padded_length"], padded.len());
        assert_eq!(padding::strip(&padded), unpadded);
        assert_eq!(*padding::restore(&unpadded, padded.len()), padded);
    }
}

#[test]
fn a_file_is_named_by_the_salted_digest_of_its_content() {
    for case in list(&load("file_ids.json"), "files") {
        let body = if case.get("body_hex").is_some() {
            bytes(case, "body_hex")
        } else {
            assert_eq!(text(case, "rule"), "byte at offset i is i mod 251");
            let length = usize::try_from(case["length"].as_u64().unwrap()).unwrap();
            (0..=250).cycle().take(length).collect()
        };
        let digest = hash::content_digest(&body);
        assert_eq!(hex::encode(digest), text(case, "digest_hex"), "{}", case["name"]);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(digest),
            text(case, "file_id"),
            "{}",
            case["name"]
        );
    }
}
