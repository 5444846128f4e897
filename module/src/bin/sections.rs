//! The WebAssembly module of the sections below the demo: the library with what that needs, and what it exports.
#![no_main]
use library as _;
