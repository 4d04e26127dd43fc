//! What is inside a message. The API stores and returns it as it is; filters, the web viewer and automatic replies
//! look inside.

mod decoded;
mod tolerant;
mod written;

#[allow(clippy::all, unreachable_pub, reason = "generated from proto/content.proto")]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/content.rs"));
}

pub use decoded::{Attachment, Decoded, LONGEST_EXAMINED, Link, QuotedMessage};
pub use written::plain_text;
