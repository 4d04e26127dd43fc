//! Which rooms are shown, and how they are joined.

use sogs::model::Defaults;

use super::in_process::{Server, Stores};
use super::page as text;

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
async fn a_room_page_shows_how_to_join() {
    let base = |settings: &mut sogs::settings::Settings| {
        settings.common.base_url = Some("https://chat.example.org/".to_owned());
    };
    let server = Server::start_with(Stores::Embedded, base).await.unwrap();
    server.room("Lobby").await;
    let key = server.app().key.public().to_string();
    let page = text(&server, "/r/lobby/").await;
    let link = format!("https://chat.example.org/Lobby?public_key={key}");
    assert!(page.contains(&format!("<code>{link}</code>")), "{page}");
    assert!(
        page.contains("<title id=\"code\">QR code of the link</title>"),
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

#[tokio::test(flavor = "multi_thread")]
async fn an_opened_join_link_leads_to_the_page() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    server.room("Lobby").await;
    // The words that the API needs name no room here.
    for token in ["room", "r", "static"] {
        server.room(token).await;
    }
    let hidden = Defaults {
        read: false,
        accessible: false,
        ..Defaults::default()
    };
    server.room_with("secret", hidden).await;
    let key = server.app().key.public().to_string();
    for (path, status, place) in [
        (format!("/lobby?public_key={key}"), 307, Some("/r/Lobby/")),
        (format!("/r/lobby?public_key={key}"), 308, Some("/r/lobby/")),
        ("/r/my-room_1".to_owned(), 308, Some("/r/my-room_1/")),
        ("/r/a%20b".to_owned(), 308, Some("/r/a%20b/")),
        ("/secret".to_owned(), 404, None),
        ("/nowhere".to_owned(), 404, None),
        ("/room".to_owned(), 404, None),
        ("/static".to_owned(), 404, None),
        ("/r".to_owned(), 404, None),
    ] {
        let answer = server.get(&path).await;
        assert_eq!((answer.status, answer.header("location")), (status, place), "{path}");
    }
    let post = shared::client::Request::new("POST", "/lobby").body("{}");
    assert_eq!(server.anonymous().direct(post).await.unwrap().status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_shown_only_if_it_is_a_picture() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let room = super::lobby(&server).await;
    let admin = server.user().await;
    server.appoint(room, &admin, true).await;
    assert_eq!(server.get("/r/lobby/image").await.status, 404);
    for (content, kind) in [
        ("GIF89a and so on", Some("image/gif")),
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>",
            None,
        ),
        ("<script>x()</script>", None),
    ] {
        let file = super::upload(&admin, "picture", content).await;
        let answer = admin.put("/room/lobby", &serde_json::json!({ "image": file })).await;
        assert_eq!(answer.status, 200);
        assert!(
            text(&server, "/")
                .await
                .contains(&format!("src=\"/r/lobby/image?v={file}\""))
        );
        let image = server.get("/r/lobby/image").await;
        match kind {
            Some(kind) => {
                assert_eq!((image.status, image.header("content-type")), (200, Some(kind)));
                assert_eq!(image.body, content);
                assert_eq!(image.header("x-content-type-options"), Some("nosniff"));
            }
            None => assert_eq!(image.status, 404),
        }
    }
}
