#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| shared::fuzz::hex_or_base64(text));
