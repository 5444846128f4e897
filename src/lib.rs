//! # Pockets
//!
//! The smallest change `r` that makes a network read a digit as something else
//! (Szegedy et al. 2013, *Intriguing properties of neural networks*, section 4):
//!
//! ```text
//! minimise ‖r‖₂   subject to   f(x + r) = l,   x + r ∈ [0, 1]^784
//! ```
//!
//! Strokes become a digit, the digit and a target become a search, the search's
//! every step becomes pixels. Data flows one way; nothing on the left knows what
//! is on its right:
//!
//! ```text
//! strokes ─► Digit ─► Network ─► Attack (over c) ──► Outcome ─► canvases, readouts
//! (digit)             ▲  ▲         │   ▲                        (web)
//!          safetensors│  │         ▼   │ one loss and gradient a step
//!            (network)┘  └─────── Minimizer (lbfgs)
//! ```
#![deny(missing_docs)]

pub mod attack;
pub mod certify;
pub mod colours;
mod decimal;
pub mod digit;
pub mod engine;
pub mod experiment;
#[cfg(feature = "feed")]
pub mod feed;
pub mod idx;
#[cfg(feature = "import")]
pub mod import;
#[cfg(feature = "import")]
pub mod importer;
#[cfg(feature = "lab")]
pub mod lab;
pub mod lbfgs;
pub mod network;
pub mod pack;
#[cfg(feature = "lab")]
pub mod pen;
pub mod picture;
pub mod studio;
#[cfg(test)]
mod typescript;
mod vector;
#[cfg(target_arch = "wasm32")]
pub mod web;
pub mod wire;

/// Pixels along one side of an image.
pub const SIDE: usize = 28;
/// Pixels of an image, the inputs of every network here.
pub const PIXELS: usize = SIDE * SIDE;
/// Labels, the outputs of every network here.
pub const LABELS: usize = 10;
