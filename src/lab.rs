//! candle: training and batch experiments. Native only, never on the page.
