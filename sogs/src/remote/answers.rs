//! What servers tell, as far as it matters here. Servers of other makes and ages leave fields out, so none is demanded
//! that can be done without.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use shared::cli::output::plain;
use shared::clock::Timestamp;

use crate::content::Decoded;

/// A room, as the moderator sees it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Room {
    /// Its token, in the spelling of the server.
    pub token: String,
    /// What it is called.
    pub name: String,
    /// What it is about; empty if that is not told.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// When it was made.
    #[serde(deserialize_with = "moment")]
    pub created: Option<Timestamp>,
    /// How many people were there lately.
    pub active_users: u64,
    /// Its pinned messages, the oldest pin first.
    #[serde(deserialize_with = "or_default")]
    pub pinned_messages: Vec<Pin>,
    /// Whom everybody sees as moderators.
    #[serde(deserialize_with = "or_default")]
    pub moderators: Vec<String>,
    /// Whom everybody sees as admins.
    #[serde(deserialize_with = "or_default")]
    pub admins: Vec<String>,
    /// Whom only moderators see as moderators.
    #[serde(deserialize_with = "or_default")]
    pub hidden_moderators: Vec<String>,
    /// Whom only moderators see as admins.
    #[serde(deserialize_with = "or_default")]
    pub hidden_admins: Vec<String>,
    /// Whether the moderator may read here.
    pub read: bool,
    /// Whether the moderator may post here.
    pub write: bool,
    /// Whether the moderator may upload here.
    pub upload: bool,
    /// Whether the moderator moderates this room.
    pub moderator: bool,
    /// Whether the moderator is an admin of this room.
    pub admin: bool,
    /// Whether the moderator moderates the whole server.
    pub global_moderator: bool,
    /// Whether the moderator is an admin of the whole server.
    pub global_admin: bool,
    /// Whether everybody may read; only moderators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_read: Option<bool>,
    /// Whether everybody may see that the room exists; only moderators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_accessible: Option<bool>,
    /// Whether everybody may post; only moderators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_write: Option<bool>,
    /// Whether everybody may upload; only moderators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_upload: Option<bool>,
}

/// A pinned message.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Pin {
    /// The message.
    pub id: i64,
    /// When it was pinned.
    #[serde(deserialize_with = "moment")]
    pub pinned_at: Option<Timestamp>,
    /// Who pinned it.
    pub pinned_by: String,
}

/// A message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Its number on the server.
    pub id: i64,
    /// Who wrote it.
    #[serde(deserialize_with = "or_default")]
    pub session_id: String,
    /// When.
    #[serde(deserialize_with = "moment")]
    pub posted: Option<Timestamp>,
    /// When it was changed last.
    #[serde(deserialize_with = "moment")]
    pub edited: Option<Timestamp>,
    /// Whether only some people see it.
    pub whisper: bool,
    /// What people reacted with.
    #[serde(deserialize_with = "or_default")]
    pub reactions: BTreeMap<String, Reaction>,
    /// As the author sent it, in base64.
    data: Option<String>,
}

/// How often people reacted with one thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Reaction {
    /// How many people.
    pub count: i64,
    /// Some of them, the first first.
    #[serde(deserialize_with = "or_default")]
    pub reactors: Vec<String>,
}

impl Message {
    /// What the author wrote.
    #[must_use]
    pub fn decoded(&self) -> Option<Decoded> {
        let data = STANDARD.decode(self.data.as_deref()?).ok()?;
        Decoded::read(&data)
    }

    /// All of it that can be read, in one line that is fit for a terminal.
    #[must_use]
    pub fn line(&self) -> String {
        let Some(decoded) = self.decoded() else {
            return "(not readable)".to_owned();
        };
        let body = decoded.body.as_deref().unwrap_or_default();
        let mut parts: Vec<String> = (!body.is_empty()).then(|| plain(body)).into_iter().collect();
        if let Some(invitation) = &decoded.invitation {
            parts.push(format!("[invitation: {}]", plain(&invitation.url)));
        }
        for file in &decoded.attachments {
            let name = file.file_name.as_deref().unwrap_or("file");
            parts.push(format!("[{}]", plain(name)));
        }
        if parts.is_empty() {
            "(no text)".to_owned()
        } else {
            parts.join(" ")
        }
    }

    /// The name that the author goes by, fit for a terminal.
    #[must_use]
    pub fn author_name(&self) -> String {
        let name = self.decoded().and_then(|decoded| decoded.display_name);
        plain(&name.unwrap_or_default())
    }
}

/// What differs for somebody in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Rights {
    /// Whether they may see that it exists, if that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accessible: Option<bool>,
    /// Whether they may read, if that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<bool>,
    /// Whether they may post, if that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<bool>,
    /// Whether they may upload, if that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<bool>,
    /// Whether they are banned.
    pub banned: bool,
    /// Whether they moderate the room without being an admin.
    pub moderator: bool,
    /// Whether they are an admin of the room.
    pub admin: bool,
    /// Whether only moderators know that.
    pub hidden: bool,
}

/// Something that is to change for somebody.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Planned {
    /// For whom; left out where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// When.
    #[serde(deserialize_with = "moment")]
    pub at: Option<Timestamp>,
    /// Whether they may read from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<bool>,
    /// Whether they may post from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<bool>,
    /// Whether they may upload from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<bool>,
    /// Whether they are banned from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned: Option<bool>,
}

/// How many messages were deleted, room by room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Purged {
    /// By token.
    pub rooms: BTreeMap<String, i64>,
}

/// Seconds since the epoch; whatever is no time is none.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(span.map(|span| Timestamp::from_seconds(0).plus(span)))
}

/// `null` counts as left out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn little_is_enough_and_null_is_nothing() {
        let room: Room = serde_json::from_value(json!({ "token": "a", "description": null })).unwrap();
        assert_eq!((room.token.as_str(), room.description.as_str()), ("a", ""));
        assert!(!room.moderator && room.default_write.is_none());
        // An older server numbers whether moderators are whispered to.
        let old = json!({ "id": 7, "whisper": true, "whisper_mods": 1, "data": null, "posted": 1_700_000_000.5 });
        let message: Message = serde_json::from_value(old).unwrap();
        assert_eq!(message.line(), "(not readable)");
        assert_eq!(message.posted, Some(Timestamp::from_nanos(1_700_000_000_500_000_000)));
        let planned: Planned = serde_json::from_value(json!({ "at": 1e300 })).unwrap();
        assert_eq!(planned.at, None);
    }
}
