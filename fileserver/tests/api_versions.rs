//! Version checks and token figures.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod in_process;

use fileserver::model::Channel;
use fileserver::settings::{Settings, VersionSource};
use in_process::{START, Server, Stores, json, refused};
use serde_json::{Value, json as value};
use shared::client::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

on_both_stores!(accounts_are_counted_once_a_day_and_not_kept);

/// A folder with the operator's files, and the settings that point there.
fn operator() -> (tempfile::TempDir, impl Fn(&mut Settings)) {
    let folder = tempfile::tempdir().unwrap();
    let releases = value!({
        "desktop": { "updated": 1_699_999_000.5, "releases": [
            { "version": "v1.2.3", "name": "Three", "notes": "All new",
              "assets": [{ "name": "a.deb", "url": "https://x.example/a.deb" }] },
            { "version": "1.2.4", "prerelease": true },
            { "version": "1.3.0-alpha.2" }
        ]},
        "ios": { "updated": 5.0, "releases": [{ "version": "2.0.0" }] }
    });
    std::fs::write(folder.path().join("releases.json"), releases.to_string()).unwrap();
    let figures = |value: &str, updated: i64| value!({ "current_value": value, "circulating_supply": 5, "total_nodes": 6, "updated": updated });
    let token = value!({
        "maximum_supply": 1, "sent_per_node": 2, "staking_reward_pool": 3,
        "history": [figures("0.100000", 1_699_228_799), figures("0.200000", 1_699_315_200), figures("0.300000", START)]
    });
    std::fs::write(folder.path().join("token.json"), token.to_string()).unwrap();
    let (file, token) = (folder.path().join("releases.json"), folder.path().join("token.json"));
    let change = move |settings: &mut Settings| {
        settings.versions.source = VersionSource::File;
        settings.versions.file = Some(file.clone());
        settings.versions.token_info_file = Some(token.clone());
        settings.versions.statistics = true;
    };
    (folder, change)
}

