//! candle: training and batch experiments. Native only, never on the page.

pub mod mnist;
pub mod recipe;
pub mod train;
