//! The client against a small server on the loopback interface.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use shared::client::{Account, Client, ClientError, Identity, Progress, Request, SimulatedPath};
use shared::clock::{Clock, Timestamp};
use shared::crypto::sogs_auth::{Headers, SignedRequest, Verified, Verifier};
use shared::crypto::{PointCache, X25519Pair};
use shared::onion::v3::Slashless;
use shared::onion::{Cipher, InnerRequest, Reply, open, split_endpoint, v3, v4};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// Answers every request with 201 and what it was, remembering who signed it.
struct Echo {
    keys: X25519Pair,
    seen: Mutex<Vec<Option<Verified>>>,
}

impl Echo {
    async fn start() -> (Arc<Self>, String) {
        shared::crypto::init().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let echo = Arc::new(Self {
            keys: X25519Pair::generate(),
            seen: Mutex::default(),
        });
        let server = Arc::clone(&echo);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                server.serve(socket).await;
            }
        });
        (echo, url)
    }

    async fn serve(&self, mut socket: TcpStream) {
        let mut bytes = BytesMut::new();
        let (head, body) = loop {
            if socket.read_buf(&mut bytes).await.unwrap() == 0 {
                return;
            }
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8(bytes.split_at(end).0.to_vec()).unwrap();
            let length = head
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let length = length.unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                break (head, bytes.split_off(end + 4));
            }
        };
        let answer = self.answer(&head, body);
        socket.write_all(&answer).await.unwrap();
    }

    fn answer(&self, head: &str, body: BytesMut) -> Vec<u8> {
        let mut lines = head.lines();
        let mut words = lines.next().unwrap().split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let onion = matches!(target, "/oxen/v4/lsrpc" | "/oxen/v3/lsrpc");
        if !onion {
            let (path, query) = split_endpoint(target).unwrap();
            let headers = lines.filter_map(|line| line.split_once(": "));
            let headers = headers
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let request = InnerRequest {
                method: method.to_owned(),
                path,
                query,
                headers,
                body: body.freeze(),
            };
            return http(201, self.echo(&request).as_bytes());
        }
        let Ok(opened) = open(body, &self.keys.clone().into()) else {
            return http(400, b"");
        };
        if target == "/oxen/v4/lsrpc" {
            let text = self.echo(&v4::parse(opened.plaintext).unwrap());
            let mut reply = Reply::v4(opened.reply, 201, [("content-type", "text/plain")], text.len());
            reply.extend_from_slice(text.as_bytes());
            return http(200, &reply.seal().unwrap());
        }
        let request = v3::parse(opened.plaintext, Slashless::Root).unwrap();
        let text = if request.path == "/nothing" {
            v3::status_body(404)
        } else {
            self.echo(&request)
        };
        let mut reply = Reply::v3(opened.reply, text.len());
        reply.extend_from_slice(text.as_bytes());
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, reply.seal().unwrap());
        http(200, base64.as_bytes())
    }

    fn echo(&self, request: &InnerRequest) -> String {
        let InnerRequest {
            method,
            path,
            query,
            headers,
            body,
        } = request;
        let header = |name| {
            headers
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value.as_str())
        };
        let signed = SignedRequest {
            method,
            path,
            query: query.as_deref(),
            body,
        };
        let verifier = Verifier::new(*self.keys.public(), PointCache::default());
        self.seen
            .lock()
            .unwrap()
            .push(verifier.verify(Headers::pick(header), &signed, NOW, false).unwrap());
        format!(
            "{method} {path} {query:?} {} {}",
            header("x-test").unwrap_or("-"),
            body.len()
        )
    }
}

