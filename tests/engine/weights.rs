//! What c does, and what L-BFGS does for one c.

use super::driver::*;
use pockets::{
    PIXELS,
    attack::{Attack, Goal, Options, Reading},
    engine::message::*,
    experiment::spectrum::activations,
    network::{kernel::Evaluator, label, probabilities},
    picture::Picture,
};

const TARGET: usize = 8;

/// c·‖r‖² + loss and its gradient at a point, from logits and probabilities alone.
fn objective(evaluator: &mut Evaluator, c: f32, point: &[f32]) -> (f32, Vec<f32>) {
    let z = *evaluator.logits(point);
    let shares = probabilities(&z);
    let mut over_logits = shares;
    over_logits[TARGET] -= 1.0;
    let mut gradient = vec![0.0; PIXELS];
    evaluator.input_gradient(&over_logits, &mut gradient);
    let mut square = 0.0;
    for ((g, p), x) in gradient.iter_mut().zip(point).zip(image()) {
        *g += 2.0 * c * (p - x);
        square += (p - x).powi(2);
    }
    (c * square - shares[TARGET].ln(), gradient)
}

fn evaluator() -> Evaluator {
    Evaluator::new(network("FC100-100-10"))
}

/// The largest c that succeeds, by the search over c.
fn largest_c() -> f32 {
    let mut attack = Attack::new(network("FC100-100-10"), Options::new(Reading::Weight));
    attack.start(&image(), Goal::Target(TARGET)).unwrap();
    attack.run().unwrap().c
}

fn weighed(weights: &[f32]) -> Vec<Weighed> {
    let weights = Floats(weights.to_vec());
    match Driver::new().answer_to(Question::Weights { network: main(), image: x(), target: towards(TARGET), weights }) {
        Answer::Weights(weighed) => weighed,
        other => panic!("{other:?}"),
    }
}

