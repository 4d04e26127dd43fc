#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: shared::crypto::init().expect("libsodium starts"),
    |texts: [&str; 4]| shared::fuzz::auth_headers(texts)
);
