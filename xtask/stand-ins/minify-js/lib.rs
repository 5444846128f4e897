//! JavaScript as it is.

use std::convert::Infallible;

/// Whether a script is a module.
#[derive(Clone, Copy)]
pub enum TopLevelMode {
    Global,
    Module,
}

pub struct Session;

impl Session {
    #[allow(clippy::new_without_default, reason = "as the crate that this stands in for has it")]
    pub fn new() -> Self {
        Self
    }
}

pub fn minify(_: &Session, _: TopLevelMode, script: &[u8], out: &mut Vec<u8>) -> Result<(), Infallible> {
    out.extend_from_slice(script);
    Ok(())
}
