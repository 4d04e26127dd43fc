//! Makes prost as tolerant as the clients' parsers.
//!
//! To them a field of an unexpected wire type is an unknown one, which they skip. To prost it is an error, so a single
//! such field would hide a message from us that they show.

use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};

/// The fields of a message that matter here, by their numbers.
pub(super) struct Shape(&'static [(u32, Field)]);

enum Field {
    Varint,
    Bytes,
    Message(Shape),
}

use Field::{Bytes, Message, Varint};

pub(super) const ENVELOPE: Shape = Shape(&[(1, Varint), (5, Varint), (8, Bytes)]);
pub(super) const CONTENT: Shape = Shape(&[(1, Message(DATA_MESSAGE)), (15, Varint)]);

const DATA_MESSAGE: Shape = Shape(&[
    (1, Bytes),
    (2, Message(ATTACHMENT)),
    (7, Varint),
    (8, Message(QUOTE)),
    (10, Message(PREVIEW)),
    (101, Message(PROFILE)),
    (102, Message(INVITATION)),
]);
const ATTACHMENT: Shape = Shape(&[
    (2, Bytes),
    (3, Bytes),
    (4, Varint),
    (7, Bytes),
    (8, Varint),
    (9, Varint),
    (10, Varint),
    (11, Bytes),
    (101, Bytes),
]);
const QUOTE: Shape = Shape(&[(1, Varint), (2, Bytes), (3, Bytes), (4, Message(QUOTED_ATTACHMENT))]);
const QUOTED_ATTACHMENT: Shape = Shape(&[(1, Bytes), (2, Bytes)]);
const PREVIEW: Shape = Shape(&[(1, Bytes), (2, Bytes)]);
const PROFILE: Shape = Shape(&[(1, Bytes)]);
const INVITATION: Shape = Shape(&[(1, Bytes), (3, Bytes)]);

/// Decodes a message, if need be without the fields whose wire type is not the one in `shape`.
pub(super) fn decode<M: prost::Message + Default>(bytes: &[u8], shape: &Shape) -> Result<M, DecodeError> {
    M::decode(bytes).or_else(|_| M::decode(&*known_fields(bytes, shape)?))
}

fn known_fields(mut rest: &[u8], shape: &Shape) -> Result<Vec<u8>, DecodeError> {
    let mut kept = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let whole = rest;
        let (number, wire_type) = decode_key(&mut rest)?;
        let mut value = rest;
        skip_field(wire_type, number, &mut rest, DecodeContext::default())?;
        let field = shape
            .0
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, field)| field);
        match (field, wire_type) {
            (Some(Message(inner)), WireType::LengthDelimited) => {
                decode_varint(&mut value)?;
                let (value, _) = value.split_at(value.len() - rest.len());
                let inside = known_fields(value, inner)?;
                encode_key(number, wire_type, &mut kept);
                encode_varint(inside.len() as u64, &mut kept);
                kept.extend_from_slice(&inside);
            }
            (Some(Bytes), WireType::LengthDelimited) | (Some(Varint), WireType::Varint) => {
                kept.extend_from_slice(whole.split_at(whole.len() - rest.len()).0);
            }
            _ => {}
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::super::proto;
    use super::*;

    #[test]
    fn no_field_of_the_definition_is_forgotten() {
        let text = || Some(b"text".to_vec());
        let content = proto::Content {
            sig_timestamp: Some(1),
            data_message: Some(proto::DataMessage {
                body: text(),
                timestamp: Some(2),
                attachments: vec![proto::AttachmentPointer {
                    content_type: text(),
                    key: text(),
                    size: Some(3),
                    file_name: text(),
                    flags: Some(4),
                    width: Some(5),
                    height: Some(6),
                    caption: text(),
                    url: text(),
                }],
                quote: Some(proto::Quote {
                    id: Some(7),
                    author: text(),
                    text: text(),
                    attachments: vec![proto::QuotedAttachment {
                        content_type: text(),
                        file_name: text(),
                    }],
                }),
                preview: vec![proto::Preview {
                    url: text(),
                    title: text(),
                }],
                profile: Some(proto::Profile { display_name: text() }),
                invitation: Some(proto::Invitation {
                    url: text(),
                    name: text(),
                }),
            }),
        };
        let bytes = prost::Message::encode_to_vec(&content);
        assert_eq!(known_fields(&bytes, &CONTENT).unwrap(), bytes);

        let envelope = proto::Envelope {
            r#type: Some(7),
            timestamp: Some(8),
            content: text(),
        };
        let bytes = prost::Message::encode_to_vec(&envelope);
        assert_eq!(known_fields(&bytes, &ENVELOPE).unwrap(), bytes);
    }
}
