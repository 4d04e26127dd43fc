//! What the pages are filled with. Templates print these fields and nothing else, and none of them holds an id.
//!
//! Only texts, numbers, yes-or-no and lists, so that one template text serves for both engines: the one that is built in
//! and the one that reads an operator's own templates.

use askama::Template;
use serde::Serialize;

use super::text::Piece;

/// A page, with the template that it is made from.
pub(super) trait Page: Template + Serialize + Send + 'static {
    /// The name of the template.
    const TEMPLATE: &'static str;
}

/// What every page has.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Site {
    /// What the community is called: the host of its public address.
    pub(super) name: String,
    /// The address of the style sheet.
    pub(super) style: String,
    /// The address of the icon.
    pub(super) icon: String,
    /// Whether the list of rooms is shown.
    pub(super) has_index: bool,
}

/// The list of rooms.
#[derive(Debug, Default, Template, Serialize)]
#[template(path = "index.html")]
pub(super) struct IndexPage {
    pub(super) site: Site,
    pub(super) rooms: Vec<RoomCard>,
    /// The time within which people were there who are counted as active.
    pub(super) active_within: String,
}

/// A room in a list.
#[derive(Debug, Default, Serialize)]
pub(super) struct RoomCard {
    pub(super) token: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) has_description: bool,
    /// The address of its image.
    pub(super) image: String,
    pub(super) has_image: bool,
    /// The first letter of its name.
    pub(super) initial: String,
    /// Which of eight colours stands for it.
    pub(super) hue: u8,
    pub(super) active: i64,
    /// Whether it has a page.
    pub(super) has_page: bool,
    /// Whether everybody may read it.
    pub(super) is_public: bool,
}

/// One room.
#[derive(Debug, Default, Template, Serialize)]
#[template(path = "room.html")]
pub(super) struct RoomPage {
    pub(super) site: Site,
    pub(super) room: RoomCard,
    pub(super) active_within: String,
    /// The link by which it is joined.
    pub(super) link: String,
    pub(super) has_code: bool,
    /// How wide and how high the code is, in modules.
    pub(super) code_size: usize,
    /// Its dark modules, as the `d` of an SVG path.
    pub(super) code_path: String,
    pub(super) has_feed: bool,
    pub(super) has_messages: bool,
    /// Whether these are the latest messages.
    pub(super) is_latest: bool,
    pub(super) days: Vec<Day>,
    pub(super) has_older: bool,
    /// Where older messages begin.
    pub(super) older: i64,
    pub(super) has_newer: bool,
    /// Where newer messages begin.
    pub(super) newer: i64,
}

/// The messages of one day, in UTC.
#[derive(Debug, Default, Serialize)]
pub(super) struct Day {
    pub(super) date: String,
    pub(super) messages: Vec<MessageView>,
}

/// A message.
#[derive(Debug, Default, Serialize)]
pub(super) struct MessageView {
    /// Its number.
    pub(super) id: i64,
    /// The number after it.
    pub(super) next: i64,
    /// What its author is called.
    pub(super) name: String,
    /// The first letter of that.
    pub(super) initial: String,
    /// Which of eight colours stands for the author.
    pub(super) hue: u8,
    /// The time of day.
    pub(super) time: String,
    /// The moment, for programs.
    pub(super) datetime: String,
    /// The moment of its last change, for programs.
    pub(super) updated: String,
    pub(super) is_edited: bool,
    pub(super) has_quote: bool,
    pub(super) quote: QuoteView,
    pub(super) text: Vec<Piece>,
    pub(super) has_text: bool,
    /// Whether something is missing at the end of the text.
    pub(super) is_cut: bool,
    /// Whether nothing of it could be read.
    pub(super) is_unreadable: bool,
    pub(super) attachments: Vec<AttachmentView>,
    pub(super) has_attachments: bool,
    pub(super) links: Vec<LinkView>,
    pub(super) has_links: bool,
    pub(super) reactions: Vec<ReactionView>,
    pub(super) has_reactions: bool,
    /// How many more kinds of reactions there are.
    pub(super) other_reactions: usize,
    pub(super) has_other_reactions: bool,
}

/// What a message answers.
#[derive(Debug, Default, Serialize)]
pub(super) struct QuoteView {
    /// Whether it can be shown; if not, `text` says why.
    pub(super) is_shown: bool,
    /// Its number, if it is shown.
    pub(super) id: i64,
    /// The number after it.
    pub(super) next: i64,
    pub(super) name: String,
    pub(super) text: String,
}

/// A file of a message.
#[derive(Debug, Default, Serialize)]
pub(super) struct AttachmentView {
    /// What kind of file.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) size: String,
    pub(super) has_size: bool,
    pub(super) has_link: bool,
    /// Where it can be had.
    pub(super) href: String,
    /// Why it cannot.
    pub(super) note: String,
    pub(super) caption: String,
    pub(super) has_caption: bool,
}

/// A place that a message names apart from its text.
#[derive(Debug, Default, Serialize)]
pub(super) struct LinkView {
    /// What kind of place.
    pub(super) kind: String,
    pub(super) title: String,
    /// The host that it leads to.
    pub(super) host: String,
    pub(super) href: String,
}

/// One reaction.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReactionView {
    pub(super) emoji: String,
    pub(super) count: i64,
}

/// Why there is no page.
#[derive(Debug, Default, Template, Serialize)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    pub(super) site: Site,
    pub(super) status: u16,
    pub(super) title: String,
    pub(super) text: String,
}

/// The feed of a room.
#[derive(Debug, Default, Template, Serialize)]
#[template(path = "feed.xml")]
pub(super) struct FeedPage {
    pub(super) site: Site,
    /// Its name for ever.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) has_description: bool,
    /// The address of the room's page.
    pub(super) page: String,
    pub(super) has_page: bool,
    /// Its own address.
    pub(super) address: String,
    /// When anything in it last changed.
    pub(super) updated: String,
    pub(super) entries: Vec<Entry>,
}

/// A message in a feed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Entry {
    /// Its name for ever.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) message: MessageView,
    /// Its text, with line breaks as pieces.
    pub(super) text: Vec<Piece>,
}

impl Page for IndexPage {
    const TEMPLATE: &'static str = "index.html";
}

impl Page for RoomPage {
    const TEMPLATE: &'static str = "room.html";
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";
}

impl Page for FeedPage {
    const TEMPLATE: &'static str = "feed.xml";
}
