//! Questions in, answers and pictures out: all that the page shows, as a function of data and of a clock.
//!
//! [`message`] is what the page and the engine say to each other. Nothing here knows of a browser: `web` carries the messages, and
//! native tests drive the same engine.

pub mod message;
