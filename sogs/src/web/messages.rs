//! Messages as a browser sees them (`message-content.md` section 3).

use std::collections::HashMap;

use shared::cli::output;
use shared::clock::Timestamp;
use shared::crypto::hash::blake2b;

use super::files::attachment;
use super::text::{self, Names};
use super::view::{Day, LinkView, MessageView, QuoteView, ReactionView};
use crate::content::{Decoded, Link, QuotedMessage};
use crate::store::{AttachedFile, MessageRow, Quoted, ReactionsOf};

/// The longest text, in characters.
const LONGEST: usize = 4000;

/// How much of a quoted message is shown.
const EXCERPT: usize = 200;

/// The longest name of a person.
const LONGEST_NAME: usize = 64;

/// The longest title of a page, a room or a feed entry.
pub(super) const LONGEST_TITLE: usize = 120;

/// The most kinds of reactions, files and links of one message.
const MOST: usize = 20;

/// Everything that was read for one page.
pub(super) struct Material {
    /// The messages, the oldest first, with what they say; `None` if it cannot be read.
    pub(super) messages: Vec<(MessageRow, Option<Decoded>)>,
    pub(super) reactions: ReactionsOf,
    pub(super) quoted: Vec<Quoted>,
    pub(super) files: Vec<AttachedFile>,
    /// The token of the room.
    pub(super) token: String,
}

impl Material {
    /// The messages for a page. What says nothing, such as a sign of typing, is left out.
    pub(super) fn views(&self) -> Vec<MessageView> {
        let quoted: HashMap<i64, Decoded> = self.quoted.iter().filter_map(read_quoted).collect();
        let names = self.names(&quoted);
        self.messages
            .iter()
            .filter(|(_, decoded)| decoded.as_ref().is_none_or(says_something))
            .map(|(row, decoded)| self.view(row, decoded.as_ref(), &quoted, &names))
            .collect()
    }

    /// Who is called what: by their latest message here, or by one that is quoted.
    fn names(&self, quoted: &HashMap<i64, Decoded>) -> Names {
        let mut names = Names::default();
        for row in &self.quoted {
            if let Some(decoded) = quoted.get(&row.id) {
                names.learn(&row.author, &name(Some(decoded)));
            }
        }
        for (row, decoded) in &self.messages {
            if decoded.is_some() {
                names.learn(&row.author, &name(decoded.as_ref()));
            }
        }
        names
    }

    fn view(
        &self,
        row: &MessageRow,
        decoded: Option<&Decoded>,
        quoted: &HashMap<i64, Decoded>,
        names: &Names,
    ) -> MessageView {
        let name = name(decoded);
        let moment = rfc3339(row.posted());
        let mut view = MessageView {
            id: row.id,
            next: row.id.saturating_add(1),
            initial: initial(&name),
            hue: hue(&row.author),
            name,
            time: moment.get(11..16).unwrap_or_default().to_owned(),
            updated: row.edited().map_or_else(|| moment.clone(), rfc3339),
            datetime: moment,
            is_edited: row.edited.is_some(),
            is_unreadable: decoded.is_none(),
            ..MessageView::default()
        };
        self.react(row, &mut view);
        let Some(decoded) = decoded else { return view };
        if let Some(quote) = &decoded.quote {
            view.has_quote = true;
            view.quote = self.quote(quote, quoted, names);
        }
        let body = text::body(decoded.body.as_deref().unwrap_or_default(), LONGEST, names);
        view.has_text = !body.pieces.is_empty();
        view.is_cut = body.is_cut;
        view.text = body.pieces;
        let files = decoded.attachments.iter().take(MOST);
        view.attachments = files
            .map(|file| attachment(file, row.id, &self.files, &self.token))
            .collect();
        view.has_attachments = !view.attachments.is_empty();
        let invitations = decoded
            .invitation
            .iter()
            .filter_map(|link| place(link, "Invitation to a room"));
        let previews = decoded.previews.iter().filter_map(|link| place(link, "Page"));
        view.links = invitations.chain(previews).take(MOST).collect();
        view.has_links = !view.links.is_empty();
        view
    }

    fn react(&self, row: &MessageRow, view: &mut MessageView) {
        let reactions = self.reactions.message(row.id);
        let shown = reactions.iter().take(MOST).map(|reaction| ReactionView {
            emoji: text::line_or(Some(&reaction.reaction), 12, "?"),
            count: reaction.count,
        });
        view.reactions = shown.collect();
        view.has_reactions = !view.reactions.is_empty();
        view.other_reactions = reactions.len().saturating_sub(MOST);
        view.has_other_reactions = view.other_reactions > 0;
    }

