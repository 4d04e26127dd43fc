//! `sogs room set`.

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use shared::config::Span;

use super::{description, name};
use crate::cli::beside::Server;
use crate::cli::letters::{Letters, NAMES};
use crate::cli::scope::{number, room, title, token};
use crate::cli::why::Why;
use crate::model::{RoomToken, WebPart};
use crate::settings::RoomSettings;
use crate::store::{RoomChange, RoomRow, WebChange};

/// Change a room
#[derive(Args)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true))]
pub(in crate::cli) struct Set {
    /// The room: its token, or enough of its beginning
    #[arg(value_parser = token)]
    token: RoomToken,
    /// A new name
    #[arg(long, group = "changes")]
    name: Option<String>,
    /// A new description; \n begins a new line, an empty text removes it
    #[arg(long, value_name = "TEXT", group = "changes")]
    description: Option<String>,
    /// What everybody may from now on: letters of r (read), w (post), u (upload), a (see that it exists)
    #[arg(long, value_name = "RWUA", group = "changes")]
    allow: Option<Letters>,
    /// What not everybody may any more: letters of r, w, u, a
    #[arg(long, value_name = "RWUA", group = "changes")]
    deny: Option<Letters>,
    /// How many posts one person may make in which time, such as 5/16s, or "off"; admins are not bound
    #[arg(long, value_name = "N/TIME", group = "changes")]
    rate_limit: Option<RateLimit>,
    /// What browsers are to see of it, with commas in between
    #[arg(long, value_name = "PART", value_delimiter = ',', group = "changes")]
    web_show: Vec<WebPart>,
    /// What browsers are not to see of it
    #[arg(long, value_name = "PART", value_delimiter = ',', group = "changes")]
    web_hide: Vec<WebPart>,
    #[command(flatten)]
    why: Why,
}

/// Posts within a time; no posts for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RateLimit(u32, Duration);

const LONGEST: Duration = Duration::from_secs(365 * 86_400);

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(0, Duration::ZERO));
        }
        let (posts, span) = text
            .split_once('/')
            .ok_or("a rate limit is a number of posts and a time, such as 5/16s, or \"off\"")?;
        let posts = posts.trim().parse::<u32>().ok().filter(|posts| *posts > 0);
        let posts = posts.ok_or("the number of posts must be at least 1; \"off\" lifts the limit")?;
        let span = Span::with_unit(span.trim())?;
        if span.0.is_zero() || span.0 > LONGEST {
            return Err("the time must be from 1 second to 365 days".to_owned());
        }
        Ok(Self(posts, span.0))
    }
}

/// How a rate limit is told.
pub(super) fn rate_limit(posts: i64, interval: Duration) -> String {
    if posts == 0 {
        "off".to_owned()
    } else {
        format!("{posts} posts in {}", humantime::format_duration(interval))
    }
}

impl Set {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let change = self.change(&server.settings.rooms)?;
        let mut write = server.change_because(&self.why).await?;
        let old = room(&mut write, &self.token).await?;
        write.change_room(number(&old), &change).await?;
        let new = room(&mut write, &self.token).await?;
        let mut lines = differences(&old, &new);
        if lines.is_empty() {
            lines.push(format!("{} is like that already", title(&old)));
        }
        server.commit(write, &lines).await
    }

    fn change(&self, limits: &RoomSettings) -> Result<RoomChange> {
        let allow = self.allow.unwrap_or_default();
        let deny = self.deny.unwrap_or_default();
        if allow.meets(deny) {
            bail!("--allow and --deny name the same permission");
        }
        let flag = |allow: bool, deny: bool| (allow || deny).then_some(allow);
        Ok(RoomChange {
            name: self.name.as_deref().map(|text| name(text, limits)).transpose()?,
            description: self
                .description
                .as_deref()
                .map(|text| description(text, limits))
                .transpose()?,
            read: flag(allow.read, deny.read),
            accessible: flag(allow.accessible, deny.accessible),
            write: flag(allow.write, deny.write),
            upload: flag(allow.upload, deny.upload),
            rate_limit: self.rate_limit.map(|RateLimit(posts, span)| (posts, span)),
            web: self.web()?,
        })
    }

    fn web(&self) -> Result<WebChange> {
        if self.web_show.iter().any(|part| self.web_hide.contains(part)) {
            bail!("--web-show and --web-hide name the same part");
        }
        let change = |part| {
            let named = self.web_show.contains(&part) || self.web_hide.contains(&part);
            named.then(|| self.web_show.contains(&part))
        };
        Ok(WebChange {
            index: change(WebPart::Index),
            page: change(WebPart::Page),
            messages: change(WebPart::Messages),
            feed: change(WebPart::Feed),
        })
    }
}

/// What was changed, a line each.
fn differences(old: &RoomRow, new: &RoomRow) -> Vec<String> {
    let token = &new.token;
    let mut lines = Vec::new();
    if old.name != new.name {
        lines.push(format!("renamed {token} from '{}' to '{}'", old.name, new.name));
    }
    let text = |room: &RoomRow| room.description.clone().unwrap_or_default();
    match (text(old), text(new)) {
        (old, new) if old == new => {}
        (_, new) if new.is_empty() => lines.push(format!("removed the description of {}", title(old))),
        (_, new) => lines.push(format!("the description of {token} is now: {new}")),
    }
    let flags = |room: &RoomRow| [room.read, room.write, room.upload, room.accessible];
    let permissions = NAMES.iter().zip(flags(old)).zip(flags(new));
    for ((name, old), granted) in permissions {
        if old != granted {
            let verb = if granted { "allowed" } else { "denied" };
            lines.push(format!("{verb} everybody by default in {}: {name}", title(new)));
        }
    }
    let limit = |room: &RoomRow| {
        let interval = Duration::from_nanos(u64::try_from(room.rate_limit_interval).unwrap_or(0));
        rate_limit(room.rate_limit_size, interval)
    };
    if limit(old) != limit(new) {
        lines.push(format!("the rate limit of {} is now: {}", title(new), limit(new)));
    }
    for part in WebPart::ALL {
        let shown = new.web().shows(part);
        if old.web().shows(part) != shown {
            let verb = if shown { "see" } else { "do not see" };
            lines.push(format!("browsers {verb} this of {} now: {}", title(new), part.name()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_is_posts_within_a_time() {
        assert_eq!("5/16s".parse(), Ok(RateLimit(5, Duration::from_secs(16))));
        assert_eq!("1/2 days".parse(), Ok(RateLimit(1, Duration::from_secs(172_800))));
        assert_eq!("off".parse(), Ok(RateLimit(0, Duration::ZERO)));
        for bad in ["", "5", "0/16s", "-1/16s", "5/", "5/0s", "5/2years", "x/1s"] {
            assert!(bad.parse::<RateLimit>().is_err(), "{bad}");
        }
    }
}
