//! The pocket: the labels on a plane through it, and random changes that do not find it.

use super::map;
use crate::{
    engine::{
        gallery::Picture,
        message::{Answer, Counted, Map},
        stock::Loaded,
        work::Work,
    },
    experiment::{self, noise::Noise, plane::Plane},
    network::label,
};

/// Cells between two rests.
const CELLS: usize = 12;
/// Cells along the side of the first picture.
const COARSE: usize = 24;
/// Cells along the side of the largest map.
const LARGEST: u32 = 1200;
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
    surface: String,
) -> Result<Map, String> {
    let side =
        (1..=LARGEST).contains(&side).then_some(side as usize).ok_or("A map has 1 to 1,200 cells along a side.")?;
    let mut random = experiment::random(square.seed.into());
    let mut plane = Plane::through(image, r, &mut random).ok_or("Without a perturbation there is no plane to show.")?;
    if side > COARSE {
        let coarse = picture(work, network, &mut plane, &square, COARSE, &surface).await;
        work.tell(Answer::Plane(coarse)).await;
    }
    Ok(picture(work, network, &mut plane, &square, side, &surface).await)
}

/// One picture, cell by cell as [`Plane::labels`] has them.
async fn picture(
    work: &Work,
    network: &Loaded,
    plane: &mut Plane,
    square: &Square,
    side: usize,
    surface: &String,
) -> Map {
    let offset = |i: usize| square.reach * ((2 * i + 1) as f32 / side as f32 - 1.0);
    let mut labels = Vec::with_capacity(side * side);
    for k in 0..side * side {
        let point = plane.point(square.a + offset(k % side), square.b - offset(k / side));
        labels.push(label(&network.logits(point)) as u8);
        if k % CELLS == CELLS - 1 {
            work.rest().await;
        }
    }
    let map = Map { side: side as u32, places: map::largest_squares(&labels, side), shares: map::shares(&labels) };
    work.paint(Some(surface), Picture::Labels(labels, side));
    map
}

/// How many random changes of a norm change the prediction; one changed image is shown.
pub(super) async fn noise(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    norm: f32,
    tries: u32,
    seed: u32,
    surface: String,
) -> Result<Counted, String> {
    if !norm.is_finite() {
        return Err("A norm must be finite.".into());
    }
    let prediction = network.label(image);
    let mut noise = Noise::new(seed.into());
    noise.draw();
    work.paint(Some(&surface), Picture::Ink(noise.at_norm(image, norm).to_vec()));
    let mut counted = Counted { tried: 0, changed: 0 };
    while counted.tried < tries {
        let batch = BATCH.min(tries - counted.tried);
        let counts = noise.count(&mut network.evaluator.borrow_mut(), image, prediction, prediction, &[norm], batch);
        counted.tried += batch;
        counted.changed += counts.iter().map(|counts| counts.changed).sum::<u32>();
        if work.rest().await && counted.tried < tries {
            work.tell(Answer::Noise(counted)).await;
        }
    }
    Ok(counted)
}
