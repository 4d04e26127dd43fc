//! What goes up comes back bit for bit, whichever way it takes.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use e2e::{Setup, pattern, random_bytes};
use serde_json::json;
use shared::client::{Client, Request, SimulatedPath};
use shared::crypto::X25519Pair;
use shared::onion::Cipher;

use crate::{Uploaded, Way, get, json, on_both, put, start, upload, vectors};

/// The largest file that is taken.
const LARGEST: usize = 10_000_000;

on_both! {
    the_largest_file_comes_back_bit_identical_every_way,
    bodies_get_the_ids_of_the_vectors,
    an_old_client_gets_its_file_back_through_v3,
    a_client_that_knows_the_older_key_is_served_too,
    files_outlive_an_orderly_restart,
}

async fn the_largest_file_comes_back_bit_identical_every_way(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let onion = [
        client.clone().with_cipher(Cipher::Aes256Gcm),
        client.clone().with_cipher(Cipher::XChaCha20),
        client.clone().with_path(SimulatedPath::generate()),
    ];
    let ways = onion
        .iter()
        .map(|client| (client, Way::Onion))
        .chain([(&client, Way::Direct)]);
    for (seed, (client, way)) in ways.enumerate() {
        let body = random_bytes(seed as u64, LARGEST);
        let stored = Uploaded::read(&way.ask(client, put(body.clone())).await);
        let answer = way.ask(client, Request::new("GET", &stored.path())).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/octet-stream"))
        );
        // Not assert_eq: nobody wants to read 10 MB.
        assert!(answer.body == body, "{client:?} {way:?}");
    }
}

async fn bodies_get_the_ids_of_the_vectors(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let vectors = vectors("file_ids.json");
    let mut tried = 0;
    for vector in vectors["files"].as_array().unwrap() {
        let body: Bytes = match (vector["body_hex"].as_str(), vector["rule"].as_str()) {
            (Some(""), _) => continue,
            (Some(hex), _) => hex::decode(hex).unwrap().into(),
            (None, Some("byte at offset i is i mod 251")) => {
                pattern(usize::try_from(vector["length"].as_u64().unwrap()).unwrap())
            }
            _ => continue,
        };
        let stored = upload(&client, body).await;
        assert_eq!(stored.id, vector["file_id"].as_str().unwrap(), "{}", vector["name"]);
        tried += 1;
    }
    assert!(tried >= 8, "{tried}");
}

async fn an_old_client_gets_its_file_back_through_v3(setup: Setup) {
    let server = start!(setup);
    let client = server.client();
    let body = random_bytes(7, 300_000);
    let text = json!({ "file": STANDARD.encode(&body) }).to_string();
    let answer = client.onion_v3(Request::new("POST", "files").body(text)).await.unwrap();
    let answer = json(&answer.inside.unwrap().body);
    assert_eq!(answer["status_code"], 200);
    let number = answer["result"].as_u64().unwrap();
    assert!(number < 1 << 53);

    let answer = client
        .onion_v3(Request::new("GET", &format!("files/{number}")))
        .await
        .unwrap();
    let answer = json(&answer.inside.unwrap().body);
    assert_eq!(answer["status_code"], 200);
    assert!(STANDARD.decode(answer["result"].as_str().unwrap()).unwrap() == body);
    // Newer clients find it as well, and it can be read like any other file.
    assert!(get(&client, &format!("/file/{number}")).await.body == body);
    let missing = client.onion_v3(Request::new("GET", "files/1")).await.unwrap();
    assert_eq!(json(&missing.inside.unwrap().body), json!({ "status_code": 404 }));
}

async fn a_client_that_knows_the_older_key_is_served_too(setup: Setup) {
    let mut server = start!(setup);
    let older = X25519Pair::generate();
    let mut file = std::fs::OpenOptions::new();
    let mut file = file
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(server.data().join("key_x25519"))
        .unwrap();
    file.write_all(older.secret().as_bytes()).unwrap();
    let newer = server.key();
    server.stop();
    server.restart();
    assert_eq!(
        server.key(),
        newer,
        "the older key must not become the one that clients are given"
    );
    let body = random_bytes(8, 50_000);
    let clients =
        [*older.public(), newer].map(|key| Client::new(&format!("http://{}", server.address()), key).unwrap());
    for client in &clients {
        let stored = Uploaded::read(&Way::Onion.ask(client, put(body.clone())).await);
        for client in &clients {
            let answer = Way::Onion.ask(client, Request::new("GET", &stored.path())).await;
            assert!(answer.status == 200 && answer.body == body);
        }
    }
}

async fn files_outlive_an_orderly_restart(setup: Setup) {
    let mut server = start!(setup);
    let body = random_bytes(9, 200_000);
    let stored = upload(&server.client(), body.clone()).await;
    let key = server.key();
    server.stop();
    server.restart();
    assert_eq!(server.key(), key);
    let answer = get(&server.client(), &stored.path()).await;
    assert!(answer.status == 200 && answer.body == body);
}
