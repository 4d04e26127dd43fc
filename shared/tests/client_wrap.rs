//! What clients build, byte for byte, and how hops take it apart.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use shared::client::{
    Account, Destination, DownloadUrl, FreshLayer, Hop, Identity, NextStop, PeelError, SimulatedHop, SimulatedPath,
    wrap, wrap_with,
};
use shared::clock::Timestamp;
use shared::crypto::sogs_auth::{self, SignedRequest};
use shared::crypto::{BlindedId, X25519Pair, X25519Public, X25519Secret, decode_hex_or_base64, fs_auth};
use shared::onion::{Cipher, split_endpoint};
use vectors::{array, bytes, flag, list, load, text};

fn secret(case: &Value, key: &str) -> X25519Pair {
    X25519Pair::from_secret(X25519Secret::from_bytes(array(case, key)))
}

fn hops(path: &Value) -> Vec<Hop> {
    let hops = list(path, "hops").iter();
    hops.map(|hop| Hop {
        ed25519: array(hop, "ed25519_public_hex"),
        x25519: X25519Public::from_bytes(array(hop, "x25519_public_hex")),
    })
    .collect()
}

fn destination(routing: &Value, layer: &Value) -> Destination {
    Destination {
        protocol: text(routing, "protocol").to_owned(),
        host: text(routing, "host").to_owned(),
        port: u16::try_from(routing["port"].as_u64().unwrap()).unwrap(),
        target: text(routing, "target").to_owned(),
        key: X25519Public::from_bytes(array(layer, "recipient_x25519_public_hex")),
    }
}

fn fresh(layer: &Value) -> FreshLayer {
    let mut nonce = [0; 24];
    let given = bytes(layer, "nonce_hex");
    nonce.split_at_mut(given.len()).0.copy_from_slice(&given);
    FreshLayer {
        ephemeral: secret(layer, "ephemeral_secret_hex"),
        nonce,
    }
}

#[test]
fn a_path_of_three_hops_is_built_byte_for_byte() {
    for path in list(&load("onion_requests.json"), "full_paths") {
        let layers = list(path, "layers_from_inside_out");
        let routing: Value = serde_json::from_str(text(&layers[1], "routing_json")).unwrap();
        let destination = destination(&routing, &layers[0]);
        let cipher = Cipher::from_name(text(&routing, "enc_type")).unwrap();
        let plaintext = bytes(&layers[0], "plaintext_hex");

        let mut secrets = layers.iter().map(fresh);
        let wrapped = wrap_with(&destination, &hops(path), cipher, &plaintext, || {
            secrets.next().unwrap()
        })
        .unwrap();
        assert_eq!(hex::encode(wrapped.body), text(path, "post_body_hex"));

        // Without hops it is what the last hop would post.
        let direct = wrap_with(&destination, &[], cipher, &plaintext, || fresh(&layers[0])).unwrap();
        assert_eq!(
            hex::encode(direct.body),
            text(path, "what_the_last_hop_posts_to_the_server_hex")
        );
    }
}

#[test]
fn simulated_hops_take_the_layers_off_one_by_one() {
    for path in list(&load("onion_requests.json"), "full_paths") {
        let simulated: Vec<_> = list(path, "hops")
            .iter()
            .map(|hop| SimulatedHop::new(array(hop, "ed25519_public_hex"), secret(hop, "x25519_secret_hex")))
            .collect();
        let mut body = BytesMut::from(&bytes(path, "post_body_hex")[..]);
        for (hop, layer) in simulated
            .iter()
            .zip(list(path, "layers_from_inside_out").iter().skip(1).rev())
        {
            let peeled = hop.peel(body).unwrap();
            assert_eq!(hex::encode(&peeled.body), text(layer, "plaintext_hex"));
            body = peeled.body.into();
        }
        let delivered = SimulatedPath::new(simulated)
            .deliver(bytes(path, "post_body_hex").into())
            .unwrap();
        assert_eq!(
            hex::encode(&delivered.body),
            text(path, "what_the_last_hop_posts_to_the_server_hex")
        );
        assert!(matches!(delivered.next, NextStop::Server { port: 80, .. }));
    }
}

#[test]
fn a_hop_that_knows_no_next_hop_or_may_not_use_the_url_says_so() {
    shared::crypto::init().unwrap();
    let (path, other) = (SimulatedPath::generate(), SimulatedPath::generate());
    let mut destination = Destination {
        protocol: "http".to_owned(),
        host: "files.example".to_owned(),
        port: 80,
        target: "/oxen/v4/lsrpc".to_owned(),
        key: *X25519Pair::generate().public(),
    };
    let body =
        |destination: &Destination, hops: &[Hop]| wrap(destination, hops, Cipher::XChaCha20, b"le").unwrap().body;
    let strangers = [path.hops()[0], other.hops()[1], path.hops()[2]];
    assert!(matches!(
        path.deliver(body(&destination, &strangers)),
        Err(PeelError::NextNotFound(_))
    ));
    assert!(matches!(
        path.deliver(body(&destination, &other.hops())),
        Err(PeelError::Open(_))
    ));
    assert!(path.deliver(body(&destination, &path.hops())).is_ok());
    destination.target = "/file".to_owned();
    assert_eq!(
        path.deliver(body(&destination, &path.hops())).unwrap_err(),
        PeelError::InvalidUrl
    );
    assert!(path.deliver(Bytes::from_static(b"")).is_err());
}

