//! `pockets_fuzz::idx` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pockets_fuzz::idx(bytes));
