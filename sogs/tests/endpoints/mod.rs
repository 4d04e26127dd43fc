//! Every endpoint of the server, each with a request that it accepts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::client::{Account, Identity, Request};
use shared::crypto::UserId;
use sogs::model::{RoleChange, RoomNo, Scope, UserNo};
use sogs::store::{NewFile, NewMessage, Write};

use crate::in_process::{Person, Server, Stores};

/// A request to one endpoint that an admin of the server succeeds with.
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    pub(crate) pattern: &'static str,
    pub(crate) target: String,
    pub(crate) body: Body,
    pub(crate) status: u16,
    /// Whether it is one of those that take no blinded ids, and rooms by a header.
    pub(crate) old: bool,
}

/// What such a request carries.
pub(crate) enum Body {
    None,
    Json(Value),
    Bytes(&'static [u8]),
}

/// A server with people of every kind.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) admin: Person,
    pub(crate) moderator: Person,
    pub(crate) user: Person,
    pub(crate) banned: Person,
    /// Gets letters.
    pub(crate) friend: Person,
    /// Whom things are done to.
    pub(crate) victim: Person,
    /// Banned in each room; the id of an account.
    outcast: UserId,
    rooms: u32,
}

/// What is there to be asked for.
pub(crate) struct Props {
    pub(crate) token: String,
    pub(crate) message: i64,
    pub(crate) file: i64,
}

impl Scene {
    /// Where blinded ids are demanded, the oldest endpoints only refuse.
    pub(crate) async fn new(stores: Stores, blinded: bool) -> Option<Self> {
        let mut server = Server::start_with(stores, |settings| settings.users.require_blind_keys = blinded).await?;
        server.stop_jobs().await;
        let people = [
            server.user().await,
            server.user().await,
            server.user().await,
            server.user().await,
            server.user().await,
            server.user().await,
        ];
        for person in people.iter().filter(|_| !blinded) {
            let unblinded = server.anonymous();
            let unblinded = unblinded.with_account(person.account.clone(), Identity::Unblinded, server.clock.clone());
            let answer = unblinded.direct(Request::new("GET", "/capabilities")).await.unwrap();
            assert_eq!(answer.status, 200);
        }
        let [admin, moderator, user, banned, friend, victim] = people;
        let id = |person: &Person| -> UserId { person.id.parse().unwrap() };
        let (first, second) = (id(&admin), id(&banned));
        let same = UserId::Session(admin.account.session_id());
        server
            .change(async |write: &mut Write| {
                let role = RoleChange::Admin { visible: None };
                write.change_role(&first, &Scope::Server, role).await.unwrap();
                if !blinded {
                    write.change_role(&same, &Scope::Server, role).await.unwrap();
                }
                write.ban(&second, &Scope::Server, None).await.unwrap();
            })
            .await;
        Some(Self {
            server,
            admin,
            moderator,
            user,
            banned,
            friend,
            victim,
            outcast: UserId::Session(Account::generate().session_id()),
            rooms: 0,
        })
    }

    /// A new room with what examples ask for.
    pub(crate) async fn props(&mut self) -> Props {
        self.rooms += 1;
        let token = format!("room{}", self.rooms);
        let room = self.server.room(&token).await;
        self.server.appoint(room, &self.moderator, false).await;
        let admin = self.server.number_of(&self.admin).await;
        let outcast = self.outcast;
        let victim = self.server.number_of(&self.victim).await;
        let (message, file) = self
            .server
            .change(async |write: &mut Write| {
                write.post(&text(room, victim)).await.unwrap();
                let message = write.post(&text(room, admin)).await.unwrap().id;
                write.react(room, message, "👍", admin).await.unwrap();
                let file = NewFile {
                    room,
                    uploader: admin,
                    size: 0,
                    lifetime: None,
                    filename: Some("file"),
                    blob: None,
                };
                let file = write.add_file(file).await.unwrap().unwrap();
                assert!(write.set_image(room, file, None).await.unwrap());
                write.ban(&outcast, &Scope::Rooms(vec![room]), None).await.unwrap();
                (message, file)
            })
            .await;
        Props { token, message, file }
    }