fn descent(c: f32, step: u32) -> Option<Descent> {
    let question = Question::Descent { network: main(), image: x(), target: towards(TARGET), c, step, side: 24 };
    match Driver::new().answer_to(question) {
        Answer::Descent(descent) => descent,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_weight_has_its_own_minimiser_and_the_largest_that_works_is_the_one_that_the_search_finds() {
    let best = largest_c();
    let weights: Vec<f32> = (0..33).map(|k| best * 16f32.powf(1.0 - k as f32 / 16.0)).collect();
    let (found, mut evaluator) = (weighed(&weights), evaluator());
    assert_eq!(found.iter().map(|one| one.c).collect::<Vec<_>>(), weights);
    for one in &found {
        let point: Vec<f32> = image().iter().zip(&one.r.0).map(|(x, r)| x + r).collect();
        let (height, gradient) = objective(&mut evaluator, one.c, &point);
        assert!((one.c * one.norm.powi(2) + one.loss - height).abs() < 1e-4 * height.max(1.0), "{one:?}");
        // A minimiser: no pixel that may move would. In the minimizer's own scale the gradient is 1/(2c) of this one.
        let moves = gradient.iter().zip(&point).map(|(g, p)| (p - (p - g / (2.0 * one.c)).clamp(0.0, 1.0)).powi(2));
        assert!(moves.sum::<f32>().sqrt() < 5e-3 * one.norm, "c = {}", one.c);
        let z = *evaluator.logits(&point);
        assert_eq!(one.label as usize, label(&z));
        assert_eq!(one.label as usize == TARGET, one.margin > 0.0);
    }
    assert!(found.is_sorted_by(|larger, smaller| larger.norm < smaller.norm && larger.loss > smaller.loss));
    // The margin falls through zero where the search over c ends.
    for one in &found {
        assert_eq!(one.margin > 0.0, one.c < 1.02 * best, "c = {} of {best}", one.c);
    }
}

#[test]
fn weights_that_are_none_are_refused() {
    for c in [0.0, -1.0, f32::NAN] {
        let weights = Floats(vec![c]);
        let question = Question::Weights { network: main(), image: x(), target: towards(TARGET), weights };
        assert_eq!(Driver::new().refusal_of(question), "A weight c is above 0.");
        let question = Question::Descent { network: main(), image: x(), target: towards(TARGET), c, step: 1, side: 9 };
        assert_eq!(Driver::new().refusal_of(question), "A weight c is above 0.");
    }
    let weights = Floats(vec![1.0; 1001]);
    let question = Question::Weights { network: main(), image: x(), target: towards(TARGET), weights };
    assert_eq!(Driver::new().refusal_of(question), "1,000 weights are the most.");
}

#[test]
fn the_plane_of_two_steps_has_the_objective_and_the_search_lines_up_on_it() {
    let c = 0.2 * largest_c();
    let mut evaluator = evaluator();
    let (mut before, mut told): (Option<Descent>, u32) = (None, 0);
    for step in 1.. {
        let found = descent(c, step).unwrap();
        if found.step < step {
            assert_eq!(found.step + 1, found.steps, "past the last step comes the last");
            break;
        }
        // Each step lowers the objective, by the last of its trials; the step after goes on from there.
        let taken = found.trials.last().unwrap();
        assert!(found.slope < 0.0 && taken.height < found.height);
        if let Some(before) = before {
            assert_eq!(before.trials.last().unwrap().height, found.height);
            let length = before.direction[0].hypot(before.direction[1]) * before.trials.last().unwrap().step;
            // Bounds may have shortened it.
            assert!(-found.from < 1.001 * length && -found.from > 0.5 * length);
        }
        // The cut begins at B, goes through the trials, and starts out along the slope.
        assert!((found.cut.0[0] - found.height).abs() < 1e-4 * found.height);
        let at = |t: f32| {
            let place = t / found.until * (found.cut.0.len() - 1) as f32;
            let k = (place as usize).min(found.cut.0.len() - 2);
            found.cut.0[k] + (place - k as f32) * (found.cut.0[k + 1] - found.cut.0[k])
        };
        let range =
            found.cut.0.iter().copied().fold(f32::MIN, f32::max) - found.cut.0.iter().copied().fold(f32::MAX, f32::min);
        for tried in &found.trials {
            let rounding = 4.0 * f32::EPSILON * found.height; // all that there is of the last steps
            assert!((at(tried.step) - tried.height).abs() < 0.02 * range + rounding, "{tried:?}, {}", at(tried.step));
        }
        // A, B and the longest trial are in the square, whose middle is theirs.
        let longest = found.trials.iter().map(|tried| tried.step).fold(0.0, f32::max);
        assert!((found.until / longest.max(1.0) - 1.25).abs() < 1e-5, "{} for {longest}", found.until);
        let shown = [[found.from, 0.0], [0.0, 0.0], found.direction.map(|d| longest * d)];
        let [left, right, bottom, top] = found.bounds;
        assert!(((right - left) / (top - bottom) - 1.0).abs() < 1e-5);
        let extent = |axis: usize| {
            let along = shown.map(|at| at[axis]);
            along.into_iter().fold(0.0, f32::max) - along.into_iter().fold(0.0, f32::min)
        };
        let room = (right - left) / extent(0).max(extent(1));
        assert!((room - 1.25).abs() < 1e-3 || longest < 1.0, "{room} times what is shown");
        for (axis, (low, high)) in [(left, right), (bottom, top)].into_iter().enumerate() {
            let along = shown.map(|at| at[axis]);
            let (least, most) = (along.into_iter().fold(0.0, f32::min), along.into_iter().fold(0.0, f32::max));
            assert!(low < least && most < high, "{least} to {most} in {:?}", found.bounds);
            assert!((low + high - least - most).abs() < 1e-4 * (high - low));
        }
        // Between the middles of its cells the picture is nearly even; the upper left comes first.
        let cell = (right - left) / 24.0;
        assert_eq!(found.heights.0.len(), 24 * 24);
        let picture = |a: f32, b: f32| {
            let (x, y) = ((a - left) / cell - 0.5, (top - b) / cell - 0.5);
            let (i, j) = ((x as usize).min(22), (y as usize).min(22));
            let row = |j: usize| {
                let (here, next) = (found.heights.0[24 * j + i], found.heights.0[24 * j + i + 1]);
                here + (x - i as f32) * (next - here)
            };
            row(j) + (y - j as f32) * (row(j + 1) - row(j))
        };
        assert!((picture(0.0, 0.0) / found.height - 1.0).abs() < 5e-3, "{}, told {}", picture(0.0, 0.0), found.height);
        // The pairs' bowl has its middle where the direction leads: its slope there is zero.
        if let Some([xx, xy, yy]) = found.learnt {
            let [a, b] = found.direction;
            let along = a * a * xx + 2.0 * a * b * xy + b * b * yy;
            assert!((along / -found.slope - 1.0).abs() < 1e-3, "{along} of {}", -found.slope);
            // B d = −g along both axes, g by differences of the picture.
            let g = [[cell, 0.0], [0.0, cell]].map(|[u, v]| (picture(u, v) - picture(-u, -v)) / (2.0 * cell));
            let off = (a * xx + b * xy + g[0]).hypot(a * xy + b * yy + g[1]);
            // The last steps lower the objective by less than its rounding lets differences tell.
            let is_told = range > 1e-4 * found.height;
            assert!(!is_told || off < 0.1 * g[0].hypot(g[1]), "{:?} of {:?}, {g:?}", found.learnt, found.direction);
            told += u32::from(is_told);
        }
        before = Some(found);
    }
    assert!(told >= 5, "{told} steps");
    // From x the first step goes down the slope until the box stops it, so far that A and B are as far apart as they are.
    let (_, gradient) = objective(&mut evaluator, c, &image());
    let after = |t: f32| image().iter().zip(&gradient).map(|(x, g)| (x - t * g).clamp(0.0, 1.0)).collect::<Vec<f32>>();
    let length = |t: f32| after(t).iter().zip(image()).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    let found = descent(c, 1).unwrap();
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if length(middle) < -found.from { low = middle } else { high = middle }
    }
    let height = objective(&mut evaluator, c, &after(high)).0;
    assert!((height / found.height - 1.0).abs() < 1e-3, "{height}, told {}", found.height);
}

#[test]
fn the_true_curvature_is_that_of_the_gradient_and_what_the_pairs_learnt_is_near_it_at_the_end() {
    let c = largest_c();
    let last = descent(c, u32::MAX).unwrap();
    let learnt = last.learnt.unwrap();
    for (learnt, curvature) in [(learnt[0], last.curvature[0]), (learnt[2], last.curvature[2])] {
        assert!((learnt / curvature - 1.0).abs() < 0.2, "{learnt}, true {curvature}");
    }
    // Along the direction it is that of the cut, by differences of its heights.
    for step in [2, 4] {
        let found = descent(c, step).unwrap();
        let ([a, b], [xx, xy, yy]) = (found.direction, found.curvature);
        let along = a * a * xx + 2.0 * a * b * xy + b * b * yy;
        let unit = 4.0 * found.until / (found.cut.0.len() - 1) as f32;
        let differences = (found.cut.0[0] - 2.0 * found.cut.0[4] + found.cut.0[8]) / (unit * unit);
        assert!((differences / along - 1.0).abs() < 0.15, "step {step}: {differences}, told {along}");
    }
}

#[test]
fn a_change_is_followed_through_the_hidden_layers_and_its_shares_sum_to_that_of_the_lead() {
    let mut attack = Attack::new(network("FC100-100-10"), Options::new(Reading::Both));
    attack.start(&image(), Goal::Target(TARGET)).unwrap();
    attack.run().unwrap();
    let sum = attack.adversarial().to_vec();
    let question = Question::Follow { network: main(), image: x(), adversarial: Floats(sum.clone()) };
    let (Answer::Follow(followed), pictures) = Driver::new().shown_to(question) else { panic!() };
    assert_eq!((followed.from, followed.to, followed.layers.len()), (1, TARGET as u32, 2));
    assert_eq!(pictures.len(), 6);
    let mut evaluator = evaluator();
    for (point, lead) in [image(), sum.clone()].iter().zip(followed.lead) {
        let z = *evaluator.logits(point);
        assert!((f64::from(z[TARGET] - z[1]) - lead).abs() < 1e-3, "{lead}");
    }
    let [before, after] = [image(), sum].map(|point| activations(&network("FC100-100-10"), &point));
    for (k, layer) in followed.layers.iter().enumerate() {
        let floats = |values: &[f64]| Floats(values.iter().map(|&v| v as f32).collect());
        assert_eq!((&layer.before, &layer.after), (&floats(&before[k]), &floats(&after[k])));
        let gained = followed.lead[1] - followed.lead[0];
        let sum: f64 = layer.shares.0.iter().map(|&share| f64::from(share)).sum();
        assert!((sum / gained - 1.0).abs() < 2e-3, "{sum} of {gained}");
        let order: Vec<usize> = layer.order.iter().map(|&unit| unit as usize).collect();
        assert!(order.is_sorted_by(|&a, &b| layer.shares.0[a] >= layer.shares.0[b]));
        let change: Vec<f32> =
            layer.after.0.iter().zip(&layer.before.0).map(|(after, before)| after - before).collect();
        let most = largest(&layer.before.0).max(largest(&layer.after.0));
        let grid = |of: &[f32], most: f32, signed| {
            let values = order.iter().map(|&unit| if signed { of[unit] } else { of[unit].abs() } / most).collect();
            Some(Picture::Grid { values: Floats(values), side: 10, signed })
        };
        let expected = [
            grid(&layer.before.0, most, false),
            grid(&layer.after.0, most, false),
            grid(&change, largest(&change), true),
        ];
        assert_eq!(pictures[3 * k..3 * k + 3], expected);
    }
}

#[test]
fn a_network_without_hidden_layers_has_nothing_inside() {
    let question = Question::Follow { network: "FC10_1".into(), image: x(), adversarial: x() };
    let Answer::Follow(followed) = Driver::new().answer_to(question) else { panic!() };
    assert!(followed.layers.is_empty());
}

#[test]
fn the_digits_of_a_unit_can_be_asked_for_without_a_direction() {
    let mut driver = Driver::new();
    let packed: Vec<u8> = (0..392 * 30).map(|k: u32| (k.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    driver.engine.receive(Request::Digits { bytes: Bytes(packed) });
    let question =
        |seed, shown| Question::Units { network: main(), image: None, layer: 0, unit: 3, seed, bins: 5, shown };
    let (_, alone) = driver.shown_to(question(None, 4));
    let (_, both) = driver.shown_to(question(Some(1), 4));
    assert!(alone.len() == 4 && alone.iter().all(Option::is_some));
    assert_eq!(
        (&both[..4], both.len()),
        (&alone[..], 8),
        "the unit's digits are the same with a direction and without"
    );
    assert_eq!(driver.shown_to(question(None, u32::MAX)).1.len(), 30, "as many as there are");
}
