//! candle: training and batch experiments. Native only, never on the page.

mod autoencoder;
mod backfeeding;
pub mod mnist;
pub mod recipe;
pub mod reproduce;
pub mod train;
