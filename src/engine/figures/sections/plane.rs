//! The pocket: the labels on a plane through it, and random changes that do not find it.

use super::map;
use crate::{
    engine::{
        message::{Answer, Bytes, Counted, Crossed, Floats, Map},
        schedule::Work,
        stock::Loaded,
    },
    experiment::{
        self,
        noise::{Clip, Noise, crossing_rate, unboxed_distance},
        plane::Plane,
    },
    network::label,
    picture::Picture,
};

/// Cells between two rests.
const CELLS: usize = 12;
/// Cells along the side of the first picture.
const COARSE: usize = 24;
/// Cells along the side of the largest map.
const LARGEST: u32 = 1200;
/// The most random changes.
const TRIES: u32 = 1_000_000;
/// Random changes between two rests.
const BATCH: u32 = 20;

/// A square of a plane: its middle, half its side, and what chooses the plane.
pub(super) struct Square {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) reach: f32,
    pub(super) seed: u32,
}

/// The labels on a square of the plane through x, x + r and a random direction; a coarse picture first.
pub(super) async fn plane(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    r: &[f32],
    square: Square,
    side: u32,
) -> Result<Map, String> {
    let side =
        (1..=LARGEST).contains(&side).then_some(side as usize).ok_or("A map has 1 to 1,200 cells along a side.")?;
    let mut random = experiment::random(square.seed.into());
    let mut plane = Plane::through(image, r, &mut random).ok_or("Without a perturbation there is no plane to show.")?;
    if side > COARSE {
        let coarse = picture(work, network, &mut plane, &square, COARSE).await;
        work.tell(Answer::Plane(coarse)).await;
    }
    Ok(picture(work, network, &mut plane, &square, side).await)
}

/// One picture, cell by cell as [`Plane::labels`] has them.
async fn picture(work: &Work, network: &Loaded, plane: &mut Plane, square: &Square, side: usize) -> Map {
    let offset = |i: usize| square.reach * ((2 * i + 1) as f32 / side as f32 - 1.0);
    let mut labels = Vec::with_capacity(side * side);
    for k in 0..side * side {
        let point = plane.point(square.a + offset(k % side), square.b - offset(k / side));
        labels.push(label(&network.logits(point)) as u8);
        if k % CELLS == CELLS - 1 {
            work.rest().await;
        }
    }
    let (places, shares) = (map::largest_squares(&labels, side), map::shares(&labels));
    let (labels, side) = (Bytes(labels), side as u32);
    work.show(vec![Some(Picture::Labels { labels: labels.clone(), side })]);
    Map { side, labels, places, shares }
}

/// The random changes that a seed chooses.
#[inline(never)]
pub(super) fn noise_of(seed: u32, clipped: bool) -> Noise {
    Noise::new(seed.into()).with_clip(if clipped { Clip::Box } else { Clip::None })
}

/// How many random changes of a norm change the prediction; one changed image is shown.
pub(super) async fn noise(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    norm: f32,
    tries: u32,
    mut noise: Noise,
) -> Result<Counted, String> {
    if !norm.is_finite() || tries > TRIES {
        return Err("A norm must be finite, and a million changes are the most.".into());
    }
    let prediction = network.label(image);
    noise.draw();
    let changed = Picture::Ink(Floats(noise.at_norm(image, norm).to_vec()));
    let show = || work.show(vec![Some(changed.clone())]);
    let mut counted = Counted { tried: 0, changed: 0 };
    while counted.tried < tries {
        let batch = BATCH.min(tries - counted.tried);
        let counts = noise.count(&mut network.evaluator.borrow_mut(), image, prediction, prediction, &[norm], batch);
        counted.tried += batch;
        counted.changed += counts.iter().map(|counts| counts.changed).sum::<u32>();
        if work.rest().await && counted.tried < tries {
            show();
            work.tell(Answer::Noise(counted)).await;
        }
    }
    show();
    Ok(counted)
}

/// How often noise of some deviations, not clipped, changes the prediction, beside Φ(−d/σ).
pub(super) async fn crossing(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    deviations: &[f32],
    tries: u32,
    seed: u32,
) -> Result<Crossed, String> {
    if !deviations.iter().all(|deviation| deviation.is_finite()) {
        return Err("A deviation must be finite.".into());
    }
    let prediction = network.label(image);
    let mut crossed = expected(network, image, deviations);
    let mut noise = noise_of(seed, false);
    while crossed.tried < tries {
        cross(network, image, prediction, deviations, &mut noise, &mut crossed);
        if work.rest().await && crossed.tried < tries {
            work.tell(Answer::Crossing(crossed.clone())).await;
        }
    }
    Ok(crossed)
}

/// Nothing tried yet.
#[inline(never)]
fn expected(network: &Loaded, image: &[f32], deviations: &[f32]) -> Crossed {
    let distance = unboxed_distance(&mut network.evaluator.borrow_mut(), image);
    let rate = |&deviation: &f32| distance.map_or(0.0, |distance| crossing_rate(distance.into(), deviation.into()));
    let expected = deviations.iter().map(rate).collect();
    Crossed { distance, tried: 0, changed: vec![0; deviations.len()], expected }
}

/// One more change of each deviation.
#[inline(never)]
fn cross(
    network: &Loaded,
    image: &[f32],
    prediction: usize,
    deviations: &[f32],
    noise: &mut Noise,
    crossed: &mut Crossed,
) {
    let evaluator = &mut network.evaluator.borrow_mut();
    let counts = noise.count_at_deviations(evaluator, image, prediction, prediction, deviations, 1);
    crossed.tried += 1;
    crossed.changed.iter_mut().zip(counts).for_each(|(sum, counts)| *sum += counts.changed);
}
