//! What differs for people in rooms, now and later.

use std::collections::HashMap;

use serde::Serialize;
use shared::db::PerDialect;
use shared::run;

use super::copying::Copying;
use super::people::Rights;
use super::report::Check;
use super::rows::nanos;
use super::{ImportError, PAGE};

#[derive(sqlx::FromRow)]
struct OldOverride {
    room: i64,
    person: i64,
    banned: i64,
    moderator: i64,
    admin: i64,
    visible_mod: i64,
    read: Option<i64>,
    accessible: Option<i64>,
    write: Option<i64>,
    upload: Option<i64>,
}

#[derive(Clone, Serialize)]
struct NewOverride {
    room: i64,
    person: i64,
    banned: bool,
    moderator: bool,
    admin: bool,
    visible_mod: bool,
    read: Option<bool>,
    accessible: Option<bool>,
    write: Option<bool>,
    upload: Option<bool>,
}

#[derive(sqlx::FromRow)]
struct OldPermissions {
    room: i64,
    person: i64,
    at: f64,
    read: Option<i64>,
    write: Option<i64>,
    upload: Option<i64>,
}

#[derive(Serialize)]
struct NewPermissions {
    room: i64,
    person: i64,
    at: i64,
    read: Option<bool>,
    write: Option<bool>,
    upload: Option<bool>,
}

#[derive(sqlx::FromRow)]
struct OldBan {
    room: Option<i64>,
    person: i64,
    at: f64,
    banned: i64,
}

#[derive(Serialize)]
struct NewBan {
    room: Option<i64>,
    person: i64,
    at: i64,
    banned: bool,
}

const OVERRIDES: &str = concat!(
    r#"SELECT room, "user" AS person, "#,
    flag!("banned"),
    " AS banned, ",
    flag!("moderator"),
    " AS moderator, ",
    flag!("admin"),
    " AS admin, COALESCE(",
    flag!("visible_mod"),
    ", 1) AS visible_mod, ",
    flag!("read"),
    " AS read, ",
    flag!("accessible"),
    " AS accessible, ",
    flag!("write"),
    " AS write, ",
    flag!("upload"),
    r#" AS upload
    FROM user_permission_overrides AS differing
    WHERE (room, "user") > ($1, $2)
      AND EXISTS (SELECT 1 FROM rooms WHERE rooms.id = differing.room)
      AND EXISTS (SELECT 1 FROM users WHERE users.id = differing."user")
    ORDER BY room, "user"
    LIMIT $3"#
);

const PERMISSIONS: &str = concat!(
    r#"SELECT room, "user" AS person, "#,
    seconds!("at"),
    " AS at, ",
    flag!("read"),
    " AS read, ",
    flag!("write"),
    " AS write, ",
    flag!("upload"),
    r#" AS upload
    FROM user_permission_futures AS planned
    WHERE EXISTS (SELECT 1 FROM rooms WHERE rooms.id = planned.room)
      AND EXISTS (SELECT 1 FROM users WHERE users.id = planned."user")
    ORDER BY at, room, "user"
    LIMIT $1 OFFSET $2"#
);

const BANS: &str = concat!(
    r#"SELECT room, "user" AS person, "#,
    seconds!("at"),
    " AS at, ",
    flag!("banned"),
    r#" AS banned
    FROM user_ban_futures AS planned
    WHERE (room IS NULL OR EXISTS (SELECT 1 FROM rooms WHERE rooms.id = planned.room))
      AND EXISTS (SELECT 1 FROM users WHERE users.id = planned."user")
    ORDER BY at, room, "user"
    LIMIT $1 OFFSET $2"#
);

const ADD_OVERRIDES: PerDialect = insert!(
    "overrides"; room int, person int, banned flag, moderator flag, admin flag, visible_mod flag, read flag,
    accessible flag, write flag, upload flag; ""
);

const ADD_PERMISSIONS: PerDialect = insert!(
    "scheduled_permissions"; room int, person int, at int, read flag, write flag, upload flag; ""
);

const ADD_BANS: PerDialect = insert!("scheduled_bans"; room int, person int, at int, banned flag; "");

impl NewOverride {
    const fn rights(&self) -> Rights {
        Rights {
            banned: self.banned,
            moderator: self.moderator,
            admin: self.admin,
            visible: self.visible_mod,
        }
    }

    fn with_rights(self, rights: Rights) -> Self {
        Self {
            banned: rights.banned,
            moderator: rights.moderator,
            admin: rights.admin,
            visible_mod: rights.visible,
            ..self
        }
    }

    /// What somebody has who was there twice.
    fn with(self, other: &Self) -> Self {
        let rights = self.rights().with(other.rights());
        Self {
            read: self.read.or(other.read),
            accessible: self.accessible.or(other.accessible),
            write: self.write.or(other.write),
            upload: self.upload.or(other.upload),
            ..self.with_rights(rights)
        }
    }

