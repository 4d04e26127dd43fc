//! What an import has found and done, for the operator.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// How many examples of each finding are named.
const EXAMPLES: usize = 5;

/// How many missing files are named.
const MISSING: usize = 10_000;

/// What an import has found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Where the community was.
    pub source: String,
    /// Its public key, in hex.
    pub public_key: String,
    /// The public address that its links name, as the old configuration had it.
    pub base_url: Option<String>,
    /// The tokens of its rooms.
    pub rooms: Vec<String>,
    /// How many rows of each kind were taken over.
    pub taken: BTreeMap<&'static str, u64>,
    /// Bytes of the files that were taken over.
    pub file_bytes: u64,
    /// Files whose bytes were there from an earlier attempt.
    pub files_there: u64,
    /// What was not as it should be or was not taken over.
    pub findings: BTreeMap<Check, Finding>,
    /// Files without bytes.
    pub missing_files: Vec<MissingFile>,
    /// Where the old configuration was written in the new form.
    pub configuration: Option<PathBuf>,
    /// What there is to say about that.
    pub configuration_notes: Vec<String>,
}

/// Something that was found, as often as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was done about it.
    pub action: Action,
    /// In a sentence.
    pub text: &'static str,
    /// How often.
    pub count: u64,
    /// Some of them: ids, tokens, paths.
    pub examples: Vec<String>,
}

/// A file whose bytes are not where its row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingFile {
    /// Its id.
    pub id: i64,
    /// Where it should be.
    pub path: String,
}

/// What was done about something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was taken over as it is.
    #[default]
    Kept,
    /// It was mended.
    Changed,
    /// It was not taken over.
    LeftOut,
    /// It is for the operator to see to.
    Attention,
}

macro_rules! checks {
    ($($(#[$doc:meta])* $check:ident, $name:literal, $action:ident, $text:literal;)+) => {
        /// What is looked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each says it in its text")]
        pub enum Check {
            $($(#[$doc])* $check,)+
        }

        impl Check {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$check,)+];

            /// Its name in JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$check => $name,)+
                }
            }

            /// What is done about it.
            #[must_use]
            pub const fn action(self) -> Action {
                match self {
                    $(Self::$check => Action::$action,)+
                }
            }

            /// What it is, in a sentence.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$check => $text,)+
                }
            }
        }
    };
}

