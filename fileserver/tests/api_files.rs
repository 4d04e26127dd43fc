//! The life of a file, over HTTP, with a clock that the test moves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

mod in_process;

use std::time::Duration;

use fileserver::model::FileId;
use in_process::{FORTNIGHT, Server, Stores, json, refused};
use serde_json::Value;
use shared::blob::BlobKey;
use shared::client::Request;
use shared::config::Size;

on_both_stores!(
    an_upload_is_answered_with_its_id_and_times,
    a_file_lives_as_long_as_asked,
    a_file_is_gone_at_the_moment_it_expires,
    a_life_that_is_malformed_or_too_long_is_refused,
    the_same_bytes_are_stored_once_and_never_live_shorter,
    an_expired_file_that_is_uploaded_again_is_a_new_file,
    lost_bytes_are_restored_by_an_upload_of_the_same,
    extending_never_shortens_and_never_revives,
    simultaneous_uploads_of_the_same_bytes_all_succeed_and_leave_one_file,
    an_upload_that_meets_the_sweep_keeps_what_it_promised,
    the_sweep_takes_rows_and_bytes_and_nothing_else,
    bytes_without_a_row_are_removed_when_they_are_old,
    leftovers_of_uploads_that_broke_off_are_removed_while_the_server_runs,
    blocked_bytes_are_neither_served_nor_taken,
    a_quota_refuses_what_does_not_fit,
    a_quota_holds_for_uploads_at_the_same_time,
    a_quota_holds_when_the_files_are_counted_during_an_upload,
    a_deleted_file_is_gone_at_once,
    usage_counts_live_files_by_day,
);

fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() < 0.001, "{value} is not {expected}");
}

async fn an_upload_is_answered_with_its_id_and_times(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let answer = server.put(b"hello world", None).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = json(&answer);
    assert_eq!(body["id"], "3qXfYbeRSxXa89I8ApcbKl0_BshkLQ6myd0DsvcrDEy3");
    near(&body["expires"], server.now() + FORTNIGHT);
    near(&body["uploaded"], server.now());
    assert_eq!(body["size"], 11);
    let info = server.info(body["id"].as_str().unwrap()).await;
    assert_eq!(
        info,
        serde_json::json!({ "size": 11, "uploaded": body["uploaded"], "expires": body["expires"] })
    );
}

async fn a_file_lives_as_long_as_asked(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let body = json(&server.put(b"an hour", Some("3600")).await);
    near(&body["expires"], server.now() + 3600.0);
    let download = server.get(&format!("/file/{}", body["id"].as_str().unwrap())).await;
    assert_eq!(download.header("expires"), Some("Tue, 14 Nov 2023 23:13:20 GMT"));
}

async fn a_file_is_gone_at_the_moment_it_expires(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let id = server.stored(b"short", Some("10")).await;
    server.clock.advance(Duration::from_nanos(9_999_999_999));
    assert_eq!(server.status(&format!("/file/{id}")).await, 200);
    server.clock.advance(Duration::from_nanos(1));
    for path in [
        format!("/file/{id}"),
        format!("/file/{id}/info"),
        format!("/files/{id}"),
    ] {
        refused(&server.get(&path).await, 404);
    }
    refused(&server.extend(&id, None).await, 404);
    let at_once = server.stored(b"at once", Some("0")).await;
    refused(&server.get(&format!("/file/{at_once}")).await, 404);
}

async fn a_life_that_is_malformed_or_too_long_is_refused(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let id = server.stored(b"there", None).await;
    for ttl in ["abc", "-1", "1.5", "1209601", "1e3", "+5"] {
        refused(&server.put(b"bad", Some(ttl)).await, 400);
        refused(&server.extend(&id, Some(ttl)).await, 400);
    }
    assert_eq!(server.blobs().await, 1);
    let Some(fixed) = Server::start_with(stores, |settings| settings.files.max_ttl.0 = Duration::ZERO).await else {
        return;
    };
    near(
        &json(&fixed.put(b"whatever", Some("abc")).await)["expires"],
        fixed.now() + FORTNIGHT,
    );
}

async fn the_same_bytes_are_stored_once_and_never_live_shorter(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let first = json(&server.put(b"same", Some("7200")).await);
    server.pass(60);
    let second = json(&server.put(b"same", Some("60")).await);
    assert_eq!((&second["id"], &second["expires"]), (&first["id"], &first["expires"]));
    near(&second["uploaded"], server.now());
    let third = json(&server.put(b"same", Some("86400")).await);
    near(&third["expires"], server.now() + 86_400.0);
    near(
        &server.info(third["id"].as_str().unwrap()).await["uploaded"],
        server.now() - 60.0,
    );
    assert_eq!(server.blobs().await, 1);
}

