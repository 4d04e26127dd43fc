//! `sogs mod`: moderators and admins.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use shared::crypto::UserId;

use super::beside::Server;
use super::people::Person;
use super::scope::{Place, Scope, number, title};
use crate::model::Standing;
use crate::settings::Settings;
use crate::store::{RoomRow, Write};

#[derive(Subcommand)]
pub(super) enum Command {
    Add(Add),
}

/// Make people moderators or admins
///
/// Somebody who is an admin already stays one. In rooms everybody can see who moderates, on the whole server only other
/// moderators can, unless --hidden or --visible says otherwise.
#[derive(Args)]
pub(super) struct Add {
    /// Ids, 05 or 15 and 64 more digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<UserId>,
    #[command(flatten)]
    scope: Scope,
    /// Make them admins
    #[arg(long)]
    admin: bool,
    /// Let only moderators see it
    #[arg(long, conflicts_with = "visible")]
    hidden: bool,
    /// Let everybody see it
    #[arg(long)]
    visible: bool,
}

/// A role as it is told.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Role {
    admin: bool,
    visible: bool,
}

impl std::fmt::Display for Role {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let visible = if self.visible { "visible" } else { "hidden" };
        let role = if self.admin { "admin" } else { "moderator" };
        write!(formatter, "{visible} {role}")
    }
}

impl Command {
    pub(super) async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        let server = Server::open(settings).await?;
        match self {
            Self::Add(add) => add.run(&server).await,
        }
    }
}

impl Add {
    async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let mut write = server.change().await?;
        let place = self.scope.find(&mut write).await?;
        let people = Person::named(&mut write, &self.ids).await?;
        let mut lines = Vec::new();
        match &place {
            Place::Everywhere => {
                for person in &people {
                    lines.push(self.everywhere(&mut write, person).await?);
                }
            }
            Place::Rooms(rooms) => {
                for room in rooms {
                    for person in &people {
                        lines.push(self.in_room(&mut write, room, person).await?);
                    }
                }
            }
        }
        server.commit(write, &lines).await
    }

    fn is_visible(&self) -> bool {
        self.visible || !(self.hidden || self.scope.is_global())
    }

    async fn everywhere(&self, write: &mut Write, person: &Person) -> Result<String> {
        let user = &person.user;
        if user.standing.banned {
            bail!(
                "{person} is banned; lift that first: sogs user unban {} --global",
                user.session_id
            );
        }
        let old = user.standing.moderator.then_some(Role {
            admin: user.standing.admin,
            visible: user.visible_mod,
        });
        let role = Role {
            admin: self.admin || user.standing.admin,
            visible: self.is_visible(),
        };
        if old == Some(role) {
            return Ok(format!("{person} is a {role} of the whole server already"));
        }
        let standing = Standing {
            banned: false,
            moderator: true,
            admin: role.admin,
        };
        write.set_standing(user, standing, role.visible).await?;
        Ok(format!("made {person} a {role} of the whole server"))
    }

    async fn in_room(&self, write: &mut Write, room: &RoomRow, person: &Person) -> Result<String> {
        let title = title(room);
        let mut changed = write.override_of(number(room), person.user.no).await?;
        let old = changed.moderator.then_some(Role {
            admin: changed.admin,
            visible: changed.visible_mod,
        });
        if changed.banned {
            bail!(
                "{person} is banned from {title}; lift that first: sogs user unban {} --room {}",
                person.user.session_id,
                room.token
            );
        }
        changed.moderator = true;
        changed.admin |= self.admin;
        changed.visible_mod = self.is_visible();
        let role = Role {
            admin: changed.admin,
            visible: changed.visible_mod,
        };
        if old == Some(role) {
            return Ok(format!("{person} is a {role} of {title} already"));
        }
        write.set_override(number(room), &person.user, changed).await?;
        Ok(format!("made {person} a {role} of {title}"))
    }
}
