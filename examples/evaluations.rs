//! What a search costs and finds, beside other schedules of c: prints the table of docs/search.md.
//!
//! ```text
//! cargo run --release --example evaluations [COUNT]
//! ```
//!
//! COUNT is how many images of each network are attacked, all of them if it is left out. The other schedules are those of well-known libraries, from their sources: how c begins, grows and is bisected, and
//! how many iterations a minimisation may have. Each minimises with this project's L-BFGS, cold from x at every c, so
//! that the table compares schedules, not solvers. Networks, images and targets are those of tests/fixtures/reference.
#![allow(clippy::expect_used, reason = "an example fails by a panic")]

#[path = "../tests/support/mod.rs"]
mod support;

use pockets::{
    PIXELS,
    attack::{Attack, Goal, Options, Reading},
    lbfgs::{self, Minimizer},
    network::{self, Mlp, kernel::Evaluator},
};
use std::sync::Arc;
use support::{digits, mean, median, reference};

/// What one search gave: evaluations, and the norm if it succeeded.
type Found = (u32, Option<f32>);

/// `½‖r‖² + h·CE(x + r, l)` minimised from r = 0, as often as a schedule of h asks.
struct Cold {
    evaluator: Evaluator,
    minimizer: Minimizer<f32>,
    evaluations: u32,
    best: f32,
}

impl Cold {
    fn new(network: Arc<Mlp>, max_evaluations: u32) -> Self {
        let options = lbfgs::Options { decrease_tolerance: 1e-6, noise: 1e-6, max_evaluations, ..Default::default() };
        let minimizer = Minimizer::new(PIXELS, options);
        Cold { evaluator: Evaluator::new(network), minimizer, evaluations: 0, best: f32::INFINITY }
    }

    /// Whether the minimiser for `h` is classified as `target`.
    fn succeeds(&mut self, x: &[f32], target: usize, h: f32) -> bool {
        self.minimizer.start(x, &[0.0; PIXELS], &[1.0; PIXELS]).expect("a digit lies in the box");
        let Cold { evaluator, minimizer, .. } = self;
        while minimizer
            .step(|u, gradient| {
                let mut over_logits = network::probabilities(evaluator.logits(u));
                let loss = -over_logits[target].max(1e-30).ln();
                over_logits[target] -= 1.0;
                evaluator.input_gradient(&over_logits.map(|v| v * h), gradient);
                let r = || u.iter().zip(x).map(|(u, x)| u - x);
                gradient.iter_mut().zip(r()).for_each(|(g, r)| *g += r);
                0.5 * r().map(|r| r * r).sum::<f32>() + h * loss
            })
            .is_none()
        {}
        self.evaluations += minimizer.evaluations();
        let point = minimizer.x();
        let success = network::label(evaluator.logits(point)) == target;
        if success {
            let norm = point.iter().zip(x).map(|(u, x)| (u - x) * (u - x)).sum::<f32>().sqrt();
            self.best = self.best.min(norm);
        }
        success
    }

    fn found(self) -> Found {
        (self.evaluations, self.best.is_finite().then_some(self.best))
    }
}

/// h from `first`, times `factor` until it succeeds, then bisected until the bracket is within `closed`, at most
/// `solves` minimisations in all.
fn schedule(network: &Arc<Mlp>, x: &[f32], target: usize, s: Schedule) -> Found {
    let mut cold = Cold::new(network.clone(), s.max_evaluations);
    let (mut low, mut high, mut h) = (0.0f32, f32::INFINITY, s.first);
    for _ in 0..s.solves {
        if cold.succeeds(x, target, h) {
            high = h
        } else {
            low = h
        }
        if high - low <= s.closed * if s.absolute { 1.0 } else { high } {
            break;
        }
        h = if high.is_finite() { 0.5 * (low + high) } else { h * s.factor };
    }
    cold.found()
}

#[derive(Clone, Copy)]
struct Schedule {
    first: f32,
    factor: f32,
    closed: f32,
    /// `closed` is a difference of h, not a part of it.
    absolute: bool,
    solves: u32,
    max_evaluations: u32,
}

fn main() {
    let ours = |reading: Reading, boundary_steps: Option<u32>| {
        let mut options = Options::new(reading);
        let steps = &mut options.tuning.boundary_steps;
        *steps = boundary_steps.unwrap_or(*steps);
        move |network: &Arc<Mlp>, x: &[f32], target: usize| -> Found {
            let mut attack = Attack::new(network.clone(), options);
            attack.start(x, Goal::Target(target)).expect("a digit classified as its label");
            let outcome = attack.run().expect("a search that was started ends");
            (outcome.evaluations, (outcome.norm > 0.0).then_some(outcome.norm))
        }
    };
    let theirs = |s: Schedule| move |network: &Arc<Mlp>, x: &[f32], target: usize| schedule(network, x, target, s);
    // As the libraries weigh the loss: const·CE + ‖r‖², so h = const/2.
    let foolbox = Schedule { first: 1e-5, factor: 2.0, closed: 5e-6, absolute: true, solves: 60, max_evaluations: 150 };
    let advertorch =
        Schedule { first: 5e-3, factor: 10.0, closed: 0.0, absolute: true, solves: 9, max_evaluations: 100 };
    let cleverhans = Schedule { solves: 5, max_evaluations: 1000, ..advertorch };
    let textbook =
        Schedule { first: 0.5, factor: 10.0, closed: 0.01, absolute: false, solves: 100, max_evaluations: 1000 };
    type Search<'a> = &'a dyn Fn(&Arc<Mlp>, &[f32], usize) -> Found;
    let rows: [(&str, Search); 8] = [
        ("c from 1, tenfold, bisected to 1 %, cold", &theirs(textbook)),
        ("foolbox 2.4's schedule", &theirs(foolbox)),
        ("advertorch's schedule", &theirs(advertorch)),
        ("cleverhans' schedule", &theirs(cleverhans)),
        ("this search, c as a weight alone", &ours(Reading::Weight, None)),
        ("this search, c as a scale alone", &ours(Reading::Scale, None)),
        ("this search, both, without boundary steps", &ours(Reading::Both, Some(0))),
        ("**this search**", &ours(Reading::Both, None)),
    ];
    let digits = digits();
    let count = std::env::args().nth(1).map_or(usize::MAX, |count| count.parse().expect("COUNT is a number"));
    for name in ["FC100-100-10", "FC10_1e-4"] {
        let mut reference = reference(name);
        reference.rows.truncate(count);
        println!(
            "\n{name}, its first {} correctly classified test digits as (label + 1) mod 10:\n",
            reference.rows.len()
        );
        println!(
            "| search | found | evaluations, median | 90th percentile | norm to SciPy's | to the smallest known |"
        );
        println!("|---|---|---|---|---|---|");
        for (label, search) in &rows {
            let (mut evaluations, mut to_scipy, mut to_smallest) = (vec![], vec![], vec![]);
            for row in &reference.rows {
                let image = digits.images().get(row.index).expect("the reference's images are among the first 300");
                let (cost, norm) = search(&reference.network, &image, row.target);
                evaluations.push(f64::from(cost));
                if let Some(norm) = norm {
                    to_scipy.push(f64::from(norm) / row.norm);
                    to_smallest.push(f64::from(norm) / row.smallest);
                }
            }
            evaluations.sort_by(f64::total_cmp);
            println!(
                "| {label} | {} | {} | {} | {:.4} | {:.4} |",
                to_scipy.len(),
                median(evaluations.clone()),
                evaluations[evaluations.len() * 9 / 10],
                mean(&to_scipy),
                mean(&to_smallest)
            );
        }
    }
}
