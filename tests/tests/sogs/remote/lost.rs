//! Answers that are lost, and ways that lead through others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::Sogs;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{link, start};
use crate::people::Person;

/// What happens to a request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It goes through, and so does its answer.
    Pass,
    /// It does not arrive.
    Lost,
    /// It is carried out, and the answer does not come back.
    Unanswered,
}

use Fate::{Lost, Pass, Unanswered};

/// Something between moderator and server that treats one request after the other like this, and all others like the
/// last. Gives the link by way of it.
async fn between(server: &Sogs, fates: &'static [Fate]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, target) = (listener.local_addr().unwrap(), server.address());
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(relay(client, target, Arc::clone(&count), fates));
        }
    });
    link(server, "a").replace(&target.to_string(), &address.to_string())
}

async fn relay(mut client: TcpStream, server: SocketAddr, count: Arc<AtomicUsize>, fates: &'static [Fate]) {
    while let Some(request) = whole_message(&mut client).await {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let fate = fates.get(number).or(fates.last()).unwrap();
        if *fate == Lost {
            return;
        }
        let mut server = TcpStream::connect(server).await.unwrap();
        server.write_all(&request).await.unwrap();
        let answer = whole_message(&mut server).await.unwrap();
        if *fate == Unanswered {
            return;
        }
        client.write_all(&answer).await.unwrap();
    }
}

/// The bytes of a request or an answer with a declared length; none if the other side is done.
async fn whole_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes.clone()).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .unwrap();
    let mut body = vec![0; length.trim().parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    bytes.extend(body);
    Some(bytes)
}

// The first request of each command asks how one shows oneself, the second makes the change.

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_did_not_arrive_is_sent_again() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let person = Person::at(&server);
    assert_eq!(person.get("/room/a/pollInfo/0").await.status, 200);
    let at = between(&server, &[Pass, Lost, Pass]).await;
    let done = moderator.done(&["user", "ban", &person.id, "--at", &at]);
    assert!(done.contains("banned"), "{done}");
    assert_eq!(person.get("/room/a/pollInfo/0").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_was_lost_is_not_made_again_and_told_as_such() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let person = Person::at(&server);
    assert_eq!(person.get("/room/a/pollInfo/0").await.status, 200);
    let at = between(&server, &[Pass, Unanswered, Pass]).await;
    let complaint = moderator.fails(3, &["user", "ban", &person.id, "--at", &at]);
    assert!(complaint.contains("not known whether this was done"), "{complaint}");
    assert_eq!(person.get("/room/a/pollInfo/0").await.status, 403, "it was done");
    // The same when nothing ever arrives: nobody can tell the two apart.
    let at = between(&server, &[Pass, Lost]).await;
    let complaint = moderator.fails(3, &["user", "unban", &person.id, "--at", &at]);
    assert!(complaint.contains("not known whether this was done"), "{complaint}");
    assert_eq!(person.get("/room/a/pollInfo/0").await.status, 403, "it was not done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_an_answer_changes_nothing_and_is_told_so() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let at = between(&server, &[Pass, Lost]).await;
    let complaint = moderator.fails(1, &["room", "show", "--at", &at]);
    assert!(complaint.contains("no answer from"), "{complaint}");
}

/// A SOCKS 5 proxy that takes one connection to this server, whatever is asked for, and tells what that was.
async fn socks(server: SocketAddr) -> (String, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("socks5://{}", listener.local_addr().unwrap());
    let (tell, asked) = oneshot::channel();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        // RFC 1928: version, methods; no authentication is chosen.
        let mut greeting = [0; 2];
        client.read_exact(&mut greeting).await.unwrap();
        let mut methods = vec![0; greeting[1].into()];
        client.read_exact(&mut methods).await.unwrap();
        client.write_all(&[5, 0]).await.unwrap();
        // Version, connect, reserved, 3 for a name and its length; then the name and the port.
        let mut request = [0; 5];
        client.read_exact(&mut request).await.unwrap();
        assert_eq!(request[..4], [5, 1, 0, 3], "a name is left to the proxy");
        let mut name = vec![0; usize::from(request[4]) + 2];
        client.read_exact(&mut name).await.unwrap();
        name.truncate(name.len() - 2);
        tell.send(String::from_utf8(name).unwrap()).unwrap();
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut server = TcpStream::connect(server).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut server).await;
    });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_remembered_and_looks_the_name_up() {
    let Some((server, moderator)) = start(&["--room", "a"]).await else {
        return;
    };
    let (proxy, asked) = socks(server.address()).await;
    // No resolver knows this name.
    let link = link(&server, "a").replace("127.0.0.1", "community.invalid");
    moderator.done(&["add", &link, "--name", "far", "--proxy", &proxy]);
    let shown = moderator.json(&["room", "show", "--at", "far"]);
    assert_eq!(shown["moderator"], serde_json::json!(true));
    assert_eq!(asked.await.unwrap(), "community.invalid");
    // Whatever is named of a server that is reached through a proxy.
    let (proxy, asked) = socks(server.address()).await;
    moderator.done(&["add", &link, "--name", "far", "--proxy", &proxy]);
    moderator.done(&["room", "show", "--at", &link]);
    assert_eq!(asked.await.unwrap(), "community.invalid");
}
