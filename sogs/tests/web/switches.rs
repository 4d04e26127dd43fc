//! Switching things off, for the server or for a room.

use sogs::model::Defaults;
use sogs::settings::WebSettings;
use sogs::store::{RoomChange, WebChange};

use super::in_process::{Server, Stores};
use super::{lobby, page, say};

const PATHS: [&str; 4] = ["/", "/r/lobby/", "/r/lobby/invite.png", "/r/lobby/feed.atom"];

async fn statuses(server: &Server) -> [u16; 4] {
    let mut statuses = [0; 4];
    for (status, path) in statuses.iter_mut().zip(PATHS) {
        *status = server.get(path).await.status;
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_can_be_switched_off_for_the_server() {
    type Switch = fn(&mut WebSettings) -> &mut bool;
    let switches: [(Switch, [u16; 4]); 4] = [
        (|web| &mut web.show_index, [403, 200, 200, 200]),
        (|web| &mut web.show_page, [200, 403, 403, 200]),
        (|web| &mut web.show_messages, [200, 200, 200, 403]),
        (|web| &mut web.show_feed, [200, 200, 200, 403]),
    ];
    for (switch, expected) in switches {
        let off = |settings: &mut sogs::settings::Settings| *switch(&mut settings.web) = false;
        let server = Server::start_with(Stores::Embedded, off).await.unwrap();
        lobby(&server).await;
        assert_eq!(statuses(&server).await, expected);
        if expected[1] == 200 {
            let shown = page(&server, "/r/lobby/").await;
            assert_eq!(shown.contains("feed.atom"), expected[3] == 200, "{shown}");
            assert_eq!(shown.contains("id=\"messages\""), server.settings.web.show_messages);
            assert_eq!(shown.contains("href=\"/\""), server.settings.web.show_index);
        } else {
            assert!(!page(&server, "/").await.contains("href=\"/r/lobby/\""));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rooms_the_index_says_how_to_make_one_even_if_it_is_switched_off() {
    let off = |settings: &mut sogs::settings::Settings| settings.web.show_index = false;
    let server = Server::start_with(Stores::Embedded, off).await.unwrap();
    assert!(page(&server, "/").await.contains("sogs room add"));
    let hidden = server.room("hidden").await;
    set(
        &server,
        hidden,
        WebChange {
            index: Some(false),
            ..WebChange::default()
        },
    )
    .await;
    assert_eq!(server.get("/").await.status, 200);
    lobby(&server).await;
    assert_eq!(server.get("/").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_can_be_switched_off_for_a_room() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let room = lobby(&server).await;
    server.room("other").await;
    let ann = server.user().await;
    say(&ann, "Ann", "a message").await;
    let off = WebChange {
        index: Some(false),
        ..WebChange::default()
    };
    set(&server, room, off).await;
    let index = page(&server, "/").await;
    assert!(!index.contains("lobby") && index.contains("/r/other/"), "{index}");
    assert_eq!(statuses(&server).await, [200; 4]);

    let off = WebChange {
        messages: Some(false),
        ..WebChange::default()
    };
    set(&server, room, off).await;
    assert!(!page(&server, "/r/lobby/").await.contains("a message"));
    assert_eq!(statuses(&server).await, [200, 200, 200, 403]);
    let on = WebChange {
        index: Some(true),
        messages: Some(true),
        feed: Some(false),
        ..WebChange::default()
    };
    set(&server, room, on).await;
    assert!(page(&server, "/r/lobby/").await.contains("a message"));
    assert_eq!(statuses(&server).await, [200, 200, 200, 403]);
    let off = WebChange {
        page: Some(false),
        ..WebChange::default()
    };
    set(&server, room, off).await;
    assert_eq!(statuses(&server).await, [200, 403, 403, 403]);
    // The apps notice nothing.
    assert_eq!(server.get("/room/lobby/messages/recent").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_no_longer_public_is_gone_at_once() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let room = lobby(&server).await;
    assert_eq!(statuses(&server).await, [200; 4]);
    let known = RoomChange {
        read: Some(false),
        ..RoomChange::default()
    };
    super::change(&server, room, known).await;
    assert_eq!(statuses(&server).await, [200, 403, 403, 403]);
    let index = page(&server, "/").await;
    assert!(
        index.contains("for members only") && !index.contains("/r/lobby/"),
        "{index}"
    );
    let hidden = RoomChange {
        accessible: Some(false),
        ..RoomChange::default()
    };
    super::change(&server, room, hidden).await;
    assert_eq!(statuses(&server).await, [200, 404, 404, 404]);
    let unlisted = Defaults {
        read: true,
        accessible: false,
        ..Defaults::default()
    };
    server.room_with("unlisted", unlisted).await;
    assert!(page(&server, "/").await.contains("/r/unlisted/"));
}

async fn set(server: &Server, room: sogs::model::RoomNo, web: WebChange) {
    let change = RoomChange {
        web,
        ..RoomChange::default()
    };
    super::change(server, room, change).await;
}
