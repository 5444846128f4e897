//! A flat slice through the space of images: x, x + r and a random direction span a plane, each point of
//! which the network classifies. The pocket is the patch of the target's colour.

use super::Random;
use crate::{
    PIXELS,
    network::{kernel::Evaluator, label},
    vector::{add_scaled, clip, dot},
};
use rand::Rng;
use rand_distr::StandardNormal;

/// A plane through an image, with two directions of length one at right angles.
pub struct Plane {
    origin: Vec<f32>,
    along: Vec<f32>,
    across: Vec<f32>,
    point: Vec<f32>,
}

impl Plane {
    /// The plane through `image` with `r` along its first direction, and a random second one. None if `r` is zero.
    ///
    /// # Panics
    /// If `image` or `r` has not 784 values.
    pub fn through(image: &[f32], r: &[f32], random: &mut Random) -> Option<Self> {
        assert_eq!((image.len(), r.len()), (PIXELS, PIXELS), "an image has 784 pixels");
        let mut along = r.to_vec();
        normalise(&mut along)?;
        let mut across: Vec<f32> = (0..PIXELS).map(|_| random.sample(StandardNormal)).collect();
        for _ in 0..2 {
            // Once more, for what rounding left.
            let overlap = dot(&across, &along);
            add_scaled(&mut across, -overlap, &along);
        }
        normalise(&mut across)?;
        Some(Plane { origin: image.to_vec(), along, across, point: vec![0.0; PIXELS] })
    }

    /// `clip(x + a·u + b·v)`: x is at (0, 0), x + r at (‖r‖₂, 0). Beyond the box, its nearest point.
    pub fn point(&mut self, a: f32, b: f32) -> &[f32] {
        let directions = self.along.iter().zip(&self.across);
        for ((point, x), (u, v)) in self.point.iter_mut().zip(&self.origin).zip(directions) {
            *point = clip(x + a * u + b * v, 0.0, 1.0);
        }
        &self.point
    }

    /// The network's prediction in the middle of each of `side` × `side` cells of the square of half-width `reach`
    /// around the point (`a`, `b`); row by row, the second direction growing upwards. `labels` has side² places.
    pub fn labels(
        &mut self,
        evaluator: &mut Evaluator,
        (a, b): (f32, f32),
        reach: f32,
        side: usize,
        labels: &mut [u8],
    ) {
        let offset = |i: usize| reach * ((2 * i + 1) as f32 / side as f32 - 1.0);
        for (row, labels) in labels.chunks_exact_mut(side.max(1)).take(side).enumerate() {
            for (column, l) in labels.iter_mut().enumerate() {
                *l = label(evaluator.logits(self.point(a + offset(column), b - offset(row)))) as u8;
            }
        }
    }
}

/// Divides by the length; none if that is zero.
fn normalise(v: &mut [f32]) -> Option<()> {
    let length = dot(v, v).sqrt();
    (length > 0.0).then(|| v.iter_mut().for_each(|v| *v /= length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        LABELS,
        network::{Activation, Layer, Mlp},
    };
    use std::sync::Arc;

    #[test]
    fn the_plane_holds_the_image_and_the_perturbed_image_and_its_axes_are_at_right_angles() {
        let image: Vec<f32> = (0..PIXELS).map(|i| 0.3 + 0.4 * (i % 2) as f32).collect();
        let r: Vec<f32> = (0..PIXELS).map(|i| 0.02 * ((i % 5) as f32 - 2.0)).collect();
        let mut plane = Plane::through(&image, &r, &mut crate::experiment::random(1)).unwrap();
        assert!(dot(&plane.along, &plane.across).abs() < 1e-6);
        assert_eq!(plane.point(0.0, 0.0), image);
        let norm = dot(&r, &r).sqrt();
        for ((p, x), r) in plane.point(norm, 0.0).iter().zip(&image).zip(&r) {
            assert!((p - x - r).abs() < 1e-6);
        }
    }

    #[test]
    fn no_perturbation_spans_no_plane() {
        assert!(Plane::through(&[0.5; PIXELS], &[0.0; PIXELS], &mut crate::experiment::random(1)).is_none());
    }

    #[test]
    fn a_boundary_across_r_divides_the_picture_into_left_and_right() {
        // Label 1 where the first pixel exceeds a half, else label 0.
        let mut weight = vec![0.0; LABELS * PIXELS];
        weight[PIXELS] = 1.0;
        let mut bias = vec![-1.0; LABELS];
        (bias[0], bias[1]) = (0.5, 0.0);
        let layer = Layer { inputs: PIXELS, outputs: LABELS, weight, bias };
        let network = Mlp::new("one pixel", Activation::Sigmoid, vec![layer]).unwrap();
        let mut r = vec![0.0; PIXELS];
        r[0] = 0.2;
        let mut plane = Plane::through(&[0.5; PIXELS], &r, &mut crate::experiment::random(1)).unwrap();
        let mut labels = [9; 16];
        plane.labels(&mut Evaluator::new(Arc::new(network)), (0.0, 0.0), 0.4, 4, &mut labels);
        assert_eq!(labels, [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
    }
}
