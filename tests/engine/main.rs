//! The whole engine on a clock of the test's own: every question against the functions that it is made of, and whose turn it is.

mod driver;
mod figures;
mod properties;
mod turns;