    /// Every endpoint. The requests ask for what is in these props.
    #[rustfmt::skip]
    pub(crate) fn endpoints(&self, props: &Props) -> Vec<Endpoint> {
        let Props { token, message, file } = props;
        let (friend, victim) = (&self.friend.id, &self.victim.id);
        let data = STANDARD.encode("hello\u{80}");
        let signature = STANDARD.encode([0; 64]);
        let content = json!({ "data": data, "signature": signature });
        let post = json!({
            "data": data, "signature": signature, "files": [file], "whisper_to": friend, "whisper_mods": true,
        });
        let batch = json!([
            { "method": "GET", "path": format!("/room/{token}/pollInfo/0"), "headers": { "a": "b" } },
            { "method": "POST", "path": format!("/room/{token}/message"), "json": content },
            { "method": "POST", "path": format!("/room/{token}/file"), "b64": "YQ==" },
        ]);
        let room = json!({
            "name": "Name", "description": "What", "image": file, "default_read": true, "default_accessible": true,
            "default_write": true, "default_upload": true,
        });
        let permissions = json!({ "read": true, "default_write": true, "upload": false, "unschedule": false });
        let later = json!({ "in": 60.5, "read": true, "write": false, "upload": true });
        let role = json!({ "rooms": [token], "moderator": true, "admin": false, "visible": true });
        let ban = json!({ "rooms": [token], "timeout": 60.5 });
        let r = format!("/room/{token}");
        let get = |pattern, target: String| endpoint("GET", pattern, target, Body::None, 200);
        let delete = |pattern, target: String| endpoint("DELETE", pattern, target, Body::None, 200);
        let post_json = |pattern, target: String, body: &Value| {
            endpoint("POST", pattern, target, Body::Json(body.clone()), 200)
        };
        let mut all = vec![
            get("/capabilities", "/capabilities?required=sogs,reactions".to_owned()),
            post_json("/batch", "/batch".to_owned(), &batch),
            post_json("/sequence", "/sequence".to_owned(), &batch),
            get("/room/{token}/messages/since/{seqno}", format!("{r}/messages/since/0?t=r&limit=5&reactors=2")),
            get("/room/{token}/messages/before/{id}", format!("{r}/messages/before/{message}?limit=5")),
            get("/room/{token}/messages/recent", format!("{r}/messages/recent?limit=5&reactors=2")),
            get("/room/{token}/message/{id}", format!("{r}/message/{message}")),
            endpoint("PUT", "/room/{token}/message/{id}", format!("{r}/message/{message}"), Body::Json(content), 200),
            delete("/room/{token}/message/{id}", format!("{r}/message/{message}")),
            endpoint("POST", "/room/{token}/message", format!("{r}/message"), Body::Json(post), 201),
            endpoint("PUT", "/room/{token}/reaction/{id}/{*reaction}", format!("{r}/reaction/{message}/%F0%9F%90%88"),
                Body::None, 200),
            delete("/room/{token}/reaction/{id}/{*reaction}", format!("{r}/reaction/{message}/%F0%9F%91%8D")),
            delete("/room/{token}/reactions/{id}", format!("{r}/reactions/{message}")),
            delete("/room/{token}/reactions/{id}/{*reaction}", format!("{r}/reactions/{message}/%F0%9F%91%8D")),
            get("/room/{token}/reactors/{id}/{*reaction}", format!("{r}/reactors/{message}/%F0%9F%91%8D?limit=5")),
            endpoint("POST", "/room/{token}/pin/{id}", format!("{r}/pin/{message}"), Body::None, 200),
            endpoint("POST", "/room/{token}/unpin/all", format!("{r}/unpin/all"), Body::None, 200),
            endpoint("POST", "/room/{token}/unpin/{id}", format!("{r}/unpin/{message}"), Body::None, 200),
            delete("/room/{token}/all/{id}", format!("{r}/all/{victim}")),
            delete("/rooms/all/{id}", format!("/rooms/all/{victim}")),
            endpoint("POST", "/room/{token}/file", format!("{r}/file"), Body::Bytes(b"content"), 201),
            get("/room/{token}/file/{id}", format!("{r}/file/{file}")),
            get("/room/{token}/file/{id}/{name}", format!("{r}/file/{file}/name.txt")),
            get("/rooms", "/rooms".to_owned()),
            endpoint("POST", "/rooms", "/rooms".to_owned(),
                Body::Json(json!({ "token": format!("{token}-new"), "name": "New", "description": "What" })), 201),
            get("/room/{token}", r.clone()),
            endpoint("PUT", "/room/{token}", r.clone(), Body::Json(room), 200),
            delete("/room/{token}", r.clone()),
            get("/room/{token}/pollInfo/{known}", format!("{r}/pollInfo/0")),
            get("/room/{token}/permissions", format!("{r}/permissions")),
            get("/room/{token}/permissions/{id}", format!("{r}/permissions/{victim}")),
            post_json("/room/{token}/permissions/{id}", format!("{r}/permissions/{victim}"), &permissions),
            get("/room/{token}/futurePermissions", format!("{r}/futurePermissions")),
            get("/room/{token}/futurePermissions/{id}", format!("{r}/futurePermissions/{victim}")),
            post_json("/room/{token}/futurePermissions/{id}", format!("{r}/futurePermissions/{victim}"), &later),
            post_json("/user/{id}/moderator", format!("/user/{victim}/moderator"), &role),
            post_json("/user/{id}/ban", format!("/user/{victim}/ban"), &ban),
            post_json("/user/{id}/unban", format!("/user/{victim}/unban"), &ban),
            get("/inbox", "/inbox?limit=5".to_owned()),
            delete("/inbox", "/inbox".to_owned()),
            endpoint("GET", "/inbox/since/{since}", "/inbox/since/0?limit=5".to_owned(), Body::None, 304),
            get("/outbox", "/outbox?limit=5".to_owned()),
            endpoint("GET", "/outbox/since/{since}", "/outbox/since/0".to_owned(), Body::None, 304),
            endpoint("POST", "/inbox/{id}", format!("/inbox/{friend}"), Body::Json(json!({ "message": data })), 201),
            get("/", "/".to_owned()),
            endpoint("GET", "/r/{token}", format!("/r/{token}"), Body::None, 308),
            get("/r/{token}/", format!("/r/{token}/")),
            get("/r/{token}/feed.atom", format!("/r/{token}/feed.atom")),
            endpoint("GET", "/r/{token}/image", format!("/r/{token}/image"), Body::None, 404),
            get("/r/{token}/invite.png", format!("/r/{token}/invite.png")),
            get("/static/{name}", "/static/style.css".to_owned()),
            endpoint("GET", "/{token}", format!("/{token}"), Body::None, 307),
            endpoint("POST", "/{token}", format!("/{token}"), Body::None, 404),
            endpoint("PUT", "/{token}", format!("/{token}"), Body::None, 404),
            endpoint("DELETE", "/{token}", format!("/{token}"), Body::None, 404),
        ];
        all.extend(self.old_endpoints(props));
        all
    }

