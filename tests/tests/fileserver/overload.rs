//! More uploads at once than there is room for: every one is answered, and small requests get through.

use e2e::{Setup, Upload, pattern, random_bytes};
use futures_util::future::join_all;
use shared::client::{Answer, Request};

use crate::{Way, get, put, start, upload};

/// Room for one upload of this size and nothing large beside it.
const SETTINGS: &str = "http.body_budget = \"1 MiB\"\nhttp.budget_wait = \"200ms\"
http.body_idle_timeout = \"10m\"\nhttp.body_timeout = \"10m\"";
const ALL_OF_IT: usize = 2_000_000;

fn is_put_off(answer: &Answer) -> bool {
    answer.status == 503
        && answer
            .header("retry-after")
            .is_some_and(|wait| wait.parse::<u32>().is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn large_uploads_are_put_off_and_small_requests_get_through() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    let client = server.client();
    let there = upload(&client, pattern(100)).await;
    let mut holds_it_all = Upload::accepted(server.address(), "/file", ALL_OF_IT).await;

    let large = |seed| put(random_bytes(seed, 500_000));
    let direct = join_all((0..20).map(|seed| client.direct(large(seed)))).await;
    for answer in direct {
        let answer = answer.unwrap();
        assert!(is_put_off(&answer), "{answer:?}");
    }
    let onion = join_all((0..20).map(|seed| client.onion_v4(large(seed)))).await;
    for answer in onion {
        let answer = answer.unwrap().outside;
        assert!(is_put_off(&answer), "{answer:?}");
    }
    for way in Way::BOTH {
        let answer = way.ask(&client, Request::new("GET", &there.path())).await;
        assert_eq!((answer.status, answer.body), (200, pattern(100)), "{way:?}");
        let answer = way.ask(&client, put(pattern(10_000))).await;
        assert_eq!(answer.status, 200, "{way:?} {answer:?}");
    }

    holds_it_all.send(&pattern(ALL_OF_IT)).await.unwrap();
    assert_eq!(holds_it_all.answer().await.unwrap().status, 200);
    upload(&client, random_bytes(1, 500_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stampede_ends_in_files_or_in_requests_to_come_back() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    let client = server.client();
    let stampede = (0..80_u64).map(|seed| {
        let (client, way) = (client.clone(), Way::BOTH[usize::from(seed % 2 == 1)]);
        tokio::spawn(async move {
            let body = random_bytes(seed, 400_000);
            let answer = way.ask(&client, put(body.clone())).await;
            if answer.status != 200 {
                assert!(is_put_off(&answer), "{answer:?}");
                return false;
            }
            let stored = crate::Uploaded::read(&answer);
            let back = get(&client, &stored.path()).await;
            assert!(back.body == body || is_put_off(&back), "{back:?}");
            true
        })
    });
    let taken = join_all(stampede)
        .await
        .into_iter()
        .filter(|taken| *taken.as_ref().unwrap())
        .count();
    assert!(taken > 0);
    assert_eq!(server.operator("/healthz").await.0, 200);
    // All that was reserved has been given back.
    upload(&client, random_bytes(100, 800_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_its_room_to_others() {
    let server = start!(Setup::SqliteLocal, SETTINGS);
    for _ in 0..3 {
        let mut goes_away = Upload::accepted(server.address(), "/file", ALL_OF_IT).await;
        goes_away.send(&[1; 1000]).await.unwrap();
    }
    let answer = loop {
        // The server learns of it in its own time.
        let answer = server.client().direct(put(pattern(500_000))).await.unwrap();
        if !is_put_off(&answer) {
            break answer;
        }
    };
    assert_eq!(answer.status, 200);
}
