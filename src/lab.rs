//! candle: training and batch experiments. Native only, never on the page.

mod autoencoder;
mod backfeeding;
mod error;
pub mod mnist;
pub mod recipe;
pub mod reproduce;
mod schedule;
pub mod train;
