//! The certificate, judged by what it must never do: exclude something that exists.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use pockets::{
    LABELS, PIXELS,
    attack::{Attack, AttackError, Goal, Options},
    certify::Certifier,
    network::{self, Activation, Layer, Mlp, Network, kernel::Evaluator},
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::Arc;
use support::{digits, reference};

/// Every network that comes with the project.
fn networks() -> Vec<(String, Arc<Mlp>)> {
    let mut all = Vec::new();
    for folder in ["networks", "www/networks", "tests/fixtures/reference"] {
        for entry in std::fs::read_dir(support::path(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "safetensors") {
                let network = Network::from_safetensors(&std::fs::read(&path).unwrap()).unwrap();
                // Nothing is proved of convolutions.
                all.extend(network.mlp().map(|mlp| (path.display().to_string(), mlp.clone())));
            }
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// The bound after so many steps; it never became smaller on the way.
fn bound(certifier: &mut Certifier, image: &[f32], goal: Goal, steps: u32) -> f32 {
    certifier.start(image, goal).unwrap();
    assert_eq!(certifier.bound(), 0.0, "nothing is proved before the first step");
    let mut last = 0.0;
    for _ in 0..steps {
        let more = certifier.step();
        assert!(certifier.bound() >= last, "the bound fell from {last} to {}", certifier.bound());
        last = certifier.bound();
        if !more {
            break;
        }
    }
    last
}

/// `clip(x + r)` for a random r of this norm, before clipping and never more after it: the pixels that may move are a
/// random part of all, or lead towards another image.
fn random_point(image: &[f32], towards: &[f32], norm: f32, rng: &mut StdRng) -> Vec<f32> {
    let kind = rng.random_range(0..4);
    let part: f64 = [1.0, 0.3, 0.05, 1.0][kind];
    let step: Vec<f32> = image
        .iter()
        .zip(towards)
        .map(|(x, t)| match kind {
            3 => (t - x) + 0.2 * rng.random_range(-1.0f32..1.0),
            _ if rng.random_bool(part) => rng.random_range(-1.0..1.0),
            _ => 0.0,
        })
        .collect();
    // The norm counts once the box has had its say: stretched until it is met.
    let place = |s: f32| -> Vec<f32> { image.iter().zip(&step).map(|(x, d)| (x + s * d).clamp(0.0, 1.0)).collect() };
    let size =
        |point: &[f32]| point.iter().zip(image).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt() as f32;
    let (mut low, mut high) = (0.0, 1e3);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if size(&place(middle)) < norm { low = middle } else { high = middle }
    }
    place(low)
}

/// Nothing that is looked for within the bounds is found: by the search for each label, by steps against the gradient
/// held within the ball, at random.
fn nothing_is_inside(network: &Arc<Mlp>, image: &[f32], steps: u32, points: u32, rng: &mut StdRng) {
    let prediction = network::label(&network.logits(image));
    let mut certifier = Certifier::new(network.clone());
    let any = bound(&mut certifier, image, Goal::Any, steps);
    let digits = digits();
    let mut attack = Attack::new(network.clone(), Options::default());
    for target in (0..LABELS).filter(|&t| t != prediction) {
        attack.start(image, Goal::Target(target)).unwrap();
        let outcome = attack.run().unwrap();
        if outcome.norm > 0.0 {
            assert!(any <= outcome.norm, "{any} is said to be safe, {} reaches {target}", outcome.norm);
        }
        let own = bound(&mut certifier, image, Goal::Target(target), steps / 4);
        if outcome.norm > 0.0 {
            assert!(own <= outcome.norm, "{own} is said to be safe from {target}, {} reaches it", outcome.norm);
        }
        for _ in 0..points / 9 {
            let towards = digits.images().get(rng.random_range(0..300)).unwrap();
            let found = network::label(&network.logits(&random_point(image, &towards, own, rng)));
            assert_ne!(found, target, "a random point within {own}");
            let found = network::label(&network.logits(&random_point(image, &towards, any, rng)));
            assert_eq!(found, prediction, "a random point within {any}");
        }
        descend(network, image, target, own);
        descend(network, image, target, any);
    }
}

/// Projected gradient steps on the target's margin within the ball and the box; the label at each.
fn descend(network: &Arc<Mlp>, image: &[f32], target: usize, radius: f32) {
    let mut evaluator = Evaluator::new(network.clone());
    let (mut point, mut gradient) = (image.to_vec(), vec![0.0; PIXELS]);
    for _ in 0..30 {
        let z = *evaluator.logits(&point);
        assert_ne!(network::label(&network.logits(&point)), target, "found within {radius}");
        let rival = (0..LABELS).filter(|&l| l != target).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap();
        let mut over_logits = [0.0; LABELS];
        (over_logits[target], over_logits[rival]) = (1.0, -1.0);
        evaluator.input_gradient(&over_logits, &mut gradient);
        let size = gradient.iter().map(|g| g * g).sum::<f32>().sqrt().max(1e-20);
        for (p, g) in point.iter_mut().zip(&gradient) {
            *p = (*p + 0.3 * radius * g / size).clamp(0.0, 1.0);
        }
        let far = point.iter().zip(image).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt() as f32;
        if far > radius {
            for (p, x) in point.iter_mut().zip(image) {
                *p = x + (*p - x) * (radius / far) * 0.999_99;
            }
        }
    }
}

#[test]
fn nothing_is_found_inside_a_certified_radius_on_any_network() {
    let mut rng = StdRng::seed_from_u64(12);
    for (name, network) in networks() {
        println!("{name}");
        let digits = digits();
        let image = digits.images().get(rng.random_range(0..300)).unwrap();
        nothing_is_inside(&network, &image, 120, 360, &mut rng);
    }
}

/// Minutes long: `cargo test --release --test certify -- --ignored`.
#[test]
#[ignore = "takes many minutes"]
fn nothing_is_found_inside_a_certified_radius_by_millions_of_points() {
    let mut rng = StdRng::seed_from_u64(13);
    for (name, network) in networks() {
        println!("{name}");
        for round in 0..20 {
            let image = digits().images().get(15 * round).unwrap();
            nothing_is_inside(&network, &image, 600, 6000, &mut rng);
        }
    }
}

/// Random weights like a trained network's, with biases that centre every layer.
fn random_network(hidden: &[usize], activation: Activation, size: f32, rng: &mut StdRng) -> Arc<Mlp> {
    let mut inputs = PIXELS;
    let mut middle = 0.13; // the mean pixel of MNIST
    let layers = hidden.iter().chain([&LABELS]).map(|&outputs| {
        let size = size / (inputs as f32).sqrt();
        let weight: Vec<f32> = (0..inputs * outputs).map(|_| rng.random_range(-size..size)).collect();
        let bias = weight.chunks_exact(inputs).map(|row| -middle * row.iter().sum::<f32>()).collect();
        let layer = Layer { inputs, outputs, weight, bias };
        middle = if activation == Activation::Sigmoid { 0.5 } else { 0.0 };
        inputs = outputs;
        layer
    });
    Arc::new(Mlp::new("random", activation, layers.collect()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_found_inside_a_certified_radius_of_random_networks(
        seed in 0u64..1 << 40,
        hidden in prop::collection::vec(1usize..24, 0..4),
        activation in prop::sample::select(vec![Activation::Sigmoid, Activation::Tanh, Activation::Relu]),
        size in 0.5f32..12.0,
        digit in 0usize..300,
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let network = random_network(&hidden, activation, size, &mut rng);
        let image = digits().images().get(digit).unwrap();
        nothing_is_inside(&network, &image, 150, 90, &mut rng);
    }
}

#[test]
fn on_convex_networks_the_bound_meets_the_search() {
    for name in ["tests/fixtures/reference/FC10_1e-4.safetensors", "www/networks/FC10_1.safetensors"] {
        let network = support::network(name);
        let mut certifier = Certifier::new(network.clone());
        let mut attack = Attack::new(network.clone(), Options::default());
        let digits = digits();
        for (image, label) in digits.iter().filter(|(i, l)| network::label(&network.logits(i)) == *l).take(40) {
            let goal = Goal::Target((label + 1) % LABELS);
            attack.start(&image, goal).unwrap();
            let norm = attack.run().unwrap().norm;
            let bound = bound(&mut certifier, &image, goal, 1000);
            assert!(bound <= norm && certifier.meets(norm), "{name}: {bound} of {norm}");
        }
    }
}

#[test]
fn on_a_deep_network_three_quarters_of_the_nearest_norms_are_proved() {
    let reference = reference("FC100-100-10");
    let digits = digits();
    let mut certifier = Certifier::new(reference.network.clone());
    let mut ratios = vec![];
    for (row, norms) in reference.rows.iter().zip(&reference.all_targets).take(12) {
        let image = digits.images().get(row.index).unwrap();
        let nearest = norms.iter().copied().filter(|n| !n.is_nan()).fold(f64::INFINITY, f64::min);
        ratios.push(f64::from(bound(&mut certifier, &image, Goal::Any, 600)) / nearest);
    }
    let mean = support::mean(&ratios);
    assert!(mean > 0.75, "{mean} of the smallest norms");
}

#[test]
fn what_cannot_be_proved_about_is_refused_or_left_at_zero() {
    let network = support::network("www/networks/FC100-100-10.safetensors");
    let image = digits().images().get(0).unwrap();
    let mut certifier = Certifier::new(network);
    assert!(!certifier.step(), "nothing was asked");
    assert_eq!(certifier.start(&image[1..], Goal::Any), Err(AttackError::Size(783)));
    assert_eq!(certifier.start(&image, Goal::Target(10)), Err(AttackError::Target(10)));
    assert_eq!(certifier.start(&image, Goal::Target(7)), Err(AttackError::AlreadyTarget(7)));
    let mut broken = image;
    broken[3] = f32::NAN;
    assert!(matches!(certifier.start(&broken, Goal::Any), Err(AttackError::Pixel { index: 3, .. })));
    assert!(!certifier.step(), "what was refused has no steps");

    let mut rng = StdRng::seed_from_u64(1);
    for size in [1e30, 3e37] {
        let mut huge = random_network(&[9, 7], Activation::Relu, 4.0, &mut rng).layers().to_vec();
        huge.iter_mut().flat_map(|l| &mut l.weight).for_each(|w| *w *= size);
        let huge = Arc::new(Mlp::new("huge", Activation::Relu, huge).unwrap());
        assert_eq!(bound(&mut Certifier::new(huge), &image, Goal::Any, 100), 0.0, "logits beyond f32 all tie");
    }

    // Ten equal logits: every label ties everywhere, so that only what ties later is out of reach.
    let constant =
        Layer { inputs: PIXELS, outputs: LABELS, weight: vec![0.0; PIXELS * LABELS], bias: vec![0.5; LABELS] };
    let flat = Arc::new(Mlp::new("flat", Activation::Sigmoid, vec![constant]).unwrap());
    assert_eq!(bound(&mut Certifier::new(flat), &image, Goal::Any, 100), 0.0);
}

#[test]
fn proofs_repeat_exactly() {
    let network = support::network("www/networks/FC100-100-10.safetensors");
    let image = digits().images().get(3).unwrap();
    let fresh = bound(&mut Certifier::new(network.clone()), &image, Goal::Any, 250);
    let mut used = Certifier::new(network);
    bound(&mut used, &digits().images().get(5).unwrap(), Goal::Target(3), 150);
    // What is made once for the network costs the first proof 13 steps for its products and 13 for its row space.
    assert_eq!(bound(&mut used, &image, Goal::Any, 250 - 26), fresh);
}
