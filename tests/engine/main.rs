//! The whole engine on a clock of the test's own: every question against the functions that it is made of, and whose turn it is.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod convolutions;
mod driver;
mod figures;
mod properties;
mod studio;
mod turns;
mod weights;
