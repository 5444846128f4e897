//! The search, judged by plain forward passes and by what other implementations find.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use pockets::{
    LABELS, PIXELS,
    attack::{Attack, AttackError, Ending, Goal, Options, Outcome, Phase, Reading},
    network::{self, Activation, Layer, Mlp},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::Arc;
use support::{Reference, digits, mean, median, reference};

const SHIPPED: &str = "www/networks/FC100-100-10.safetensors";

/// The outcome, after checking what must hold of every success: in the box, classified as asked, norms that are true.
fn checked(attack: &mut Attack, network: &Mlp, image: &[f32], goal: Goal) -> Outcome {
    attack.start(image, goal).unwrap();
    let outcome = attack.run().unwrap();
    let (r, point) = (attack.perturbation(), attack.adversarial());
    assert!(point.iter().all(|p| (0.0..=1.0).contains(p)), "the result left the box");
    if outcome.ending == Ending::Success {
        let prediction = network::label(&network.logits(point));
        match goal {
            Goal::Target(target) => assert_eq!(prediction, target, "{outcome:?}"),
            Goal::Any => assert_ne!(prediction, outcome.prediction, "{outcome:?}"),
        }
        assert_eq!(prediction, outcome.label);
        let norm = r.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt();
        assert!((norm - f64::from(outcome.norm)).abs() < 1e-5 * norm, "norm {norm} is stated as {}", outcome.norm);
        assert!((outcome.norm - outcome.scale * outcome.norm_c).abs() < 1e-5 * outcome.norm);
        assert!((outcome.distortion() - outcome.norm / 28.0).abs() < 1e-6 * outcome.norm);
        for ((u, x), r) in point.iter().zip(image).zip(r) {
            assert!((u - x - r).abs() < 1e-6, "x + r is not the point that was evaluated");
        }
    } else {
        assert_eq!((outcome.norm, outcome.label), (0.0, outcome.prediction));
        assert_eq!(point, image, "a failed search must not show a changed image");
    }
    outcome
}

/// Norms relative to the reference's, and evaluations, for its hundred images and targets.
fn against(reference: &Reference, options: Options) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let digits = digits();
    let mut attack = Attack::new(reference.network.clone(), options);
    let (mut relative, mut to_smallest, mut evaluations) = (vec![], vec![], vec![]);
    for row in &reference.rows {
        let image = digits.images().get(row.index).unwrap();
        let outcome = checked(&mut attack, &reference.network, &image, Goal::Target(row.target));
        assert_eq!((outcome.ending, outcome.prediction), (Ending::Success, row.label), "image {}", row.index);
        relative.push(f64::from(outcome.norm) / row.norm);
        to_smallest.push(f64::from(outcome.norm) / row.smallest);
        evaluations.push(f64::from(outcome.evaluations));
    }
    (relative, to_smallest, evaluations)
}

#[test]
fn on_a_deep_network_norms_are_below_scipys_in_a_tenth_of_the_evaluations() {
    let (relative, to_smallest, evaluations) = against(&reference("FC100-100-10"), Options::default());
    // SciPy's median is 226 evaluations. Bars: 22 evaluations, mean 1.002, 97 of 100 within 1 %, and 0.5 % of the best known.
    assert!(mean(&relative) <= 1.0, "mean norm is {} of the reference's", mean(&relative));
    assert!(relative.iter().filter(|&&r| r <= 1.01).count() >= 97, "too many norms are over 1 % above the reference's");
    assert!(median(to_smallest.clone()) <= 1.005, "median norm is {} of the best known", median(to_smallest));
    assert!(median(evaluations.clone()) <= 22.0, "median evaluations {}", median(evaluations));
}

#[test]
fn on_a_convex_network_norms_are_the_exact_minima() {
    let (relative, to_smallest, evaluations) = against(&reference("FC10_1e-4"), Options::default());
    for (relative, exact) in relative.iter().zip(&to_smallest) {
        assert!(*relative <= 1.006, "{relative} of the reference's norm");
        assert!((0.9999..1.002).contains(exact), "{exact} of the exact minimum");
    }
    assert!(median(evaluations.clone()) <= 12.0, "median evaluations {}", median(evaluations));
}

