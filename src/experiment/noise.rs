//! Random perturbations of a given size: do they ever do what a searched one does?
//!
//! The paper's adversarial examples lie in pockets "hard to efficiently find by simply sampling the input around a
//! given example" (section 4). Here is the sampling: with noise as it is, as the paper's seems to be, or clipped to the
//! box, which on a black background takes half of it away and leaves grey.
//!
//! How often noise changes an answer says how near the boundary is: were it a plane at distance d, noise of deviation σ
//! would cross it at the rate Φ(−d/σ) (Ford, Gilmer, Carlini, Cubuk 2019, *Adversarial Examples Are a Natural Consequence
//! of Test Error in Noise*, arXiv 1901.10513).

use super::Random;
use crate::{
    LABELS, PIXELS,
    network::{kernel::Evaluator, label},
    vector::{clip, dot},
};
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// What becomes of noise that leads out of the box [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clip {
    /// Nothing: x + noise may leave the box.
    None,
    /// It is clipped: what a picture can show.
    Box,
}

/// How many of some perturbed images were classified as what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Perturbed images in all.
    pub tried: u32,
    /// Those with another label than the image itself.
    pub changed: u32,
    /// Those classified as the target.
    pub to_target: u32,
}

impl Counts {
    fn add(&mut self, found: usize, prediction: usize, target: usize) {
        self.tried += 1;
        self.changed += u32::from(found != prediction);
        self.to_target += u32::from(found == target);
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.tried += other.tried;
        self.changed += other.changed;
        self.to_target += other.to_target;
    }
}

/// Room for perturbed images, and where their random numbers come from.
pub struct Noise {
    random: Random,
    clip: Clip,
    direction: Vec<f32>,
    point: Vec<f32>,
}

impl Noise {
    /// Perturbations that are the same for the same seed, clipped to the box.
    pub fn new(seed: u64) -> Self {
        let random = super::random(seed);
        Noise { random, clip: Clip::Box, direction: vec![0.0; PIXELS], point: vec![0.0; PIXELS] }
    }

    /// The same perturbations with another clipping.
    pub fn with_clip(self, clip: Clip) -> Self {
        Noise { clip, ..self }
    }

    /// Draws a Gaussian direction for the perturbations that follow.
    pub fn draw(&mut self) {
        self.direction.fill_with(|| self.random.sample(StandardNormal));
    }

    /// `x + t·d` for the direction drawn last, with the t at which the perturbation has this norm, *after* clipping if it
    /// is clipped. Where even the corner of the box that d points to is nearer, that corner.
    ///
    /// Clipping takes away what points out of the box, half of the noise on every empty pixel; without the longer t
    /// the noise would be smaller than what it is compared with.
    pub fn at_norm(&mut self, image: &[f32], norm: f32) -> &[f32] {
        let t = match self.clip {
            Clip::None => norm / dot(&self.direction, &self.direction).sqrt(),
            Clip::Box => reach(image, &self.direction, norm),
        };
        self.go(image, t)
    }

    /// `x + deviation·d`, independent Gaussian noise on every pixel, in a direction drawn anew; then clipped if it is
    /// clipped (table 2's last rows).
    pub fn at_deviation(&mut self, image: &[f32], deviation: f32) -> &[f32] {
        self.draw();
        self.go(image, deviation)
    }

    /// `x + t·d`, or that clipped.
    fn go(&mut self, image: &[f32], t: f32) -> &[f32] {
        let is_clipped = self.clip == Clip::Box;
        for ((point, x), d) in self.point.iter_mut().zip(image).zip(&self.direction) {
            let moved = x + t * d;
            *point = if is_clipped { clip(moved, 0.0, 1.0) } else { moved };
        }
        &self.point
    }

    /// Perturbs `image` in `tries` random directions to each of `norms`, and counts for every norm what the network
    /// predicts. `prediction` is that for the image as it is.
    pub fn count(
        &mut self,
        evaluator: &mut Evaluator,
        image: &[f32],
        prediction: usize,
        target: usize,
        norms: &[f32],
        tries: u32,
    ) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); norms.len()];
        for _ in 0..tries {
            self.draw();
            for (&norm, counts) in norms.iter().zip(&mut counts) {
                counts.add(label(evaluator.logits(self.at_norm(image, norm))), prediction, target);
            }
        }
        counts
    }

    /// The same for Gaussian noise of each of `deviations`: what [`crossing_rate`] is compared with, unclipped.
    pub fn count_at_deviations(
        &mut self,
        evaluator: &mut Evaluator,
        image: &[f32],
        prediction: usize,
        target: usize,
        deviations: &[f32],
        tries: u32,
    ) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); deviations.len()];
        for _ in 0..tries {
            for (&deviation, counts) in deviations.iter().zip(&mut counts) {
                counts.add(label(evaluator.logits(self.at_deviation(image, deviation))), prediction, target);
            }
        }
        counts
    }
}

/// `Φ(−distance/deviation)`: how often Gaussian noise of this deviation crosses a plane at this distance; 0 for noise of
/// no deviation.
pub fn crossing_rate(distance: f64, deviation: f64) -> f64 {
    if deviation > 0.0 { 0.5 * libm::erfc(distance / deviation * std::f64::consts::FRAC_1_SQRT_2) } else { 0.0 }
}

