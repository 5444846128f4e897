//! Which modules of the page a module leads to.

use std::path::Path;
use std::{fs, io};

/// The ways to name another module of the same folder; the last is loaded only when it is wanted.
const OPENINGS: [&str; 3] = ["from './", "import './", "import('./"];

/// What is followed.
#[derive(Clone, Copy, PartialEq)]
pub enum Imports {
    /// What is loaded with the module.
    Static,
    /// What it may load later, too.
    All,
}

/// The modules in `folder` that the entries lead to, the entries first.
pub fn imported(folder: &Path, entries: &[&str], imports: Imports) -> io::Result<Vec<String>> {
    let mut modules: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
    let openings = if imports == Imports::All { &OPENINGS[..] } else { &OPENINGS[..2] };
    let mut next = 0;
    while let Some(module) = modules.get(next) {
        let text = fs::read_to_string(folder.join(module))?;
        next += 1;
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['*', '/'])) {
            for opening in openings {
                let name = line.split_once(opening).and_then(|(_, rest)| rest.split_once('\''));
                match name {
                    Some((name, _)) if !modules.iter().any(|known| known == name) => modules.push(name.to_owned()),
                    _ => {}
                }
            }
        }
    }
    Ok(modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_followed_through_modules_and_those_for_later_only_when_asked_for() {
        let folder = std::env::temp_dir().join(format!("xtask-modules-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = [
            ("a.js", "import { b } from './b.js';\nconst d = () => import('./d.js');\n"),
            ("b.js", "/** @import { E } from './e.js' */\nimport './c.js';\nimport './a.js';\n"),
            ("c.js", ""),
            ("d.js", ""),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        assert_eq!(imported(&folder, &["a.js"], Imports::Static).unwrap(), ["a.js", "b.js", "c.js"]);
        assert_eq!(imported(&folder, &["a.js"], Imports::All).unwrap(), ["a.js", "b.js", "d.js", "c.js"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
