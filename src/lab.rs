//! candle: training and batch experiments. Native only, never on the page.

mod autoencoder;
mod backfeeding;
pub mod convolutional;
mod error;
pub mod mnist;
mod patches;
pub mod pens;
pub mod recipe;
pub mod reproduce;
mod schedule;
pub mod train;
