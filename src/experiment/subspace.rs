//! Pocket or half-space: in how many directions at right angles to each other does the target lie near?
//!
//! Beyond a plane at distance d, `⌊(ε/d)²⌋` perturbations of norm ε that are orthogonal to each other reach, and no more (Tramèr,
//! Papernot, Goodfellow, Boneh, McDaniel 2017, *The Space of Transferable Adversarial Examples*, arXiv 1704.03453, section 3).
//! A pocket in the sense of the word would have room for fewer. Here perturbations are looked for that share no pixel: orthogonal
//! however the box clips them, and each a picture.

use crate::{
    LABELS, PIXELS,
    network::{kernel::Evaluator, label},
    vector::{dot, squared_distance},
};

/// Evaluations for one perturbation, and the most perturbations.
const STEPS: u32 = 12;
const MOST: usize = 100;

/// The search for many perturbations of one norm, without a pixel in common, that each reach the target.
pub struct Subspace {
    image: Vec<f32>,
    target: usize,
    norm: f32,
    /// The pixels, from the one that r changes most, and how much of ‖r‖² each has.
    order: Vec<usize>,
    energies: Vec<f32>,
    half_space: usize,
    /// The points x + rᵢ of the largest set known, and the smallest number that was not reached.
    found: Vec<Vec<f32>>,
    failed: usize,
    /// The set that is tried: which perturbation each pixel belongs to, how many there are, and the points so far.
    owners: Vec<usize>,
    wanted: usize,
    points: Vec<Vec<f32>>,
    slope: Vec<f32>,
}

impl Subspace {
    /// For perturbations of the norm `norm`; r reaches `target` from `image`.
    ///
    /// # Panics
    /// If `image` or `r` has not 784 values.
    pub fn new(image: &[f32], r: &[f32], target: usize, norm: f32) -> Self {
        assert_eq!((image.len(), r.len()), (PIXELS, PIXELS));
        let energies: Vec<f32> = r.iter().map(|r| r * r).collect();
        let mut order: Vec<usize> = (0..PIXELS).collect();
        order.sort_by(|&a, &b| energies[b].total_cmp(&energies[a]));
        let square = dot(r, r);
        let half_space = (norm * norm / square * (1.0 + 1e-5)) as usize;
        let itself = image.iter().zip(r).map(|(x, r)| x + r).collect();
        let mut subspace = Subspace {
            image: image.to_vec(),
            target,
            norm,
            order,
            energies,
            half_space,
            found: if half_space > 0 { vec![itself] } else { vec![] },
            failed: MOST + 1,
            owners: vec![0; PIXELS],
            wanted: 0,
            points: vec![],
            slope: vec![0.0; PIXELS],
        };
        subspace.share(half_space.clamp(2, MOST));
        subspace
    }

    /// How many there would be beyond a plane as far away as r is long.
    pub fn half_space(&self) -> usize {
        self.half_space
    }

    /// The points x + rᵢ of the largest set found so far.
    pub fn found(&self) -> &[Vec<f32>] {
        &self.found
    }

    /// Looks for one more perturbation. False when nothing remains to be tried.
    pub fn step(&mut self, evaluator: &mut Evaluator) -> bool {
        if self.found.len() + 1 >= self.failed {
            return false;
        }
        match self.reach(evaluator, self.points.len()) {
            None => self.failed = self.wanted,
            Some(point) => {
                self.points.push(point);
                if self.points.len() < self.wanted {
                    return true;
                }
                self.found = std::mem::take(&mut self.points);
            }
        }
        let (low, high) = (self.found.len(), self.failed);
        // Upwards by a quarter until one fails, then by halves.
        self.share(if high > MOST { (low + 1).max(low + low / 4).min(MOST) } else { 1.max((low + high) / 2) });
        true
    }

    /// Deals the pixels to `wanted` perturbations, the largest first, each to the one that has least of r.
    fn share(&mut self, wanted: usize) {
        let (mut sums, mut counts) = (vec![0f32; wanted], vec![0u32; wanted]);
        for &pixel in &self.order {
            let poorer = |a: &usize, b: &usize| sums[*a].total_cmp(&sums[*b]).then(counts[*a].cmp(&counts[*b]));
            let owner = (0..wanted).min_by(poorer).unwrap_or(0);
            sums[owner] += self.energies[pixel];
            counts[owner] += 1;
            self.owners[pixel] = owner;
        }
        self.wanted = wanted;
        self.points.clear();
    }

