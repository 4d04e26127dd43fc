#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| shared::fuzz::v4_parse(input));