#[test]
fn blinded_requests_are_signed_as_the_known_ones() {
    let identities = load("identities.json");
    let file = load("auth_sogs.json");
    let server = X25519Public::from_bytes(array(&file, "server_x25519_public_key_hex"));
    let accounts: Vec<_> = list(&identities, "identities")
        .iter()
        .map(|identity| Account::from_seed(&array(identity, "ed25519_seed_hex")))
        .collect();
    let mut compared = 0;
    for case in list(&file, "valid") {
        let header = |name: &str| text(&case["headers"], name);
        let Ok(id) = header("X-SOGS-Pubkey").parse::<BlindedId>() else {
            continue;
        };
        let account = accounts
            .iter()
            .find(|account| account.blinded_id(&server) == Ok(id))
            .unwrap();
        let (path, query) = split_endpoint(text(case, "target")).unwrap();
        let body = bytes(case, "body_hex");
        let request = SignedRequest {
            method: text(case, "method"),
            path: &path,
            query: query.as_deref(),
            body: &body,
        };
        let now = Timestamp::from_seconds(header("X-SOGS-Timestamp").parse().unwrap());
        let nonce = decode_hex_or_base64(header("X-SOGS-Nonce")).unwrap();
        let headers = account
            .sign_with_nonce(Identity::Blinded, &server, &request, now, &nonce)
            .unwrap();
        let signature = |text| decode_hex_or_base64::<64>(text).unwrap();
        let (_, ours) = headers.iter().find(|(name, _)| name == sogs_auth::SIGNATURE).unwrap();
        assert_eq!(signature(ours), signature(header("X-SOGS-Signature")), "{case}");
        compared += 1;
    }
    assert!(compared > 10);
}

#[test]
fn version_checks_are_signed_as_the_known_ones() {
    let identities = load("identities.json");
    for case in list(&load("auth_fs.json"), "valid") {
        let header = |name: &str| text(&case["headers"], name);
        let id = header("X-FS-Pubkey").to_lowercase();
        let account = list(&identities, "identities")
            .iter()
            .map(|identity| Account::from_seed(&array(identity, "ed25519_seed_hex")))
            .find(|account| account.version_id().to_string() == id)
            .unwrap();
        let (path, query) = split_endpoint(text(case, "target")).unwrap();
        let request = SignedRequest {
            method: text(case, "method"),
            path: &path,
            query: query.as_deref(),
            body: b"",
        };
        let now = Timestamp::from_seconds(header("X-FS-Timestamp").parse().unwrap());
        let headers = account.sign_version_check(&request, now);
        let (_, ours) = headers.iter().find(|(name, _)| name == fs_auth::SIGNATURE).unwrap();
        let signature = |text| decode_hex_or_base64::<64>(text).unwrap();
        assert_eq!(signature(ours), signature(header("X-FS-Signature")), "{case}");
    }
}

#[test]
fn download_urls_say_server_file_and_key() {
    for case in list(&load("download_urls.json"), "parse") {
        let parsed: Result<DownloadUrl, _> = text(case, "url").parse();
        if flag(case, "error") {
            assert!(parsed.is_err(), "{case}");
            continue;
        }
        let url = parsed.unwrap();
        assert_eq!(url.scheme, text(case, "scheme"), "{case}");
        assert_eq!(url.host, text(case, "host"), "{case}");
        assert_eq!(url.file_id, text(case, "file_id"), "{case}");
        assert_eq!(
            url.server_key.map(hex::encode).as_deref(),
            case["server_key_hex"].as_str(),
            "{case}"
        );
        assert_eq!(url.deterministic, flag(case, "deterministic"), "{case}");
        assert_eq!(url.endpoint(), format!("/file/{}", url.file_id));
    }
}

#[test]
fn the_key_in_a_download_url_is_tried_as_ed25519_first() {
    shared::crypto::init().unwrap();
    let keys = |key: &str| {
        format!("http://files.example/file/1#p={key}")
            .parse::<DownloadUrl>()
            .unwrap()
            .server_keys()
    };
    // The keys of the public file server.
    let ed25519 = "b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371";
    let x25519 = "09324794aa9c11948189762d198c618148e9136ac9582068180661208927ef34";
    assert_eq!(
        keys(ed25519),
        [x25519, ed25519].map(|key| X25519Public::from_hex(key).unwrap())
    );
    let no_point = format!("02{}", "00".repeat(31));
    assert_eq!(keys(&no_point), [X25519Public::from_hex(&no_point).unwrap()]);
}
