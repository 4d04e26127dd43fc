//! What is read out of messages, and the messages that are written.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod wire;

use proptest::prelude::*;
use sogs::content::{Attachment, Decoded, LONGEST_EXAMINED, Link, QuotedMessage, plain_text};
use wire::{bytes, data_message, fixed64, number, pad, posted, said};

fn body(data: &[u8]) -> Option<String> {
    Decoded::read(data)?.body
}

#[test]
fn a_message_of_today_is_read() {
    let decoded = Decoded::read(&posted(&data_message("hello", Some("Alice")))).unwrap();
    assert_eq!(decoded.body.as_deref(), Some("hello"));
    assert_eq!(decoded.display_name.as_deref(), Some("Alice"));
}

#[test]
fn padding_may_have_any_length_or_be_missing() {
    let bare = bytes(1, bytes(1, "hello"));
    assert_eq!(body(&bare).as_deref(), Some("hello"));
    for zeros in [0, 1, 158, 400] {
        let padded = [bare.clone(), vec![0x80], vec![0; zeros]].concat();
        assert_eq!(body(&padded).as_deref(), Some("hello"), "{zeros}");
    }
}

#[test]
fn an_envelope_is_opened() {
    let envelope = |with: &[u64]| -> Vec<u8> {
        let fields = [
            (1, number(1, 7)),
            (5, number(5, 1_700_000_000_000)),
            (8, bytes(8, said("inside"))),
        ];
        let kept = fields.into_iter().filter(|(field, _)| with.contains(field));
        kept.flat_map(|(_, field)| field).chain(bytes(11, [1; 64])).collect()
    };
    assert_eq!(body(&envelope(&[1, 5, 8])).as_deref(), Some("inside"));
    for incomplete in [&[1, 5][..], &[1, 8], &[5, 8]] {
        assert_eq!(body(&envelope(incomplete)), None, "{incomplete:?}");
    }
}

#[test]
fn a_content_with_the_fields_of_an_envelope_stays_a_content() {
    let data = pad([bytes(1, bytes(1, "hello")), number(5, 1), bytes(8, said("other"))].concat());
    assert_eq!(body(&data).as_deref(), Some("hello"));
}

#[test]
fn unknown_fields_are_skipped() {
    let inner = [bytes(1, "hello"), number(900, 5), fixed64(901, 6), bytes(105, "05ff")].concat();
    let data = [bytes(1, inner), number(12, 1), bytes(16, "pro"), bytes(17, [9; 64])].concat();
    assert_eq!(body(&data).as_deref(), Some("hello"));
}

#[test]
fn a_field_of_another_type_than_expected_does_not_hide_the_text() {
    let inner = [
        bytes(1, "hello"),
        number(1, 1),
        bytes(7, "no number"),
        number(10, 5),
        bytes(101, [fixed64(1, 5), bytes(1, "Alice")].concat()),
    ];
    let decoded = Decoded::read(&pad([bytes(1, inner.concat()), number(1, 1)].concat())).unwrap();
    assert_eq!(decoded.body.as_deref(), Some("hello"));
    assert_eq!(decoded.display_name.as_deref(), Some("Alice"));
    assert_eq!(decoded.previews, []);
}

#[test]
fn text_that_is_no_utf_8_is_read_all_the_same() {
    let data = pad(bytes(
        1,
        [bytes(1, "hello"), bytes(101, bytes(1, b"Al\xffice"))].concat(),
    ));
    let decoded = Decoded::read(&data).unwrap();
    assert_eq!(decoded.body.as_deref(), Some("hello"));
    assert_eq!(decoded.display_name.as_deref(), Some("Al\u{fffd}ice"));
}

#[test]
fn what_parses_as_neither_has_no_text() {
    for data in [&b"just text"[..], b"\x0a\xff", &[0xff; 200], &bytes(1, b"\x0a\x7f")] {
        assert_eq!(Decoded::read(data), None);
    }
    for silent in [&b""[..], &[0x80, 0, 0], &number(15, 5), &bytes(6, "typing")] {
        assert_eq!(Decoded::read(silent), Some(Decoded::default()));
    }
}

