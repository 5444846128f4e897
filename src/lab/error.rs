//! What can go wrong in training.

use crate::feed::FeedError;
use thiserror::Error;

/// Why a network was not trained.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A recipe that cannot be followed.
    #[error("{0}")]
    Recipe(String),
    /// The loss became NaN or infinite.
    #[error("the loss was {loss} in epoch {epoch}; a smaller --rate may help")]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The mean loss.
        loss: f64,
    },
    /// A step, or the search for an adversarial example, was refused.
    #[error(transparent)]
    Step(#[from] FeedError),
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        TrainError::Step(error.into())
    }
}
