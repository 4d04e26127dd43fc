//! The database or the bucket is away for a while: clients are told to come back, and nothing needs a restart.

use e2e::{Fileserver, Storage, eventually, pattern};
use shared::client::{Answer, Client, Request};
use shared::testing::{self, PostgresServer, S3Server};

use crate::{Way, get, put, upload};

fn is_put_off(answer: &Answer) -> bool {
    answer.status == 503
        && answer
            .header("retry-after")
            .is_some_and(|wait| wait.parse::<u32>().is_ok())
}

/// The answers to these requests, each directly and through the onion, all asked at the same time.
async fn answers(client: &Client, requests: &[Request]) -> Vec<(String, Answer)> {
    let asked = requests.iter().flat_map(|request| {
        Way::BOTH.map(|way| async move {
            let line = format!("{} {} {way:?}", request.method, request.target);
            (line, way.ask(client, request.clone()).await)
        })
    });
    futures_util::future::join_all(asked).await
}

async fn is_ready(server: &Fileserver) -> bool {
    server.operator("/readyz").await.0 == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_clients_are_put_off_until_it_is_back() {
    let (Some(mut postgres), Some(bucket)) = (PostgresServer::start(), testing::s3()) else {
        return;
    };
    let server = Fileserver::start_on(Storage::shared(postgres.database(), &bucket), "");
    let client = server.client();
    let stored = upload(&client, pattern(1000)).await;
    assert!(is_ready(&server).await);

    postgres.stop();
    let requests = [
        Request::new("GET", &stored.path()),
        Request::new("GET", &format!("/files/{}", stored.id)),
        Request::new("GET", &format!("{}/info", stored.path())),
        Request::new("POST", &format!("{}/extend", stored.path())),
        put(pattern(1000)),
        put(pattern(2000)),
    ];
    for (request, answer) in answers(&client, &requests).await {
        assert!(is_put_off(&answer), "{request}: {answer:?}");
    }
    assert!(!is_ready(&server).await);
    assert_eq!(server.operator("/healthz").await.0, 200);
    // What needs no database is answered as ever.
    assert_eq!(get(&client, "/file/no-such-shape").await.status, 404);

    postgres.restart();
    eventually("the server is ready again", async || is_ready(&server).await).await;
    assert_eq!(get(&client, &stored.path()).await.body, pattern(1000));
    upload(&client, pattern(2000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_bucket_files_are_put_off_and_not_declared_lost() {
    let (Some(database), Some(mut s3)) = (testing::postgres(), S3Server::start()) else {
        return;
    };
    let server = Fileserver::start_on(Storage::shared(database, &s3.bucket()), "");
    let client = server.client();
    let stored = upload(&client, pattern(1000)).await;

    s3.stop();
    let requests = [
        Request::new("GET", &stored.path()),
        Request::new("GET", &format!("/files/{}", stored.id)),
        put(pattern(1000)),
        put(pattern(2000)),
    ];
    for (request, answer) in answers(&client, &requests).await {
        assert!(is_put_off(&answer), "{request}: {answer:?}");
    }
    assert!(!is_ready(&server).await);
    assert_eq!(server.operator("/healthz").await.0, 200);
    // The database alone can answer these.
    let info = get(&client, &format!("{}/info", stored.path())).await;
    assert_eq!(info.status, 200);

    s3.restart();
    eventually("the server is ready again", async || is_ready(&server).await).await;
    assert_eq!(get(&client, &stored.path()).await.body, pattern(1000));
    upload(&client, pattern(2000)).await;
}
