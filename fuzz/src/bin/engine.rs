//! `pockets_fuzz::engine` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pockets_fuzz::engine(bytes));