/// Waits until timed work has read the releases.
async fn known(server: &Server, platform: &str) -> Value {
    let path = format!("/session_version?platform={platform}");
    loop {
        let answer = server.get(&path).await;
        if answer.status != 502 {
            return json(&answer);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_version_is_told_with_the_prerelease_beside_it() {
    let (_folder, change) = operator();
    let server = Server::start_with(Stores::Embedded, change).await.unwrap();
    let prerelease = value!({ "updated": 1_699_999_000.5, "result": "1.2.4" });
    assert_eq!(
        known(&server, "desktop").await,
        value!({
            "status_code": 200, "updated": 1_699_999_000.5, "result": "1.2.3", "name": "Three", "notes": "All new",
            "assets": [{ "name": "a.deb", "url": "https://x.example/a.deb" }], "prerelease": prerelease
        })
    );
    assert_eq!(
        known(&server, "ios").await,
        value!({ "status_code": 200, "updated": 5.0, "result": "2.0.0" })
    );
    for (channel, result) in [
        ("", "1.2.3"),
        ("latest", "1.2.3"),
        ("stable", "1.2.3"),
        ("prerelease", "1.2.4"),
        ("alpha", "1.3.0-alpha.2"),
    ] {
        let path = format!("/session_version?release_channel={channel}&platform=desktop");
        assert_eq!(json(&server.get(&path).await)["result"], result, "{channel}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_502_and_no_platform_404() {
    let (_folder, change) = operator();
    let server = Server::start_with(Stores::Embedded, change).await.unwrap();
    known(&server, "desktop").await;
    refused(&server.get("/session_version?platform=android").await, 502);
    refused(
        &server
            .get("/session_version?platform=desktop&release_channel=nightly")
            .await,
        502,
    );
    refused(
        &server.get("/session_version?platform=ios&release_channel=alpha").await,
        502,
    );
    for query in ["", "?platform=", "?platform=toaster", "?platform=Desktop"] {
        refused(&server.get(&format!("/session_version{query}")).await, 404);
    }
    let off = Server::start(Stores::Embedded).await.unwrap();
    refused(&off.get("/session_version?platform=desktop").await, 502);
    refused(&off.get("/token_info").await, 502);
}

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/auth_fs.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn request(case: &Value) -> Request {
    let request = Request::new(case["method"].as_str().unwrap(), case["target"].as_str().unwrap());
    let headers = case["headers"].as_object().unwrap();
    headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value.as_str().unwrap())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_checked_as_the_vectors_say_before_anything_is_looked_up() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let vectors = vectors();
    assert_eq!(vectors["server_time_unix"], START);
    for case in vectors["valid"].as_array().unwrap() {
        let answer = server.call(request(case)).await;
        assert_eq!(
            answer.status, 502,
            "{}: the signature is good and nothing is known",
            case["name"]
        );
    }
    for case in vectors["invalid"].as_array().unwrap() {
        let answer = server.call(request(case)).await;
        assert_eq!(
            u64::from(answer.status),
            case["expected"]["status"].as_u64().unwrap(),
            "{}",
            case["name"]
        );
        assert_eq!(answer.body, case["expected"]["body_text"].as_str().unwrap().as_bytes());
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_no_text_are_there_and_invalid() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    let names = ["X-FS-Pubkey", "X-FS-Timestamp", "X-FS-Signature"];
    for (there, text) in [
        (&names[..1], "one or more X-FS-* auth headers is missing"),
        (&names[..], "X-FS-Pubkey is not a valid 66-hex digit id"),
    ] {
        let mut socket = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let mut head = b"GET /session_version?platform=desktop HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".to_vec();
        for name in there {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": \xff\r\n");
        }
        head.extend_from_slice(b"\r\n");
        socket.write_all(&head).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.ends_with(&format!("Invalid authentication: {text}")), "{answer}");
    }
}

async fn accounts_are_counted_once_a_day_and_not_kept(stores: Stores) {
    let (_folder, change) = operator();
    let Some(server) = Server::start_with(stores, change).await else {
        return;
    };
    known(&server, "desktop").await;
    let vectors = vectors();
    let case = &vectors["valid"][0];
    for _ in 0..3 {
        assert_eq!(server.call(request(case)).await.status, 200);
    }
    let store = server.app().files.store();
    let counts = store.version_checks().await.unwrap();
    assert_eq!(counts.len(), 1, "anonymous checks and repeated ones are not counted");
    assert_eq!((counts[0].platform.as_str(), counts[0].visitors), ("desktop", 1));
    assert_eq!(counts[0].channel, Channel::Stable.name());
    server.pass(86_400);
    store.forget_old_checks(server.clock.now()).await.unwrap();
    assert_eq!(
        store.version_checks().await.unwrap(),
        counts,
        "the count stays for a while"
    );
    server.pass(31 * 86_400);
    store.forget_old_checks(server.clock.now()).await.unwrap();
    assert_eq!(store.version_checks().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_cannot_be_counted_is_answered_anyway() {
    let (_folder, change) = operator();
    let server = Server::start_with(Stores::Embedded, change).await.unwrap();
    known(&server, "desktop").await;
    server.app().files.store().database().close().await;
    let answer = server.call(request(&vectors()["valid"][0])).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_figures_go_back_as_many_days_as_asked() {
    let (_folder, change) = operator();
    let server = Server::start_with(Stores::Embedded, change).await.unwrap();
    for (query, entries) in [
        ("", 2),
        ("?days=1", 1),
        ("?days=8", 2),
        ("?days=9", 3),
        ("?days=31", 2),
        ("?days=x", 2),
        ("?days=0", 2),
    ] {
        let answer = json(&server.get(&format!("/token_info{query}")).await);
        assert_eq!(answer["status_code"], 200);
        assert_eq!(answer["info"]["maximum_supply"], 1);
        assert_eq!(answer["info"]["history"].as_array().unwrap().len(), entries, "{query}");
    }
}

/// A service that lists releases, and says once what it was asked for.
async fn upstream(answer: &'static str) -> (String, tokio::sync::mpsc::Receiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, questions) = tokio::sync::mpsc::channel(10);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = socket.read(&mut head).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&head[..length])
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            let _ = asked.send(line).await;
            let reply = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            );
            let _ = socket.write_all(reply.as_bytes()).await;
        }
    });
    (url, questions)
}

#[tokio::test(flavor = "multi_thread")]
async fn news_is_fetched_and_odd_tags_drafts_and_empty_assets_are_left_out() {
    let (url, mut questions) = upstream(
        r#"[{"tag_name": "v9.9.9", "draft": true},
            {"tag_name": "nightly"},
            {"tag_name": "v1.14.0", "name": "Fourteen", "body": null, "assets": [
                {"name": "a", "browser_download_url": "https://x.example/a"}, {"name": "b", "browser_download_url": null}]},
            {"tag_name": "v1.15.0", "prerelease": true}]"#,
    )
    .await;
    let server = Server::start_with(Stores::Embedded, |settings| {
        settings.versions.source = VersionSource::Fetch;
        settings.versions.upstream = url;
        settings.versions.desktop_project = "some/desktop".to_owned();
    })
    .await
    .unwrap();
    assert!(
        questions
            .recv()
            .await
            .unwrap()
            .starts_with("GET /repos/some/desktop/releases?per_page=")
    );
    let answer = known(&server, "desktop").await;
    assert_eq!(
        (&answer["result"], &answer["name"]),
        (&value!("1.14.0"), &value!("Fourteen"))
    );
    assert_eq!(
        answer["assets"],
        value!([{ "name": "a", "url": "https://x.example/a" }])
    );
    assert_eq!(answer["updated"].as_f64().unwrap(), server.now());
    assert_eq!(answer["prerelease"]["result"], "1.15.0");
}
