//! `pockets_fuzz::network` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pockets_fuzz::network(bytes));
