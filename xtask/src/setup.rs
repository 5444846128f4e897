//! Set-up: finds what a command needs on this machine, and installs what is missing.
//!
//! A tool that is on the PATH in the right version is used. What is missing is installed into the per-user [cache](crate::cache),
//! or, by root on Debian, as a system package. Nothing ever asks a question, and a machine that has everything is not touched.

mod browser;
mod debian;
mod node;
mod toolchain;
mod tools;

pub use browser::Browser;
pub use node::Node;
pub use toolchain::Toolchain;
pub use tools::{Trunk, WasmBindgen, WasmOpt};

/// Announces an installation: what is missing, what it is for, and how long getting it usually takes.
fn announce(what: &str, purpose: &str, usually: &str) {
    eprintln!("  Installing {what} ({purpose}); this usually takes {usually} …");
}