#[test]
fn the_weight_alone_agrees_with_scipys_search_over_c() {
    for name in ["FC100-100-10", "FC10_1e-4"] {
        let (relative, _, _) = against(&reference(name), Options::new(Reading::Weight));
        // A success on the way to a minimiser may lie closer than the minimiser: smaller norms are no disagreement.
        let close = relative.iter().filter(|&&r| r <= 1.01).count();
        assert!(close >= 97, "{name}: only {close} of 100 norms are at most 1 % above");
        assert!((mean(&relative) - 1.0).abs() <= 0.003, "{name}: the mean is {} of SciPy's", mean(&relative));
    }
}

#[test]
fn a_scale_step_from_one_c_reaches_the_goal_with_somewhat_larger_norms() {
    let (relative, _, _) = against(&reference("FC10_1e-4"), Options::new(Reading::Scale));
    assert!((0.99..1.02).contains(&mean(&relative)), "the mean is {} of SciPy's search over c", mean(&relative));
}

#[test]
fn all_nine_targets_of_a_digit_cost_at_most_185_evaluations_in_the_median() {
    let reference = reference("FC100-100-10");
    let digits = digits();
    let mut attack = Attack::new(reference.network.clone(), Options::default());
    let (mut costs, mut relative) = (vec![], vec![]);
    for (row, norms) in reference.rows.iter().zip(&reference.all_targets) {
        let image = digits.images().get(row.index).unwrap();
        let mut cost = 0;
        for target in (0..LABELS).filter(|&t| t != row.label) {
            let outcome = checked(&mut attack, &reference.network, &image, Goal::Target(target));
            assert_eq!(outcome.ending, Ending::Success, "image {} as {target}", row.index);
            cost += outcome.evaluations;
            relative.push(f64::from(outcome.norm) / norms[target]);
        }
        costs.push(f64::from(cost));
    }
    assert!(median(costs.clone()) <= 185.0, "median {}", median(costs));
    assert!(mean(&relative) <= 1.0, "the mean norm is {} of the reference's", mean(&relative));
}

#[test]
fn each_of_the_first_300_test_digits_becomes_its_successor_on_the_shipped_network() {
    let network = support::network(SHIPPED);
    let mut attack = Attack::new(network.clone(), Options::default());
    let mut searches = 0;
    for (image, label) in digits().iter().filter(|(image, label)| network::label(&network.logits(image)) == *label) {
        let outcome = checked(&mut attack, &network, &image, Goal::Target((label + 1) % LABELS));
        assert_eq!(outcome.ending, Ending::Success);
        searches += 1;
    }
    assert!(searches >= 290, "only {searches} of the 300 digits were classified correctly");
}

#[test]
fn away_from_a_label_the_search_stops_just_beyond_the_boundary() {
    for name in ["FC100-100-10", "FC10_1e-4"] {
        let reference = reference(name);
        let digits = digits();
        let mut attack = Attack::new(reference.network.clone(), Options::default());
        let mut relative = vec![];
        for (row, norms) in reference.rows.iter().zip(&reference.all_targets) {
            let image = digits.images().get(row.index).unwrap();
            let outcome = checked(&mut attack, &reference.network, &image, Goal::Any);
            assert_eq!(outcome.ending, Ending::Success, "{name}, image {}", row.index);
            assert!((0.0..0.1).contains(&outcome.margin), "{outcome:?}");
            let best = norms.iter().copied().filter(|n| !n.is_nan()).fold(f64::INFINITY, f64::min);
            relative.push(f64::from(outcome.norm) / best);
        }
        assert!(mean(&relative) < 1.15, "{name}: {} of the best of nine targets", mean(&relative));
    }
}

#[test]
fn the_nearest_other_label_is_the_nearest_of_nine_at_no_more_than_twice_the_evaluations() {
    // Before it looked at several labels the search took 5.14 and 3.00 evaluations in the mean, and its norms were 1.069 and 1.004 of
    // the smallest of nine.
    for (name, before) in [("FC100-100-10", 5.14), ("FC10_1e-4", 3.0)] {
        let reference = reference(name);
        let digits = digits();
        let mut attack = Attack::new(reference.network.clone(), Options::default());
        let (mut relative, mut evaluations) = (vec![], vec![]);
        for row in &reference.rows {
            let image = digits.images().get(row.index).unwrap();
            let any = checked(&mut attack, &reference.network, &image, Goal::Any);
            assert_eq!(any.ending, Ending::Success, "image {}", row.index);
            let mut smallest = f32::INFINITY;
            attack.run_all(&image, |_, outcome, _| smallest = smallest.min(outcome.norm)).unwrap();
            relative.push(f64::from(any.norm / smallest));
            evaluations.push(f64::from(any.evaluations));
        }
        let close = relative.iter().filter(|&&r| r <= 1.005).count();
        assert!(close >= 98, "{name}: {close} of 100 are within 0.5 % of the smallest of nine");
        assert!(mean(&relative) <= 1.005, "{name}: {} of the smallest of nine", mean(&relative));
        assert!(mean(&evaluations) <= 2.0 * before, "{name}: {} evaluations", mean(&evaluations));
    }
}