    /// A point at the norm, changed in one share of the pixels only, that the network classifies as the target.
    ///
    /// To the end of the box and the ball in the direction of the margin's gradient, again from where that ends; a new gradient
    /// counts as much as all before it.
    fn reach(&mut self, evaluator: &mut Evaluator, owner: usize) -> Option<Vec<f32>> {
        let mut point = self.image.clone();
        let mut direction = vec![0.0; PIXELS];
        for _ in 0..STEPS {
            let logits = *evaluator.logits(&point);
            if label(&logits) == self.target {
                return Some(point);
            }
            let rivals = (0..LABELS).filter(|&l| l != self.target);
            let rival = rivals.reduce(|best, l| if logits[l] > logits[best] { l } else { best })?;
            let mut over_logits = [0.0; LABELS];
            (over_logits[self.target], over_logits[rival]) = (1.0, -1.0);
            evaluator.input_gradient(&over_logits, &mut self.slope);
            let owned = |pixel: usize| self.owners[pixel] == owner;
            self.slope.iter_mut().enumerate().for_each(|(pixel, s)| *s = if owned(pixel) { *s } else { 0.0 });
            let length = dot(&self.slope, &self.slope).sqrt();
            if length == 0.0 || !length.is_finite() {
                return None;
            }
            direction.iter_mut().zip(&self.slope).for_each(|(d, s)| *d = 0.5 * (*d + s / length));
            super::noise::go_to_norm(&self.image, &direction, self.norm, &mut point);
        }
        let reached = label(evaluator.logits(&point)) == self.target;
        (reached && squared_distance(&point, &self.image).sqrt() <= self.norm * 1.001).then_some(point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Layer, Mlp};
    use std::sync::Arc;

    /// Label 1 beyond a plane at distance 1 from `image`, else label 0, and the nearest r without the box.
    fn half_space(image: &[f32]) -> (Evaluator, Vec<f32>) {
        let mut weight = vec![0.0; LABELS * PIXELS];
        for (i, w) in weight[PIXELS..2 * PIXELS].iter_mut().enumerate() {
            *w = ((i * i % 13) as f32 - 5.0) / 20.0;
        }
        let normal = weight[PIXELS..2 * PIXELS].to_vec();
        let length = dot(&normal, &normal).sqrt();
        let r: Vec<f32> = normal.iter().map(|w| w / length * 1.0001).collect();
        let mut bias = vec![-1e3; LABELS];
        (bias[0], bias[1]) = (dot(&normal, image) + length, 0.0);
        let layer = Layer { inputs: PIXELS, outputs: LABELS, weight, bias };
        let network = Mlp::new("half space", Activation::Sigmoid, vec![layer]).unwrap();
        (Evaluator::new(Arc::new(network)), r)
    }

    #[test]
    fn beyond_a_plane_there_are_as_many_as_theory_says() {
        let image = vec![0.5; PIXELS];
        let (mut evaluator, r) = half_space(&image);
        for (norm, count) in [(0.9, 0), (1.001, 1), (1.3, 1), (1.45, 2), (2.01, 4), (3.02, 9)] {
            let mut subspace = Subspace::new(&image, &r, 1, norm);
            while subspace.step(&mut evaluator) {}
            assert_eq!((subspace.found().len(), subspace.half_space()), (count, count), "at {norm}");
        }
    }

    #[test]
    fn they_reach_share_no_pixel_stay_in_the_box_and_are_no_longer_than_asked_for() {
        let mut image = vec![0.5; PIXELS];
        image.iter_mut().step_by(3).for_each(|x| *x = 0.0);
        let (mut evaluator, r) = half_space(&image);
        let mut subspace = Subspace::new(&image, &r, 1, 4.0);
        while subspace.step(&mut evaluator) {}
        let found = subspace.found();
        assert!(found.len() > 3, "{}", found.len());
        for pixel in 0..PIXELS {
            assert!(found.iter().filter(|point| point[pixel] != image[pixel]).count() <= 1);
        }
        for point in found {
            assert_eq!(label(evaluator.logits(point)), 1);
            assert!(point.iter().all(|x| (0.0..=1.0).contains(x)));
            assert!(squared_distance(point, &image).sqrt() <= 4.0 * 1.001);
        }
    }
}
