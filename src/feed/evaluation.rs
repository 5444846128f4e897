//! How good a network is on digits that it does not learn from, found out a little at a time.

use crate::{
    PIXELS,
    attack::{Attack, AttackError, Goal, Options},
    idx::Digits,
    network::{Mlp, kernel::Evaluator, label, probabilities},
};
use std::sync::Arc;

/// What held-out digits say of the weights of one moment.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measures {
    /// The step of training that the weights are of.
    pub step: u32,
    /// The share of the held-out digits that is misclassified, from 0 to 1.
    pub error: f32,
    /// Their mean cross-entropy.
    pub loss: f32,
    /// The mean minimal distortion, ‖r‖₂/√784, to the nearest other label, over those of the sample that are classified correctly;
    /// 0 if there is none.
    pub distortion: f32,
}

/// One pass over the held-out digits.
pub(super) struct Evaluation {
    network: Arc<Mlp>,
    evaluator: Evaluator,
    attack: Attack,
    step: u32,
    /// Digits looked at so far, and how many searches were begun.
    seen: usize,
    searched: usize,
    wrong: usize,
    loss: f64,
    norms: f64,
    found: usize,
}

/// Digits classified, and digits searched, in one go: together about as long as a tenth of a step of training.
const CLASSIFIED: usize = 50;
const SEARCHED: usize = 2;

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
        let sample = sample.min(digits.len());
        for (image, truth) in some(digits, self.searched, SEARCHED.min(sample - self.searched)) {
            self.attack.start(&image, Goal::Any)?;
            if let Some(found) = self.attack.run().filter(|found| found.prediction == truth && found.norm > 0.0) {
                self.norms += f64::from(found.distortion());
                self.found += 1;
            }
            self.searched += 1;
        }
        let is_done = self.seen >= digits.len() && self.searched >= sample;
        Ok(is_done.then(|| Measures {
            step: self.step,
            error: (self.wrong as f64 / self.seen.max(1) as f64) as f32,
            loss: (self.loss / self.seen.max(1) as f64) as f32,
            distortion: (self.norms / self.found.max(1) as f64) as f32,
        }))
    }
}

/// At most `count` digits from `first` on.
fn some(digits: &Digits, first: usize, count: usize) -> impl Iterator<Item = ([f32; PIXELS], usize)> {
    let labels = digits.labels().as_slice().iter().enumerate().skip(first).take(count);
    labels.filter_map(|(index, &label)| Some((digits.images().get(index)?, usize::from(label))))
}