#[test]
fn many_starts_find_the_smallest_norms_known() {
    let reference = reference("FC100-100-10");
    let digits = digits();
    let mut attack = Attack::new(reference.network.clone(), Options::default());
    let mut found = 0;
    for row in &reference.rows {
        let image = digits.images().get(row.index).unwrap();
        let once = checked(&mut attack, &reference.network, &image, Goal::Target(row.target));
        let outcome = attack.run_thoroughly(&image, row.target, 40).unwrap().unwrap();
        assert_eq!(network::label(&reference.network.logits(attack.adversarial())), row.target);
        assert!(outcome.norm <= once.norm && outcome.evaluations > once.evaluations);
        found += usize::from(f64::from(outcome.norm) <= 1.0005 * row.smallest);
    }
    println!("{found} of {}", reference.rows.len());
    // The best that SQP from many starts, DDN and SciPy have found in some thousand evaluations each.
    assert!(found >= 95, "{found} of {}", reference.rows.len());
}

/// Random weights of a trained network's size, with biases that centre every layer, so that most targets are in reach.
fn random_network(hidden: &[usize], activation: Activation, rng: &mut StdRng) -> Arc<Mlp> {
    let mut inputs = PIXELS;
    let mut middle = 0.13; // the mean pixel of MNIST
    let layers = hidden.iter().chain([&LABELS]).map(|&outputs| {
        let size = 8.0 / (inputs as f32).sqrt();
        let weight: Vec<f32> = (0..inputs * outputs).map(|_| rng.random_range(-size..size)).collect();
        let bias = weight.chunks_exact(inputs).map(|row| -middle * row.iter().sum::<f32>()).collect();
        let layer = Layer { inputs, outputs, weight, bias };
        middle = if activation == Activation::Sigmoid { 0.5 } else { 0.0 };
        inputs = outputs;
        layer
    });
    Arc::new(Mlp::new("random", activation, layers.collect()).unwrap())
}

#[test]
fn every_activation_and_depth_can_be_attacked() {
    let mut rng = StdRng::seed_from_u64(5);
    let digits = digits();
    for activation in [Activation::Sigmoid, Activation::Relu, Activation::Tanh] {
        let (mut all_successes, mut all_searches) = (0, 0);
        for hidden in [&[][..], &[30], &[50, 50], &[23, 17, 11]] {
            let network = random_network(hidden, activation, &mut rng);
            let mut attack = Attack::new(network.clone(), Options::default());
            let (mut successes, mut searches) = (0, 0);
            for (image, _) in digits.iter().take(10) {
                let prediction = network::label(&network.logits(&image));
                for target in (0..LABELS).filter(|&t| t != prediction) {
                    let outcome = checked(&mut attack, &network, &image, Goal::Target(target));
                    searches += 1;
                    successes += u32::from(outcome.ending == Ending::Success);
                    assert!(matches!(outcome.ending, Ending::Success | Ending::Unreachable), "{outcome:?}");
                    assert!(outcome.evaluations < 1000, "{activation:?} {hidden:?}: {outcome:?}");
                }
            }
            if activation == Activation::Relu && hidden.len() > 2 {
                // Three narrow random layers of it fold much of the box onto one label: not every target is in reach.
                assert!(successes * 100 >= searches * 80, "{activation:?} {hidden:?}: {successes} of {searches}");
            } else {
                (all_successes, all_searches) = (all_successes + successes, all_searches + searches);
            }
        }
        // Which of them fail hangs on the last bits of an exponential; how many hardly does.
        assert!(all_successes * 100 >= all_searches * 97, "{activation:?}: {all_successes} of {all_searches}");
    }
}

