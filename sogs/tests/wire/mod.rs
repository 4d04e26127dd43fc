//! The wire format of Protocol Buffers, written without the code under test.

#![allow(dead_code, reason = "each test file uses its part of it")]

/// A number in seven-bit groups, the lowest first.
pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

/// A field that is a number.
pub(crate) fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

/// A field that is text, bytes or a message.
pub(crate) fn bytes(field: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// A number of 64 bits in a field of fixed size, as attachments have for their id.
pub(crate) fn fixed64(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

/// Padded to a multiple of 160.
pub(crate) fn pad(mut data: Vec<u8>) -> Vec<u8> {
    data.push(0x80);
    data.resize(data.len().next_multiple_of(160), 0);
    data
}

/// A `DataMessage` with a body and the name of its sender.
pub(crate) fn data_message(body: &str, name: Option<&str>) -> Vec<u8> {
    let name = name.map(|name| bytes(101, bytes(1, name)));
    [bytes(1, body), name.unwrap_or_default()].concat()
}

/// A padded message as today's clients send it.
pub(crate) fn posted(data_message: &[u8]) -> Vec<u8> {
    pad([bytes(1, data_message), number(15, 1_700_000_000_000)].concat())
}

/// A padded message of text only.
pub(crate) fn said(body: &str) -> Vec<u8> {
    posted(&data_message(body, None))
}
