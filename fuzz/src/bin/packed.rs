//! `pockets_fuzz::packed` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pockets_fuzz::packed(bytes));