#[test]
fn what_cannot_be_reached_is_said_to_be_unreachable() {
    let image = digits().images().get(0).unwrap();
    let softmax = support::network("tests/fixtures/reference/FC10_1e-4.safetensors");
    let mut layers = softmax.layers().to_vec();
    layers[0].bias[2] -= 1e5;
    let never_two = Arc::new(Mlp::new("never 2", softmax.activation(), layers).unwrap());
    let outcome = checked(&mut Attack::new(never_two.clone(), Options::default()), &never_two, &image, Goal::Target(2));
    assert_eq!(outcome.ending, Ending::Unreachable);

    let constant =
        Layer { inputs: PIXELS, outputs: LABELS, weight: vec![0.0; PIXELS * LABELS], bias: vec![0.5; LABELS] };
    let flat = Arc::new(Mlp::new("flat", Activation::Sigmoid, vec![constant]).unwrap());
    for goal in [Goal::Target(2), Goal::Any] {
        let outcome = checked(&mut Attack::new(flat.clone(), Options::default()), &flat, &image, goal);
        assert_eq!(outcome.ending, Ending::Unreachable, "{goal:?} on a network that ignores its input");
    }
}

#[test]
fn a_loss_that_overflows_ends_the_search() {
    let huge = Layer { inputs: PIXELS, outputs: LABELS, weight: vec![3e38; PIXELS * LABELS], bias: vec![0.0; LABELS] };
    let network = Arc::new(Mlp::new("huge", Activation::Relu, vec![huge]).unwrap());
    let mut attack = Attack::new(network, Options::default());
    attack.start(&[1.0; PIXELS], Goal::Target(3)).unwrap();
    assert_eq!(attack.run().unwrap().ending, Ending::NotFinite);
}

#[test]
fn too_few_evaluations_are_a_typed_ending() {
    let reference = reference("FC100-100-10");
    let image = digits().images().get(0).unwrap();
    let options = Options { max_evaluations: 2, ..Options::default() };
    let outcome =
        checked(&mut Attack::new(reference.network.clone(), options), &reference.network, &image, Goal::Target(8));
    assert_eq!((outcome.ending, outcome.evaluations), (Ending::OutOfEvaluations, 2));
}

#[test]
fn bad_input_is_refused_with_a_sentence() {
    let network = support::network(SHIPPED);
    let mut attack = Attack::new(network, Options::default());
    let image = digits().images().get(0).unwrap();
    let mut refusal = |image: &[f32], goal| attack.start(image, goal).unwrap_err();
    assert_eq!(refusal(&image[1..], Goal::Any), AttackError::Size(783));
    assert_eq!(refusal(&image, Goal::Target(10)), AttackError::Target(10));
    assert_eq!(refusal(&image, Goal::Target(7)), AttackError::AlreadyTarget(7));
    for bad in [f32::NAN, f32::INFINITY, -0.01, 1.01] {
        let mut broken = image;
        broken[100] = bad;
        let error = refusal(&broken, Goal::Target(3));
        assert!(matches!(error, AttackError::Pixel { index: 100, .. }), "{error}");
        assert!(error.to_string().contains("pixel 100"));
    }
    assert!(!attack.step(), "a refused search has no steps");
    assert_eq!(attack.outcome(), None);
}

#[test]
fn every_observation_is_of_the_r_that_it_shows() {
    let kinks = random_network(&[60, 40, 30], Activation::Relu, &mut StdRng::seed_from_u64(11));
    for network in [support::network(SHIPPED), kinks] {
        let mut attack = Attack::new(network.clone(), Options::default());
        for index in 0..4 {
            let image = digits().images().get(index).unwrap();
            let label = network::label(&network.logits(&image));
            // One search after another in the same memory.
            for goal in [Goal::Target((label + 1) % LABELS), Goal::Any] {
                attack.start(&image, goal).unwrap();
                let mut goes_on = true;
                while goes_on {
                    goes_on = attack.step();
                    let seen = attack.observation().unwrap();
                    assert!(seen.evaluations != 1 || seen.r.iter().all(|r| *r == 0.0), "{goal:?} begins at x");
                    let point: Vec<f32> = image.iter().zip(seen.r).map(|(x, r)| x + r).collect();
                    let z = network.logits(&point);
                    let of = |wanted: &dyn Fn(usize) -> bool| {
                        (0..LABELS).filter(|&l| wanted(l)).map(|l| z[l]).fold(f32::NEG_INFINITY, f32::max)
                    };
                    let margin = match goal {
                        Goal::Target(l) => z[l] - of(&|other| other != l),
                        Goal::Any => of(&|other| other != label) - z[label],
                    };
                    let size = z.iter().fold(1.0f32, |m, z| m.max(z.abs()));
                    assert!((seen.margin - margin).abs() < 1e-4 * size, "{goal:?}: {} seen, {margin}", seen.margin);
                }
            }
        }
    }
}

