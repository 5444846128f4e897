//! What `cargo xtask bench` times on the sections' module as it ships, without messages: evaluations, the arithmetic in one alone, searches.

use crate::{
    PIXELS,
    attack::{Attack, Goal, Options},
    digit::{Rasteriser, Strokes},
    network::{
        Network,
        kernel::Evaluator,
        label,
        lanes::{LANES, Lanes},
        probabilities,
    },
};
use std::hint::black_box;
use wasm_bindgen::prelude::*;

/// Vectors of data that stay in the first-level cache: 8 KiB.
const VECTORS: usize = 512;

/// A network, with room for everything that is timed on it.
#[wasm_bindgen]
pub struct Bench {
    evaluator: Evaluator,
    attack: Attack,
}

#[wasm_bindgen]
impl Bench {
    /// Reads a safetensors file.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Bench, JsError> {
        let network = Network::from_safetensors(bytes)?;
        Ok(Bench { evaluator: Evaluator::new(network.clone()), attack: Attack::new(network, Options::default()) })
    }

    /// The image of strokes on a pad of side 1; nothing of a blank pad.
    pub fn digit(&self, points: &[f32], starts: &[u32]) -> Result<Option<Vec<f32>>, JsError> {
        let strokes = Strokes::from_flat(1.0, points, starts)?;
        Ok(Rasteriser::default().rasterise(&strokes).map(|digit| digit.pixels.to_vec()))
    }

    /// The label of an image of 784 pixels.
    pub fn prediction(&mut self, image: &[f32]) -> usize {
        label(self.evaluator.logits(image))
    }

    /// A whole search; how many evaluations it took.
    pub fn search(&mut self, image: &[f32], target: usize) -> Result<u32, JsError> {
        self.attack.start(image, Goal::Target(target))?;
        Ok(self.attack.run().map_or(0, |outcome| outcome.evaluations))
    }

    /// x + r of the last search.
    #[wasm_bindgen(getter)]
    pub fn adversarial(&self) -> Vec<f32> {
        self.attack.adversarial().to_vec()
    }

    /// `times` evaluations of loss and gradient at an image. Returns something of the gradient.
    pub fn evaluate(&mut self, image: &[f32], times: u32) -> f32 {
        let mut gradient = [0.0; PIXELS];
        (0..times).fold(0.0, |sum, _| {
            let mut over_logits = probabilities(self.evaluator.logits(image));
            over_logits[0] -= 1.0;
            self.evaluator.input_gradient(&over_logits, &mut gradient);
            sum + gradient[PIXELS / 2]
        })
    }

    /// `times` times as many SIMD multiply-adds, on data in the first-level cache, as one evaluation of loss and gradient
    /// has when no input is zero. The sum keeps the work from being left out.
    pub fn roofline(&self, times: u32) -> f32 {
        let layers = self.evaluator.network().mlp().map_or(&[][..], |mlp| mlp.layers());
        let weights: usize = layers.iter().map(|l| l.inputs * l.outputs.div_ceil(LANES) * LANES).sum();
        let rounds = 2 * weights / LANES / VECTORS; // forwards and backwards
        let data = [[0.5f32; LANES]; VECTORS];
        let factor = Lanes::splat(1e-3);
        let mut sums = [Lanes::splat(0.0); 8];
        for _ in 0..times as usize * rounds {
            for block in black_box(&data).as_chunks::<8>().0 {
                // Written out, for the compiler is told not to.
                sums[0] = sums[0].add_product(Lanes::load(&block[0]), factor);
                sums[1] = sums[1].add_product(Lanes::load(&block[1]), factor);
                sums[2] = sums[2].add_product(Lanes::load(&block[2]), factor);
                sums[3] = sums[3].add_product(Lanes::load(&block[3]), factor);
                sums[4] = sums[4].add_product(Lanes::load(&block[4]), factor);
                sums[5] = sums[5].add_product(Lanes::load(&block[5]), factor);
                sums[6] = sums[6].add_product(Lanes::load(&block[6]), factor);
                sums[7] = sums[7].add_product(Lanes::load(&block[7]), factor);
            }
        }
        let add = |total: Lanes, sum| total.add_product(sum, Lanes::splat(1.0));
        let mut total = [0.0; LANES];
        sums.into_iter().fold(Lanes::splat(0.0), add).store(&mut total);
        total.iter().sum()
    }
}
