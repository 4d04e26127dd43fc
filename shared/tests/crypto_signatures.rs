//! Blinded signatures, and signatures with X25519 keys.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use shared::crypto::{
    Blinded25Pair, BlindedPair, BlindingFactor, Ed25519Pair, Ed25519Public, X25519Public, X25519Secret, xed25519,
};
use vectors::{array, bytes, flag, list, load, text};

#[test]
fn a_blinded_signature_is_made_from_the_seed_and_verifies_as_plain_ed25519() {
    for case in list(&load("blinded_signatures.json"), "signatures") {
        let account = Ed25519Pair::from_seed(&array(case, "ed25519_seed_hex"));
        let server = X25519Public::from_bytes(array(case, "server_x25519_public_key_hex"));
        let message = bytes(case, "message_hex");
        let pair = BlindedPair::new(&account, &BlindingFactor::for_server(&server)).unwrap();
        let signature = pair.sign(&message).unwrap();
        assert_eq!(
            hex::encode(signature),
            text(case, "signature_15_nonce_from_seed_hash_hex")
        );
        assert_eq!(pair.public().as_bytes()[..], bytes(case, "verify_key_15_hex"));
        assert!(pair.public().verifies(&message, &signature));
        assert!(
            pair.public()
                .verifies(&message, &array(case, "signature_15_nonce_from_64_byte_key_hash_hex"))
        );
    }
}

#[test]
fn the_newer_blinding_signs_as_its_library_does() {
    for case in list(&load("blinded_signatures.json"), "signatures") {
        let account = Ed25519Pair::from_seed(&array(case, "ed25519_seed_hex"));
        let server = X25519Public::from_bytes(array(case, "server_x25519_public_key_hex"));
        let message = bytes(case, "message_hex");
        let pair = Blinded25Pair::new(&account, &server).unwrap();
        assert_eq!(
            hex::encode(pair.sign(&message).unwrap()),
            text(case, "informative_signature_25_hex")
        );
        let key = Ed25519Public::from_bytes(array(case, "informative_verify_key_25_hex")).unwrap();
        assert!(key.verifies(&message, &pair.sign(&message).unwrap()));
    }
}

#[test]
fn x25519_keys_sign_and_verify_as_xed25519() {
    for case in list(&load("xed25519.json"), "signatures") {
        let public = X25519Public::from_bytes(array(case, "x25519_public_key_hex"));
        let message = bytes(case, "message_hex");
        let signature = array(case, "signature_hex");
        assert_eq!(
            xed25519::verifies(&public, &message, &signature),
            flag(case, "valid"),
            "{case}"
        );
        if case.get("x25519_secret_hex").is_some() {
            let secret = X25519Secret::from_bytes(array(case, "x25519_secret_hex"));
            let random = array(case, "random_64_bytes_hex");
            assert_eq!(xed25519::sign_with(&secret, &message, &random).unwrap(), signature);
            assert!(xed25519::verifies(
                &public,
                &message,
                &xed25519::sign(&secret, &message).unwrap()
            ));
        }
    }
}
