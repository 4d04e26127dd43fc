//! Writing a message as a client would.

use prost::Message;

use super::proto;

/// Two bytes of padding are enough for a text that hides nothing by its length.
const PADDING: [u8; 2] = [0x80, 0x00];

/// A message of text only, padded and ready to be signed. It is no `Envelope`, so that clients of every age read it.
#[must_use]
pub fn plain_text(body: &str, display_name: &str, now_ms: u64) -> Vec<u8> {
    let message = proto::DataMessage {
        body: Some(body.as_bytes().to_vec()),
        timestamp: Some(now_ms),
        profile: Some(proto::Profile {
            display_name: Some(display_name.as_bytes().to_vec()),
        }),
        ..proto::DataMessage::default()
    };
    let content = proto::Content {
        data_message: Some(message),
        sig_timestamp: Some(now_ms),
    };
    let mut data = content.encode_to_vec();
    data.extend_from_slice(&PADDING);
    data
}
