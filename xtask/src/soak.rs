//! Hours of use in minutes: tests/page/soak.mjs.

use crate::process::{Result, run};
use crate::{page, site, test};
use std::path::Path;

/// Of the order in which things are done.
const SEED: &str = "1";

/// Draws, chooses and rests on the finished page, so many times, and fails where anything grows or a result is not that of its question.
pub fn soak(root: &Path, options: &[String]) -> Result<()> {
    let (mut steps, mut rest) = ("10000", "60");
    for option in options.chunks(2) {
        match option {
            [name, value] if name == "--steps" && value.parse::<u32>().is_ok() => steps = value,
            [name, value] if name == "--rest" && value.parse::<u32>().is_ok() => rest = value,
            _ => return Err("soak has only the options --steps N and --rest SECONDS.".to_owned()),
        }
    }
    site::build(root)?;
    let answers = test::answers(root)?;
    let mut script = page::script(root, "soak.mjs")?;
    run(script.args([steps, SEED, rest]).env("POCKETS_ANSWERS", answers), "The soak test")
}