#[test]
fn what_no_client_sends_is_not_looked_into() {
    let room = LONGEST_EXAMINED - said("").len();
    assert!(body(&said(&"a".repeat(room - 200))).is_some());
    assert_eq!(body(&said(&"a".repeat(LONGEST_EXAMINED))), None);
}

#[test]
fn texts_in_other_places_are_found_after_body_and_name() {
    let attachment = [
        fixed64(1, 0),
        bytes(2, "image/png"),
        number(4, 2048),
        bytes(7, "file.png"),
        number(8, 1),
        number(9, 640),
        number(10, 480),
        bytes(11, "caption"),
        bytes(101, "https://example.org/room/lobby/file/5"),
    ];
    let quoted_file = [bytes(1, "image/png"), bytes(2, "quoted.png")].concat();
    let quote = [
        number(1, 1_700_000_000_123),
        bytes(2, "05ab"),
        bytes(3, "quoted"),
        bytes(4, quoted_file),
    ];
    let message = [
        bytes(8, quote.concat()),
        bytes(2, attachment.concat()),
        bytes(10, [bytes(1, "https://example.net"), bytes(2, "title")].concat()),
        bytes(
            102,
            [bytes(1, "https://example.com/r?public_key=00"), bytes(3, "invitation")].concat(),
        ),
        data_message("body", Some("name")),
    ];
    let decoded = Decoded::read(&posted(&message.concat())).unwrap();
    assert_eq!(
        decoded.texts().collect::<Vec<_>>(),
        [
            "body",
            "name",
            "title",
            "https://example.net",
            "invitation",
            "https://example.com/r?public_key=00",
            "caption",
            "file.png",
            "quoted",
            "quoted.png",
        ]
    );
    assert_eq!(
        decoded.quote,
        Some(QuotedMessage {
            posted_ms: 1_700_000_000_123,
            author: "05ab".to_owned(),
            text: Some("quoted".to_owned()),
            file_names: vec!["quoted.png".to_owned()],
        })
    );
    assert_eq!(
        decoded.attachments,
        [Attachment {
            url: Some("https://example.org/room/lobby/file/5".to_owned()),
            file_name: Some("file.png".to_owned()),
            caption: Some("caption".to_owned()),
            content_type: Some("image/png".to_owned()),
            size: Some(2048),
            dimensions: Some((640, 480)),
            encrypted: false,
            voice: true,
        }]
    );
    assert_eq!(
        decoded.invitation,
        Some(Link {
            url: "https://example.com/r?public_key=00".to_owned(),
            title: Some("invitation".to_owned()),
        })
    );
}

#[test]
fn a_written_message_has_the_fields_that_clients_of_every_age_read() {
    let now = 1_700_000_000_500;
    let inner = [bytes(1, "hi\nthere"), number(7, now), bytes(101, bytes(1, "SOGS"))].concat();
    let expected = [bytes(1, inner), number(15, now), vec![0x80, 0x00]].concat();
    assert_eq!(plain_text("hi\nthere", "SOGS", now), expected);
}

proptest! {
    #[test]
    fn no_bytes_bring_the_reader_down(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Some(decoded) = Decoded::read(&data) {
            let _ = decoded.texts().count();
        }
    }

    #[test]
    fn no_change_of_a_message_brings_the_reader_down(
        text in "\\PC{0,40}",
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        length in any::<proptest::sample::Index>(),
    ) {
        let file = bytes(2, [fixed64(1, 0), bytes(7, &text)].concat());
        let quote = bytes(8, [number(1, 1), bytes(3, &text), bytes(4, bytes(2, &text))].concat());
        let mut data = posted(&[data_message(&text, Some(&text)), file, quote].concat());
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        data.truncate(length.index(data.len() + 1));
        let _ = Decoded::read(&data);
    }

    #[test]
    fn any_text_comes_back(text in "\\PC{0,60}", name in "\\PC{0,20}") {
        let decoded = Decoded::read(&posted(&data_message(&text, Some(&name)))).unwrap();
        prop_assert_eq!(decoded.body, Some(text));
        prop_assert_eq!(decoded.display_name, Some(name));
    }
}
