//! Opening onion requests and sealing replies.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use shared::crypto::{ServerKeys, X25519Pair, X25519Secret};
use shared::onion::{Cipher, LayerKey, Opened, Reply, open, v3};
use vectors::{array, bytes, list, load, text};

fn pair(value: &Value, secret: &str) -> X25519Pair {
    X25519Pair::from_secret(X25519Secret::from_bytes(array(value, secret)))
}

fn server_pairs(file: &Value) -> Vec<(String, X25519Pair)> {
    let keys = list(file, "server_keys").iter();
    keys.map(|key| (text(key, "name").to_owned(), pair(key, "x25519_secret_hex")))
        .collect()
}

fn server_keys(file: &Value) -> ServerKeys {
    let mut pairs = server_pairs(file).into_iter().map(|(_, pair)| pair);
    ServerKeys::new(pairs.next().unwrap(), pairs.collect()).unwrap()
}

fn body(case: &Value, key: &str) -> BytesMut {
    BytesMut::from(&bytes(case, key)[..])
}

#[test]
fn requests_with_both_ciphers_and_all_their_names_open_with_any_of_the_servers_keys() {
    let file = load("onion_requests.json");
    let keys = server_keys(&file);
    for case in list(&file, "requests") {
        let opened = open(body(case, "request_body_hex"), &keys).unwrap();
        assert_eq!(hex::encode(&opened.plaintext), text(case, "plaintext_hex"), "{case}");
        assert_eq!(opened.reply.cipher().name(), text(case, "enc_type_effective"));
    }
}

#[test]
fn a_client_with_the_same_keys_and_nonce_writes_the_same_request() {
    let file = load("onion_requests.json");
    let requests = list(&file, "requests").iter();
    for case in requests.filter(|case| case.get("client_ephemeral_secret_hex").is_some()) {
        let (_, server) = server_pairs(&file)
            .into_iter()
            .find(|(name, _)| name == text(case, "server_key_name"))
            .unwrap();
        let cipher = Cipher::from_name(text(case, "enc_type_effective")).unwrap();
        let client = pair(case, "client_ephemeral_secret_hex");
        let key = LayerKey::of_client(cipher, &client, server.public()).unwrap();
        let sealed = key
            .seal_with(&bytes(case, "nonce_hex"), &bytes(case, "plaintext_hex"))
            .unwrap();
        let length = u32::try_from(sealed.len()).unwrap().to_le_bytes();
        let body = [&length, &sealed[..], text(case, "metadata_json").as_bytes()].concat();
        assert_eq!(hex::encode(body), text(case, "request_body_hex"), "{case}");
    }
}

#[test]
fn a_reply_is_encrypted_under_the_key_of_its_request() {
    let file = load("onion_requests.json");
    let keys = server_keys(&file);
    for case in list(&file, "requests") {
        let Some(reply) = case.get("example_reply") else {
            continue;
        };
        let key = open(body(case, "request_body_hex"), &keys).unwrap().reply;
        let plaintext = bytes(reply, "plaintext_hex");
        let sealed = key.seal_with(&bytes(reply, "nonce_hex"), &plaintext).unwrap();
        assert_eq!(hex::encode(&sealed), text(reply, "encrypted_hex"));
        assert_eq!(key.open(BytesMut::from(&sealed[..])).unwrap(), plaintext);
        if case["version"] == 3 {
            assert_eq!(STANDARD.encode(&sealed), text(reply, "http_body"));
        }
    }
}

#[test]
fn malformed_requests_do_not_open() {
    let file = load("onion_requests.json");
    let keys = server_keys(&file);
    for case in list(&file, "malformed") {
        assert!(open(body(case, "request_body_hex"), &keys).is_err(), "{case}");
    }
}

