//! Files that messages come with. What a message says of them is the sender's claim; what is linked is what the server
//! has.

use shared::cli::output;

use super::text;
use super::view::AttachmentView;
use crate::content::Attachment;
use crate::store::AttachedFile;

/// The longest name of a file.
const LONGEST_NAME: usize = 100;

/// The longest text that comes with a file.
const LONGEST_CAPTION: usize = 500;

/// A file of a message. There is a link only where the server has the file, it belongs to this very message and it is
/// not encrypted.
pub(super) fn attachment(claim: &Attachment, message: i64, files: &[AttachedFile], token: &str) -> AttachmentView {
    let id = claim.url.as_deref().and_then(|url| file_id(url, token));
    let file = files.iter().find(|file| Some(file.id) == id && file.message == message);
    let file = file.filter(|_| !claim.encrypted);
    let name = file
        .and_then(|file| file.filename.as_deref())
        .or(claim.file_name.as_deref());
    let size = file.map_or(claim.size.map(u64::from), |file| u64::try_from(file.size).ok());
    let note = match (file, claim.encrypted, id) {
        (Some(_), ..) => "",
        (None, true, _) => "encrypted, opens only in Session",
        (None, false, Some(_)) => "no longer there",
        (None, false, None) => "not on this server",
    };
    let caption = text::line(claim.caption.as_deref().unwrap_or_default(), LONGEST_CAPTION);
    AttachmentView {
        kind: kind(claim).to_owned(),
        name: text::line_or(name, LONGEST_NAME, "without a name"),
        has_size: size.is_some_and(|size| size > 0),
        size: size.map(output::size).unwrap_or_default(),
        has_link: file.is_some(),
        href: file
            .map(|file| format!("/room/{token}/file/{}", file.id))
            .unwrap_or_default(),
        note: note.to_owned(),
        has_caption: !caption.is_empty(),
        caption,
    }
}

/// The number of the file if this is the address of one of this room: `…/room/TOKEN/file/ID`, maybe with more behind.
/// On which host it is said to be does not matter, for one server has several names.
fn file_id(address: &str, token: &str) -> Option<i64> {
    let path = address.split(['#', '?']).next()?;
    let (rest, id) = path.rsplit_once('/')?;
    let (rest, word) = rest.rsplit_once('/')?;
    let (rest, room) = rest.rsplit_once('/')?;
    let is_file = word == "file" && rest.ends_with("/room") && room.eq_ignore_ascii_case(token);
    let digits = id.bytes().all(|byte| byte.is_ascii_digit());
    if is_file && digits { id.parse().ok() } else { None }
}

fn kind(claim: &Attachment) -> &'static str {
    let kind = claim.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let begins = |begin: &str| kind.starts_with(begin);
    if claim.voice {
        "Voice message"
    } else if begins("image/") {
        "Picture"
    } else if begins("video/") {
        "Video"
    } else if begins("audio/") {
        "Recording"
    } else {
        "File"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_same_room_are_looked_up() {
        for (address, expected) in [
            ("https://chat.example.org/room/Lobby/file/17", Some(17)),
            ("http://192.0.2.1:8080/room/lobby/file/17#d=abc", Some(17)),
            ("https://chat.example.org/room/other/file/17", None),
            ("https://chat.example.org/file/17", None),
            ("https://chat.example.org/room/lobby/file/-17", None),
            ("https://chat.example.org/room/lobby/file/", None),
            ("https://chat.example.org/room/lobby/file/99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(file_id(address, "lobby"), expected, "{address}");
        }
    }
}
