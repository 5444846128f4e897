//! Hours of use in minutes: tests/page/soak.mjs.

use crate::process::{Result, run};
use crate::{page, site, test};
use std::path::Path;

/// Draws, chooses and rests on the finished page, so many times, and fails where anything grows or a result is not that of its question.
pub fn soak(root: &Path, options: &[String]) -> Result<()> {
    let steps = match options {
        [] => "10000",
        [option, value] if option == "--steps" && value.parse::<u32>().is_ok() => value,
        _ => return Err("soak has only the option --steps N.".to_owned()),
    };
    site::build(root)?;
    let answers = test::answers(root)?;
    let mut script = page::script(root, "soak.mjs")?;
    run(script.arg(steps).env("POCKETS_ANSWERS", answers), "The soak test")
}
