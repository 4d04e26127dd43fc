//! Pages for browsers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Server, Stores};
use sogs::model::Defaults;

#[tokio::test(flavor = "multi_thread")]
async fn the_index_lists_public_rooms_and_no_others() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    assert!(text(&server, "/").await.contains("sogs room add"));
    server.room("Lobby").await;
    let hidden = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    server.room_with("secret", hidden).await;
    let index = text(&server, "/").await;
    assert!(
        index.contains("href=\"/r/Lobby/\"") && !index.contains("secret"),
        "{index}"
    );
    assert!(!index.contains("sogs room add"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_switched_off_is_403() {
    let server = Server::start_with(Stores::Embedded, |settings| settings.web.show_index = false)
        .await
        .unwrap();
    assert_eq!(server.get("/").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_page_shows_how_to_join() {
    let base = |settings: &mut sogs::settings::Settings| {
        settings.common.base_url = Some("https://chat.example.org/".to_owned());
    };
    let server = Server::start_with(Stores::Embedded, base).await.unwrap();
    server.room("Lobby").await;
    let key = server.app().key.public().to_string();
    let page = text(&server, "/r/lobby/").await;
    assert!(
        page.contains(&format!("https://chat.example.org/Lobby?public_key={key}")),
        "{page}"
    );
    let answer = server.get("/r/lobby").await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("/r/lobby/")));
    let image = server.get("/r/lobby/invite.png").await;
    assert_eq!(image.header("content-type"), Some("image/png"));
    assert_eq!(&image.body[..8], b"\x89PNG\r\n\x1a\n");
    // Width and height, as the header of a PNG has them.
    assert_eq!(&image.body[16..24], [0, 0, 2, 0, 0, 0, 2, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_that_not_everybody_may_read_have_no_page() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    server
        .room_with(
            "known",
            Defaults {
                read: false,
                ..Defaults::default()
            },
        )
        .await;
    let hidden = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    server.room_with("secret", hidden).await;
    for (path, status) in [
        ("/r/known/", 403),
        ("/r/known/invite.png", 403),
        ("/r/secret/", 404),
        ("/r/secret/invite.png", 404),
        ("/r/nowhere/", 404),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_admins_write_is_shown_as_text() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let room = server.room("lobby").await;
    let change = sogs::store::RoomChange {
        name: Some("<script>x</script>".to_owned()),
        ..Default::default()
    };
    server
        .change(async |write: &mut sogs::store::Write| write.change_room(room, &change).await.unwrap())
        .await;
    for path in ["/", "/r/lobby/"] {
        assert!(!text(&server, path).await.contains("<script>"), "{path}");
    }
}

async fn text(server: &Server, path: &str) -> String {
    let answer = server.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    String::from_utf8(answer.body.to_vec()).unwrap()
}
