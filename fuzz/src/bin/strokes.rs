//! `pockets_fuzz::strokes` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pockets_fuzz::strokes(bytes));