#[test]
fn metadata_must_be_a_small_object() {
    let file = load("onion_requests.json");
    let keys = server_keys(&file);
    let case = &list(&file, "requests")[0];
    let good = body(case, "request_body_hex");
    let metadata = text(case, "metadata_json");
    let ciphertext = &good[..good.len() - metadata.len()];
    let with = |metadata: &str| open(BytesMut::from(&[ciphertext, metadata.as_bytes()].concat()[..]), &keys);
    assert!(with(metadata).is_ok());
    assert!(with(&format!("{metadata} \n")).is_ok());
    assert!(with(&format!("{metadata}{}", " ".repeat(8192))).is_err());
    let key: Value = serde_json::from_str(metadata).unwrap();
    assert!(with(&format!(r#"[{}, "aes-gcm"]"#, key["ephemeral_key"])).is_err());
}

#[test]
fn replies_in_both_forms_are_wrapped_as_clients_expect() {
    let file = load("onion_requests.json");
    let case = &list(&file, "requests")[0];
    let key = open(body(case, "request_body_hex"), &server_keys(&file)).unwrap().reply;
    for case in list(&file, "replies") {
        let code = u16::try_from(case["response_code"].as_u64().unwrap()).unwrap();
        let response = bytes(case, "response_body_hex");
        let headers = case["response_headers"].as_object().unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()));

        let mut reply = Reply::v4(key.clone(), code, headers, response.len());
        reply.buffer().extend_from_slice(&response);
        let plaintext = key.open(BytesMut::from(&reply.seal().unwrap()[..])).unwrap();
        assert_eq!(hex::encode(plaintext), text(case, "v4_example_plaintext_hex"), "{case}");

        let response = if (200..300).contains(&code) {
            response
        } else {
            v3::status_body(code).into_bytes()
        };
        let mut reply = Reply::v3(key.clone(), response.len());
        reply.extend_from_slice(&response);
        let plaintext = key.open(BytesMut::from(&reply.seal().unwrap()[..])).unwrap();
        assert_eq!(hex::encode(plaintext), text(case, "v3_plaintext_hex"), "{case}");
    }
}

#[test]
fn a_reply_with_a_body_of_another_length_than_announced_is_not_sealed() {
    let file = load("onion_requests.json");
    let case = &list(&file, "requests")[0];
    let key = open(body(case, "request_body_hex"), &server_keys(&file)).unwrap().reply;
    let mut reply = Reply::v4(key, 200, [], 4);
    reply.extend_from_slice(b"abc");
    assert!(reply.seal().is_err());
}

#[test]
fn debugging_shows_nothing_of_what_was_decrypted() {
    shared::crypto::init().unwrap();
    let (client, server) = (X25519Pair::generate(), X25519Pair::generate());
    let opened = Opened {
        plaintext: Bytes::from_static(b"hidden"),
        reply: LayerKey::of_client(Cipher::XChaCha20, &client, server.public()).unwrap(),
    };
    assert_eq!(format!("{opened:?}"), "Opened { length: 6, .. }");
}

#[test]
fn a_large_body_is_decrypted_where_it_lies() {
    for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
        shared::crypto::init().unwrap();
        let (client, server) = (X25519Pair::generate(), X25519Pair::generate());
        let key = LayerKey::of_client(cipher, &client, server.public()).unwrap();
        let sealed = BytesMut::from(&key.seal(&vec![7; 1_000_000])[..]);
        let before = sealed.as_ptr();
        let opened = key.open(sealed).unwrap();
        assert_eq!(opened.as_ptr(), before.wrapping_add(cipher.nonce_len()));
        assert!(opened.iter().all(|&byte| byte == 7));
    }
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_body_brings_the_server_down(
            length in prop_oneof![0..64_u32, any::<u32>()],
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            shared::crypto::init().unwrap();
            shared::fuzz::envelope(&rest);
            shared::fuzz::envelope(&[&length.to_le_bytes(), &rest[..]].concat());
        }

        #[test]
        fn a_good_envelope_with_a_bad_ciphertext_does_not_open(
            ciphertext in proptest::collection::vec(any::<u8>(), 0..100),
            key: [u8; 32],
            cipher in "aes-gcm|xchacha20|gcm|cbc|.*",
        ) {
            shared::crypto::init().unwrap();
            let metadata = serde_json::json!({"ephemeral_key": hex::encode(key), "enc_type": cipher}).to_string();
            let length = u32::try_from(ciphertext.len()).unwrap().to_le_bytes();
            shared::fuzz::envelope(&[&length, &ciphertext[..], metadata.as_bytes()].concat());
        }

        #[test]
        fn what_goes_in_comes_out(plaintext in proptest::collection::vec(any::<u8>(), 0..300)) {
            shared::crypto::init().unwrap();
            for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
                shared::fuzz::envelope_round_trip(&plaintext, cipher);
            }
        }
    }
}
