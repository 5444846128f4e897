//! The search over c: which weight h = 1/(2c) of the loss to try next.
//!
//! The margin of the minimiser grows with h. The largest c that succeeds is the
//! smallest h at which the margin is not negative: a root, found by bracketing and
//! then regula falsi on ln h with the Illinois rule (M. Dowell and P. Jarratt, *A
//! modified regula falsi method*, BIT 11, 1971), unless an estimate from the
//! boundary's tangent falls inside the bracket.

use crate::vector::clip;

/// The bracket is closed when c is known this well, relatively.
const CLOSED: f32 = 0.01;
/// No weight beyond e to this power of the first one is tried.
const REACH: f32 = 10.0;

/// What to do after a minimiser was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// Minimise for this h.
    Try(f32),
    /// The smallest h that succeeds is known well enough.
    Closed,
    /// Even an enormous h does not reach the goal.
    OutOfReach,
}

/// (ln h, margin) of the closest minimisers on either side of the root.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WeightSearch {
    fails: Option<(f32, f32)>,
    succeeds: Option<(f32, f32)>,
    last_succeeded: Option<bool>,
    first: Option<f32>,
    /// The least change of ln h while there is no bracket; it grows, whatever the estimates say.
    stride: f32,
    /// Steps made within the bracket.
    closings: u32,
}

impl WeightSearch {
    /// Whether no minimiser has been judged yet.
    pub(super) fn is_open(&self) -> bool {
        self.last_succeeded.is_none()
    }

    /// Whether there is a bracket to close.
    pub(super) fn has_bracket(&self) -> bool {
        self.fails.is_some() && self.succeeds.is_some()
    }

    /// The largest c known to succeed and the smallest known to fail.
    pub(super) fn bracket_of_c(&self) -> (Option<f32>, Option<f32>) {
        let c = |side: Option<(f32, f32)>| side.map(|(ln_h, _)| 0.5 * libm::expf(-ln_h));
        (c(self.succeeds), c(self.fails))
    }

    /// Judges the minimiser for `h`. `margin` counts from the goal, `aim` is the margin wished for, `estimate` an h
    /// at which the tangent says that it is reached.
    pub(super) fn next(&mut self, h: f32, succeeded: bool, margin: f32, aim: f32, estimate: Option<f32>) -> Next {
        let here = libm::logf(h);
        let first = *self.first.get_or_insert(here);
        let margin = if succeeded { margin } else { margin.min(-f32::EPSILON) };
        if self.last_succeeded == Some(succeeded) {
            // The Illinois rule: an end that stays put counts half.
            let other = if succeeded { &mut self.fails } else { &mut self.succeeds };
            if let Some((_, margin)) = other {
                *margin *= 0.5;
            }
        }
        self.last_succeeded = Some(succeeded);
        let side = if succeeded { &mut self.succeeds } else { &mut self.fails };
        *side = Some((here, margin));
        let estimate = estimate.map(libm::logf).filter(|e| e.is_finite());
        self.stride = clip(1.5 * self.stride, 0.1, 3.0);
        let next = match (self.fails, self.succeeds) {
            (Some((low, low_margin)), Some((high, high_margin))) => {
                if high - low <= CLOSED {
                    return Next::Closed;
                }
                self.closings += 1;
                let falsi = (aim - low_margin) / (high_margin - low_margin);
                let part =
                    estimate.map(|e| (e - low) / (high - low)).filter(|p| (0.1..0.9).contains(p)).unwrap_or(falsi);
                // Every fourth step halves the bracket, whatever the margins look like.
                let halve = self.closings.is_multiple_of(4) || !part.is_finite();
                low + (high - low) * if halve { 0.5 } else { clip(part, 0.05, 0.95) }
            }
            (None, _) => clip(estimate.unwrap_or(here - 1.0), here - 3.0, here - self.stride),
            (_, None) => clip(estimate.unwrap_or(here + 1.0), here + self.stride, here + 3.0),
        };
        if next > first + REACH { Next::OutOfReach } else { Next::Try(libm::expf(next)) }
    }
}