/// Steps to and along the boundary to one rival, most settle within five, and the longest on the way to it.
const STEPS: u32 = 20;
const LONGEST: f32 = 0.5;
/// The margin, in logits, at which the boundary is reached.
const REACHED: f32 = 1e-3;
/// Halvings that find where a ray crosses the boundary.
const HALVINGS: u32 = 12;

/// The distance from `image` to the nearest boundary found when no box is in the way, as for unclipped noise. None if no
/// boundary is found.
///
/// For each rival of the prediction: by linear models of the margin to the boundary, as DeepFool goes (Moosavi-Dezfooli,
/// Fawzi, Frossard 2016); then again and again the nearest point to x on the tangent there, and along r back to the
/// boundary. What it settles at has r at a right angle to the boundary. Like every search's an upper bound.
///
/// # Panics
/// If `image` has not 784 values.
pub fn unboxed_distance(evaluator: &mut Evaluator, image: &[f32]) -> Option<f32> {
    let prediction = label(evaluator.logits(image));
    let rivals = (0..LABELS).filter(|&l| l != prediction);
    rivals.filter_map(|rival| distance_to(evaluator, image, prediction, rival)).reduce(f32::min)
}

/// The distance to where `rival` draws level with `prediction`.
fn distance_to(evaluator: &mut Evaluator, image: &[f32], prediction: usize, rival: usize) -> Option<f32> {
    let (mut point, mut r, mut slope) = (image.to_vec(), vec![0.0; PIXELS], vec![0.0; PIXELS]);
    let mut over_logits = [0.0; LABELS];
    (over_logits[rival], over_logits[prediction]) = (1.0, -1.0);
    let mut best: Option<f32> = None;
    for _ in 0..STEPS {
        let mut lead_at = |s: f32, r: &[f32]| {
            point.iter_mut().zip(image).zip(r).for_each(|((p, x), r)| *p = x + s * r);
            let z = evaluator.logits(&point);
            z[prediction] - z[rival]
        };
        let mut lead = lead_at(1.0, &r);
        if lead < -REACHED {
            let s = crossing(|s| lead_at(s, &r));
            r.iter_mut().for_each(|r| *r *= s);
            lead = lead_at(1.0, &r);
        }
        if lead < REACHED {
            let norm = dot(&r, &r).sqrt();
            if best.is_some_and(|best| norm > 0.999 * best) {
                return best;
            }
            best = Some(norm);
        }
        evaluator.input_gradient(&over_logits, &mut slope);
        let steepness = dot(&slope, &slope);
        // On the way, onwards from where it is; at the boundary, the nearest point of its tangent to x.
        let (kept, t) = match best {
            None => (1.0, (lead / steepness).min(LONGEST / steepness.sqrt())),
            Some(_) => (0.0, (lead + dot(&slope, &r)) / steepness),
        };
        if !t.is_finite() {
            return best;
        }
        r.iter_mut().zip(&slope).for_each(|(r, a)| *r = kept * *r + t * a);
    }
    best
}

/// An s in [0, 1] at which `lead`, positive at 0 and negative at 1, is not positive.
fn crossing(mut lead: impl FnMut(f32) -> f32) -> f32 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if lead(middle) > 0.0 { low = middle } else { high = middle }
    }
    high
}

/// `clip(x + t·d)` with the t at which it is this far from x; where the box is too small for that, its corner.
pub(super) fn go_to_norm(image: &[f32], direction: &[f32], norm: f32, point: &mut [f32]) {
    let t = reach(image, direction, norm);
    for ((point, x), d) in point.iter_mut().zip(image).zip(direction) {
        // No direction leads nowhere, however far.
        *point = if *d == 0.0 { *x } else { clip(x + t * d, 0.0, 1.0) };
    }
}

