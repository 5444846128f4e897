//! The inputs that the fuzzer found, and changes of them, at every `cargo test`: seconds of what `cargo xtask fuzz` does for minutes.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use pockets_fuzz::{LONGEST, TARGETS, Target};
use std::{fs, path::Path, time::Duration, time::Instant};

/// Changed inputs of each target.
const CHANGES: usize = 3000;
/// The longest that one input may take, in a debug build on a busy machine: a hang, or work that grows with a number in the input.
const LONGEST_RUN: Duration = Duration::from_secs(10);

/// Whole numbers, the same in every run (G. Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One to four changes: a byte, a run left out, a run said twice, a part of another input.
fn change(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        let run = at..(at + random.below(16)).min(input.len());
        match random.below(4) {
            0 => input.get_mut(at).into_iter().for_each(|byte| *byte = random.below(256) as u8),
            1 => drop(input.drain(run)),
            2 => {
                let part = input[run].to_vec();
                input.splice(at..at, part);
            }
            _ => {
                let from = random.below(other.len());
                input.splice(run, other[from..].iter().take(32).copied());
            }
        }
    }
    input.truncate(LONGEST);
}

fn play((name, target): Target) {
    let corpus = corpus(name);
    assert!(corpus.len() > 3, "{name} has a corpus");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let run = |input: &[u8]| {
        let start = Instant::now();
        target(input);
        assert!(start.elapsed() < LONGEST_RUN, "{name} took {:?} over {input:?}", start.elapsed());
    };
    corpus.iter().for_each(|input| run(input));
    for _ in 0..CHANGES {
        let mut input = corpus[random.below(corpus.len())].clone();
        change(&mut input, &corpus[random.below(corpus.len())], &mut random);
        run(&input);
    }
}

#[test]
fn any_bytes_are_a_network_or_a_sentence() {
    play(TARGETS[0]);
}

#[test]
fn any_bytes_are_images_and_labels_or_a_sentence() {
    play(TARGETS[1]);
}

#[test]
fn any_numbers_are_a_drawing_or_a_sentence() {
    play(TARGETS[2]);
}

#[test]
fn any_requests_in_any_order_each_get_one_last_response() {
    play(TARGETS[3]);
}

#[test]
fn any_bytes_are_packed_digits_or_a_sentence() {
    play(TARGETS[4]);
}
