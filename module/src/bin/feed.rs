//! The WebAssembly module of the trainer: the library with what that needs, and what it exports.
#![no_main]
use library as _;
