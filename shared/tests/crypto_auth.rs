//! Signed requests to both servers.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use shared::clock::Timestamp;
use shared::crypto::sogs_auth::{SignedRequest, Verifier};
use shared::crypto::{PointCache, X25519Public, fs_auth, sogs_auth};
use vectors::{array, bytes, flag, list, load, text};

/// Method, decoded path, raw query and body of a case.
struct Parts {
    method: String,
    path: String,
    query: Option<String>,
    body: Vec<u8>,
}

impl Parts {
    fn of(case: &Value) -> Self {
        let (path, query) = match text(case, "target").split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (text(case, "target"), None),
        };
        Self {
            method: text(case, "method").to_owned(),
            path: percent_decode_str(path).decode_utf8().unwrap().into_owned(),
            query,
            body: bytes(case, "body_hex"),
        }
    }

    fn request(&self) -> SignedRequest<'_> {
        let Self {
            method,
            path,
            query,
            body,
        } = self;
        SignedRequest {
            method,
            path,
            query: query.as_deref(),
            body,
        }
    }
}

fn header<'a>(case: &'a Value, name: &str) -> Option<&'a str> {
    let headers = case.get("headers").unwrap().as_object().unwrap();
    headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str().unwrap())
}

fn now(file: &Value) -> Timestamp {
    Timestamp::from_seconds(file.get("server_time_unix").unwrap().as_i64().unwrap())
}

struct Community {
    file: Value,
    verifier: Verifier,
}

impl Community {
    fn load() -> Self {
        let file = load("auth_sogs.json");
        let server = X25519Public::from_bytes(array(&file, "server_x25519_public_key_hex"));
        Self {
            verifier: Verifier::new(server, PointCache::default()),
            file,
        }
    }

    fn verify(&self, case: &Value, blinding: bool) -> Result<Option<sogs_auth::Verified>, sogs_auth::AuthError> {
        let headers = sogs_auth::Headers::pick(|name| header(case, name));
        self.verifier
            .verify(headers, &Parts::of(case).request(), now(&self.file), blinding)
    }

    fn check(&self, case: &Value, blinding: bool) {
        let expected = case.get("expected").unwrap();
        match self.verify(case, blinding) {
            Ok(verified) => {
                assert_eq!(expected["status"], 200, "{case}");
                assert_eq!(verified.unwrap().id.to_string(), text(expected, "session_id"), "{case}");
            }
            Err(error) => {
                assert_eq!(error.to_string(), text(expected, "body_text"), "{case}");
                assert_eq!(expected["status"], error.status(), "{case}");
            }
        }
    }
}

#[test]
fn signed_community_requests_are_who_they_say_or_get_the_known_answer() {
    let community = Community::load();
    for group in ["valid", "invalid", "stricter_than_reference"] {
        for case in list(&community.file, group) {
            community.check(case, false);
        }
    }
}

#[test]
fn a_community_that_requires_blinding_refuses_unblinded_ids_in_words_clients_know() {
    let community = Community::load();
    for case in list(&community.file, "with_blinding_required") {
        community.check(case, true);
    }
}

#[test]
fn a_request_without_any_of_the_headers_is_anonymous() {
    let community = Community::load();
    let nothing = SignedRequest {
        method: "GET",
        path: "/",
        query: None,
        body: b"",
    };
    let answer = community
        .verifier
        .verify(sogs_auth::Headers::default(), &nothing, now(&community.file), true);
    assert_eq!(answer, Ok(None));
}

#[test]
fn a_nonce_is_used_up_per_id_and_only_by_good_signatures() {
    let community = Community::load();
    for sequence in list(&community.file, "sequences") {
        let mut used = HashSet::new();
        for case in list(sequence, "requests") {
            let verified = community.verify(case, false).map(Option::unwrap);
            let answer = verified.and_then(|verified| {
                let fresh = used.insert((verified.id, verified.nonce));
                if fresh {
                    Ok(verified)
                } else {
                    Err(sogs_auth::AuthError::NonceReused)
                }
            });
            let status = answer.as_ref().map_or_else(sogs_auth::AuthError::status, |_| 200);
            assert_eq!(case["expected"]["status"], status, "{case}");
        }
    }
}

#[test]
fn the_signed_bytes_of_a_community_request_are_the_known_ones() {
    let community = Community::load();
    let server = X25519Public::from_bytes(array(&community.file, "server_x25519_public_key_hex"));
    for case in list(&community.file, "valid") {
        let nonce = shared::crypto::decode_hex_or_base64(header(case, sogs_auth::NONCE).unwrap()).unwrap();
        let parts = Parts::of(case);
        let message = parts
            .request()
            .message(&server, &nonce, header(case, sogs_auth::TIMESTAMP).unwrap());
        assert_eq!(hex::encode(message), text(case, "signed_message_hex"), "{case}");
    }
}

#[test]
fn signed_version_checks_are_who_they_say_or_get_the_known_answer() {
    let file = load("auth_fs.json");
    let points = PointCache::default();
    for group in ["valid", "invalid", "with_body"] {
        for case in list(&file, group) {
            let expected = case.get("expected").unwrap();
            let headers = fs_auth::Headers::pick(|name| header(case, name));
            match fs_auth::verify(headers, &Parts::of(case).request(), &points, now(&file)) {
                Ok(id) => assert_eq!(id.unwrap().to_string(), text(expected, "authenticated_as"), "{case}"),
                Err(error) if expected.get("status").is_some() => {
                    assert_eq!(error.to_string(), text(expected, "body_text"), "{case}");
                    assert_eq!(expected["status"], error.status(), "{case}");
                }
                Err(_) => assert!(!flag(case, "accepted_by_this_project"), "{case}"),
            }
        }
    }
}

#[test]
fn a_version_check_without_any_of_the_headers_is_anonymous() {
    let nothing = SignedRequest {
        method: "GET",
        path: "/",
        query: None,
        body: b"",
    };
    let answer = fs_auth::verify(
        fs_auth::Headers::default(),
        &nothing,
        &PointCache::default(),
        Timestamp::from_seconds(0),
    );
    assert_eq!(answer, Ok(None));
}

mod any_headers {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_header_texts_make_the_check_panic(pubkey: String, nonce: String, timestamp: String, signature: String) {
            shared::crypto::init().unwrap();
            shared::fuzz::auth_headers([&pubkey, &nonce, &timestamp, &signature]);
        }

        #[test]
        fn no_signature_of_64_bytes_makes_the_check_panic(signature in proptest::collection::vec(any::<u8>(), 64)) {
            let community = Community::load();
            let case = &list(&community.file, "valid")[0];
            let signature = hex::encode(signature);
            let headers = sogs_auth::Headers {
                signature: Some(&signature),
                ..sogs_auth::Headers::pick(|name| header(case, name))
            };
            let parts = Parts::of(case);
            let answer = community.verifier.verify(headers, &parts.request(), now(&community.file), false);
            prop_assert_eq!(answer, Err(sogs_auth::AuthError::Verification));
        }
    }
}
