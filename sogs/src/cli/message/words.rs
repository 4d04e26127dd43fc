//! What messages say.

use unicode_normalization::UnicodeNormalization;

use crate::content::{Attachment, Decoded};
use crate::store::FoundMessage;

/// What a message says, as far as it can be read.
pub(super) fn said(message: &FoundMessage) -> Option<Decoded> {
    Decoded::read(&message.content()?)
}

/// In a few words: the text, or else what is there in its stead.
pub(super) fn gist(message: &FoundMessage, said: Option<&Decoded>) -> String {
    if message.data.is_none() {
        return "(deleted)".to_owned();
    }
    let Some(said) = said else {
        return "(nothing readable)".to_owned();
    };
    if let Some(body) = said.body.as_ref().filter(|body| !body.trim().is_empty()) {
        return body.clone();
    }
    let files: Vec<String> = said.attachments.iter().map(attachment).collect();
    match (&said.invitation, files.is_empty()) {
        (Some(link), _) => format!("(invitation to {})", link.url),
        (None, false) => format!("({})", files.join(", ")),
        (None, true) => "(no text)".to_owned(),
    }
}

/// How an attachment is called.
pub(super) fn attachment(file: &Attachment) -> String {
    let name = file.file_name.as_ref().or(file.content_type.as_ref());
    name.cloned().unwrap_or_else(|| "a file".to_owned())
}

/// What is so about a message besides what it says.
pub(super) fn remarks(message: &FoundMessage) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut note = |applies: bool, remark: &str| {
        if applies {
            remarks.push(remark.to_owned());
        }
    };
    note(message.edited.is_some() && message.data.is_some(), "edited");
    note(message.filtered, "filtered");
    note(message.whisper_to.is_some() || message.whisper_mods, "whisper");
    note(message.pinned, "pinned");
    match message.files {
        0 => {}
        1 => remarks.push("1 file".to_owned()),
        files => remarks.push(format!("{files} files")),
    }
    remarks
}

/// A text that is looked for, however it is spelled: capitals and ways to write a letter make no difference.
pub(super) struct Needle(String);

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self(folded(text))
    }

    /// Whether a message has it anywhere, in whatever way a client may read that.
    pub(super) fn is_in(&self, message: &FoundMessage) -> bool {
        let Some(content) = message.content() else {
            return false;
        };
        Decoded::readings(&content).any(|said| said.texts().any(|text| folded(text).contains(&self.0)))
    }
}

fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}
