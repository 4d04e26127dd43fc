//! `sogs remote user purge`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use shared::crypto::UserId;

use crate::cli::confirm::confirm;
use crate::cli::remote::place::{Place, Where};
use crate::cli::remote::report::Report;
use crate::cli::remote::told::{self, is_same};
use crate::model::RoomToken;
use crate::remote::{Call, Community, Message, Outcome, Purged};

/// Ban somebody and delete all that they posted and uploaded
///
/// With --global from the whole server and in every room that you moderate. What is lost is shown first as far as it is
/// among the latest messages.
#[derive(Args)]
pub(in crate::cli::remote) struct Purge {
    /// The id, 05 or 15 and 64 more digits
    id: UserId,
    #[command(flatten)]
    place: Where,
    /// Delete without banning
    #[arg(long)]
    no_ban: bool,
    /// Only show what would be lost
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// As many of the latest messages of a room as servers show at once.
const LATEST: usize = 256;

/// As many messages of somebody as are shown.
const SHOWN: usize = 5;

impl Purge {
    pub(super) async fn run(&self, community: &Community) -> Result<ExitCode> {
        let place = self.place.place(community);
        if let Place::Rooms(rooms) = &place {
            for room in rooms {
                self.preview(community, room).await?;
            }
        }
        if self.dry_run {
            println!("nothing was deleted");
            return Ok(ExitCode::SUCCESS);
        }
        let ban = if self.no_ban { "D" } else { "Ban them and d" };
        let question = format!("{ban}elete all that {} ever posted in {place}?", self.id);
        confirm(self.yes, &question)?;
        let mut report = Report::default();
        match &place {
            Place::Rooms(rooms) => {
                for room in rooms {
                    let one = Place::Rooms(vec![room.clone()]);
                    let path = format!("/room/{room}/all/{}", self.id);
                    self.purge(community, &one, path, &mut report).await?;
                }
            }
            everywhere => {
                let path = format!("/rooms/all/{}", self.id);
                self.purge(community, everywhere, path, &mut report).await?;
            }
        }
        Ok(report.exit_code())
    }

    /// Shows what is known to be lost.
    async fn preview(&self, community: &Community, room: &RoomToken) -> Result<()> {
        let path = format!("/room/{room}/messages/recent?limit={LATEST}");
        let latest: Vec<Message> = community.get_as(&path).await?;
        let theirs: Vec<&Message> = latest
            .iter()
            .filter(|message| is_same(community, &self.id, &message.session_id))
            .collect();
        println!(
            "{} of the latest {} messages in {room} are theirs{}",
            theirs.len(),
            latest.len(),
            if theirs.is_empty() { "" } else { ", among them:" }
        );
        for message in theirs.iter().take(SHOWN) {
            println!("{}", told::message(message));
        }
        Ok(())
    }

    /// Bans, so that nothing new comes, and then deletes.
    async fn purge(&self, community: &Community, place: &Place, path: String, report: &mut Report) -> Result<()> {
        let id = &self.id;
        let ban = Call::post(format!("/user/{id}/ban"), place.fields().into());
        let delete = Call::delete(path);
        let deleted = if self.no_ban {
            community.change_in_turn(&[delete]).await?.pop()
        } else {
            let mut outcomes = community.change_in_turn(&[ban, delete]).await?.into_iter();
            match outcomes.next() {
                Some(Ok(_)) => println!("banned {id} from {place} for good"),
                Some(Err(refusal)) => {
                    let tried = format!("{id} was not banned from {place}, and nothing was deleted");
                    report.refused(&refusal, &tried, place.moderating());
                    return Ok(());
                }
                None => {}
            }
            outcomes.next()
        };
        match deleted {
            Some(deleted) => self.tell(&deleted, place, report),
            None => report.problem("the server does not say whether anything was deleted; look before you do it again"),
        }
        Ok(())
    }

    fn tell(&self, deleted: &Outcome, place: &Place, report: &mut Report) {
        let id = &self.id;
        match deleted {
            // That there was nothing is no failure.
            Err(refusal) if refusal.is_not_found() => println!("{id} has no messages in {place}"),
            Err(refusal) => {
                report.refused(
                    refusal,
                    &format!("the messages of {id} in {place} are still there"),
                    place.moderating(),
                );
            }
            Ok(_) if matches!(place, Place::Rooms(_)) => println!("deleted all messages of {id} in {place}"),
            Ok(value) => tell_rooms(id, value),
        }
    }
}

fn tell_rooms(id: &UserId, value: &Value) {
    let purged: Purged = serde_json::from_value(value.clone()).unwrap_or_default();
    let rooms = purged.rooms.iter().filter(|(_, count)| **count > 0);
    let told: Vec<String> = rooms.map(|(room, count)| format!("{count} in {room}")).collect();
    if told.is_empty() {
        println!("{id} has no messages in any room that you moderate");
    } else {
        println!("deleted messages of {id}: {}", told.join(", "));
    }
}
