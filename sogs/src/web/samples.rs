//! Pages to try templates out on: with everything there can be, and with as little as there can be.

use super::text::Piece;
use super::view::{
    AttachmentView, Day, ErrorPage, IndexPage, LinkView, MessageView, QuoteView, ReactionView, RoomCard, RoomPage, Site,
};

/// What has to be escaped.
const HOSTILE: &str = "<b title=\"x\">'&amp;</b>";

pub(super) fn index(site: Site) -> IndexPage {
    IndexPage {
        site,
        rooms: vec![card(), RoomCard::default()],
        active_within: "7 days".to_owned(),
    }
}

pub(super) fn empty_index(site: Site) -> IndexPage {
    IndexPage {
        site,
        ..IndexPage::default()
    }
}

pub(super) fn room(site: Site) -> RoomPage {
    RoomPage {
        site,
        room: card(),
        active_within: "7 days".to_owned(),
        link: "https://example.org/lobby?public_key=00".to_owned(),
        has_code: true,
        code_size: 29,
        code_path: "M4 4h1v1h-1z".to_owned(),
        has_feed: true,
        has_messages: true,
        is_latest: false,
        days: vec![Day {
            date: "2023-11-14".to_owned(),
            messages: vec![message(), unreadable(), with_lost_quote()],
        }],
        has_older: true,
        older: 5,
        has_newer: true,
        newer: 7,
    }
}

pub(super) fn empty_room(site: Site) -> RoomPage {
    RoomPage {
        site,
        has_messages: true,
        is_latest: true,
        ..RoomPage::default()
    }
}

pub(super) fn error(site: Site) -> ErrorPage {
    ErrorPage {
        site,
        status: 404,
        title: "Not found".to_owned(),
        text: HOSTILE.to_owned(),
    }
}

fn card() -> RoomCard {
    RoomCard {
        token: "lobby".to_owned(),
        name: HOSTILE.to_owned(),
        description: HOSTILE.to_owned(),
        has_description: true,
        image: "/r/lobby/image?v=1".to_owned(),
        has_image: true,
        initial: "L".to_owned(),
        hue: 1,
        active: 2,
        has_page: true,
        is_public: true,
    }
}

fn message() -> MessageView {
    let piece = |text: &str, href: &str| Piece {
        text: text.to_owned(),
        href: href.to_owned(),
        is_link: !href.is_empty(),
        is_break: false,
    };
    MessageView {
        id: 6,
        next: 7,
        name: HOSTILE.to_owned(),
        initial: "A".to_owned(),
        hue: 7,
        time: "22:13".to_owned(),
        datetime: "2023-11-14T22:13:20Z".to_owned(),
        updated: "2023-11-14T22:14:20Z".to_owned(),
        is_edited: true,
        has_quote: true,
        quote: QuoteView {
            is_shown: true,
            id: 3,
            next: 4,
            name: HOSTILE.to_owned(),
            text: HOSTILE.to_owned(),
        },
        text: vec![
            piece(HOSTILE, ""),
            piece("https://example.org/", "https://example.org/?a=b&c=\""),
        ],
        has_text: true,
        is_cut: true,
        is_unreadable: false,
        attachments: vec![attachment(true), attachment(false)],
        has_attachments: true,
        links: vec![LinkView {
            kind: "Page".to_owned(),
            title: HOSTILE.to_owned(),
            host: "example.org".to_owned(),
            href: "https://example.org/".to_owned(),
        }],
        has_links: true,
        reactions: vec![ReactionView {
            emoji: "👍".to_owned(),
            count: 2,
        }],
        has_reactions: true,
        other_reactions: 3,
        has_other_reactions: true,
    }
}

fn unreadable() -> MessageView {
    MessageView {
        id: 7,
        is_unreadable: true,
        ..MessageView::default()
    }
}

fn with_lost_quote() -> MessageView {
    MessageView {
        id: 8,
        has_quote: true,
        quote: QuoteView {
            text: "The message that this answers was deleted.".to_owned(),
            ..QuoteView::default()
        },
        ..MessageView::default()
    }
}

fn attachment(has_link: bool) -> AttachmentView {
    AttachmentView {
        kind: "Picture".to_owned(),
        name: HOSTILE.to_owned(),
        size: "1 KiB".to_owned(),
        has_size: true,
        has_link,
        href: "/room/lobby/file/1".to_owned(),
        note: "no longer there".to_owned(),
        caption: HOSTILE.to_owned(),
        has_caption: true,
    }
}
