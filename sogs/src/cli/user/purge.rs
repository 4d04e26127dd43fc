//! `sogs user purge`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use shared::cli::output;
use shared::crypto::UserId;

use crate::cli::beside::Server;
use crate::cli::confirm::confirm;
use crate::cli::people::{Person, by, explain};
use crate::cli::scope::{Place, Scope, number};
use crate::cli::why::Why;
use crate::model::{RoomNo, User, UserNo};
use crate::store::Write;

/// Ban somebody and delete all that they left: messages, uploads, reactions, direct messages
///
/// Without a room this is done everywhere. With --room or --all-rooms they are banned from these rooms only, and direct
/// messages stay. It goes step by step, so that the server goes on meanwhile; run it again if it was broken off.
#[derive(Args)]
#[command(mut_group("Scope", |group| group.required(false)))]
pub(in crate::cli) struct Purge {
    /// The id, 05 or 15 and 64 more digits; of somebody who has been here the beginning will do
    id: Person,
    #[command(flatten)]
    scope: Option<Scope>,
    /// Delete only, and do not ban
    #[arg(long)]
    no_ban: bool,
    /// Show what would be deleted, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    why: Why,
}

/// What is to be purged.
struct Plan {
    /// The id that was given.
    id: UserId,
    /// Where they are to be banned.
    places: Vec<Place>,
    /// Where something is to be deleted.
    rooms: Vec<Place>,
    /// Everybody that the id stands for.
    people: Vec<User>,
    /// Whether direct messages are to be deleted.
    direct: bool,
}

impl Purge {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let plan = self.plan(server).await?;
        if plan.people.is_empty() {
            bail!("{} has never been here; `sogs user list` shows who was", plan.id);
        }
        if self.dry_run || !self.yes {
            self.show(server, &plan).await?;
        }
        if self.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        let question = if self.no_ban {
            "Delete all that?"
        } else {
            "Ban them and delete all that?"
        };
        confirm(self.yes, question)?;
        if !self.no_ban {
            self.ban(server, &plan).await?;
        }
        for user in &plan.people {
            self.delete(server, &plan, user).await?;
        }
        server.store.database().close().await;
        Ok(ExitCode::SUCCESS)
    }

    async fn plan(&self, server: &Server<'_>) -> Result<Plan> {
        let id = self.id.id(server).await?;
        // Nothing is changed, and so nothing committed.
        let mut write = server.change().await?;
        let places = match &self.scope {
            Some(scope) => scope.find(&mut write).await?,
            None => vec![Place::Everywhere],
        };
        let everywhere = places.iter().any(|place| place.room().is_none());
        let all = write.all_rooms().await?.into_iter();
        let named = |room: &RoomNo| everywhere || places.iter().any(|place| place.room() == Some(*room));
        Ok(Plan {
            rooms: all.filter(|room| named(&number(room))).map(Place::Room).collect(),
            people: write.all_known(&id).await?,
            direct: everywhere,
            places,
            id,
        })
    }

    /// Shows what would be touched.
    async fn show(&self, server: &Server<'_>, plan: &Plan) -> Result<()> {
        if !self.no_ban {
            for place in &plan.places {
                println!("{} would be banned from {place}.", plan.id);
            }
        }
        let mut rows = Vec::new();
        for user in &plan.people {
            for place in &plan.rooms {
                let Some(room) = place.room() else { continue };
                let left = server.store.belongings(user.no, room, server.clock.now()).await?;
                if left.messages.count + left.files.count + left.reactions > 0 {
                    rows.push([
                        user.session_id.clone(),
                        place.to_string(),
                        output::amount(left.messages.count, left.messages.bytes),
                        output::amount(left.files.count, left.files.bytes),
                        left.reactions.to_string(),
                    ]);
                }
            }
            if plan.direct {
                let (sent, received) = server.store.count_direct(user.no).await?;
                if sent + received > 0 {
                    let person = &user.session_id;
                    println!("{person}: {sent} direct messages sent and {received} received would be deleted.");
                }
            }
        }
        if rows.is_empty() {
            println!("They left nothing in any room.");
        } else {
            println!("This would be deleted:");
            output::table(["ID", "ROOM", "MESSAGES", "FILES", "REACTIONS"], rows);
        }
        Ok(())
    }

    async fn ban(&self, server: &Server<'_>, plan: &Plan) -> Result<()> {
        let mut write = server.change_because(&self.why).await?;
        let mut lines = Vec::new();
        write
            .lock_people(
                std::slice::from_ref(&plan.id),
                &crate::cli::scope::together(&plan.places),
            )
            .await?;
        for place in &plan.places {
            let banned = write.ban(&plan.id, &place.scope(), None).await;
            let user = banned.map_err(|error| explain(error, &plan.id, place))?;
            lines.push(format!(
                "banned {} from {place} for good",
                by(&user.session_id, &plan.id)
            ));
        }
        write.commit().await?;
        for line in lines {
            println!("{line}");
        }
        Ok(())
    }

    async fn delete(&self, server: &Server<'_>, plan: &Plan, user: &User) -> Result<()> {
        let person = by(&user.session_id, &plan.id);
        for place in &plan.rooms {
            let Some(room) = place.room() else { continue };
            let messages = self.delete_messages(server, room, user.no).await?;
            let reactions = self
                .repeat(server, async |write: &mut Write| {
                    Ok(write.purge_reactions(room, user.no).await?)
                })
                .await?;
            match (messages, reactions) {
                (0, 0) if plan.direct => {}
                (0, 0) => println!("{person} has no messages in {place}"),
                (_, 0) => println!("deleted {} of {person} in {place}", several(messages, "message")),
                _ => println!(
                    "deleted {} and {} of {person} in {place}",
                    several(messages, "message"),
                    several(reactions, "reaction")
                ),
            }
        }
        if plan.direct {
            let direct = self
                .repeat(server, async |write: &mut Write| {
                    Ok(write.purge_direct(user.no).await?)
                })
                .await?;
            println!("deleted {} of {person}", several(direct, "direct message"));
        }
        Ok(())
    }

    /// Deletes all that somebody posted and uploaded in a room, and answers how many messages that were.
    async fn delete_messages(&self, server: &Server<'_>, room: RoomNo, author: UserNo) -> Result<i64> {
        let (mut count, mut next, mut recorded) = (0, Some(0), Vec::new());
        while let Some(after) = next {
            let mut write = server.change_because(&self.why).await?;
            write.go_on(recorded);
            let purged = write.purge(room, author, after).await?;
            recorded = write.commit().await?.recorded;
            count += purged.messages;
            next = purged.next;
        }
        Ok(count)
    }

    /// Does a step, each in a transaction of its own, until nothing is left, and answers how much that was.
    async fn repeat(&self, server: &Server<'_>, step: impl AsyncFn(&mut Write) -> Result<i64>) -> Result<i64> {
        let (mut count, mut recorded) = (0, Vec::new());
        loop {
            let mut write = server.change_because(&self.why).await?;
            write.go_on(recorded);
            let done = step(&mut write).await?;
            if done == 0 {
                return Ok(count);
            }
            recorded = write.commit().await?.recorded;
            count += done;
        }
    }
}

fn several(count: i64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
