//! What people may when a timeout is over, if the room is another by then.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use std::time::Duration;

use in_process::{Person, Server, Stores};
use serde_json::json;
use sogs::model::{Override, RoomNo};
use sogs::store::{TimedOut, Write};

on_both_stores!(
    who_had_no_permission_of_their_own_has_none_after_a_timeout,
    who_had_a_permission_of_their_own_has_it_after_a_timeout,
    a_timeout_that_is_made_longer_still_knows_what_was_before,
    a_timeout_that_is_lifted_brings_back_what_was_before,
    what_was_permitted_during_a_timeout_outlives_it,
);

const HOUR: u64 = 3600;

struct Scene {
    server: Server,
    room: RoomNo,
    admin: Person,
    user: Person,
}

impl Scene {
    async fn new(stores: Stores) -> Option<Self> {
        let mut server = Server::start(stores).await?;
        server.stop_jobs().await;
        let room = server.room("lobby").await;
        let (admin, user) = (server.user().await, server.user().await);
        server.appoint(room, &admin, true).await;
        Some(Self {
            server,
            room,
            admin,
            user,
        })
    }

    async fn time_out(&self, seconds: u64) -> TimedOut {
        let id = self.user.id.parse().unwrap();
        let until = self.server.clock.now().plus(Duration::from_secs(seconds));
        let (_, outcome) = self
            .server
            .change(async |write: &mut Write| write.time_out(self.room, &id, until).await.unwrap())
            .await;
        assert_eq!(self.user.say("lobby", "hello").await.status, 403);
        outcome
    }

    /// Opens the room for everybody's posts, or closes it.
    async fn open(&self, open: bool) {
        let change = json!({ "default_write": open });
        assert_eq!(self.admin.put("/room/lobby", &change).await.status, 200);
    }

    async fn permit(&self, mut change: serde_json::Value) {
        change["unschedule"] = json!(false);
        let path = format!("/room/lobby/permissions/{}", self.user.id);
        assert_eq!(self.admin.post(&path, &change).await.status, 200);
    }

    async fn pass(&self, seconds: u64) {
        self.server.pass(seconds);
        self.server.app().apply_due().await.unwrap();
    }

    /// The permission to write that is the user's own.
    async fn own(&self) -> Option<bool> {
        let number = self.server.number_of(&self.user).await;
        self.server
            .app()
            .store
            .override_of(self.room, number)
            .await
            .unwrap()
            .write
    }

    async fn is_silent(&self) -> bool {
        match self.user.say("lobby", "hello").await.status {
            201 => false,
            403 => true,
            status => panic!("{status}"),
        }
    }
}

async fn who_had_no_permission_of_their_own_has_none_after_a_timeout(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else { return };
    assert_eq!(scene.time_out(HOUR).await, TimedOut::Begun);
    assert_eq!(scene.own().await, Some(false));
    scene.open(false).await;
    scene.pass(HOUR).await;
    assert_eq!(scene.own().await, None);
    assert!(scene.is_silent().await, "as everybody else");
    scene.open(true).await;
    assert!(!scene.is_silent().await);
}

async fn who_had_a_permission_of_their_own_has_it_after_a_timeout(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else { return };
    scene.open(false).await;
    let own = Override {
        write: Some(true),
        ..Override::default()
    };
    scene.server.differ(scene.room, &scene.user.id, own).await;
    scene.time_out(HOUR).await;
    scene.open(true).await;
    scene.pass(HOUR).await;
    assert_eq!(scene.own().await, Some(true));
    scene.open(false).await;
    assert!(!scene.is_silent().await);
}

async fn a_timeout_that_is_made_longer_still_knows_what_was_before(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else { return };
    scene.time_out(HOUR).await;
    assert!(matches!(scene.time_out(2 * HOUR).await, TimedOut::Moved(_)));
    scene.open(false).await;
    scene.pass(HOUR).await;
    assert_eq!(scene.own().await, Some(false), "the former end does not count");
    scene.pass(HOUR).await;
    assert_eq!(scene.own().await, None);
}

async fn a_timeout_that_is_lifted_brings_back_what_was_before(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else { return };
    scene.time_out(HOUR).await;
    scene.open(false).await;
    let id = scene.user.id.parse().unwrap();
    let lifted = scene
        .server
        .change(async |write: &mut Write| write.end_timeout(scene.room, &id).await.unwrap())
        .await;
    assert!(lifted);
    assert_eq!(scene.own().await, None);
    scene.pass(HOUR).await;
    assert_eq!(scene.own().await, None);
}

async fn what_was_permitted_during_a_timeout_outlives_it(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else { return };
    scene.time_out(HOUR).await;
    scene.open(false).await;
    scene.permit(json!({ "write": true })).await;
    assert!(!scene.is_silent().await);
    scene.pass(HOUR).await;
    assert_eq!(scene.own().await, Some(true));
}
