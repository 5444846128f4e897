//! Feed it back: a network learns from its own adversarial examples, a step at a time (section 4.2 of the paper).
//!
//! The training step is candle's (automatic differentiation, AdamW); the examples are made by this project's own search, against the
//! weights of the moment. Nothing here knows a clock or a page, so that the page's Worker, `lab` and the tests drive the same code.

mod average;
mod evaluation;
mod file;
mod gallery;
pub mod message;
mod objective;
mod pool;
mod product;
mod session;
mod trainable;
mod trainer;

pub use crate::pack;
pub use evaluation::Measures;
pub use file::to_safetensors;
pub use gallery::Hard;
pub use session::Session;
pub use trainer::{Checkpoint, Data, Options, Progress, Trainer};

#[cfg(feature = "lab")]
pub(crate) use pool::{Kind, Pool};
#[cfg(feature = "lab")]
pub(crate) use product::Batch;
#[cfg(feature = "lab")]
pub(crate) use trainable::{Inputs, Trainable};
#[cfg(feature = "lab")]
pub(crate) use trainer::moved;

use crate::{attack::AttackError, network::NetworkError};
use thiserror::Error;

/// Why training did not go on. Each message is for the person who started it.
#[derive(Debug, Error)]
pub enum FeedError {
    /// candle refused an operation.
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
    /// The weights are no network: a shape, or a number that is not finite.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// No adversarial example could be made of a digit.
    #[error(transparent)]
    Attack(#[from] AttackError),
    /// A file that holds no packed digits.
    #[error(transparent)]
    Digits(#[from] pack::PackError),
    /// The loss or a weight was no finite number any more.
    #[error("training diverged at step {step}; the last good weights are back, and a smaller rate may help")]
    Diverged {
        /// The step.
        step: u32,
    },
    /// Hidden layers that are not offered.
    #[error("a new network has at most {deepest} hidden layers, each of 1 to {widest} units")]
    Shape {
        /// The most hidden layers.
        deepest: usize,
        /// The widest of them.
        widest: usize,
    },
    /// Nothing to learn from, to be judged by, or to do.
    #[error("training needs digits to learn from, digits to be judged by, and at least one step of at least one digit")]
    Empty,
    /// A request that came before the digits.
    #[error("the digits to train on have not arrived yet")]
    NoDigits,
    /// A request that came before any network.
    #[error("no network has been trained here yet")]
    NoNetwork,
}
