//! Ids and keys derived from seeds, and which points may be keys.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use serde_json::Value;
use shared::crypto::{
    Blinded25Pair, BlindedId, BlindedPair, BlindingFactor, Ed25519Pair, Ed25519Public, PointCache, SessionId,
    X25519Public,
};
use vectors::{array, bytes, flag, list, load, text};

fn pair(value: &Value) -> Ed25519Pair {
    Ed25519Pair::from_seed(&array(value, "ed25519_seed_hex"))
}

#[test]
fn an_account_has_the_keys_and_ids_of_its_seed() {
    for case in list(&load("identities.json"), "identities") {
        let pair = pair(case);
        assert_eq!(pair.public().as_bytes()[..], bytes(case, "ed25519_public_key_hex"));
        assert_eq!(
            pair.to_bytes()[..],
            bytes(case, "ed25519_secret_key_seed_then_public_hex")
        );
        assert_eq!(pair.public().sign_bit(), flag(case, "ed25519_public_key_sign_bit_set"));
        let x25519 = pair.to_x25519();
        assert_eq!(
            x25519.secret().as_bytes()[..],
            bytes(case, "clamped_private_scalar_and_x25519_secret_hex")
        );
        assert_eq!(x25519.public().as_bytes()[..], bytes(case, "x25519_public_key_hex"));
        assert_eq!(pair.public().to_x25519(), *x25519.public());
        assert_eq!(pair.session_id().to_string(), text(case, "session_id_05"));
        assert_eq!(pair.unblinded_id().to_string(), text(case, "unblinded_auth_id_00"));
        assert_eq!(
            x25519.public().to_ed25519().unwrap().as_bytes()[..],
            bytes(case, "ed25519_public_key_recovered_from_x25519_sign_bit_clear_hex")
        );
        let version = case.get("version_blinded_07").unwrap();
        assert_eq!(pair.version_pair().seed()[..], bytes(version, "seed_hex"));
        assert_eq!(
            pair.version_pair().public().as_bytes()[..],
            bytes(version, "public_key_hex")
        );
        assert_eq!(pair.version_pair().as_version_id().to_string(), text(version, "id_07"));
    }
}

#[test]
fn an_account_has_one_blinded_id_for_each_server() {
    for case in list(&load("identities.json"), "identities") {
        let pair = pair(case);
        for server in list(case, "per_server") {
            let key = X25519Public::from_bytes(array(server, "server_x25519_public_key_hex"));
            let factor = BlindingFactor::for_server(&key);
            let blinded = BlindedPair::new(&pair, &factor).unwrap();
            assert_eq!(blinded.id().to_string(), text(server, "blinded_id_15"));
            assert_eq!(
                blinded.public().as_bytes()[..],
                bytes(server, "blinded_public_key_kA_hex")
            );
            assert_eq!(
                blinded.id().absolute().to_string(),
                text(server, "blinded_id_15_absolute")
            );
            assert_eq!(
                blinded.id().negative().to_string(),
                text(server, "blinded_id_15_negative")
            );
            let computed = factor.blind(&pair.session_id()).unwrap();
            assert_eq!(
                computed.key()[..],
                bytes(server, "blinded_public_key_computed_from_05_id_hex")
            );
            assert_eq!(
                computed == blinded.id(),
                flag(server, "computed_from_05_id_equals_kA_without_negation")
            );
            let newer = Blinded25Pair::new(&pair, &key).unwrap();
            assert_eq!(newer.id().to_string(), text(server, "informative_blinded_id_25"));
        }
    }
}

#[test]
fn a_session_id_matches_its_blinded_id_of_either_sign_and_no_other() {
    for case in list(&load("identities.json"), "matching") {
        assert_eq!(matches(case), case.get("matches").and_then(Value::as_bool), "{case}");
    }
}

/// `None` where one of the three is not what it should be.
fn matches(case: &Value) -> Option<bool> {
    let session: SessionId = text(case, "session_id").parse().ok()?;
    let blinded: BlindedId = text(case, "blinded_id").parse().ok()?;
    let server = X25519Public::from_hex(text(case, "server_x25519_public_key_hex"))?;
    BlindingFactor::for_server(&server).matches(&session, &blinded).ok()
}

#[test]
fn absolute_and_negative_ids_differ_in_one_bit_of_the_text() {
    for case in list(&load("identities.json"), "sign_text") {
        let id: BlindedId = text(case, "blinded_id").parse().unwrap();
        assert_eq!(id.absolute().to_string(), text(case, "absolute"));
        assert_eq!(id.negative().to_string(), text(case, "negative"));
    }
}

#[test]
fn only_points_of_the_prime_order_subgroup_are_keys() {
    let cache = PointCache::new(100);
    for case in list(&load("point_validity.json"), "points") {
        let point = array(case, "encoding_hex");
        let good = flag(case, "acceptable_as_public_key");
        assert_eq!(Ed25519Public::from_bytes(point).is_ok(), good, "{case}");
        for _ in 0..2 {
            assert_eq!(cache.check(point).is_ok(), good, "{case}");
        }
    }
}

#[test]
fn every_x25519_key_converts_but_not_every_result_is_a_key() {
    for case in list(&load("xed25519.json"), "public_key_conversion") {
        let key = X25519Public::from_bytes(array(case, "x25519_public_key_hex"));
        assert_eq!(
            key.to_ed25519_bytes()[..],
            bytes(case, "ed25519_public_key_sign_bit_clear_hex"),
            "{case}"
        );
        if case.get("result_is_on_curve").is_some_and(|on_curve| on_curve == false) {
            assert!(key.to_ed25519().is_err());
            assert!(
                BlindingFactor::for_server(&key)
                    .blind(&SessionId::from_key(*key.as_bytes()))
                    .is_err()
            );
        }
    }
}
