//! Stopping in an orderly way.

use e2e::{Setup, Upload, eventually, random_bytes};
use shared::client::Request;
use tokio::net::TcpStream;

use crate::people::{Person, message, upload};
use crate::{json, on_both, start_with_room};

const STOPPING: &str = "stopping; a second signal stops at once";

on_both! {
    what_is_in_flight_is_finished_and_the_end_is_clean,
}

/// Begins a signed request, and sends as much of its body.
async fn begun(server: &e2e::Sogs, person: &Person, request: Request, length: usize) -> (Upload, Request) {
    let request = person.sign(server, request);
    let headers = request.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let mut lines: Vec<String> = headers.collect();
    lines.push(format!("Content-Length: {}", request.body.len()));
    lines.push("Expect: 100-continue".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut slow = Upload::begin(server.address(), &request.target, &lines).await;
    assert_eq!(slow.answer().await.unwrap().status, 100);
    slow.send(&request.body[..length]).await.unwrap();
    (slow, request)
}

async fn what_is_in_flight_is_finished_and_the_end_is_clean(setup: Setup) {
    let mut server = start_with_room!(setup, "", "lobby");
    let person = Person::at(&server);
    let body = random_bytes(1, 2_000_000);
    let (mut file, upload) = begun(&server, &person, upload("lobby", body.clone()), 1_000_000).await;
    let (mut post, message) = begun(&server, &person, message("lobby", "the last words"), 20).await;

    let address = server.address();
    server.signal("TERM");
    server.wait_for_log(STOPPING);
    eventually("new connections are refused", async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
    post.send(&message.body[20..]).await.unwrap();
    let posted = post.answer().await.expect("the post in flight was cut");
    file.send(&upload.body[1_000_000..]).await.unwrap();
    let stored = file.answer().await.expect("the upload in flight was cut");
    assert_eq!((posted.status, stored.status), (201, 201));
    assert!(server.wait().success());

    server.restart();
    let person = person.also_at(&server);
    let (posted, stored) = (json(&posted.body), json(&stored.body));
    assert!(person.get(&format!("/room/lobby/file/{}", stored["id"])).await.body == body);
    assert_eq!(
        person.json(&format!("/room/lobby/message/{}", posted["id"])).await,
        posted
    );
    server.stop();
}
