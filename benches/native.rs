//! The native parts, with criterion: `cargo bench`. What the page takes in a browser: `cargo xtask bench`.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by a panic")]

#[path = "../tests/lbfgs/problems.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod problems;
#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pockets::{
    LABELS, PIXELS,
    attack::{Attack, Goal, Options},
    lbfgs::{self, Minimizer},
    network::kernel::Evaluator,
};
use std::hint::black_box;

const NETWORK: &str = "www/networks/FC100-100-10.safetensors";

/// A whole minimisation of Rosenbrock's function in [−2, ½]ⁿ; the time per evaluation is shown beside it.
fn minimizer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("minimizer, Rosenbrock in a box");
    for n in [10, 100, 1000] {
        let (start, lower, upper) = (vec![-1.2; n], vec![-2.0; n], vec![0.5; n]);
        let mut minimizer = Minimizer::<f64>::new(n, lbfgs::Options::default());
        let mut solve = || {
            minimizer.start(&start, &lower, &upper).unwrap();
            while minimizer.step(|x, gradient| problems::rosenbrock(0.0, x, gradient)).is_none() {}
            minimizer.evaluations()
        };
        group.throughput(Throughput::Elements(solve().into()));
        group.bench_function(BenchmarkId::from_parameter(n), |bencher| bencher.iter(&mut solve));
    }
    group.finish();
}

/// One forward pass, and one with the input gradient, on a digit as drawn and on one with noise everywhere.
fn kernel(criterion: &mut Criterion) {
    let mut evaluator = Evaluator::new(support::network(NETWORK));
    let digit = support::digits().iter().next().unwrap().0.to_vec();
    let noisy: Vec<f32> = digit.iter().enumerate().map(|(i, p)| p.max(0.01 * (1 + i % 3) as f32)).collect();
    let mut over_logits = [0.01; LABELS];
    over_logits[3] = -0.09;
    let mut gradient = vec![0.0; PIXELS];
    let mut group = criterion.benchmark_group("FC100-100-10");
    for (name, image) in [("digit", &digit), ("noisy digit", &noisy)] {
        group.bench_function(BenchmarkId::new("logits", name), |bencher| {
            bencher.iter(|| black_box(evaluator.logits(black_box(image))[0]));
        });
        group.bench_function(BenchmarkId::new("logits and gradient", name), |bencher| {
            bencher.iter(|| {
                black_box(evaluator.logits(black_box(image))[0]);
                evaluator.input_gradient(black_box(&over_logits), &mut gradient);
                black_box(gradient[0])
            });
        });
    }
    group.finish();
}

/// Whole searches, one digit after the other.
fn attack(criterion: &mut Criterion) {
    let mut attack = Attack::new(support::network(NETWORK), Options::default());
    let digits = support::digits();
    let mut next = digits.iter().take(100).collect::<Vec<_>>().into_iter().cycle();
    let mut group = criterion.benchmark_group("attack on FC100-100-10");
    group.bench_function("next label", |bencher| {
        bencher.iter_batched(
            || next.next().unwrap(),
            |(image, label)| {
                // Refused where the network classifies the digit as the target already.
                let started = attack.start(&image, Goal::Target((label + 1) % LABELS));
                started.ok().and_then(|()| attack.run())
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, minimizer, kernel, attack);
criterion_main!(benches);
