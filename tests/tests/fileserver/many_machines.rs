//! Several processes on one database and one bucket behave as one.

use e2e::{Fileserver, Setup, eventually, pattern, random_bytes};
use shared::client::{Client, Request};
use shared::clock::Clock;

use crate::inventory::Inventory;
use crate::{Uploaded, Way, get, json, put, start, upload};

const SETTINGS: &str = "files.sweep_interval = \"300ms\"";

async fn put_for(client: &Client, body: bytes::Bytes, seconds: u32) -> Uploaded {
    let request = put(body).header("X-FS-TTL", &seconds.to_string());
    Uploaded::read(&client.direct(request).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_through_one_holds_at_once_on_the_other() {
    let one = start!(Setup::PostgresS3, SETTINGS);
    let other = one.another();
    assert_eq!(one.key(), other.key());
    let clients = [one.client(), other.client()];
    for (seed, [here, there]) in (0..).zip([[&clients[0], &clients[1]], [&clients[1], &clients[0]]]) {
        let body = random_bytes(seed, 300_000);
        let stored = put_for(here, body.clone(), 3600).await;
        for way in Way::BOTH {
            let answer = way.ask(there, Request::new("GET", &stored.path())).await;
            assert!(answer.status == 200 && answer.body == body);
        }
        // The same bytes are stored once, whoever takes them, and live as long as anybody was promised.
        let again = put_for(there, body.clone(), 7200).await;
        assert_eq!(again.id, stored.id);
        assert!(again.expires > stored.expires + 3500.0);
        let extend = Request::new("POST", &format!("{}/extend", stored.path())).header("X-FS-TTL", "10800");
        let extended = json(&there.direct(extend).await.unwrap().body)["expires"]
            .as_f64()
            .unwrap();
        let info = json(&get(here, &format!("{}/info", stored.path())).await.body);
        assert_eq!(info["expires"].as_f64(), Some(extended));
    }
    let inventory = Inventory::of(&one).await;
    assert_eq!(inventory.rows().await.len(), 2);
    inventory.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_on_one_is_blocked_on_the_other() {
    let one = start!(Setup::PostgresS3, SETTINGS);
    let other = one.another();
    let stored = upload(&one.client(), pattern(1000)).await;
    assert!(one.command(&["block", &stored.id]).status.success());
    for server in [&one, &other] {
        assert_eq!(get(&server.client(), &stored.path()).await.status, 404);
        assert_eq!(server.client().direct(put(pattern(1000))).await.unwrap().status, 403);
    }
    assert!(other.command(&["unblock", &stored.id]).status.success());
    for server in [&one, &other] {
        assert_eq!(get(&server.client(), &stored.path()).await.body, pattern(1000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_at_the_same_moment_become_one_file() {
    let one = start!(Setup::PostgresS3, SETTINGS);
    let other = one.another();
    for round in 0..10 {
        let body = random_bytes(round, 100_000);
        let clients = [one.client(), other.client(), one.client(), other.client()];
        let [a, b, c, d] = clients.each_ref().map(|client| upload(client, body.clone()));
        let (a, b, c, d) = tokio::join!(a, b, c, d);
        assert!([&b, &c, &d].iter().all(|stored| stored.id == a.id));
        let latest = [&a, &b, &c, &d].iter().map(|stored| stored.expires).fold(0.0, f64::max);
        let info = json(&get(&clients[0], &format!("{}/info", a.path())).await.body);
        assert!(info["expires"].as_f64().unwrap() >= latest - 1e-6);
        assert!(get(&clients[1], &a.path()).await.body == body);
    }
    let inventory = Inventory::of(&one).await;
    eventually("the losers' bytes are swept", async || !inventory.has_doomed().await).await;
    assert_eq!(inventory.rows().await.len(), 10);
    inventory.assert_consistent().await;
}

async fn swept_by(servers: [&Fileserver; 2]) -> [f64; 2] {
    let [one, other] = servers.map(|server| server.metric("files_expired_total"));
    [one.await, other.await]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_is_done_once_and_taken_over_when_its_process_dies() {
    let mut one = start!(Setup::PostgresS3, SETTINGS);
    let mut other = one.another();
    let inventory = Inventory::of(&one).await;
    let clients = [one.client(), other.client()];
    for seed in 0..20_u64 {
        put_for(&clients[usize::from(seed % 2 == 0)], random_bytes(seed, 1000), 1).await;
    }
    let stays = put_for(&clients[0], pattern(1000), 3600).await;
    let is_swept = async || inventory.is_swept(Clock::system().now()).await && inventory.rows().await.len() == 1;
    eventually("what has expired is swept", is_swept).await;
    inventory.assert_consistent().await;
    // The rows are gone a moment before they are counted.
    let mut swept = [0.0; 2];
    eventually("what was swept is counted", async || {
        swept = swept_by([&one, &other]).await;
        swept.iter().sum::<f64>() >= 20.0
    })
    .await;
    assert!(swept == [20.0, 0.0] || swept == [0.0, 20.0], "{swept:?}");

    // The one that swept dies; the other goes on serving and takes the sweep over.
    let survivor = if swept[0] > 0.0 {
        one.kill();
        &other
    } else {
        other.kill();
        &one
    };
    put_for(&survivor.client(), random_bytes(100, 1000), 1).await;
    assert_eq!(get(&survivor.client(), &stays.path()).await.body, pattern(1000));
    eventually("the survivor sweeps", is_swept).await;
    let counted = async || survivor.metric("files_expired_total").await > 0.0;
    eventually("the survivor has counted", counted).await;
    assert_eq!(get(&survivor.client(), &stays.path()).await.body, pattern(1000));
    inventory.assert_consistent().await;
}
