//! Reading a message that a client wrote.

use shared::crypto::padding;

use super::{proto, tolerant};

/// Messages longer than this are not looked into. The API accepts none that are longer, whatever the settings.
pub const LONGEST_EXAMINED: usize = 1024 * 1024;

/// What a message says. All of it is the sender's claim, and none of it is fit to be shown unescaped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// The text.
    pub body: Option<String>,
    /// The name that the sender goes by.
    pub display_name: Option<String>,
    /// The message that this one answers.
    pub quote: Option<QuotedMessage>,
    /// What was found behind links.
    pub previews: Vec<Link>,
    /// An invitation to a community.
    pub invitation: Option<Link>,
    /// Pictures, recordings and other files.
    pub attachments: Vec<Attachment>,
}

/// A message that another one answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotedMessage {
    /// When it was posted, in whole milliseconds, rounded down.
    pub posted_ms: u64,
    /// Its author's id, as the quoting client knew it.
    pub author: String,
    /// What older clients repeat of it.
    pub text: Option<String>,
    /// Names of its files, from older clients.
    pub file_names: Vec<String>,
}

/// An address and what it is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The address.
    pub url: String,
    /// Title of the page, or name of the community.
    pub title: Option<String>,
}

/// A file that belongs to a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attachment {
    /// Where it is kept.
    pub url: Option<String>,
    /// Its name.
    pub file_name: Option<String>,
    /// Text to be shown with it.
    pub caption: Option<String>,
    /// Its media type.
    pub content_type: Option<String>,
    /// Its length in bytes.
    pub size: Option<u32>,
    /// Width and height of a picture.
    pub dimensions: Option<(u32, u32)>,
    /// Whether it is encrypted, so that it can be named but not shown.
    pub encrypted: bool,
    /// Whether it is a voice message.
    pub voice: bool,
}

impl Decoded {
    /// Reads a message as it was posted, padding included. `None` if it is none that clients could read either, or too
    /// long to be looked into.
    #[must_use]
    pub fn read(data: &[u8]) -> Option<Self> {
        if data.len() > LONGEST_EXAMINED {
            return None;
        }
        let enveloped = envelope_content(data);
        let content = padding::strip(enveloped.as_deref().unwrap_or(data));
        let content: proto::Content = tolerant::decode(content, &tolerant::CONTENT).ok()?;
        Some(content.data_message.map(Self::from).unwrap_or_default())
    }

    /// All ways in which clients could read a message. There is a second one where something passes for an envelope and
    /// for a content as well; whoever looks for unwanted words must look at both.
    pub fn readings(data: &[u8]) -> impl Iterator<Item = Self> {
        let plain = || tolerant::decode::<proto::Content>(padding::strip(data), &tolerant::CONTENT).ok();
        let enveloped = data.len() <= LONGEST_EXAMINED && envelope_content(data).is_some();
        let second = if enveloped { plain() } else { None };
        let second = second.and_then(|content| content.data_message).map(Self::from);
        Self::read(data).into_iter().chain(second)
    }

    /// All texts that somebody may read: first the body, then the display name, then what hides in other places.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let quoted = self
            .quote
            .iter()
            .flat_map(|quote| quote.text.iter().chain(&quote.file_names));
        let links = self.previews.iter().chain(&self.invitation);
        let named = links.flat_map(|link| link.title.iter().chain([&link.url]));
        let files = self
            .attachments
            .iter()
            .flat_map(|file| file.caption.iter().chain(&file.file_name));
        let first = self.body.iter().chain(&self.display_name);
        first.chain(named).chain(files).chain(quoted).map(String::as_str)
    }
}

/// What an `Envelope` holds. An envelope has its type, its time and a content; a `Content` never parses as one that
/// has them, because its field 1 is no number.
fn envelope_content(data: &[u8]) -> Option<Vec<u8>> {
    let envelope: proto::Envelope = tolerant::decode(data, &tolerant::ENVELOPE).ok()?;
    (envelope.r#type.is_some() && envelope.timestamp.is_some())
        .then_some(envelope.content)
        .flatten()
}

/// The clients' parsers do not insist on valid UTF-8, so nor does this.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl From<proto::DataMessage> for Decoded {
    fn from(message: proto::DataMessage) -> Self {
        Self {
            body: message.body.map(text),
            display_name: message.profile.and_then(|profile| profile.display_name).map(text),
            quote: message.quote.map(QuotedMessage::from),
            previews: message.preview.into_iter().map(Link::from).collect(),
            invitation: message.invitation.map(Link::from),
            attachments: message.attachments.into_iter().map(Attachment::from).collect(),
        }
    }
}

impl From<proto::Quote> for QuotedMessage {
    fn from(quote: proto::Quote) -> Self {
        let name = |file: proto::QuotedAttachment| file.file_name.map(text);
        Self {
            posted_ms: quote.id.unwrap_or_default(),
            author: quote.author.map(text).unwrap_or_default(),
            text: quote.text.map(text),
            file_names: quote.attachments.into_iter().filter_map(name).collect(),
        }
    }
}

impl From<proto::Preview> for Link {
    fn from(preview: proto::Preview) -> Self {
        Self {
            url: preview.url.map(text).unwrap_or_default(),
            title: preview.title.map(text),
        }
    }
}

impl From<proto::Invitation> for Link {
    fn from(invitation: proto::Invitation) -> Self {
        Self {
            url: invitation.url.map(text).unwrap_or_default(),
            title: invitation.name.map(text),
        }
    }
}

impl From<proto::AttachmentPointer> for Attachment {
    fn from(file: proto::AttachmentPointer) -> Self {
        const VOICE: u32 = 1;
        Self {
            url: file.url.map(text),
            file_name: file.file_name.map(text),
            caption: file.caption.map(text),
            content_type: file.content_type.map(text),
            size: file.size,
            dimensions: file.width.zip(file.height),
            encrypted: file.key.is_some_and(|key| !key.is_empty()),
            voice: file.flags.unwrap_or_default() & VOICE != 0,
        }
    }
}
