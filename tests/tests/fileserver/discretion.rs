//! What the server tells its operator: enough to watch it, nothing about who fetched what.

use e2e::{Fileserver, Setup, Upload, pattern, random_bytes};
use shared::client::Request;

use crate::{Way, get, on_both, put, start, upload};

on_both! {
    figures_name_routes_and_no_files,
    a_log_for_people_names_neither_files_nor_clients,
    a_log_for_programs_names_neither_files_nor_clients,
}

/// A client's address that can be told from everything else.
const CLIENT: &str = "203.0.113.77";

/// Some of everything: uploads, downloads, misses, refusals, broken requests. Gives the ids that were used.
async fn business(server: &Fileserver) -> Vec<String> {
    let client = server.client();
    let mut ids = vec!["B".repeat(44), "4503599627370496".to_owned()];
    for (seed, way) in (0..).zip(Way::BOTH) {
        let stored = crate::Uploaded::read(&way.ask(&client, put(random_bytes(seed, 10_000))).await);
        ids.push(stored.id);
        let short = way
            .ask(&client, put(random_bytes(seed + 10, 99)).header("X-FS-TTL", "0"))
            .await;
        ids.push(crate::Uploaded::read(&short).id);
    }
    for id in &ids {
        for (method, end) in [
            ("GET", ""),
            ("HEAD", ""),
            ("GET", "/info"),
            ("POST", "/extend"),
            ("DELETE", ""),
        ] {
            let target = format!("/file/{id}{end}");
            let request = Request::new(method, &target).header("X-Forwarded-For", CLIENT);
            for way in Way::BOTH {
                way.ask(&client, request.clone()).await;
            }
        }
        get(&client, &format!("/files/{id}")).await;
    }
    for request in [
        put(pattern(0)),
        put(pattern(10)).header("X-FS-TTL", "never"),
        Request::new("POST", "/files").body("{}"),
        Request::new("POST", "/oxen/v4/lsrpc").body("no envelope"),
    ] {
        client.direct(request.header("X-Forwarded-For", CLIENT)).await.unwrap();
    }
    let blocked = upload(&client, pattern(77)).await;
    assert!(server.command(&["block", &blocked.id]).status.success());
    assert_eq!(client.direct(put(pattern(77))).await.unwrap().status, 403);
    assert_eq!(get(&client, &blocked.path()).await.status, 404);
    ids.push(blocked.id);
    // Somebody who hangs up in the middle.
    let mut broken = Upload::accepted(server.address(), "/file", 100_000).await;
    broken.send(b"the beginning").await.unwrap();
    ids
}

async fn figures_name_routes_and_no_files(setup: Setup) {
    let server = start!(setup);
    let ids = business(&server).await;
    let (status, text) = server.operator("/metrics").await;
    assert_eq!(status, 200);
    for series in [
        "http_responses_total{route=\"/file\",status=\"200\"}",
        "http_responses_total{route=\"/file\",status=\"403\"}",
        "http_responses_total{route=\"/file/{id}\",status=\"200\"}",
        "http_responses_total{route=\"/file/{id}\",status=\"404\"}",
        "http_responses_total{route=\"/file/{id}/info\",status=\"200\"}",
        "http_responses_total{route=\"/file/{id}/extend\",status=\"200\"}",
        "http_responses_total{route=\"/files/{id}\",status=\"200\"}",
        "http_responses_total{route=\"unknown\",status=\"405\"}",
        "onion_refused_total",
    ] {
        assert!(text.contains(series), "{series} is not in\n{text}");
    }
    for id in ids {
        assert!(!text.contains(&id), "{id} is in\n{text}");
    }
    assert!(!text.contains(CLIENT));
    assert_eq!(server.operator("/healthz").await.0, 200);
    assert_eq!(server.operator("/readyz").await.0, 200);
}

async fn a_log_for_people_names_neither_files_nor_clients(setup: Setup) {
    let server = start!(setup, "http.client_address_header = \"X-Forwarded-For\"");
    let log = log_of(server).await;
    assert!(log.contains("stopping"), "{log}");
}

async fn a_log_for_programs_names_neither_files_nor_clients(setup: Setup) {
    let server = start!(
        setup,
        "log_format = \"json\"\nhttp.client_address_header = \"X-Forwarded-For\""
    );
    let log = log_of(server).await;
    for line in log.lines() {
        let line = crate::json(line.as_bytes());
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

/// All that is logged from start to stop, looked through.
async fn log_of(server: Fileserver) -> String {
    let mut ids = business(&server).await;
    // Files that lose their bytes are worth a line, but the line must not tell which.
    if server.variable("BLOB_URL").is_none() {
        // Only the bytes: without the mark beside them the server would take the disk for one that is not mounted.
        for entry in std::fs::read_dir(server.data().join("files")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            }
        }
        for id in &ids {
            assert_ne!(get(&server.client(), &format!("/file/{id}")).await.status, 200);
        }
        server.wait_for_log("lost its bytes");
    }
    server.signal("TERM");
    server.wait_for_log("stopping");
    let log = server.log();
    ids.push(CLIENT.to_owned());
    for secret in ids {
        assert!(!log.contains(&secret), "{secret} is in\n{log}");
    }
    log
}