checks! {
    OtherAddress, "other_address", Attention,
        "the old server's public address is not this one's base_url; apps know the rooms by the old one, so set it";
    SourceInUse, "source_in_use", Attention,
        "other programs are connected to the old database; if the old server is among them, stop it and import again";
    NoConfiguration, "no_configuration", Attention,
        "there is no sogs.ini in the folder, so PySOGS's defaults are assumed; name it with --ini (Debian: /etc/sogs/sogs.ini)";
    MissingFile, "missing_file", Changed,
        "files whose bytes are missing; they count as expired";
    ResizedFile, "resized_file", Changed,
        "files with more or fewer bytes than their rows say; taken over with the bytes there are";
    OutsideFile, "outside_file", Kept,
        "files outside of the old server's folder, as --allow-outside permits";
    LongToken, "long_token", Attention,
        "rooms whose token is longer than 64 characters; apps cannot join them";
    SequenceRaised, "sequence_raised", Changed,
        "rooms whose counter of changes was below that of one of their messages; raised";
    SeqnoRecomputed, "seqno_recomputed", Changed,
        "messages whose counter of changes was not the larger of its two parts; set to it";
    SharedSeqno, "shared_seqno", Kept,
        "messages that share their counter of changes with another one of the room, as old imports have it";
    HalfDeleted, "half_deleted", Changed,
        "messages without content but with a size or a signature; they count as deleted";
    WrongSize, "wrong_size", Changed,
        "messages whose noted size cannot be; taken over without padding";
    StrangeSignature, "strange_signature", Kept,
        "messages whose signature is not 64 bytes";
    UnusedReaction, "unused_reaction", LeftOut,
        "reactions that nobody gives";
    DeletedReaction, "deleted_reaction", LeftOut,
        "reactions to deleted messages";
    ReactionCounter, "reaction_counter", Changed,
        "messages with reactions that were never counted as changed by them";
    IrregularPin, "irregular_pin", LeftOut,
        "pins of messages that are deleted, whispers, filtered or of another room";
    BannedModerator, "banned_moderator", Changed,
        "people both banned and moderators; they keep the role and the ban is lifted";
    AdminOnly, "admin_only", Changed,
        "admins not marked as moderators; marked";
    UpperCaseId, "upper_case_id", Changed,
        "ids in capitals; now in small letters";
    MergedId, "merged_id", Changed,
        "people who were there twice, in capitals and in small letters; now once, with the rights and bans of both";
    OpaqueId, "opaque_id", Kept,
        "authors that are no Session ID; they can never sign in";
    TwinIds, "twin_ids", Kept,
        "people there under both blinded forms of one account; both are kept";
    FormerServerId, "former_server_id", Changed,
        "ids of the server under earlier keys; they have no rights any more";
    EmptyOverride, "empty_override", LeftOut,
        "rows of permissions in rooms that permit or forbid nothing";
    EmptySchedule, "empty_schedule", LeftOut,
        "scheduled changes of permissions that change nothing";
    ForeignImage, "foreign_image", Kept,
        "room images that are files of another room";
    LostImage, "lost_image", Changed,
        "room images whose file is gone or has expired; the room has none now";
    PendingBlinding, "pending_blinding", Changed,
        "accounts with rights or bans that were not noted as waiting for their blinded id; noted";
    Nul, "nul", Changed,
        "texts with a NUL in them, which is replaced";
    Dangling, "dangling", LeftOut,
        "rows that refer to rows that are not there";
    ExpiredFile, "expired_file", LeftOut,
        "files that have expired";
    RoomlessFile, "roomless_file", LeftOut,
        "files of rooms that were deleted";
    UnfinishedUpload, "unfinished_upload", LeftOut,
        "uploads that were never finished";
    ExpiredDirectMessage, "expired_direct_message", LeftOut,
        "direct messages that have expired";
    OldHistory, "old_history", LeftOut,
        "earlier versions of messages that are older than is kept";
    OldActivity, "old_activity", LeftOut,
        "visits to rooms that are older than is kept";
    OldNonce, "old_nonce", LeftOut,
        "nonces that count no more, or of nobody who can sign in";
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Report {
    /// Notes that something was found, with what tells the operator where.
    #[expect(clippy::needless_pass_by_value, reason = "callers name it on the spot")]
    pub(super) fn found(&mut self, check: Check, example: impl ToString) {
        self.found_many(check, 1);
        if let Some(finding) = self.findings.get_mut(&check)
            && finding.examples.len() < EXAMPLES
        {
            finding.examples.push(example.to_string());
        }
    }

    /// Notes that something was found so many times.
    pub(super) fn found_many(&mut self, check: Check, count: u64) {
        if count == 0 {
            return;
        }
        let finding = self.findings.entry(check).or_insert_with(|| Finding {
            action: check.action(),
            text: check.text(),
            ..Finding::default()
        });
        finding.count += count;
    }

    /// Notes that so many rows of a kind were taken over.
    pub(super) fn took(&mut self, kind: &'static str, count: usize) {
        *self.taken.entry(kind).or_default() += count as u64;
    }

    /// Notes a file without bytes.
    pub(super) fn missing(&mut self, id: i64, path: &str) {
        self.found_many(Check::MissingFile, 1);
        if self.missing_files.len() < MISSING {
            self.missing_files.push(MissingFile {
                id,
                path: path.to_owned(),
            });
        }
    }

    /// How often something was found.
    #[must_use]
    pub fn count(&self, check: Check) -> u64 {
        self.findings.get(&check).map_or(0, |finding| finding.count)
    }
}
