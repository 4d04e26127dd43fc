//! Messages between two blinded ids.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use serde_json::Value;
use shared::crypto::direct_message::{self, DirectMessageError};
use shared::crypto::{BlindedId, BlindingFactor, Ed25519Pair, X25519Public};
use vectors::{array, bytes, list, load, text};

struct Case {
    sender: Ed25519Pair,
    recipient: Ed25519Pair,
    sender_id: BlindedId,
    recipient_id: BlindedId,
    factor: BlindingFactor,
}

impl Case {
    fn of(value: &Value) -> Self {
        let server = X25519Public::from_bytes(array(value, "server_x25519_public_key_hex"));
        Self {
            sender: Ed25519Pair::from_seed(&array(value, "sender_ed25519_seed_hex")),
            recipient: Ed25519Pair::from_seed(&array(value, "recipient_ed25519_seed_hex")),
            sender_id: text(value, "sender_blinded_id").parse().unwrap(),
            recipient_id: text(value, "recipient_blinded_id").parse().unwrap(),
            factor: BlindingFactor::for_server(&server),
        }
    }

    fn open(&self, reader: &Ed25519Pair, data: &[u8]) -> Result<direct_message::DirectMessage, DirectMessageError> {
        direct_message::open(reader, &self.sender_id, &self.recipient_id, &self.factor, data)
    }
}

#[test]
fn a_message_opens_for_its_recipient_and_its_sender() {
    for value in list(&load("blinded_dm.json"), "messages") {
        let case = Case::of(value);
        let message = bytes(value, "message_hex");
        let nonce = array(value, "nonce_hex");
        let sealed =
            direct_message::seal_with(&case.sender, &case.recipient_id, &case.factor, &message, nonce).unwrap();
        assert_eq!(hex::encode(&sealed), text(value, "encrypted_hex"));
        for reader in [&case.recipient, &case.sender] {
            let opened = case.open(reader, &sealed).unwrap();
            assert_eq!(opened.message, message);
            let shown = format!("{opened:?}");
            assert_eq!(shown, format!("DirectMessage {{ length: {}, .. }}", message.len()));
            assert_eq!(
                opened.sender.to_string(),
                text(value, "sender_session_id_revealed_to_recipient")
            );
        }
    }
}

#[test]
fn a_damaged_message_or_one_by_somebody_else_does_not_open() {
    let file = load("blinded_dm.json");
    for value in list(&file, "refused") {
        let keys = usize::try_from(value["use_keys_of_message"].as_u64().unwrap()).unwrap();
        let case = Case::of(&list(&file, "messages")[keys]);
        assert!(
            case.open(&case.recipient, &bytes(value, "encrypted_hex")).is_err(),
            "{value}"
        );
    }
}
