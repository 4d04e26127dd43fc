//! What must hold for any input whatever. Property tests and fuzz targets call the same functions; each panics when
//! its invariant is broken.

use bytes::{Bytes, BytesMut};

use crate::clock::Timestamp;
use crate::crypto::{self, PointCache, ServerKeys, X25519Pair, X25519Public, X25519Secret, fs_auth, sogs_auth};
use crate::onion::v3::Slashless;
use crate::onion::{self, Cipher, InnerRequest, LayerKey, Reply, bencode};

/// No header texts bring the signature checks down, and none pass by accident.
pub fn auth_headers([pubkey, nonce, timestamp, signature]: [&str; 4]) {
    let points = PointCache::new(1);
    let now = Timestamp::from_seconds(1_700_000_000);
    let request = sogs_auth::SignedRequest {
        method: "GET",
        path: "/",
        query: None,
        body: b"",
    };

    let verifier = sogs_auth::Verifier::new(X25519Public::from_bytes([1; 32]), points.clone());
    let headers = sogs_auth::Headers {
        pubkey: Some(pubkey),
        nonce: Some(nonce),
        timestamp: Some(timestamp),
        signature: Some(signature),
    };
    assert!(!matches!(verifier.verify(headers, &request, now, false), Ok(Some(_))));

    let headers = fs_auth::Headers {
        pubkey: Some(pubkey),
        timestamp: Some(timestamp),
        signature: Some(signature),
    };
    assert!(!matches!(fs_auth::verify(headers, &request, &points, now), Ok(Some(_))));
}

/// Whatever decodes is the same bytes in either notation.
pub fn hex_or_base64(text: &str) {
    if let Some(bytes) = crypto::decode_hex_or_base64::<16>(text) {
        assert_eq!(crypto::decode_hex_or_base64(&hex::encode(bytes)), Some(bytes));
    }
    let _ = crypto::decode_hex_or_base64::<33>(text);
    let _ = crypto::decode_hex_or_base64::<64>(text);
}

/// No body brings [`onion::open`] down, and none opens that was not made for the key.
pub fn envelope(body: &[u8]) {
    let pair = || X25519Pair::from_secret(X25519Secret::from_bytes([0x42; 32]));
    let Ok(keys) = ServerKeys::new(pair(), vec![pair()]) else {
        return;
    };
    let opened = onion::open(BytesMut::from(body), &keys);
    assert!(opened.is_err());
}

/// What is encrypted for a server opens there, and the reply opens at the client.
pub fn envelope_round_trip(plaintext: &[u8], cipher: Cipher) {
    let server = X25519Pair::from_secret(X25519Secret::from_bytes([0x42; 32]));
    let client = X25519Pair::from_secret(X25519Secret::from_bytes([0x24; 32]));
    let Ok(key) = LayerKey::of_client(cipher, &client, server.public()) else {
        unreachable!("both keys are good")
    };
    let sealed = key.seal(plaintext);
    let metadata = format!(
        r#"{{"ephemeral_key":"{}","enc_type":"{}"}}"#,
        client.public(),
        cipher.name()
    );
    let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_le_bytes();
    let body = [&length, &sealed[..], metadata.as_bytes()].concat();

    let Ok(opened) = onion::open(BytesMut::from(&body[..]), &server.into()) else {
        unreachable!("made for the key")
    };
    assert_eq!(opened.plaintext, plaintext);
    let mut reply = Reply::v3(opened.reply, plaintext.len());
    reply.extend_from_slice(plaintext);
    let Ok(reply) = reply.seal() else {
        unreachable!("as long as announced")
    };
    assert_eq!(key.open(BytesMut::from(&reply[..])).as_deref(), Ok(plaintext));
}

/// What is taken off the front of the input is part of it, and comes back when it is put there again.
pub fn bencode(input: &[u8]) {
    if let Some((value, rest)) = bencode::consume(input) {
        assert!(value.len() + rest.len() < input.len());
        assert!(input.ends_with(rest));
        let mut again = Vec::new();
        bencode::encode(value, &mut again);
        again.extend_from_slice(rest);
        assert_eq!(bencode::consume(&again), Some((value, rest)));
    }
}

/// Whatever parses as an inner request keeps the promises of its type.
pub fn v4_parse(plaintext: &[u8]) {
    if let Ok(request) = onion::v4::parse(Bytes::copy_from_slice(plaintext)) {
        check_inner(&request);
    }
}

/// As [`v4_parse`], for the older form.
pub fn v3_parse(plaintext: &[u8]) {
    for slashless in [Slashless::Root, Slashless::Legacy] {
        if let Ok(request) = onion::v3::parse(Bytes::copy_from_slice(plaintext), slashless) {
            check_inner(&request);
        }
    }
}

fn check_inner(request: &InnerRequest) {
    assert!(request.path.starts_with('/') && !onion::is_onion_endpoint(&request.path));
    assert!(request.headers.iter().any(|(name, _)| name == "content-type"));
    for (index, (name, value)) in request.headers.iter().enumerate() {
        assert!(!name.is_empty() && name != "content-length" && !name.bytes().any(|byte| byte.is_ascii_uppercase()));
        assert!(!value.contains(['\r', '\n', '\0']));
        assert!(request.headers.iter().skip(index + 1).all(|(other, _)| other != name));
    }
}

/// The query is what follows the first question mark, and a path without percent signs is as it was written.
pub fn split_endpoint(endpoint: &str) {
    if let Ok((path, query)) = onion::split_endpoint(endpoint) {
        let (raw, rest) = endpoint
            .split_once('?')
            .map_or((endpoint, None), |(raw, rest)| (raw, Some(rest)));
        assert_eq!(query.as_deref(), rest);
        assert!(path.len() <= raw.len());
        assert!(raw.contains('%') || path == raw);
    }
}
