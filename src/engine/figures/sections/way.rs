//! From x through x + r and beyond, and x + r as a picture of 256 levels.

use super::{files, moved, reaches};
use crate::{
    LABELS,
    attack::Goal,
    engine::{
        message::{Bytes, Flip, Floats, Rounded, RoundingKind, Way},
        schedule::Work,
        stock::Loaded,
    },
    experiment::rounding::{self, Rounding},
    network::{label, probabilities},
};

/// The most places on a way.
const PLACES: u32 = 10_000;

/// The probabilities at `clip(x + t·r)` for `count` values of t, evenly from 0 to `until`.
pub(super) async fn way(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    r: &[f32],
    until: f32,
    count: u32,
) -> Result<Way, String> {
    if count > PLACES || !until.is_finite() {
        return Err("A way has 10,000 places at most, and an end.".into());
    }
    let step = until / count.saturating_sub(1).max(1) as f32;
    let mut way = Way {
        probabilities: Floats(Vec::with_capacity(count as usize * LABELS)),
        labels: Bytes(Vec::with_capacity(count as usize)),
        flip: None,
    };
    for k in 0..count {
        let t = k as f32 * step;
        let logits = network.logits(&moved(image, r, t));
        let label = label(&logits) as u8;
        way.probabilities.0.extend(probabilities(&logits));
        way.labels.0.push(label);
        if way.flip.is_none() && label != way.labels.0[0] {
            way.flip = Some(Flip { t, label: label.into() });
        }
        work.rest().await;
    }
    Ok(way)
}

/// x + r in 256 levels that the network still takes for the target.
pub(super) fn rounded(network: &Loaded, image: &[f32], r: &[f32], goal: Goal) -> Rounded {
    let prediction = network.label(image);
    let wanted = |label| reaches(goal, prediction, label);
    let found = rounding::round(&mut network.evaluator.borrow_mut(), image, r, wanted);
    let (rounding, scale) = match found.rounding {
        Rounding::Nearest => (RoundingKind::Nearest, 1.0),
        Rounding::Towards => (RoundingKind::Towards, 1.0),
        Rounding::Further(s) => (RoundingKind::Further, s),
        Rounding::Lost => (RoundingKind::Lost, 1.0),
    };
    Rounded { label: found.label as u32, norm: found.norm, rounding, scale, png: files::png(&found.levels) }
}
