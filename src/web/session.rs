//! One drawing under one network: what it is read as, and the search for what changes that.

use super::{Network, check_image, goal, reading};
use crate::{
    LABELS, PIXELS,
    attack::{Attack, Options},
    digit::{Rasteriser, Strokes},
    network::{kernel::Evaluator, label, probabilities},
};
use wasm_bindgen::prelude::*;

/// A drawing, its image, and a search on it.
///
/// [`Session::draw`] begins anew; then [`Session::start`] and [`Session::step`] until it answers `false`.
#[wasm_bindgen]
pub struct Session {
    rasteriser: Rasteriser,
    pub(super) evaluator: Evaluator,
    pub(super) attack: Attack,
    image: Option<Image>,
}

/// What is known of the drawing before any search.
struct Image {
    pixels: [f32; PIXELS],
    logits: [f32; LABELS],
}

#[wasm_bindgen]
impl Session {
    /// `reading_of_c` is `weight`, `scale` or `both`; the third argument is of no effect.
    #[wasm_bindgen(constructor)]
    pub fn new(network: &Network, reading_of_c: &str, _confidence: f32) -> Result<Session, JsError> {
        let options = Options::new(reading(reading_of_c)?);
        Ok(Session {
            rasteriser: Rasteriser::default(),
            evaluator: Evaluator::new(network.0.clone()),
            attack: Attack::new(network.0.clone(), options),
            image: None,
        })
    }

    /// Takes a drawing on a pad of side 1: `points` is x, y, t, x, y, t, …, `starts` each stroke's first point.
    /// Returns whether there is any ink; without it there is no image and no search.
    pub fn draw(&mut self, points: &[f32], starts: &[u32]) -> Result<bool, JsError> {
        self.image = None;
        let strokes = Strokes::from_flat(1.0, points, starts)?;
        if let Some(digit) = self.rasteriser.rasterise(&strokes) {
            self.image = Some(Image { pixels: *digit.pixels, logits: *self.evaluator.logits(digit.pixels) });
        }
        Ok(self.image.is_some())
    }

    /// x, 784 values in [0, 1], row by row; nothing of a blank pad.
    #[wasm_bindgen(getter)]
    pub fn pixels(&self) -> Option<Vec<f32>> {
        self.image.as_ref().map(|image| image.pixels.to_vec())
    }

    /// f(x): the label that the network gives the drawing.
    #[wasm_bindgen(getter)]
    pub fn prediction(&self) -> Option<usize> {
        self.image.as_ref().map(|image| label(&image.logits))
    }

    /// The ten probabilities of x.
    #[wasm_bindgen(getter)]
    pub fn probabilities(&self) -> Option<Vec<f32>> {
        self.image.as_ref().map(|image| probabilities(&image.logits).to_vec())
    }

    /// Begins a search for `target`, or without one for any other label than the prediction.
    pub fn start(&mut self, target: Option<u32>) -> Result<(), JsError> {
        let Some(image) = &self.image else {
            return Err(JsError::new("the pad is blank; there is nothing to attack"));
        };
        Ok(self.attack.start(&image.pixels, goal(target))?)
    }

    /// At most `evaluations` evaluations of loss and gradient. Returns whether the search goes on.
    pub fn step(&mut self, evaluations: u32) -> bool {
        (0..evaluations).all(|_| self.attack.step())
    }

    /// The result as an object, [`crate::attack::Outcome`] field by field; `undefined` while the search goes on.
    #[wasm_bindgen(getter)]
    pub fn outcome(&self) -> Result<JsValue, JsError> {
        match self.attack.outcome() {
            Some(outcome) => Ok(serde_wasm_bindgen::to_value(&outcome)?),
            None => Ok(JsValue::UNDEFINED),
        }
    }

    /// r, 784 values: the smallest so far that reaches the goal; zeros if none has.
    #[wasm_bindgen(getter)]
    pub fn perturbation(&self) -> Vec<f32> {
        self.attack.perturbation().to_vec()
    }

    /// x + r, 784 values, exactly as it was evaluated.
    #[wasm_bindgen(getter)]
    pub fn adversarial(&self) -> Vec<f32> {
        self.attack.adversarial().to_vec()
    }

    /// The label that the network gives any image of 784 pixels, by a plain forward pass.
    #[wasm_bindgen(js_name = labelOf)]
    pub fn label_of(&mut self, pixels: &[f32]) -> Result<usize, JsError> {
        Ok(label(self.logits_of(pixels)?))
    }

    /// The ten probabilities of any image of 784 pixels, by a plain forward pass.
    #[wasm_bindgen(js_name = probabilitiesOf)]
    pub fn probabilities_of(&mut self, pixels: &[f32]) -> Result<Vec<f32>, JsError> {
        Ok(probabilities(self.logits_of(pixels)?).to_vec())
    }
}

impl Session {
    fn logits_of(&mut self, pixels: &[f32]) -> Result<&[f32; LABELS], JsError> {
        check_image(pixels)?;
        Ok(self.evaluator.logits(pixels))
    }
}
