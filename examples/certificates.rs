//! How much of the smallest norm found is proved, and how soon: prints the table of docs/certificates.md.
//!
//! ```text
//! cargo run --release --example certificates -- 20,1000 12 next any
//! cargo run --release --example certificates -- 20,1000,60000 10 any tests/fixtures/reference/FC100-100-10.safetensors
//! ```
//!
//! The first argument is the milliseconds of work after which a proof is looked at, the second the number of images of
//! each network, the others what is proved: `next` that the label after the image's own is not reached, `any` that no
//! other is; and the networks, if not all. Beside the bounds stand the norms that the search finds: for `any` the smallest
//! of nine. Where Linux says how long this thread has been running, waiting for a busy machine does not count.
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

/// The smallest norm that the search finds, for the label after `label` or for any.
fn found(attack: &mut Attack, image: &[f32], label: usize, next: bool) -> f32 {
    let mut smallest = f32::INFINITY;
    if next {
        attack.start(image, Goal::Target((label + 1) % LABELS)).expect("a digit classified as its label");
        smallest = attack.run().expect("a search that was started ends").norm;
    } else {
        attack
            .run_all(image, |_, outcome, _| smallest = smallest.min(outcome.norm))
            .expect("a digit classified as its label");
    }
    smallest
}

/// For each image the parts of the norm proved after each time, in milliseconds, and the longest step.
fn proofs(network: &Arc<Mlp>, times: &[f64], count: usize, next: bool) -> (Vec<Vec<f64>>, f64) {
    let mut attack = Attack::new(network.clone(), Options::default());
    let mut certifier = Certifier::new(network.clone());
    let mut parts = vec![vec![]; times.len()];
    let mut longest = 0.0f64;
    let digits = digits();
    for (image, label) in digits.iter().filter(|(i, l)| network::label(&network.logits(i)) == *l).take(count) {
        let norm = found(&mut attack, &image, label, next);
        let goal = if next { Goal::Target((label + 1) % LABELS) } else { Goal::Any };
        certifier.start(&image, goal).expect("a digit classified as its label");
        let watch = Watch::start();
        for (&time, parts) in times.iter().zip(&mut parts) {
            while watch.elapsed() < time {
                let before = watch.elapsed();
                if !certifier.step() {
                    break;
                }
                longest = longest.max(watch.elapsed() - before);
            }
            assert!(certifier.bound() <= norm, "{} is said to be impossible, and was found", norm);
            parts.push(f64::from(certifier.bound() / norm));
        }
    }
    (parts, longest)
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
    println!("| network | r for | {} | longest step |", heads.join(" | "));
    println!("|---|---|{}---|", "---|".repeat(times.len()));
    for file in files {
        for goal in &goals {
            let network = support::network(file);
            let (parts, longest) = proofs(&network, &times, count, *goal == "next");
            let cells: Vec<String> =
                parts.iter().map(|p| format!("{:.3} ({:.3})", support::mean(p), median(p.clone()))).collect();
            println!("| {file} | {goal} | {} | {longest:.1} ms |", cells.join(" | "));
        }
    }
}
