//! The WebAssembly module that reads other people's files: the library with what that needs, and what it exports.
#![no_main]
use library as _;