async fn an_expired_file_that_is_uploaded_again_is_a_new_file(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let id = server.stored(b"again", Some("10")).await;
    server.pass(10);
    let again = json(&server.put(b"again", Some("5")).await);
    near(&server.info(&id).await["uploaded"], server.now());
    near(&again["expires"], server.now() + 5.0);
    assert_eq!(server.get(&format!("/file/{id}")).await.body, &b"again"[..]);
    server.app().files.sweep().await.unwrap();
    assert_eq!(server.get(&format!("/file/{id}")).await.body, &b"again"[..]);
    assert_eq!(server.blobs().await, 1);
}

async fn lost_bytes_are_restored_by_an_upload_of_the_same(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let id = server.stored(b"lost", None).await;
    let files = &server.app().files;
    let row = files
        .store()
        .find(&id.parse().unwrap(), server.clock.now())
        .await
        .unwrap()
        .unwrap();
    files.blobs().delete(&row.blob.parse().unwrap()).await.unwrap();
    for path in [
        format!("/file/{id}"),
        format!("/file/{id}/info"),
        format!("/files/{id}"),
    ] {
        refused(&server.get(&path).await, 404);
    }
    refused(&server.extend(&id, None).await, 404);
    assert_eq!(server.stored(b"lost", None).await, id);
    assert_eq!(server.info(&id).await["size"], 4);
    assert_eq!(server.extend(&id, None).await.status, 200);
    assert_eq!(server.get(&format!("/file/{id}")).await.body, &b"lost"[..]);
}

async fn extending_never_shortens_and_never_revives(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let id = server.stored(b"longer", Some("600")).await;
    let uploaded = server.now();
    server.pass(60);
    let shorter = json(&server.extend(&id, Some("60")).await);
    near(&shorter["expires"], uploaded + 600.0);
    let longer = json(&server.extend(&id, Some("7200")).await);
    near(&longer["expires"], server.now() + 7200.0);
    near(&longer["uploaded"], uploaded);
    assert_eq!(longer["size"], 6);
    let usual = json(&server.extend(&id, None).await);
    near(&usual["expires"], server.now() + FORTNIGHT);
    server.pass(1_209_600);
    refused(&server.extend(&id, None).await, 404);
    for id in ["A".repeat(44), "123456".to_owned(), "A".repeat(43)] {
        refused(&server.extend(&id, None).await, 404);
    }
}

async fn simultaneous_uploads_of_the_same_bytes_all_succeed_and_leave_one_file(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let uploads = (0..12).map(|_| server.put(b"at the same time", None));
    for answer in futures_util::future::join_all(uploads).await {
        assert_eq!(answer.status, 200);
    }
    server.app().files.sweep().await.unwrap();
    assert_eq!(server.blobs().await, 1);
    let id = FileId::of_content(b"at the same time");
    assert_eq!(server.get(&format!("/file/{id}")).await.body, &b"at the same time"[..]);
}

async fn an_upload_that_meets_the_sweep_keeps_what_it_promised(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let files = &server.app().files;
    for round in 0..30_u8 {
        // Expires at once, so that every sweep is after it.
        let bytes = [round; 100];
        let id = server.stored(&bytes, Some("0")).await;
        let (first, sweep, second, other) = tokio::join!(
            server.put(&bytes, Some("60")),
            files.sweep(),
            server.put(&bytes, Some("0")),
            files.sweep(),
        );
        assert_eq!((first.status, second.status), (200, 200));
        sweep.unwrap();
        other.unwrap();
        let answer = server.get(&format!("/file/{id}")).await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &[round; 100][..]),
            "round {round}"
        );
    }
    server.pass(60);
    files.sweep().await.unwrap();
    assert_eq!(server.blobs().await, 0);
}

async fn the_sweep_takes_rows_and_bytes_and_nothing_else(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    for number in 0..5_u8 {
        server.stored(&[number], Some("10")).await;
    }
    let kept = server.stored(b"kept", Some("11")).await;
    server.pass(10);
    server.app().files.sweep().await.unwrap();
    assert_eq!(server.blobs().await, 1);
    assert_eq!(server.app().files.store().page("", 10).await.unwrap().len(), 1);
    assert_eq!(server.status(&format!("/file/{kept}")).await, 200);
}