#[test]
fn a_search_says_what_it_is_doing() {
    let reference = reference("FC100-100-10");
    let mut attack = Attack::new(reference.network.clone(), Options::default());
    let mut seen = Vec::new();
    for index in 0..10 {
        let image = digits().images().get(index).unwrap();
        let label = network::label(&reference.network.logits(&image));
        attack.start(&image, Goal::Target((label + 1) % LABELS)).unwrap();
        loop {
            let goes_on = attack.step();
            let now = attack.observation().unwrap();
            // Until a larger c has failed and a smaller one succeeded they are looked for; then the largest that succeeds is.
            let is_bracketed = matches!(now.bracket, (Some(_), Some(_)));
            match now.phase {
                Phase::Bracket => assert!(!is_bracketed, "digit {index}, evaluation {}", now.evaluations),
                Phase::Root => assert!(is_bracketed, "digit {index}, evaluation {}", now.evaluations),
                Phase::Boundary | Phase::Scale => {}
            }
            seen.push(now.phase);
            if !goes_on {
                break;
            }
        }
    }
    for phase in [Phase::Bracket, Phase::Root, Phase::Boundary, Phase::Scale] {
        assert!(seen.contains(&phase), "{phase:?}");
    }
}

#[test]
fn steps_can_be_observed_and_end_where_a_run_ends() {
    let reference = reference("FC100-100-10");
    let image = digits().images().get(4).unwrap();
    let mut attack = Attack::new(reference.network.clone(), Options::default());
    let run = checked(&mut attack, &reference.network, &image, Goal::Target(5));
    attack.start(&image, Goal::Target(5)).unwrap();
    assert!(attack.observation().is_none());
    let mut phases = vec![];
    let mut evaluations = 0;
    loop {
        let goes_on = attack.step();
        let seen = attack.observation().unwrap();
        assert_eq!(seen.evaluations, evaluations + 1, "one evaluation a step");
        evaluations = seen.evaluations;
        if phases.last() != Some(&seen.phase) {
            phases.push(seen.phase);
        }
        if let (Some(succeeds), Some(fails)) = seen.bracket {
            assert!(succeeds < fails, "the largest c that succeeds lies below the smallest that fails");
            assert!(succeeds < seen.c && seen.c < fails, "c = {} is between them", seen.c);
        }
        if !goes_on {
            break;
        }
    }
    assert_eq!(phases.first(), Some(&Phase::Bracket));
    assert_eq!(phases.last(), Some(&Phase::Scale));
    assert_eq!(attack.outcome(), Some(run), "observing changes nothing, and a search starts afresh");
    let last = attack.observation().unwrap();
    assert_eq!(last.r, attack.perturbation());
}

#[test]
fn searches_on_random_images_never_leave_the_box() {
    let network = support::network(SHIPPED);
    let mut attack = Attack::new(network.clone(), Options::default());
    let mut rng = StdRng::seed_from_u64(6);
    for round in 0..40 {
        let image: Vec<f32> = (0..PIXELS)
            .map(|_| match round % 4 {
                0 => rng.random(),
                1 => f32::from(rng.random_bool(0.5)),
                2 => 0.0,
                _ => 1.0,
            })
            .collect();
        let prediction = network::label(&network.logits(&image));
        let target = (prediction + 1 + round % 9) % LABELS;
        checked(&mut attack, &network, &image, Goal::Target(target));
        checked(&mut attack, &network, &image, Goal::Any);
    }
}