/// The t with `‖clip(x + t·d) − x‖ = norm`; infinite where the box is too small for that.
///
/// With the clipped pixels known, `t² = (norm² − Σ_clipped room²) / Σ_free d²`. A longer t only clips more, so that
/// beginning with none clipped this settles from below, in a few passes.
fn reach(image: &[f32], direction: &[f32], norm: f32) -> f32 {
    let square = norm * norm;
    let mut t = 0.0;
    loop {
        let (mut clipped, mut free) = (0.0f32, 0.0f32);
        for (&x, &d) in image.iter().zip(direction) {
            let room = if d > 0.0 { 1.0 - x } else { x };
            let is_clipped = t * d.abs() >= room;
            clipped += if is_clipped { room * room } else { 0.0 };
            free += if is_clipped { 0.0 } else { d * d };
        }
        if free <= 0.0 || clipped >= square {
            return if free <= 0.0 { f32::INFINITY } else { t };
        }
        let longer = ((square - clipped) / free).sqrt();
        if longer <= t * (1.0 + 1e-5) {
            return longer;
        }
        t = longer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        network::{Activation, Layer, Mlp},
        vector::squared_distance,
    };
    use std::sync::Arc;

    /// Four in five pixels empty, as in a digit.
    fn image() -> Vec<f32> {
        (0..PIXELS).map(|i| if i % 5 == 0 { 0.01 * (i % 100) as f32 } else { 0.0 }).collect()
    }

    #[test]
    fn a_perturbation_has_the_norm_asked_for_after_clipping_and_stays_in_the_box() {
        let image = image();
        let mut noise = Noise::new(1);
        for norm in [0.01, 0.5, 1.0, 3.0, 8.0] {
            noise.draw();
            let point = noise.at_norm(&image, norm);
            assert!(point.iter().all(|p| (0.0..=1.0).contains(p)));
            let found = squared_distance(point, &image).sqrt();
            assert!((found / norm - 1.0).abs() < 1e-3, "asked for {norm}, found {found}");
        }
    }

    #[test]
    fn a_norm_that_the_box_has_no_room_for_gives_the_corner() {
        let mut noise = Noise::new(2);
        noise.draw();
        let point = noise.at_norm(&image(), 1e3);
        assert!(point.iter().all(|&p| p == 0.0 || p == 1.0));
    }

    #[test]
    fn the_same_seed_gives_the_same_noise() {
        let points = [3, 3, 4].map(|seed| Noise::new(seed).at_deviation(&image(), 0.3).to_vec());
        assert_eq!(points[0], points[1]);
        assert_ne!(points[0], points[2]);
    }

    #[test]
    fn noise_on_grey_has_the_deviation_asked_for() {
        let grey = vec![0.5; PIXELS];
        let mut noise = Noise::new(5);
        let deviation = (squared_distance(noise.at_deviation(&grey, 0.1), &grey) / PIXELS as f32).sqrt();
        // 784 samples give a deviation to within a few per cent.
        assert!((deviation - 0.1).abs() < 0.01, "{deviation}");
    }

    #[test]
    fn unclipped_noise_has_the_norm_asked_for_and_leaves_the_box() {
        let image = image();
        let mut noise = Noise::new(6).with_clip(Clip::None);
        for norm in [0.01, 1.0, 40.0] {
            noise.draw();
            let found = squared_distance(noise.at_norm(&image, norm), &image).sqrt();
            assert!((found / norm - 1.0).abs() < 1e-4, "asked for {norm}, found {found}");
        }
        // Half of the four in five empty pixels go below zero.
        let below = noise.at_deviation(&image, 0.3).iter().filter(|p| **p < 0.0).count();
        assert!((below as f32 / PIXELS as f32 - 0.4).abs() < 0.08, "{below}");
    }

    #[test]
    fn crossing_rates_are_those_of_the_normal_distribution() {
        // Tables of Φ, e.g. Abramowitz and Stegun, table 26.1.
        for (z, phi) in [(0.0, 0.5), (1.0, 0.158_655_253_9), (2.0, 0.022_750_131_9), (5.0, 2.866_515_72e-7)] {
            let found = crossing_rate(0.7 * z, 0.7);
            assert!((found / phi - 1.0).abs() < 1e-8, "Φ(−{z}) = {found}");
        }
        assert_eq!((crossing_rate(1.0, 0.0), crossing_rate(-1e9, 1.0)), (0.0, 1.0));
    }

    /// Label 1 beyond a plane whose normal is uneven and whose distance from the origin is 2, else label 0.
    fn half_space() -> Evaluator {
        let mut weight = vec![0.0; LABELS * PIXELS];
        for (i, w) in weight[PIXELS..2 * PIXELS].iter_mut().enumerate() {
            *w = ((i * i % 13) as f32 - 5.0) / 20.0;
        }
        let normal = dot(&weight[PIXELS..2 * PIXELS], &weight[PIXELS..2 * PIXELS]).sqrt();
        let mut bias = vec![-1e3; LABELS];
        (bias[0], bias[1]) = (2.0 * normal, 0.0);
        let layer = Layer { inputs: PIXELS, outputs: LABELS, weight, bias };
        Evaluator::new(Arc::new(Mlp::new("half space", Activation::Sigmoid, vec![layer]).unwrap()))
    }

    #[test]
    fn of_a_plane_the_distance_is_exact_and_unclipped_noise_crosses_it_at_the_rate_of_theory() {
        let (mut evaluator, image) = (half_space(), [0.0; PIXELS]);
        let distance = unboxed_distance(&mut evaluator, &image).unwrap();
        assert!((distance - 2.0).abs() < 1e-4, "{distance}");
        let mut noise = Noise::new(7).with_clip(Clip::None);
        let deviations = [0.7, 1.5, 4.0];
        let counts = noise.count_at_deviations(&mut evaluator, &image, 0, 1, &deviations, 4000);
        for (counts, deviation) in counts.iter().zip(deviations) {
            let (found, expected) =
                (f64::from(counts.changed) / 4000.0, crossing_rate(f64::from(distance), f64::from(deviation)));
            let error = (expected * (1.0 - expected) / 4000.0).sqrt();
            assert!((found - expected).abs() < 4.0 * error, "σ = {deviation}: {found}, expected {expected} ± {error}");
            assert_eq!(counts.changed, counts.to_target);
        }
    }
}
