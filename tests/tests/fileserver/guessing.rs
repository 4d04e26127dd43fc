//! Somebody who tries ids at random is slowed down, and nobody else is.

use e2e::{Setup, pattern};
use shared::client::{Answer, Client, Request};

use crate::{Way, start, upload};

const SETTINGS: &str = "http.misses_per_minute = 5\nhttp.client_address_header = \"X-Forwarded-For\"";

async fn get_as(client: &Client, address: &str, path: &str) -> Answer {
    let request = Request::new("GET", path).header("X-Forwarded-For", address);
    client.direct(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_misses_too_often_learns_nothing_for_a_while() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    let client = server.client();
    let there = upload(&client, pattern(100)).await;
    // Hits do not count.
    for _ in 0..20 {
        assert_eq!(get_as(&client, "192.0.2.1", &there.path()).await.status, 200);
    }
    for number in 0..5 {
        assert_eq!(
            get_as(&client, "192.0.2.1", &format!("/file/{number}")).await.status,
            404
        );
    }
    for path in ["/file/6", &there.path()] {
        let answer = get_as(&client, "192.0.2.1", path).await;
        assert_eq!(answer.status, 429, "{path}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    // What a client claims stands before what the proxy has seen.
    assert_eq!(
        get_as(&client, "198.51.100.9, 192.0.2.1", &there.path()).await.status,
        429
    );
    assert_eq!(get_as(&client, "192.0.2.2", &there.path()).await.status, 200);
    assert_eq!(get_as(&client, "2001:db8::1", &there.path()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_through_the_onion_are_not_counted() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    let client = server.client();
    let there = upload(&client, pattern(100)).await;
    for number in 0..20 {
        let answer = Way::Onion
            .ask(&client, Request::new("GET", &format!("/file/{number}")))
            .await;
        assert_eq!(answer.status, 404);
    }
    let answer = Way::Onion.ask(&client, Request::new("GET", &there.path())).await;
    assert_eq!(answer.status, 200);
}
