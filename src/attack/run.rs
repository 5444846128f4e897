//! Whole searches: one, and one for each of the nine other labels.

use super::{Attack, AttackError, Goal, Outcome};
use crate::LABELS;

impl Attack {
    /// Steps to the end.
    pub fn run(&mut self) -> Option<Outcome> {
        while self.step() {}
        self.outcome
    }

    /// Searches for each of the nine labels that the network does not predict for `image`, in order. `found` is given the
    /// label, its outcome, and this search as it ended.
    pub fn run_all(
        &mut self,
        image: &[f32],
        mut found: impl FnMut(usize, Outcome, &Attack),
    ) -> Result<(), AttackError> {
        for target in 0..LABELS {
            match self.start(image, Goal::Target(target)) {
                Err(AttackError::AlreadyTarget(_)) => continue,
                started => started?,
            }
            if let Some(outcome) = self.run() {
                found(target, outcome, self);
            }
        }
        Ok(())
    }
}