    /// What is shown of the message that another one answers: it is looked up, for what the answer says of it may be
    /// anything.
    fn quote(&self, quote: &QuotedMessage, quoted: &HashMap<i64, Decoded>, names: &Names) -> QuoteView {
        let unseen = |text: &str| QuoteView {
            text: text.to_owned(),
            ..QuoteView::default()
        };
        let Some(row) = self.original(quote) else {
            return unseen("The message that this answers is not there.");
        };
        if row.deleted {
            return unseen("The message that this answers was deleted.");
        }
        if row.data.is_none() {
            return unseen("The message that this answers is not shown.");
        }
        let decoded = quoted.get(&row.id);
        let excerpt = decoded.and_then(|decoded| decoded.body.as_deref()).unwrap_or_default();
        let excerpt = text::body(excerpt, EXCERPT, names);
        let mut words: String = excerpt.pieces.into_iter().map(|piece| piece.text).collect();
        if excerpt.is_cut {
            words.push('…');
        }
        if words.is_empty() {
            let has_files = decoded.is_some_and(|decoded| !decoded.attachments.is_empty());
            words = if has_files {
                "An attachment"
            } else {
                "A message without text"
            }
            .to_owned();
        }
        QuoteView {
            is_shown: true,
            id: row.id,
            next: row.id.saturating_add(1),
            name: name(decoded),
            text: words,
        }
    }

    /// The message that is quoted: the one of that millisecond, and of several the one by that author.
    fn original(&self, quote: &QuotedMessage) -> Option<&Quoted> {
        let then = |row: &&Quoted| u64::try_from(row.posted / 1_000_000) == Ok(quote.posted_ms);
        let mut candidates = self.quoted.iter().filter(then);
        let first = candidates.next()?;
        let mut rest = candidates.peekable();
        if rest.peek().is_none() {
            return Some(first);
        }
        std::iter::once(first)
            .chain(rest)
            .find(|row| row.author.eq_ignore_ascii_case(&quote.author))
    }
}

/// Puts messages under their days.
pub(super) fn days(views: Vec<MessageView>) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for view in views {
        let date = view.datetime.get(..10).unwrap_or_default();
        match days.last_mut() {
            Some(day) if day.date == date => day.messages.push(view),
            _ => days.push(Day {
                date: date.to_owned(),
                messages: vec![view],
            }),
        }
    }
    days
}

/// A moment for programs, in UTC; nothing is older than the epoch.
pub(super) fn rfc3339(moment: Timestamp) -> String {
    output::time(moment.max(Timestamp::from_nanos(0)))
}

/// The letter that stands for a name.
pub(super) fn initial(name: &str) -> String {
    let first = name.chars().find(|letter| letter.is_alphanumeric());
    first.map_or_else(|| "#".to_owned(), |letter| letter.to_uppercase().collect())
}

/// One of eight colours, always the same for the same person. Too little to know anybody by, it tells apart two of one
/// name most of the time.
pub(super) fn hue(text: &str) -> u8 {
    let [digest] = blake2b::<1>(text.as_bytes());
    digest % 8
}

fn name(decoded: Option<&Decoded>) -> String {
    let name = decoded.and_then(|decoded| decoded.display_name.as_deref());
    text::line_or(name, LONGEST_NAME, "Somebody")
}

fn read_quoted(row: &Quoted) -> Option<(i64, Decoded)> {
    Some((row.id, Decoded::read(row.data.as_deref()?)?))
}

fn says_something(decoded: &Decoded) -> bool {
    let has_text = decoded.body.as_deref().is_some_and(|text| !text.trim().is_empty());
    has_text
        || decoded.quote.is_some()
        || decoded.invitation.is_some()
        || !decoded.previews.is_empty()
        || !decoded.attachments.is_empty()
}

/// A place that can be gone to; of one that cannot nothing is shown.
fn place(link: &Link, kind: &str) -> Option<LinkView> {
    let piece = text::link(link.url.trim())?;
    let url = url::Url::parse(&piece.href).ok()?;
    let host = url.host_str()?.to_owned();
    Some(LinkView {
        kind: kind.to_owned(),
        title: text::line_or(link.title.as_deref(), LONGEST_TITLE, &host),
        host,
        href: piece.href,
    })
}
