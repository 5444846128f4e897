//! How good a network is on digits that it does not learn from, found out a little at a time.

use crate::{
    LABELS, PIXELS,
    attack::{Attack, AttackError, Goal, Options},
    idx::Digits,
    network::{Mlp, kernel::Evaluator, label, probabilities},
};
use std::sync::Arc;

/// What held-out digits say of the weights of one moment.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Measures {
    /// The step of training that the weights are of.
    pub step: u32,
    /// The share of the held-out digits that is misclassified, from 0 to 1.
    pub error: f32,
    /// Their mean cross-entropy.
    pub loss: f32,
    /// The mean minimal distortion, ‖r‖₂/√784, over those of the sample that are classified correctly: the smallest of nine searches,
    /// one for each other label. 0 if there is none.
    pub distortion: f32,
}

/// One pass over the held-out digits.
pub(super) struct Evaluation {
    network: Arc<Mlp>,
    evaluator: Evaluator,
    attack: Attack,
    step: u32,
    /// Digits classified so far, and searches made: ten for each digit, of which one is to its own label and finds nothing.
    seen: usize,
    searched: usize,
    /// The smallest ‖r‖₂ of the digit that is searched now.
    nearest: f32,
    wrong: usize,
    loss: f64,
    norms: f64,
    found: usize,
}

/// Digits classified, and searches made, in one go: together about as long as a tenth of a step of training.
const CLASSIFIED: usize = 80;
const SEARCHED: usize = 4;

impl Evaluation {
    /// Begins a pass for the weights of this step.
    pub(super) fn new(network: Arc<Mlp>, step: u32) -> Self {
        Evaluation {
            evaluator: Evaluator::new(network.clone()),
            attack: Attack::new(network.clone(), Options::default()),
            network,
            step,
            seen: 0,
            searched: 0,
            nearest: f32::INFINITY,
            wrong: 0,
            loss: 0.0,
            norms: 0.0,
            found: 0,
        }
    }

    /// The network that is judged.
    pub(super) fn network(&self) -> &Arc<Mlp> {
        &self.network
    }

    /// A few more digits, searches for the first `sample` of them; the measures once all were seen.
    pub(super) fn go_on(&mut self, digits: &Digits, sample: usize) -> Result<Option<Measures>, AttackError> {
        for (image, truth) in some(digits, self.seen, CLASSIFIED) {
            let logits = self.evaluator.logits(&image);
            self.wrong += usize::from(label(logits) != truth);
            self.loss -= f64::from(probabilities(logits)[truth].max(f32::MIN_POSITIVE).ln());
            self.seen += 1;
        }
        let searches = LABELS * sample.min(digits.len());
        for _ in self.searched..searches.min(self.searched + SEARCHED) {
            self.search(digits)?;
        }
        let is_done = self.seen >= digits.len() && self.searched >= searches;
        Ok(is_done.then(|| Measures {
            step: self.step,
            error: (self.wrong as f64 / self.seen.max(1) as f64) as f32,
            loss: (self.loss / self.seen.max(1) as f64) as f32,
            distortion: (self.norms / self.found.max(1) as f64 / (PIXELS as f64).sqrt()) as f32,
        }))
    }

    /// The next search; after a digit's last, the smallest of its perturbations counts.
    fn search(&mut self, digits: &Digits) -> Result<(), AttackError> {
        let (index, target) = (self.searched / LABELS, self.searched % LABELS);
        self.searched += 1;
        for (image, truth) in some(digits, index, 1).filter(|(_, truth)| *truth != target) {
            match self.attack.start(&image, Goal::Target(target)) {
                Err(AttackError::AlreadyTarget(_)) => continue,
                started => started?,
            }
            let outcome = self.attack.run().filter(|found| found.prediction == truth && found.norm > 0.0);
            self.nearest = self.nearest.min(outcome.map_or(f32::INFINITY, |found| found.norm));
        }
        if target + 1 == LABELS {
            let nearest = std::mem::replace(&mut self.nearest, f32::INFINITY);
            if nearest.is_finite() {
                self.norms += f64::from(nearest);
                self.found += 1;
            }
        }
        Ok(())
    }
}

/// At most `count` digits from `first` on.
fn some(digits: &Digits, first: usize, count: usize) -> impl Iterator<Item = ([f32; PIXELS], usize)> {
    let labels = digits.labels().as_slice().iter().enumerate().skip(first).take(count);
    labels.filter_map(|(index, &label)| Some((digits.images().get(index)?, usize::from(label))))
}