    const fn is_empty(&self) -> bool {
        !self.banned
            && !self.moderator
            && !self.admin
            && self.read.is_none()
            && self.accessible.is_none()
            && self.write.is_none()
            && self.upload.is_none()
    }
}

fn flag(value: Option<i64>) -> Option<bool> {
    value.map(|value| value != 0)
}

impl Copying<'_> {
    pub(super) async fn overrides(&mut self) -> Result<(), ImportError> {
        let mut doubles: HashMap<(i64, i64), NewOverride> = HashMap::new();
        let (mut room, mut person) = (i64::MIN, i64::MIN);
        loop {
            let page = run!(
                self.old,
                fetch_all,
                query_as::<_, OldOverride>,
                OVERRIDES,
                room,
                person,
                PAGE
            )?;
            let Some(last) = page.last() else { break };
            (room, person) = (last.room, last.person);
            let count = page.len();
            let mut rows = Vec::with_capacity(count);
            for old in page {
                let Some(new) = self.override_of(&old) else { continue };
                if self.people.is_merged(new.person) {
                    let key = (new.room, new.person);
                    let both = match doubles.remove(&key) {
                        Some(other) => other.with(&new),
                        None => new,
                    };
                    doubles.insert(key, both);
                } else {
                    rows.extend(self.mended(new));
                }
            }
            self.add("permissions, roles and bans in rooms", ADD_OVERRIDES, &rows)
                .await?;
            self.did(count);
        }
        let merged: Vec<NewOverride> = doubles.into_values().filter_map(|new| self.mended(new)).collect();
        self.changed_rooms
            .extend(merged.iter().filter(|new| new.moderator).map(|new| new.room));
        self.add("permissions, roles and bans in rooms", ADD_OVERRIDES, &merged)
            .await
    }

    fn override_of(&mut self, old: &OldOverride) -> Option<NewOverride> {
        if self.people.is_former_server(old.person) {
            self.changed_rooms.insert(old.room);
            return None;
        }
        Some(NewOverride {
            room: old.room,
            person: self.people.number(old.person),
            banned: old.banned != 0,
            moderator: old.moderator != 0,
            admin: old.admin != 0,
            visible_mod: old.visible_mod != 0,
            read: flag(old.read),
            accessible: flag(old.accessible),
            write: flag(old.write),
            upload: flag(old.upload),
        })
    }

    fn mended(&mut self, new: NewOverride) -> Option<NewOverride> {
        let named = || format!("room {}, user {}", new.room, new.person);
        if new.is_empty() {
            self.report.found(Check::EmptyOverride, named());
            return None;
        }
        let (rights, wrong) = new.rights().mended();
        if let Some(check) = wrong {
            self.report.found(check, named());
            self.changed_rooms.insert(new.room);
        }
        Some(new.with_rights(rights))
    }

    pub(super) async fn schedules(&mut self) -> Result<(), ImportError> {
        if self.shape.permission_futures {
            self.scheduled_permissions().await?;
        }
        if self.shape.ban_futures {
            self.scheduled_bans().await?;
        }
        Ok(())
    }

    async fn scheduled_permissions(&mut self) -> Result<(), ImportError> {
        let mut seen = 0;
        loop {
            let page = run!(
                self.old,
                fetch_all,
                query_as::<_, OldPermissions>,
                PERMISSIONS,
                PAGE,
                seen
            )?;
            if page.is_empty() {
                return Ok(());
            }
            seen += PAGE;
            let count = page.len();
            let mut rows = Vec::with_capacity(count);
            for old in page {
                if self.people.is_former_server(old.person) {
                    continue;
                }
                if old.read.is_none() && old.write.is_none() && old.upload.is_none() {
                    let example = format!("room {}, user {}", old.room, old.person);
                    self.report.found(Check::EmptySchedule, example);
                    continue;
                }
                rows.push(NewPermissions {
                    room: old.room,
                    person: self.people.number(old.person),
                    at: nanos(old.at),
                    read: flag(old.read),
                    write: flag(old.write),
                    upload: flag(old.upload),
                });
            }
            self.add("scheduled permissions", ADD_PERMISSIONS, &rows).await?;
            self.did(count);
        }
    }

    async fn scheduled_bans(&mut self) -> Result<(), ImportError> {
        let mut seen = 0;
        loop {
            let page = run!(self.old, fetch_all, query_as::<_, OldBan>, BANS, PAGE, seen)?;
            if page.is_empty() {
                return Ok(());
            }
            seen += PAGE;
            let count = page.len();
            let rows: Vec<NewBan> = page
                .into_iter()
                .filter(|old| !self.people.is_former_server(old.person))
                .map(|old| NewBan {
                    room: old.room,
                    person: self.people.number(old.person),
                    at: nanos(old.at),
                    banned: old.banned != 0,
                })
                .collect();
            self.add("scheduled bans", ADD_BANS, &rows).await?;
            self.did(count);
        }
    }
}
