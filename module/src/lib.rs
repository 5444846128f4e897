//! The library as a WebAssembly module, with what its features bring: the page has one for the demo, one for the sections and one for
//! the trainer.
pub use library::*;
