//! Hard-negative mining: the digits that a network lets go for the least distortion.

use crate::{
    attack::{Attack, AttackError, Options},
    idx::Digits,
    network::Mlp,
};
use std::sync::Arc;

/// A digit that little changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Hard {
    /// Which of the training digits.
    pub digit: usize,
    /// Its label, which the network predicts.
    pub label: usize,
    /// What it becomes.
    pub to: usize,
    /// ‖r‖₂ of the smallest r found.
    pub norm: f32,
    /// x + r, 784 pixels.
    pub adversarial: Vec<f32>,
}

/// The smallest ‖r‖₂ last seen of every training digit, however long ago.
pub(super) struct Ledger {
    norms: Vec<f32>,
}

impl Ledger {
    /// Nothing is known of any digit.
    pub(super) fn new(digits: usize) -> Self {
        Ledger { norms: vec![f32::INFINITY; digits] }
    }

    /// Notes a norm; none for a digit that is misclassified as it is.
    pub(super) fn note(&mut self, digit: usize, norm: Option<f32>) {
        self.norms[digit] = norm.unwrap_or(f32::INFINITY);
    }

    /// The `count` hardest digits of `network`, hardest first: half as many again are searched anew, those of the smallest norms known,
    /// which are corrected by it.
    pub(super) fn hardest(
        &mut self,
        network: Arc<Mlp>,
        digits: &Digits,
        count: usize,
    ) -> Result<Vec<Hard>, AttackError> {
        let mut candidates: Vec<usize> = (0..self.norms.len()).filter(|&digit| self.norms[digit].is_finite()).collect();
        candidates.sort_unstable_by(|&a, &b| self.norms[a].total_cmp(&self.norms[b]));
        candidates.truncate(count + count / 2);
        let mut attack = Attack::new(network, Options::default());
        let mut found = Vec::new();
        for digit in candidates {
            let Some(image) = digits.images().get(digit) else { continue };
            let label = usize::from(digits.labels().as_slice()[digit]);
            let mut hard: Option<Hard> = None;
            attack.run_all(&image, |to, outcome, attack| {
                let is_nearer = hard.as_ref().is_none_or(|hard| outcome.norm < hard.norm);
                if outcome.prediction == label && outcome.norm > 0.0 && is_nearer {
                    hard =
                        Some(Hard { digit, label, to, norm: outcome.norm, adversarial: attack.adversarial().to_vec() });
                }
            })?;
            self.note(digit, hard.as_ref().map(|hard| hard.norm));
            found.extend(hard);
        }
        found.sort_by(|a, b| a.norm.total_cmp(&b.norm));
        found.truncate(count);
        Ok(found)
    }
}
