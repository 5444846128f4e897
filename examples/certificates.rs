//! How much of the smallest norm found is proved, and how soon: prints the table of docs/certificates.md.
//!
//! ```text
//! cargo run --release --example certificates -- 20,1000 12 next any
//! cargo run --release --example certificates -- 20,1000,60000 10 any tests/fixtures/reference/FC100-100-10.safetensors
//! ```
//!
//! The first argument is the milliseconds of work after which a proof is looked at, the second the number of images of
//! each network, the others what is proved: `next` that the label after the image's own is not reached, `any` that no
//! other is; and the networks, if not all. The bounds are parts of the smallest norm known, that of a thorough search (as by
//! `pockets attack --thorough`): for `any` the smallest of nine. The first figure is when the last of the images had a
//! bound. Where Linux says how long this thread has been running, waiting for a busy machine does not count.
#![allow(clippy::expect_used, reason = "an example fails by a panic")]

#[path = "../tests/support/mod.rs"]
mod support;

use pockets::{
    LABELS,
    attack::{Attack, Goal, Options},
    certify::Certifier,
    network::{self, Mlp},
};
use std::{fs, sync::Arc, time::Instant};
use support::{digits, median};

const NETWORKS: [&str; 8] = [
    "tests/fixtures/reference/FC100-100-10.safetensors",
    "www/networks/FC100-100-10.safetensors",
    "www/networks/FC200-200-10.safetensors",
    "www/networks/FC123-456-10_P1.safetensors",
    "www/networks/FC100-100-10_hardened.safetensors",
    "www/networks/AE400-10.safetensors",
    "www/networks/FC10_1e-4.safetensors",
    "www/networks/FC10_1.safetensors",
];

/// The starts of a thorough search, as on the command line.
const STARTS: u32 = 40;

/// Milliseconds of work since it was made.
struct Watch(Instant, Option<f64>);

impl Watch {
    fn start() -> Self {
        Watch(Instant::now(), Watch::thread_time())
    }

    fn elapsed(&self) -> f64 {
        match (self.1, Watch::thread_time()) {
            (Some(begin), Some(now)) => now - begin,
            _ => self.0.elapsed().as_secs_f64() * 1e3,
        }
    }

    /// How long this thread has had a processor; only Linux tells.
    fn thread_time() -> Option<f64> {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(stat.split(' ').next()?.parse::<f64>().ok()? * 1e-6)
    }
}

/// The smallest norm known, for the label after `label` or for any: what a thorough search finds from many starts.
fn found(attack: &mut Attack, image: &[f32], label: usize, next: bool) -> f32 {
    let mut smallest = f32::INFINITY;
    for target in (0..LABELS).filter(|&t| if next { t == (label + 1) % LABELS } else { t != label }) {
        let outcome = attack.run_thoroughly(image, target, STARTS).expect("a digit classified as its label");
        smallest = outcome.map_or(smallest, |outcome| smallest.min(outcome.norm));
    }
    smallest
}

/// What was measured of one network.
#[derive(Default)]
struct Measured {
    /// For each time the parts of the norm proved, an image each.
    parts: Vec<Vec<f64>>,
    /// When each image had its first bound, in milliseconds.
    first: Vec<f64>,
    /// The longest step, in milliseconds.
    longest: f64,
}

fn proofs(network: &Arc<Mlp>, times: &[f64], count: usize, next: bool) -> Measured {
    let mut attack = Attack::new(network.clone(), Options::default());
    let mut measured = Measured { parts: vec![vec![]; times.len()], ..Measured::default() };
    let digits = digits();
    for (image, label) in digits.iter().filter(|(i, l)| network::label(&network.logits(i)) == *l).take(count) {
        let norm = found(&mut attack, &image, label, next);
        let goal = if next { Goal::Target((label + 1) % LABELS) } else { Goal::Any };
        let watch = Watch::start();
        // What is made once for the network counts for every image.
        let mut certifier = Certifier::new(network.clone());
        certifier.start(&image, goal).expect("a digit classified as its label");
        let (mut more, mut first) = (true, None);
        for (&time, parts) in times.iter().zip(&mut measured.parts) {
            while more && watch.elapsed() < time {
                let before = watch.elapsed();
                more = certifier.step();
                let now = watch.elapsed();
                measured.longest = measured.longest.max(now - before);
                if certifier.bound() > 0.0 {
                    first.get_or_insert(now);
                }
            }
            assert!(certifier.bound() <= norm, "{} is said to be impossible, and was found", norm);
            parts.push(f64::from(certifier.bound() / norm));
        }
        measured.first.push(first.unwrap_or(f64::INFINITY));
    }
    measured
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times: Vec<f64> =
        arguments.first().map_or("20,1000", String::as_str).split(',').filter_map(|t| t.parse().ok()).collect();
    let count = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(12);
    let (files, goals): (Vec<&str>, Vec<&str>) =
        arguments.iter().skip(2).map(String::as_str).partition(|argument| argument.ends_with(".safetensors"));
    let goals = if goals.is_empty() { vec!["any"] } else { goals };
    let files = if files.is_empty() { NETWORKS.to_vec() } else { files };
    let heads: Vec<String> = times.iter().map(|t| format!("{t} ms, mean (median)")).collect();
    println!("| network | r for | {} | first figure | longest step |", heads.join(" | "));
    println!("|---|---|{}---|---|", "---|".repeat(times.len()));
    for file in files {
        for goal in &goals {
            let network = support::network(file);
            let Measured { parts, first, longest } = proofs(&network, &times, count, *goal == "next");
            let cells: Vec<String> =
                parts.iter().map(|p| format!("{:.3} ({:.3})", support::mean(p), median(p.clone()))).collect();
            let first = first.iter().copied().fold(0.0, f64::max);
            println!("| {file} | {goal} | {} | {first:.0} ms | {longest:.1} ms |", cells.join(" | "));
        }
    }
}
