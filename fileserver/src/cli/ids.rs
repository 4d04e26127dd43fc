//! File ids on the command line: bare, or within the address of a file as it stands in a complaint.

use std::ffi::OsString;

use crate::model::{BadFileId, FileId};

/// The id in an argument.
pub(super) fn parse(argument: &str) -> Result<FileId, BadFileId> {
    let address = argument.split(['#', '?']).next().unwrap_or_default();
    address.rsplit('/').next().unwrap_or_default().parse()
}

/// One id in 64 begins with a hyphen and would be taken for a flag; as the end of a path it is none.
pub(super) fn unlike_flags(argument: OsString) -> OsString {
    match argument.to_str() {
        Some(text) if text.starts_with('-') && text.parse::<FileId>().is_ok() => format!("/file/{text}").into(),
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "-edkHqb-CK_9nYuoQptLkBQB7Bb6RqhJsMPEf1Oja0Yy";

    #[test]
    fn an_id_is_found_in_the_address_of_its_file() {
        for argument in [
            ID.to_owned(),
            format!("/file/{ID}"),
            format!("https://files.example.org/file/{ID}"),
            format!("http://files.example.org:8081/file/{ID}#p=00&d="),
        ] {
            assert_eq!(parse(&argument), ID.parse(), "{argument}");
        }
        assert_eq!(parse("1234").unwrap().number(), Some(1234));
        assert_eq!(parse(&format!("{ID}/info")), Err(BadFileId));
    }

    #[test]
    fn only_ids_are_kept_from_looking_like_flags() {
        assert_eq!(unlike_flags(ID.into()), OsString::from(format!("/file/{ID}")));
        for argument in [
            "-h",
            "--json",
            "block",
            "1234",
            "--data=/var/lib/fileserver-with-a-name-of-that-length",
        ] {
            assert_eq!(unlike_flags(argument.into()), OsString::from(argument));
        }
    }
}