#[test]
fn one_weight_is_minimised_step_by_step_each_stand_what_the_objective_says_and_where_the_last_trial_led() {
    let digits = digits();
    let network = Arc::new(Mlp::from_safetensors(&std::fs::read(SHIPPED).unwrap()).unwrap());
    let mut attack = Attack::new(network, Options::default());
    let (mut gradient, mut most_trials) = ([0.0; PIXELS], 0);
    for index in 0..8 {
        let image = digits.images().get(index).unwrap();
        let label = usize::from(digits.labels().as_slice()[index]);
        attack.start(&image, Goal::Target((label + 1) % LABELS)).unwrap();
        for c in [3.0, 0.3, 0.03] {
            let stands = attack.descend(c);
            let near = |a: f32, b: f32| (a - b).abs() <= 1e-4 * b.abs().max(1e-2);
            for stand in &stands {
                let mut held = stand.point.iter().zip(&stand.is_free).filter(|(_, is_free)| !**is_free).peekable();
                assert!(held.peek().is_some(), "of a digit's blank pixels some are held");
                assert!(held.all(|(u, _)| !(0.1..0.9).contains(u)), "only a bound holds");
                assert!(near(stand.height, attack.objective(&stand.point, &mut gradient)), "c = {c}");
                let largest = gradient.iter().fold(0.0f32, |largest, g| largest.max(g.abs()));
                assert!(stand.gradient.iter().zip(&gradient).all(|(a, b)| (a - b).abs() <= 1e-3 * largest), "c = {c}");
            }
            for pair in stands.windows(2) {
                let (_, height) = *pair[0].trials.last().unwrap();
                assert!(near(height, pair[1].height) && pair[0].point != pair[1].point, "c = {c}");
                assert!(pair[1].height < pair[0].height, "c = {c}");
                most_trials = most_trials.max(pair[0].trials.len());
            }
            assert!(stands.last().unwrap().trials.is_empty());
        }
    }
    assert!(most_trials > 1, "no line search had to try twice, so nothing was seen of those that do");
}

/// Each search that is recorded: its name there, and what came of it.
fn searches() -> Vec<String> {
    let digits = digits();
    let mut random = StdRng::seed_from_u64(11);
    let networks = [
        ("shipped", support::network(SHIPPED), 40),
        ("FC10", reference("FC10_1e-4").network, 15),
        ("hardened", support::network("www/networks/FC100-100-10_hardened.safetensors"), 15),
        ("relu", random_network(&[60, 40, 30], Activation::Relu, &mut random), 15),
        ("tanh", random_network(&[80], Activation::Tanh, &mut random), 15),
    ];
    let mut lines = Vec::new();
    for (name, network, count) in networks {
        for reading in [Reading::Both, Reading::Weight, Reading::Scale] {
            let mut attack = Attack::new(network.clone(), Options::new(reading));
            for index in 0..count {
                let image = digits.images().get(index).unwrap();
                let next = (network::label(&network.logits(&image)) + 1) % LABELS;
                for goal in [Goal::Target(next), Goal::Any] {
                    let found = checked(&mut attack, &network, &image, goal);
                    let Outcome { evaluations, norm, c, .. } = found;
                    lines.push(format!("{name} {reading:?} {index} {goal:?} {evaluations} {norm:.4} {c:.4e}"));
                }
            }
        }
    }
    let reference = reference("FC100-100-10");
    let mut attack = Attack::new(reference.network, Options::default());
    // From some starts of the last the search for a nearer point is given up.
    for row in [0, 1, 2, 12].map(|k| &reference.rows[k]) {
        let image = digits.images().get(row.index).unwrap();
        let Outcome { evaluations, norm, c, .. } = attack.run_thoroughly(&image, row.target, 24).unwrap().unwrap();
        lines.push(format!("thoroughly {} {} {evaluations} {norm:.4} {c:.4e}", row.index, row.target));
    }
    lines
}

#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "recorded on x86-64, whose exponential function may differ in its last digit"
)]
fn searches_go_the_way_that_is_recorded() {
    let (found, path) = (searches(), support::path("tests/fixtures/searches.txt"));
    if std::env::var_os("UPDATE_SEARCHES").is_some() {
        std::fs::write(&path, found.join("\n") + "\n").unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap();
    let changed: Vec<_> = recorded.lines().zip(&found).filter(|(before, now)| before != now).collect();
    assert_eq!(recorded.lines().count(), found.len());
    assert!(
        changed.is_empty(),
        "{} of {} searches changed (UPDATE_SEARCHES=1 cargo test --test attack records them), such as {:?}",
        changed.len(),
        found.len(),
        changed[0]
    );
}
