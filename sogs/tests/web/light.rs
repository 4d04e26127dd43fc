//! What a page costs, and what it leaves behind.

use std::collections::HashSet;

use shared::client::Request;

use super::in_process::{Server, Stores};
use super::{lobby, page, say};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_not_sent_again_until_something_changes() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    let ann = server.user().await;
    let id = say(&ann, "Ann", "a message").await;
    for path in [
        "/",
        "/r/lobby/",
        "/r/lobby/feed.atom",
        "/r/lobby/invite.png",
        "/static/style.css",
    ] {
        let etag = server.get(path).await.header("etag").unwrap().to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}")] {
            let asked = Request::new("GET", path).header("If-None-Match", &known);
            let answer = server.anonymous().direct(asked).await.unwrap();
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{path}");
            assert_eq!(answer.header("etag"), Some(etag.as_str()));
        }
        let head = server.anonymous().direct(Request::new("HEAD", path)).await.unwrap();
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("etag"), Some(etag.as_str()));
    }
    let etag = server.get("/r/lobby/").await.header("etag").unwrap().to_owned();
    assert_eq!(ann.delete(&format!("/room/lobby/message/{id}")).await.status, 200);
    let asked = Request::new("GET", "/r/lobby/").header("If-None-Match", &etag);
    let answer = server.anonymous().direct(asked).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!String::from_utf8_lossy(&answer.body).contains("a message"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_fenced_in() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    for path in [
        "/",
        "/r/lobby/",
        "/r/nowhere/",
        "/r/lobby/feed.atom",
        "/static/style.css",
        "/static/icon.svg",
    ] {
        let answer = server.get(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        let rules: HashSet<&str> = policy.split("; ").collect();
        for rule in [
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(rules.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("set-cookie"), None);
        let text = String::from_utf8_lossy(&answer.body);
        assert!(!text.contains("<script") && !text.contains(" style="), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_writes_nothing() {
    let mut server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    let ann = server.user().await;
    say(&ann, "Ann", "a message").await;
    server.stop_jobs().await;
    // One that was under way goes on without its job.
    server.app().store.database().checkpoint().await.unwrap();
    let path = server.app().store.database().path().unwrap().to_owned();
    let folder = path.parent().unwrap().to_owned();
    let content = || {
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            // The index of the log is shared memory, in which readers mark how far they have read.
            .filter(|path| path.is_file() && !path.to_string_lossy().ends_with("-shm"))
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = content();
    for path in [
        "/",
        "/r/lobby/",
        "/r/lobby/?before=1",
        "/r/lobby/feed.atom",
        "/lobby",
        "/r/lobby/invite.png",
    ] {
        assert!(server.get(path).await.status < 400, "{path}");
    }
    assert!(before == content());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_readers_leaves_the_apps_alone() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    let ann = server.user().await;
    for number in 0..60 {
        say(&ann, "Ann", &format!("message {number}")).await;
    }
    let readers: Vec<_> = (0..200)
        .map(|number| {
            let client = server.anonymous();
            tokio::spawn(async move {
                let path = format!("/r/lobby/?before={number}");
                client.direct(Request::new("GET", &path)).await.unwrap().status
            })
        })
        .collect();
    for number in 0..20 {
        say(&ann, "Ann", &format!("in between {number}")).await;
        assert_eq!(ann.get("/room/lobby/messages/recent?limit=5").await.status, 200);
    }
    for reader in readers {
        let status = reader.await.unwrap();
        assert!(status == 200 || status == 503, "{status}");
    }
    assert!(page(&server, "/r/lobby/").await.contains("in between 19"));
}
