//! Every member of the workspace by itself, with each set of features that means something: what compiles only because another member
//! turns a feature on does not compile here.
//!
//! The modules of the page are not in the table, as building the page compiles each of them by itself, nor is libFuzzer's program, which
//! the suite `commands` runs.

use crate::process::{Result, run};
use crate::test::cargo;
use std::path::Path;

/// A package, and features of it, without its default ones.
const SETS: [(&str, &str); 11] = [
    ("pockets", ""),
    ("pockets", "sequential"),
    ("pockets", "sections"),
    ("pockets", "import"),
    ("pockets", "import,sections"),
    ("pockets", "feed"),
    ("pockets", "feed,sections"),
    ("pockets", "lab"),
    ("pockets", "lab,sections"),
    ("pockets-fuzz", ""),
    ("xtask", ""),
];

/// Checks each set: the library and its programs, to the end, and says which did not compile.
pub fn test(root: &Path) -> Result<()> {
    let mut failed = Vec::new();
    for (package, features) in SETS {
        eprintln!("-- {package}, features: {}", if features.is_empty() { "none" } else { features });
        let mut check = cargo(root);
        check.args(["check", "--quiet", "--package", package, "--no-default-features"]);
        check.args(["--features", features]);
        failed.extend(run(&mut check, &format!("Checking {package} with the features `{features}`")).err());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join(" ")) }
}
