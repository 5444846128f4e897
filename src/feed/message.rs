//! The protocol: everything that the page and the trainer's Worker say to each other.
//!
//! `www/training.d.ts` is generated from it. In JavaScript an enum's variant is an object with one property, `{ "attack": { … } }`, or where it has no fields a string;
//! [`Floats`] is a `Float32Array` and [`Bytes`] a `Uint8Array`. Images are 28×28 values in [0, 1], row by row, ink high. `before`
//! is the network as it was given, `after` the network as it is now.

use super::{evaluation::Measures, trainer::Options};
pub use crate::wire::{Bytes, Floats};
use crate::{attack::Outcome, network::Activation};
use serde::{Deserialize, Serialize};

/// What the page says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// The digits to train on and those to judge by, packed (see [`super::pack`]); needed before anything else.
    Digits {
        /// What networks learn from.
        train: Bytes,
        /// What they are judged by.
        test: Bytes,
    },
    /// Begins to train a network on its own adversarial examples; whatever was trained before is dropped.
    Harden {
        /// A safetensors file.
        network: Bytes,
        /// How; as [`Options::harden`] if left out.
        options: Option<Options>,
    },
    /// Begins to train a new network; whatever was trained before is dropped.
    Scratch {
        /// The hidden layers' widths.
        hidden: Vec<usize>,
        /// The hidden layers' non-linearity.
        activation: Activation,
        /// λ of the weight decay, which goes before that of the options.
        decay: f64,
        /// How; as [`Options::scratch`] if left out.
        options: Option<Options>,
    },
    /// Goes on from a checkpoint that an earlier Worker sent.
    Continue {
        /// The checkpoint.
        checkpoint: Saved,
    },
    /// Rests until [`Request::Resume`].
    Pause,
    /// Goes on after [`Request::Pause`].
    Resume,
    /// Ends training; the network stays as it is now.
    Cancel,
    /// Ends training and forgets what was learned: both networks are the one from before.
    Reset,
    /// Asks for the network as it is now.
    Snapshot,
    /// Asks for the smallest changes that make both networks misclassify an image.
    Attack {
        /// The number of this request, which the response repeats.
        id: u32,
        /// The image.
        image: Floats,
        /// The label to reach; the nearest of the nine others if left out.
        target: Option<usize>,
    },
    /// Asks for the network as it is now, as a file for the visitor.
    Download,
}

/// A checkpoint on its way: networks as safetensors files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Saved {
    /// Steps made.
    pub step: u32,
    /// The last good weights.
    pub weights: Bytes,
    /// The network before any step.
    pub before: Bytes,
    /// How it is trained.
    pub options: Options,
}

/// What the Worker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Response {
    /// The Worker has started.
    Ready,
    /// How training stands, after every slice of work and every request that changes it.
    Progress {
        /// What it does.
        state: State,
        /// Steps made.
        step: u32,
        /// Steps in all.
        steps: u32,
        /// The smoothed loss.
        loss: f32,
        /// Images learned from in a second of training, adversarial examples included; 0 before that is known.
        speed: f32,
        /// Milliseconds of training that remain, as far as can be told.
        remaining: Option<f64>,
    },
    /// What held-out digits say; the first is of the network before any step.
    Measured(Measures),
    /// The digits that the present weights let go for the least distortion, hardest first.
    Gallery {
        /// Them.
        digits: Vec<Digit>,
    },
    /// What is needed to go on, should this Worker end: to be kept until the next.
    Checkpoint(Saved),
    /// The answer to [`Request::Snapshot`]: a safetensors file.
    Snapshot {
        /// The step that the weights are of.
        step: u32,
        /// The file.
        network: Bytes,
    },
    /// The answer to [`Request::Attack`].
    Attacked {
        /// The number of the request.
        id: u32,
        /// The step that the present weights are of.
        step: u32,
        /// On the network from before.
        before: Side,
        /// On the present one.
        after: Side,
    },
    /// The answer to [`Request::Download`].
    Download {
        /// A name for the file.
        name: String,
        /// A safetensors file.
        network: Bytes,
    },
    /// Why a request was not met, or training stopped; the last good weights stay.
    Failed {
        /// In a sentence.
        message: String,
    },
}

/// What training does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There is none.
    #[default]
    Idle,
    /// It goes on.
    Running,
    /// It rests until it is resumed.
    Paused,
    /// It was ended, by the page or by a failure.
    Stopped,
    /// All steps are made.
    Done,
}

/// A search on one of the two networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Side {
    /// What this network predicts of x.
    pub prediction: usize,
    /// How the search ended; none if the network predicts the target already.
    pub outcome: Option<Found>,
    /// r; empty without an outcome.
    pub r: Floats,
    /// What the other network predicts of this x + r.
    pub transfer: usize,
}

/// What is shown of an [`Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Found {
    /// Whether r reaches the goal.
    pub success: bool,
    /// What the network predicts of x + r.
    pub label: usize,
    /// ‖r‖₂.
    pub norm: f32,
    /// ‖r‖₂/√784.
    pub distortion: f32,
}

impl From<Outcome> for Found {
    fn from(outcome: Outcome) -> Self {
        let success = outcome.ending == crate::attack::Ending::Success;
        Found { success, label: outcome.label, norm: outcome.norm, distortion: outcome.distortion() }
    }
}

/// A digit of the gallery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Digit {
    /// Which of the training digits.
    pub digit: usize,
    /// Its label.
    pub label: usize,
    /// What it becomes.
    pub to: usize,
    /// ‖r‖₂.
    pub norm: f32,
    /// x.
    pub image: Floats,
    /// x + r.
    pub adversarial: Floats,
}