fn http(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn request() -> Request {
    Request::new("POST", "/a%20b?c=%20d")
        .header("x-test", "yes")
        .body("hello")
}

const ECHO: &str = "POST /a b Some(\"c=%20d\") yes 5";

#[tokio::test]
async fn a_request_arrives_the_same_directly_and_through_every_kind_of_envelope() {
    let (echo, url) = Echo::start().await;
    let account = Account::generate();
    let client = Client::new(&url, *echo.keys.public()).unwrap();
    let client = client.with_account(account.clone(), Identity::Blinded, Clock::manual(NOW));

    let direct = client.direct(request()).await.unwrap();
    assert_eq!((direct.status, &direct.body[..]), (201, ECHO.as_bytes()));

    for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
        let plain = client.clone().with_cipher(cipher);
        let through_hops = plain.clone().with_path(SimulatedPath::generate());
        for client in [plain, through_hops] {
            let answer = client.onion_v4(request()).await.unwrap();
            let inside = answer.inside.unwrap();
            assert_eq!(
                (answer.outside.status, inside.status, &inside.body[..]),
                (200, 201, ECHO.as_bytes())
            );
            assert_eq!(inside.header("content-type"), Some("text/plain"));

            let answer = client.onion_v3(request()).await.unwrap();
            let inside = answer.inside.unwrap();
            assert_eq!(
                (answer.outside.status, inside.status, &inside.body[..]),
                (200, 200, ECHO.as_bytes())
            );
        }
    }
    let seen = echo.seen.lock().unwrap();
    let blinded = account.blinded_id(echo.keys.public()).unwrap().to_string();
    assert_eq!(seen.len(), 9);
    assert!(
        seen.iter()
            .all(|verified| verified.is_some_and(|verified| verified.id.to_string() == blinded))
    );
}

#[tokio::test]
async fn an_unblinded_signature_names_the_account_itself() {
    let (echo, url) = Echo::start().await;
    let account = Account::generate();
    let client = Client::new(&url, *echo.keys.public()).unwrap();
    client
        .with_account(account.clone(), Identity::Unblinded, Clock::manual(NOW))
        .onion_v4(request())
        .await
        .unwrap();
    let seen = echo.seen.lock().unwrap()[0].unwrap();
    assert_eq!(seen.id.to_string(), account.session_id().to_string());
}

#[tokio::test]
async fn a_server_with_another_key_refuses_outside_the_envelope() {
    let (_echo, url) = Echo::start().await;
    let client = Client::new(&url, *X25519Pair::generate().public()).unwrap();
    let answer = client.onion_v4(request()).await.unwrap();
    assert_eq!((answer.outside.status, answer.inside), (400, None));
}

#[tokio::test]
async fn a_v3_failure_is_told_by_its_body() {
    let (echo, url) = Echo::start().await;
    let client = Client::new(&url, *echo.keys.public()).unwrap();
    let answer = client.onion_v3(Request::new("GET", "nothing")).await.unwrap();
    assert_eq!((answer.outside.status, answer.inside.unwrap().status), (200, 404));
}

#[tokio::test]
async fn progress_counts_every_byte_in_both_directions() {
    let (echo, url) = Echo::start().await;
    let (sent, received) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (to, from) = (Arc::clone(&sent), Arc::clone(&received));
    let client = Client::new(&url, *echo.keys.public())
        .unwrap()
        .with_progress(move |progress| {
            match progress {
                Progress::Sent(bytes) => to.fetch_add(bytes, Ordering::SeqCst),
                Progress::Received(bytes) => from.fetch_add(bytes, Ordering::SeqCst),
            };
        });
    let answer = client
        .direct(Request::new("POST", "/x").body(vec![0; 200_000]))
        .await
        .unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 200_000);
    assert_eq!(received.load(Ordering::SeqCst), answer.body.len());
}

#[test]
fn only_http_urls_with_a_host_are_servers() {
    let key = shared::crypto::X25519Public::from_bytes([9; 32]);
    for url in ["", "files.example", "ftp://files.example", "file:///x", "data:x"] {
        assert!(matches!(Client::new(url, key), Err(ClientError::Url(_))), "{url}");
    }
}

#[test]
fn the_client_is_built_on_a_system_without_certificates() {
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|file| file == "/nonexistent") {
        shared::client::http().unwrap();
        return;
    }
    // Another process, since the environment of this one belongs to all tests.
    let this = std::env::current_exe().unwrap();
    let child = std::process::Command::new(this)
        .args(["--exact", "the_client_is_built_on_a_system_without_certificates"])
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}
