//! Recovery phrases and the accounts behind them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod vectors;

use shared::client::Account;
use shared::crypto::recovery_phrase::{decode, encode};
use vectors::{array, list, load, text};

#[test]
fn a_phrase_stands_for_the_seed_and_the_ids_that_other_programs_know() {
    for case in list(&load("recovery_phrases.json"), "valid") {
        let seed = array(case, "account_seed_hex");
        assert_eq!(*encode(&seed), text(case, "phrase"), "{case}");
        assert_eq!(*decode(text(case, "phrase")).unwrap(), seed, "{case}");
        let account = Account::from_account_seed(&seed);
        assert_eq!(*account.pair().seed(), array(case, "ed25519_seed_hex"), "{case}");
        assert_eq!(
            *account.pair().public().as_bytes(),
            array(case, "ed25519_public_hex"),
            "{case}"
        );
        assert_eq!(account.session_id().to_string(), text(case, "session_id"), "{case}");
    }
}

#[test]
fn a_phrase_may_be_in_capitals_cut_to_three_letters_and_spread_over_lines() {
    for case in list(&load("recovery_phrases.json"), "valid") {
        let phrase = text(case, "phrase");
        let cut: Vec<&str> = phrase.split(' ').map(|word| &word[..3]).collect();
        for spelt in [
            phrase.to_uppercase(),
            cut.join("  "),
            format!("\t{}\n", phrase.replace(' ', "\r\n")),
        ] {
            assert_eq!(*decode(&spelt).unwrap(), array(case, "account_seed_hex"), "{spelt:?}");
        }
    }
}

#[test]
fn what_is_no_phrase_is_refused_without_repeating_it() {
    for case in list(&load("recovery_phrases.json"), "invalid") {
        let phrase = text(case, "phrase");
        let told = decode(phrase).unwrap_err().to_string();
        for word in phrase.split_whitespace().filter(|word| word.len() > 4) {
            assert!(!told.contains(word), "{told}");
        }
    }
}