    /// What clients used before 2022.
    #[rustfmt::skip]
    fn old_endpoints(&self, props: &Props) -> Vec<Endpoint> {
        let Props { token, message, file } = props;
        let id = self.outcast.to_string();
        let own = self.admin.account.session_id();
        let data = STANDARD.encode("hello\u{80}");
        let post = json!({ "data": data, "signature": STANDARD.encode([0; 64]) });
        let ids = json!({ "ids": [message] });
        let bytes = json!({ "file": data });
        let named = json!({ "public_key": id });
        let poll = json!({ "requests": [
            { "room_id": token, "auth_token": "", "from_message_server_id": 0, "from_deletion_server_id": 0 },
        ] });
        let old = |method, pattern, target: String, body| Endpoint {
            old: true,
            ..endpoint(method, pattern, target, body, 200)
        };
        let get = |pattern, target: String| old("GET", pattern, target, Body::None);
        let delete = |pattern, target: String| old("DELETE", pattern, target, Body::None);
        let post_json = |pattern, target: String, body: &Value| old("POST", pattern, target, Body::Json(body.clone()));
        vec![
            get("/legacy/rooms", "/legacy/rooms".to_owned()),
            get("/legacy/rooms/{token}", format!("/legacy/rooms/{token}")),
            get("/legacy/rooms/{token}/image", format!("/legacy/rooms/{token}/image")),
            post_json("/legacy/rooms/{token}/image", format!("/legacy/rooms/{token}/image"), &bytes),
            post_json("/legacy/claim_auth_token", "/legacy/claim_auth_token".to_owned(), &json!({})),
            get("/legacy/auth_token_challenge", format!("/legacy/auth_token_challenge?public_key={own}")),
            get("/legacy/member_count", "/legacy/member_count".to_owned()),
            post_json("/legacy/files", "/legacy/files".to_owned(), &bytes),
            get("/legacy/files/{id}", format!("/legacy/files/{file}")),
            get("/legacy/messages", "/legacy/messages?limit=5&from_server_id=0".to_owned()),
            post_json("/legacy/messages", "/legacy/messages".to_owned(), &post),
            delete("/legacy/messages/{id}", format!("/legacy/messages/{message}")),
            post_json("/legacy/delete_messages", "/legacy/delete_messages".to_owned(), &ids),
            post_json("/legacy/compact_poll", "/legacy/compact_poll".to_owned(), &poll),
            get("/legacy/block_list", "/legacy/block_list".to_owned()),
            post_json("/legacy/block_list", "/legacy/block_list".to_owned(), &named),
            delete("/legacy/block_list/{id}", format!("/legacy/block_list/{id}")),
            post_json("/legacy/ban_and_delete_all", "/legacy/ban_and_delete_all".to_owned(), &named),
            get("/legacy/moderators", "/legacy/moderators".to_owned()),
            post_json("/legacy/moderators", "/legacy/moderators".to_owned(), &json!({ "public_key": own.to_string() })),
            delete("/legacy/moderators/{id}", format!("/legacy/moderators/{id}")),
        ]
    }
}

fn endpoint(method: &'static str, pattern: &'static str, target: String, body: Body, status: u16) -> Endpoint {
    Endpoint {
        method,
        pattern,
        target,
        body,
        status,
        old: false,
    }
}

fn text(room: RoomNo, author: UserNo) -> NewMessage<'static> {
    NewMessage {
        room,
        author,
        data: b"text",
        signature: &[0; 64],
        whisper: None,
        whisper_mods: false,
        filtered: false,
        limit: None,
    }
}