async fn bytes_without_a_row_are_removed_when_they_are_old(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    // The store's own clock says when the bytes were written.
    let ahead = shared::clock::Clock::system().now().since(server.clock.now());
    server.clock.advance(ahead);
    let kept = server.stored(b"kept", None).await;
    let files = &server.app().files;
    let stray = BlobKey::random();
    files
        .blobs()
        .put(&stray, bytes::Bytes::from_static(b"stray"))
        .await
        .unwrap();
    assert_eq!(
        files.remove_strays().await.unwrap(),
        0,
        "it may belong to an upload in flight"
    );
    server.clock.advance(Duration::from_secs(3 * 60 * 60));
    // The server looks for strays by itself too when so much time passes, and may be faster.
    files.remove_strays().await.unwrap();
    assert_eq!(files.blobs().size(&stray).await.unwrap(), None);
    assert_eq!(server.blobs().await, 1, "{kept} is still there");
}

async fn leftovers_of_uploads_that_broke_off_are_removed_while_the_server_runs(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let Some(folder) = server.app().files.blobs().local_path() else {
        return;
    };
    let leftover = folder.join(format!("{}#1", BlobKey::random()));
    std::fs::create_dir_all(leftover.parent().unwrap()).unwrap();
    std::fs::write(&leftover, b"half of it").unwrap();
    // The file system's own clock says when they were written.
    let ahead = shared::clock::Clock::system().now().since(server.clock.now());
    server.clock.advance(ahead);
    fileserver::jobs::tidy(server.app()).await;
    assert!(leftover.exists(), "the upload may be going on");
    server.clock.advance(Duration::from_secs(11 * 60));
    fileserver::jobs::tidy(server.app()).await;
    assert!(!leftover.exists());
}

async fn blocked_bytes_are_neither_served_nor_taken(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let id = server.stored(b"bad", None).await;
    let legacy = Request::new("POST", "/files").body(r#"{"file": "YmFk"}"#);
    let number = json(&server.call(legacy.clone()).await)["result"].as_u64().unwrap();
    let store = server.app().files.store();
    store
        .block(&id.parse().unwrap(), "because", server.clock.now())
        .await
        .unwrap();
    for path in [
        format!("/file/{id}"),
        format!("/file/{id}/info"),
        format!("/file/{number}"),
        format!("/files/{number}"),
    ] {
        refused(&server.get(&path).await, 404);
    }
    refused(&server.extend(&id, None).await, 404);
    refused(&server.put(b"bad", None).await, 403);
    refused(&server.call(legacy).await, 403);
    assert!(store.unblock(&id.parse().unwrap()).await.unwrap());
    assert_eq!(server.get(&format!("/file/{id}")).await.body, &b"bad"[..]);

    let by_number = store
        .block(&number.to_string().parse().unwrap(), "", server.clock.now())
        .await
        .unwrap();
    assert_eq!(
        by_number,
        [number.to_string(), id.clone()],
        "the content is blocked with the number"
    );
    refused(&server.get(&format!("/file/{id}")).await, 404);
    assert!(store.unblock(&number.to_string().parse().unwrap()).await.unwrap());
    assert_eq!(server.status(&format!("/file/{id}")).await, 200);
}

async fn a_quota_refuses_what_does_not_fit(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.abuse.total_quota = Size(1000)).await else {
        return;
    };
    assert_eq!(server.put(&[1; 600], Some("10")).await.status, 200);
    refused(&server.put(&[2; 600], None).await, 507);
    assert_eq!(
        server.put(&[1; 600], None).await.status,
        200,
        "what is there already takes no room"
    );
    let id = FileId::of_content(&[1; 600]);
    assert!(server.app().files.delete(&id).await.unwrap());
    server.app().files.recount().await.unwrap();
    assert_eq!(server.put(&[2; 600], None).await.status, 200);
}

async fn a_quota_holds_for_uploads_at_the_same_time(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.abuse.total_quota = Size(1000)).await else {
        return;
    };
    let bodies: Vec<_> = (0..10_u8).map(|number| vec![number; 400]).collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| server.put(body, None))).await;
    let stored = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(stored, 2);
    assert_eq!(server.blobs().await, 2);
}

async fn a_quota_holds_when_the_files_are_counted_during_an_upload(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.abuse.total_quota = Size(1000)).await else {
        return;
    };
    let files = &server.app().files;
    // Where there is one writer at a time, the upload waits for it with its bytes written and its row not.
    let writer = files.store().database().write().await.unwrap();
    let upload = server.put(&[1; 600], None);
    let count = async {
        while server.blobs().await == 0 {
            tokio::task::yield_now().await;
        }
        files.recount().await.unwrap();
        refused(&server.put(&[2; 600], None).await, 507);
        drop(writer);
    };
    let (uploaded, ()) = tokio::join!(upload, count);
    assert_eq!(uploaded.status, 200);
    refused(&server.put(&[2; 600], None).await, 507);
}

