//! What c does, and what L-BFGS does for one c.

use super::driver::*;
use pockets::{
    PIXELS,
    attack::{Attack, Goal, Options, Reading},
    engine::message::*,
    network::{kernel::Evaluator, label, probabilities},
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
fn look() {
    let c = largest_c();
    println!("c {c}");
    let grid: Vec<f32> = (0..25).map(|k| c * 10f32.powf((12 - k) as f32 / 8.0)).collect();
    let mut up = grid.clone();
    up.reverse();
    let (down, mut up) = (weighed(&grid), weighed(&up));
    up.reverse();
    for (a, b) in down.iter().zip(&up) {
        println!(
            "{:.4} | {:.3} {:.3} {:.3} {} | {:.3} {:.3} {:.3} {}",
            a.c, a.norm, a.loss, a.margin, a.label, b.norm, b.loss, b.margin, b.label
        );
    }
    for f in [0.2, 1.0, 3.0] {
        for k in 1..20 {
            let Some(d) = descent(c * f, k) else {
                println!("none");
                continue;
            };
            if d.step < k {
                break;
            }
            println!(
                "{f} {}/{} from {:.3} dir {:.3?} trials {:?} height {} slope {:.4} true {:.3?} learnt {:.3?}",
                d.step,
                d.steps,
                d.from,
                d.direction,
                d.trials.iter().map(|t| (t.step, t.height)).collect::<Vec<_>>(),
                d.height,
                d.slope,
                d.curvature,
                d.learnt
            );
        }
    }
}
