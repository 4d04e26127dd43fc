//! How long files live that belong to messages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json};
use serde_json::{Value, json};
use shared::client::Request;
use shared::run;
use sogs::model::{RoomNo, UserNo};

const HOUR: i64 = 3600;
const LIFETIME: i64 = 15 * 24 * HOUR;

on_both_stores!(
    files_named_in_a_post_live_as_long_as_attachments,
    only_recent_uploads_of_the_author_to_the_room_are_attached,
    an_edit_attaches_even_if_nothing_else_changes,
    without_a_lifetime_attachments_stay_for_ever,
    pinned_messages_keep_their_files,
    the_files_of_a_deleted_message_are_gone_at_once,
    all_uploads_go_with_all_posts,
);

struct Scene {
    server: Server,
    room: RoomNo,
    author: Person,
    number: UserNo,
}

impl Scene {
    async fn new(stores: Stores) -> Option<Self> {
        Self::on(Server::start(stores).await?).await
    }

    async fn on(server: Server) -> Option<Self> {
        let room = server.room("lobby").await;
        let author = server.user().await;
        server.appoint(room, &author, true).await;
        let number = server.number_of(&author).await;
        Some(Self {
            server,
            room,
            author,
            number,
        })
    }

    fn now(&self) -> i64 {
        self.server.clock.now().as_seconds()
    }

    /// A file as an upload leaves it.
    async fn file(&self) -> i64 {
        self.file_of(self.room, self.number).await
    }

