//! `sogs user purge`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use shared::crypto::UserId;

use crate::cli::beside::Server;
use crate::cli::confirm::confirm;
use crate::cli::people::{Person, by};
use crate::cli::scope::{Place, RoomScope};
use crate::model::{RoomNo, User, UserNo};

/// Delete all that somebody posted and uploaded in rooms
///
/// It goes step by step, so that the server goes on meanwhile; run it again if it was broken off.
#[derive(Args)]
pub(in crate::cli) struct Purge {
    /// The id, 05 or 15 and 64 more digits; of somebody who has been here the beginning will do
    id: Person,
    #[command(flatten)]
    scope: RoomScope,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Purge {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let id = self.id.id(server).await?;
        let (places, people) = self.find(server, &id).await?;
        if people.is_empty() {
            bail!("{id} has never been here; `sogs user list` shows who was");
        }
        let names: Vec<String> = places.iter().map(ToString::to_string).collect();
        let question = format!("Delete all that {id} posted in {}?", names.join(", "));
        confirm(self.yes, &question)?;
        for user in &people {
            for place in &places {
                let Some(room) = place.room() else { continue };
                let person = by(&user.session_id, &id);
                match purge(server, room, user.no).await? {
                    0 => println!("{person} has no messages in {place}"),
                    1 => println!("deleted 1 message of {person} in {place}"),
                    count => println!("deleted {count} messages of {person} in {place}"),
                }
            }
        }
        server.store.database().close().await;
        Ok(ExitCode::SUCCESS)
    }

    /// The rooms, and everybody that the id stands for.
    async fn find(&self, server: &Server<'_>, id: &UserId) -> Result<(Vec<Place>, Vec<User>)> {
        // Nothing is changed, and so nothing committed.
        let mut write = server.change().await?;
        let places = self.scope.find(&mut write).await?;
        let people = write.all_known(id).await?;
        Ok((places, people))
    }
}

/// Deletes all that somebody posted in a room, in as many steps as it takes, and answers how many messages that were.
async fn purge(server: &Server<'_>, room: RoomNo, author: UserNo) -> Result<i64> {
    let (mut count, mut next) = (0, Some(0));
    while let Some(after) = next {
        let mut write = server.change().await?;
        let purged = write.purge(room, author, after).await?;
        write.commit().await?;
        count += purged.messages;
        next = purged.next;
    }
    Ok(count)
}
