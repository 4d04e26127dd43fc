//! The community itself: what there is, and what is made of nothing.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::clock::Clock;
use shared::config::CommonFlags;
use shared::crypto::{UserId, X25519Public};
use shared::db::{Database, DbError, Schema};

use super::wanted::Wanted;
use crate::cli::NAME;
use crate::cli::beside::Server;
use crate::keys;
use crate::links;
use crate::model::{Defaults, RoleChange, RoomToken, Scope};
use crate::serve::{Opened, open, prepare};
use crate::settings::Settings;
use crate::store::{MIGRATIONS, NewRoom, Store};

/// A community, new or not.
pub(super) struct Community {
    pub(super) key: X25519Public,
    /// Tokens and names of the rooms.
    rooms: Vec<(String, String)>,
    /// Admins of everything.
    admins: Vec<String>,
}

impl Community {
    /// The community of these settings, if it has a room. Nothing is made.
    pub(super) async fn found(settings: &Settings) -> Result<Option<Self>> {
        let rooms = match Database::look(&settings.database(), &MIGRATIONS).await {
            Ok((_, Schema::Older { found: 0, .. })) | Err(DbError::Missing(_)) => return Ok(None),
            Ok((db, _)) => {
                let rooms = Store::on(db.clone(), None).rooms().await;
                db.close().await;
                rooms.context("the database cannot be read; `sogs doctor` says more")?.1
            }
            Err(error) => return Err(anyhow::Error::from(error).context("the database cannot be used")),
        };
        if rooms.is_empty() {
            return Ok(None);
        }
        if !settings.data().join(keys::FILE).exists() {
            bail!(
                "the database has rooms, but there is no key in {}. Is --data the same as before? Otherwise put the key \
                 back from a backup: with a new one every link to these rooms would be dead",
                settings.data().display()
            );
        }
        Ok(Some(Self::of(&Server::open(settings).await?).await?))
    }

    async fn of(server: &Server<'_>) -> Result<Self> {
        let (_, rooms) = server.store.rooms().await?;
        let moderators = server.store.global_moderators().await?;
        let admins = moderators.into_iter().filter(|user| user.admin && user.id != 0);
        let community = Self {
            key: keys::read(&server.settings.data()).map(|key| *key.public())?,
            rooms: rooms
                .into_iter()
                .map(|loaded| (loaded.room.token, loaded.room.name))
                .collect(),
            admins: admins.map(|user| user.session_id).collect(),
        };
        server.store.database().close().await;
        Ok(community)
    }

    /// Makes key, database, room and admin.
    pub(super) async fn make(settings: &Settings, wanted: &Wanted) -> Result<Self> {
        let Opened { key, store, serving } = open(settings).await?;
        prepare(&store, &Clock::system(), key.public()).await?;
        serving.end().await;
        store.database().close().await;
        let server = Server::open(settings).await?;
        let mut write = server.change().await?;
        if let Some(admin) = wanted.admin {
            let admin = UserId::Session(admin);
            write.lock_people(&[admin], &Scope::Server).await?;
            let change = RoleChange::Admin { visible: None };
            write.change_role(&admin, &Scope::Server, change).await?;
        }
        let new = NewRoom {
            token: wanted.room.clone(),
            name: wanted.name.clone(),
            description: None,
            defaults: Defaults {
                read: true,
                accessible: true,
                write: true,
                upload: true,
            },
        };
        write.create_room(&new).await?;
        write.commit().await.context("the room was not made; run this again")?;
        Self::of(&server).await
    }

    pub(super) fn has(&self, room: &RoomToken) -> bool {
        self.rooms
            .iter()
            .any(|(token, _)| token.to_ascii_lowercase() == room.key())
    }

    /// The room to be joined: the one that is named, or the first.
    pub(super) fn first_room(&self, named: Option<&RoomToken>) -> Option<&str> {
        let tokens = || self.rooms.iter().map(|(token, _)| token.as_str());
        let named = named.and_then(|named| tokens().find(|token| token.to_ascii_lowercase() == named.key()));
        named.or_else(|| tokens().next())
    }

    /// What there is.
    pub(super) fn told(&self, common: &CommonFlags, settings: &Settings, file: &Path) -> Result<String> {
        let mut text = String::new();
        writeln!(text, "Data folder:    {}", settings.data().display())?;
        if file.exists() {
            writeln!(text, "Configuration:  {}", file.display())?;
        }
        writeln!(text, "Public address: {}", settings.base_url())?;
        for (token, name) in &self.rooms {
            writeln!(text, "Room:           {name} ({token})")?;
        }
        for admin in &self.admins {
            writeln!(text, "Admin:          {admin}")?;
        }
        if self.admins.is_empty() {
            writeln!(
                text,
                "Admin:          nobody yet; {} mod add YOUR_SESSION_ID --global --admin",
                common.command(NAME)
            )?;
        }
        Ok(text)
    }
}

/// What nobody but the operator can do. `unwritten` is the configuration file, if it does not have the address.
pub(super) fn left_to_do(common: &CommonFlags, settings: &Settings, unwritten: Option<&Path>) -> String {
    let base_url = settings.base_url();
    let listen = settings.listen();
    let host = base_url.split_once("://").map_or("", |(_, host)| host);
    let mut text = "\nWhat is left to do:\n".to_owned();
    if let Some(problem) = links::problem(&base_url) {
        text.push_str(&format!("- Set base_url to the public address: {problem}.\n"));
    }
    if let Some(file) = unwritten {
        text.push_str(&format!(
            "- Write this into {}, or else the next start does not know the address: base_url = \"{base_url}\"\n",
            file.display()
        ));
    }
    if listen.ip().is_loopback() {
        text.push_str(&format!(
            "- Let a proxy serve {base_url} and pass everything on to {listen}, with bodies of up to 16 MB. For Caddy\n  \
             this is all of /etc/caddy/Caddyfile:\n\n      http://{host}, https://{host} {{\n          reverse_proxy \
             {listen}\n      }}\n\n"
        ));
    }
    text.push_str(&format!(
        "- Let {host} lead to this machine, and open its ports to the Internet.\n- See whether all of it works: {} \
         doctor --outside\n",
        common.command(NAME)
    ));
    text
}
