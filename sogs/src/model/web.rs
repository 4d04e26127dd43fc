//! What of a room is shown to browsers.

/// One part of what a browser can see of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum WebPart {
    /// That it is listed at the address of the server.
    Index,
    /// Its page, with the link and the code by which it is joined.
    Page,
    /// Its messages, on its page.
    Messages,
    /// The feed of its messages.
    Feed,
}

/// Which parts are shown. The settings of the server can switch each of them off for all rooms, and none of them shows
/// anything that the room does not let everybody read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebParts {
    /// See [`WebPart::Index`].
    pub index: bool,
    /// See [`WebPart::Page`].
    pub page: bool,
    /// See [`WebPart::Messages`].
    pub messages: bool,
    /// See [`WebPart::Feed`].
    pub feed: bool,
}

impl Default for WebParts {
    fn default() -> Self {
        Self {
            index: true,
            page: true,
            messages: true,
            feed: true,
        }
    }
}

impl WebPart {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Index, Self::Page, Self::Messages, Self::Feed];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Page => "page",
            Self::Messages => "messages",
            Self::Feed => "feed",
        }
    }
}

impl WebParts {
    /// Whether this part is shown.
    #[must_use]
    pub fn shows(self, part: WebPart) -> bool {
        match part {
            WebPart::Index => self.index,
            WebPart::Page => self.page,
            WebPart::Messages => self.messages,
            WebPart::Feed => self.feed,
        }
    }
}
