//! Random perturbations of a given size: do they ever do what a searched one does?
//!
//! The paper's adversarial examples lie in pockets "hard to efficiently find by simply sampling the input around a
//! given example" (section 4). Here is the sampling.

use super::Random;
use crate::{
    PIXELS,
    network::{kernel::Evaluator, label},
    vector::clip,
};
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

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
    direction: Vec<f32>,
    point: Vec<f32>,
}

impl Noise {
    /// Perturbations that are the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Noise { random: super::random(seed), direction: vec![0.0; PIXELS], point: vec![0.0; PIXELS] }
    }

    /// Draws a Gaussian direction for the perturbations that follow.
    pub fn draw(&mut self) {
        self.direction.fill_with(|| self.random.sample(StandardNormal));
    }

    /// `clip(x + t·d)` for the direction drawn last, with the t at which the *clipped* perturbation has this norm.
    /// Where even the corner of the box that d points to is nearer, that corner.
    ///
    /// Clipping takes away what points out of the box, half of the noise on every empty pixel; without the longer t
    /// the noise would be smaller than what it is compared with.
    pub fn at_norm(&mut self, image: &[f32], norm: f32) -> &[f32] {
        let t = reach(image, &self.direction, norm);
        for ((point, x), d) in self.point.iter_mut().zip(image).zip(&self.direction) {
            *point = clip(x + t * d, 0.0, 1.0);
        }
        &self.point
    }

    /// `clip(x + deviation·d)`: independent Gaussian noise on every pixel, then the box (table 2's last rows).
    pub fn at_deviation(&mut self, image: &[f32], deviation: f32) -> &[f32] {
        self.draw();
        for ((point, x), d) in self.point.iter_mut().zip(image).zip(&self.direction) {
            *point = clip(x + deviation * d, 0.0, 1.0);
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
                let found = label(evaluator.logits(self.at_norm(image, norm)));
                counts.tried += 1;
                counts.changed += u32::from(found != prediction);
                counts.to_target += u32::from(found == target);
            }
        }
        counts
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
    use crate::vector::squared_distance;

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
}
