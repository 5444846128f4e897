//! Step 3, root: the smallest weight whose minimiser still succeeds, closer and closer.
//!
//! The tangent's estimate leads there where it lies well within the bracket; else regula falsi on ln h does.

use super::{bracket::Judged, tuning::Tuning};
use crate::vector::clip;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Root {
    /// How many weights were tried.
    tried: u32,
}

impl Root {
    /// The next weight between a minimiser that fails and one that succeeds. `aim` is the margin wished for, in logits;
    /// `estimate` a weight at which the tangent says that it is reached. None if c is known well enough.
    pub(super) fn next(
        &mut self,
        [fails, succeeds]: [Judged; 2],
        aim: f32,
        estimate: Option<f32>,
        tuning: &Tuning,
    ) -> Option<f32> {
        let width = succeeds.ln_h - fails.ln_h;
        if width <= tuning.root_width {
            return None;
        }
        self.tried += 1;
        let by_falsi = (aim - fails.margin) / (succeeds.margin - fails.margin);
        let by_tangent = estimate.map(|weight| (libm::logf(weight) - fails.ln_h) / width);
        let [least, most] = tuning.root_estimates;
        let part = by_tangent.filter(|part| (least..most).contains(part)).unwrap_or(by_falsi);
        // Now and then the middle, whatever the margins look like.
        let halves = self.tried.is_multiple_of(tuning.root_halving) || !part.is_finite();
        let [least, most] = tuning.root_steps;
        Some(libm::expf(fails.ln_h + width * if halves { 0.5 } else { clip(part, least, most) }))
    }
}