    async fn file_of(&self, room: RoomNo, uploader: UserNo) -> i64 {
        let now = self.server.clock.now().as_nanos();
        let mut tx = self.server.app().store.database().write().await.unwrap();
        let id = run!(
            tx,
            fetch_one,
            query_scalar::<_, i64>,
            "INSERT INTO files (room, uploader, size, uploaded, expiry) VALUES ($1, $2, 0, $3, $4) RETURNING id",
            room.0,
            uploader.0,
            now,
            now + HOUR * 1_000_000_000
        )
        .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The message it is attached to, and when it expires, in seconds.
    async fn of(&self, file: i64) -> (Option<i64>, Option<i64>) {
        let mut tx = self.server.app().store.database().read().await.unwrap();
        let text = "SELECT message, expiry FROM files WHERE id = $1";
        let row = run!(tx, fetch_one, query_as::<_, (Option<i64>, Option<i64>)>, text, file);
        let (message, expiry) = row.unwrap();
        (message, expiry.map(|nanos| nanos / 1_000_000_000))
    }

    async fn make_image(&self, file: i64) {
        let answer = self.author.put("/room/lobby", &json!({ "image": file })).await;
        assert_eq!(answer.status, 200);
    }

    async fn post(&self, files: Value) -> i64 {
        let body = json!({ "data": "eA==", "signature": "A".repeat(86), "files": files });
        let answer = self.author.post("/room/lobby/message", &body).await;
        assert_eq!(answer.status, 201);
        json(&answer)["id"].as_i64().unwrap()
    }

    async fn call(&self, method: &str, path: String) {
        assert_eq!(
            self.author.call(Request::new(method, &path)).await.status,
            200,
            "{path}"
        );
    }
}

async fn files_named_in_a_post_live_as_long_as_attachments(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else {
        return;
    };
    let files = [scene.file().await, scene.file().await, scene.file().await];
    scene.server.pass(100);
    let huge = "9".repeat(30);
    let message = scene
        .post(json!([files[0], files[1].to_string(), 99_999, huge, files[0]]))
        .await;
    for file in &files[..2] {
        assert_eq!(scene.of(*file).await, (Some(message), Some(scene.now() + LIFETIME)));
    }
    assert_eq!(scene.of(files[2]).await, (None, Some(scene.now() - 100 + HOUR)));
}

async fn only_recent_uploads_of_the_author_to_the_room_are_attached(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else {
        return;
    };
    let attic = scene.server.room("attic").await;
    let other = scene.server.number_of(&scene.server.user().await).await;
    let old = scene.file().await;
    let old_expiry = scene.now() + HOUR;
    scene.server.pass(3600);
    let elsewhere = scene.file_of(attic, scene.number).await;
    let foreign = scene.file_of(scene.room, other).await;
    let (taken, image) = (scene.file().await, scene.file().await);
    let first = scene.post(json!([taken])).await;
    scene.make_image(image).await;
    let unattached = scene.now() + HOUR;
    scene.post(json!([old, elsewhere, foreign, taken, image])).await;
    assert_eq!(scene.of(old).await, (None, Some(old_expiry)));
    assert_eq!(scene.of(elsewhere).await, (None, Some(unattached)));
    assert_eq!(scene.of(foreign).await, (None, Some(unattached)));
    assert_eq!(scene.of(taken).await, (Some(first), Some(scene.now() + LIFETIME)));
    assert_eq!(scene.of(image).await, (None, None));
}

async fn an_edit_attaches_even_if_nothing_else_changes(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else {
        return;
    };
    let (one, two) = (scene.file().await, scene.file().await);
    let message = scene.post(json!([one])).await;
    let same = json!({ "data": "eA==", "signature": "A".repeat(86), "files": [two.to_string()] });
    let path = format!("/room/lobby/message/{message}");
    assert_eq!(scene.author.put(&path, &same).await.status, 200);
    let attached = (Some(message), Some(scene.now() + LIFETIME));
    assert_eq!((scene.of(one).await, scene.of(two).await), (attached, attached));
    assert_eq!(json(&scene.author.get(&path).await)["seqno"], 1);
}

async fn without_a_lifetime_attachments_stay_for_ever(stores: Stores) {
    let forever = |settings: &mut sogs::settings::Settings| settings.files.expiry = shared::config::Span::seconds(0);
    let Some(server) = Server::start_with(stores, forever).await else {
        return;
    };
    let scene = Scene::on(server).await.unwrap();
    let file = scene.file().await;
    let message = scene.post(json!([file])).await;
    assert_eq!(scene.of(file).await, (Some(message), None));
    scene.call("POST", format!("/room/lobby/pin/{message}")).await;
    scene.call("POST", format!("/room/lobby/unpin/{message}")).await;
    assert_eq!(scene.of(file).await, (Some(message), None));
}

async fn pinned_messages_keep_their_files(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else {
        return;
    };
    let uploaded = scene.now();
    let (file, image) = (scene.file().await, scene.file().await);
    let message = scene.post(json!([file, image])).await;
    scene.make_image(image).await;
    for unpin in [message.to_string(), "all".to_owned()] {
        scene.server.pass(60);
        scene.call("POST", format!("/room/lobby/pin/{message}")).await;
        assert_eq!(scene.of(file).await, (Some(message), None));
        scene.call("POST", format!("/room/lobby/unpin/{unpin}")).await;
        assert_eq!(scene.of(file).await, (Some(message), Some(uploaded + LIFETIME)));
        assert_eq!(scene.of(image).await, (Some(message), None));
    }
    // What is added while it is pinned stays as well.
    scene.call("POST", format!("/room/lobby/pin/{message}")).await;
    let late = scene.file().await;
    let edit = json!({ "data": "eQ==", "signature": "A".repeat(86), "files": [late] });
    let path = format!("/room/lobby/message/{message}");
    assert_eq!(scene.author.put(&path, &edit).await.status, 200);
    assert_eq!(scene.of(late).await, (Some(message), None));
}

async fn the_files_of_a_deleted_message_are_gone_at_once(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else {
        return;
    };
    let files = [
        scene.file().await,
        scene.file().await,
        scene.file().await,
        scene.file().await,
    ];
    let [attached, image, pinned, other] = files;
    let message = scene.post(json!([attached, image])).await;
    scene.make_image(image).await;
    let second = scene.post(json!([pinned])).await;
    scene.call("POST", format!("/room/lobby/pin/{second}")).await;
    for message in [message, second] {
        scene.call("DELETE", format!("/room/lobby/message/{message}")).await;
    }
    assert_eq!(scene.of(attached).await, (Some(message), Some(0)));
    assert_eq!(scene.of(image).await, (Some(message), None));
    assert_eq!(scene.of(pinned).await, (Some(second), Some(0)));
    assert_eq!(scene.of(other).await, (None, Some(scene.now() + HOUR)));
    // An image whose message is gone has nothing to stay for once it is replaced.
    scene.make_image(other).await;
    assert_eq!(scene.of(image).await, (Some(message), Some(0)));
}

async fn all_uploads_go_with_all_posts(stores: Stores) {
    let Some(scene) = Scene::new(stores).await else {
        return;
    };
    let attic = scene.server.room("attic").await;
    let other = scene.server.number_of(&scene.server.user().await).await;
    let (attached, loose, image) = (scene.file().await, scene.file().await, scene.file().await);
    let elsewhere = scene.file_of(attic, scene.number).await;
    let foreign = scene.file_of(scene.room, other).await;
    let message = scene.post(json!([attached])).await;
    scene.make_image(image).await;
    scene
        .call("DELETE", format!("/room/lobby/all/{}", scene.author.id))
        .await;
    assert_eq!(scene.of(attached).await, (Some(message), Some(0)));
    assert_eq!(scene.of(loose).await, (None, Some(0)));
    assert_eq!(scene.of(image).await, (None, None));
    for kept in [elsewhere, foreign] {
        assert_eq!(scene.of(kept).await, (None, Some(scene.now() + HOUR)));
    }
    // Uploads go even where there are no posts any more.
    let late = scene.file().await;
    let path = format!("/room/lobby/all/{}", scene.author.id);
    assert_eq!(scene.author.delete(&path).await.status, 404);
    assert_eq!(scene.of(late).await, (None, Some(0)));
}
