//! Step 2, bracket: a weight whose minimiser fails, and one whose minimiser succeeds.
//!
//! The margin of the minimiser grows with the weight h = 1/(2c). The largest c that succeeds is the smallest h at which
//! that margin is not negative: a root over ln h.

use super::tuning::Tuning;
use crate::vector::clip;

/// A minimiser that was judged: its weight, and its margin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub ln_h: f32,
    /// In logits; negative if it fails.
    pub margin: f32,
}

/// The closest minimisers on either side of the root.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bracket {
    fails: Option<Judged>,
    succeeds: Option<Judged>,
    last_succeeded: Option<bool>,
    /// ln h of the first, and of the last.
    first: Option<f32>,
    last: f32,
    /// The least change of ln h; it grows, whatever the estimates say.
    stride: f32,
}

impl Bracket {
    /// Whether no minimiser has been judged yet.
    pub(super) fn is_empty(&self) -> bool {
        self.last_succeeded.is_none()
    }

    /// The ends, once there are both: the one that fails, and the one that succeeds.
    pub(super) fn ends(&self) -> Option<[Judged; 2]> {
        Some([self.fails?, self.succeeds?])
    }

    /// The largest c known to succeed and the smallest known to fail.
    pub(super) fn of_c(&self) -> (Option<f32>, Option<f32>) {
        let c = |end: Option<Judged>| end.map(|end| 0.5 * libm::expf(-end.ln_h));
        (c(self.succeeds), c(self.fails))
    }

    /// Takes the minimiser for `weight` as an end. By the Illinois rule an end that stays a second time counts half (M.
    /// Dowell and P. Jarratt, *A modified regula falsi method*, BIT 11, 1971).
    pub(super) fn note(&mut self, weight: f32, succeeds: bool, margin: f32) {
        let here =
            Judged { ln_h: libm::logf(weight), margin: if succeeds { margin } else { margin.min(-f32::EPSILON) } };
        let [this, other] = match succeeds {
            true => [&mut self.succeeds, &mut self.fails],
            false => [&mut self.fails, &mut self.succeeds],
        };
        *this = Some(here);
        if let Some(other) = other.as_mut().filter(|_| self.last_succeeded == Some(succeeds)) {
            other.margin *= 0.5;
        }
        self.last_succeeded = Some(succeeds);
        self.first.get_or_insert(here.ln_h);
        self.last = here.ln_h;
    }

    /// The next weight while there is but one end: by the estimate, within strides. None if even an enormous one fails.
    pub(super) fn next(&mut self, estimate: Option<f32>, tuning: &Tuning) -> Option<f32> {
        let [least, usual, most] = tuning.bracket_strides;
        self.stride = clip(tuning.bracket_growth * self.stride, least, most);
        let estimate = estimate.map(libm::logf).filter(|e| e.is_finite());
        let (here, stride) = (self.last, self.stride);
        let next = match self.fails {
            None => clip(estimate.unwrap_or(here - usual), here - most, here - stride),
            Some(_) => clip(estimate.unwrap_or(here + usual), here + stride, here + most),
        };
        let first = self.first.unwrap_or(here);
        if next > first + tuning.bracket_reach { None } else { Some(libm::expf(next)) }
    }
}
