//! What `cargo xtask bench` times on the module as it ships: one evaluation, and the arithmetic in it alone.

use super::{Network, Session};
use crate::network::lanes::{LANES, Lanes};
use std::hint::black_box;
use wasm_bindgen::prelude::*;

/// Vectors of data that stay in the first-level cache: 8 KiB.
const VECTORS: usize = 512;

/// `times` times as many SIMD multiply-adds, on data in the first-level cache, as one evaluation of loss and gradient
/// has when no input is zero. The sum keeps the work from being left out.
#[wasm_bindgen]
pub fn roofline(network: &Network, times: u32) -> f32 {
    let weights: usize = network.0.layers().iter().map(|l| l.inputs * l.outputs.div_ceil(LANES) * LANES).sum();
    let rounds = 2 * weights / LANES / VECTORS; // forwards and backwards
    let data = [[0.5f32; LANES]; VECTORS];
    let factor = Lanes::splat(1e-3);
    let mut sums = [Lanes::splat(0.0); 8];
    for _ in 0..times as usize * rounds {
        for block in black_box(&data).as_chunks::<8>().0 {
            for (sum, vector) in sums.iter_mut().zip(block) {
                *sum = sum.add_product(Lanes::load(vector), factor);
            }
        }
    }
    let mut total = [0.0; LANES];
    sums.into_iter().fold(Lanes::splat(0.0), |total, sum| total.add_product(sum, Lanes::splat(1.0))).store(&mut total);
    total.iter().sum()
}

#[wasm_bindgen]
impl Session {
    /// `times` evaluations of loss and gradient at the result of the last search. Returns something of the gradient.
    pub fn evaluate(&mut self, times: u32) -> f32 {
        let point = self.attack.adversarial();
        let mut gradient = [0.0; crate::PIXELS];
        (0..times).fold(0.0, |sum, _| {
            let mut over_logits = crate::network::probabilities(self.evaluator.logits(point));
            over_logits[0] -= 1.0;
            self.evaluator.input_gradient(&over_logits, &mut gradient);
            sum + gradient[crate::PIXELS / 2]
        })
    }
}
