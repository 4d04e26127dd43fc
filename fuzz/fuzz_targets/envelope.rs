#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::onion::Cipher;

fuzz_target!(
    init: shared::crypto::init().expect("libsodium starts"),
    |input: &[u8]| {
        shared::fuzz::envelope(input);
        for cipher in [Cipher::Aes256Gcm, Cipher::XChaCha20] {
            shared::fuzz::envelope_round_trip(input, cipher);
        }
    }
);