async fn a_deleted_file_is_gone_at_once(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let id = server.stored(b"delete me", None).await;
    assert!(server.app().files.delete(&id.parse().unwrap()).await.unwrap());
    assert!(!server.app().files.delete(&id.parse().unwrap()).await.unwrap());
    refused(&server.get(&format!("/file/{id}")).await, 404);
    assert_eq!(server.blobs().await, 0);
}

async fn usage_counts_live_files_by_day(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let first = server.clock.now();
    server.stored(&[1; 100], None).await;
    server.stored(&[2; 50], Some("3600")).await;
    server.pass(86_400);
    server.stored(&[3; 7], None).await;
    let usage = server.app().files.store().usage(server.clock.now()).await.unwrap();
    assert_eq!((usage.files, usage.bytes, usage.oldest), (2, 107, Some(first)));
    let days: Vec<_> = usage
        .days
        .iter()
        .map(|day| (day.start.as_seconds(), day.files, day.bytes))
        .collect();
    assert_eq!(days, [(1_699_920_000, 1, 100), (1_700_006_400, 1, 7)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_uploads_and_goes_on_serving() {
    let full = |settings: &mut fileserver::settings::Settings| settings.abuse.free_space_floor = Size(u64::MAX);
    let Some(server) = Server::start_with(Stores::Embedded, full).await else {
        return;
    };
    refused(&server.put(b"no room", None).await, 507);
    assert_eq!(server.status(&format!("/file/{}/info", "A".repeat(44))).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_allowance_refuses_uploads_until_it_has_come_back() {
    let Some(server) = Server::start_with(Stores::Embedded, |settings| {
        settings.files.max_size = Size(60_000);
        settings.abuse.upload_bytes_per_minute = Size(61_440);
    })
    .await
    else {
        return;
    };
    assert_eq!(server.put(&[1; 50_000], None).await.status, 200);
    let refusal = server.put(&[2; 50_000], None).await;
    refused(&refusal, 503);
    let wait: u64 = refusal.header("retry-after").unwrap().parse().unwrap();
    let inside = server
        .client
        .onion_v4(Request::new("POST", "/file").body(vec![2; 50_000]))
        .await
        .unwrap();
    assert_eq!(inside.inside.unwrap().status, 503);
    server.pass(wait);
    assert_eq!(server.put(&[2; 50_000], None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_are_announced_and_not_sent_cost_no_allowance() {
    let Some(server) = Server::start_with(Stores::Embedded, |settings| {
        settings.files.max_size = Size(60_000);
        settings.abuse.upload_bytes_per_minute = Size(61_440);
    })
    .await
    else {
        return;
    };
    for _ in 0..5 {
        let mut wire = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let head = b"POST /file HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut wire, head).await.unwrap();
    }
    assert_eq!(server.put(&[1; 60_000], None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_outside_the_limits_are_refused() {
    let Some(server) = Server::start_with(Stores::Embedded, |settings| settings.files.max_size = Size(1000)).await
    else {
        return;
    };
    refused(&server.put(b"", None).await, 413);
    assert_eq!(server.put(&[1; 1000], None).await.status, 200);
    refused(&server.put(&[1; 1001], None).await, 413);
    for size in [0, 1001] {
        let request = Request::new("POST", "/file").body(vec![1; size]);
        let inside = server.client.onion_v4(request).await.unwrap().inside.unwrap();
        refused(&inside, 413);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_told_not_to_open_what_they_download() {
    let Some(server) = Server::start(Stores::Embedded).await else {
        return;
    };
    let id = server.stored(b"<script>", None).await;
    for (path, content_type, inside) in [
        (
            format!("/file/{id}"),
            "application/octet-stream",
            &["content-type", "expires"][..],
        ),
        (format!("/files/{id}"), "application/json", &["content-type"]),
    ] {
        let direct = server.get(&path).await;
        assert_eq!(direct.header("content-type"), Some(content_type));
        assert_eq!(direct.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(direct.header("content-security-policy"), Some("sandbox"), "{path}");
        assert_eq!(direct.header("content-disposition"), Some("attachment"), "{path}");
        let onion = server.client.onion_v4(Request::new("GET", &path)).await.unwrap();
        let onion = onion.inside.unwrap();
        let mut names: Vec<&str> = onion.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, inside, "{path}");
    }
}
