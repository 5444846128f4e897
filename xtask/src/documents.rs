//! What the documents name is there: files that are linked or written as code, headings, and no trace of an unfinished merge. And each
//! command of ours that they name is run by a suite.

use crate::commands;
use crate::process::Result;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where documents are. Links lead from where they stand; files that are written as code are looked for in the root and in `src`.
const FOLDERS: [&str; 7] =
    ["", "docs", "npm", "peers", "tests/fixtures", "tests/fixtures/lbfgs", "tests/fixtures/reference"];

/// Those of them whose documents name commands that have to be run.
const COMMANDS: [&str; 2] = ["", "docs"];

/// Every document's faults, in one message.
pub fn check(root: &Path) -> Result<()> {
    let mut wrong = Vec::new();
    for folder in FOLDERS {
        let documents = documents(&root.join(folder)).map_err(|error| format!("{folder}: {error}."))?;
        for path in documents {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}.", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            let mut faults = faults(root, name, &text);
            if COMMANDS.contains(&folder) {
                let unknown = commands::unknown(&text).into_iter();
                faults.extend(unknown.map(|command| format!("no suite runs `{command}` (xtask/src/commands.rs)")));
            }
            wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", name.display())));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}.", wrong.join(".\n"))) }
}

fn documents(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What is wrong with a document of this name, relative to the root.
fn faults(root: &Path, name: &Path, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line == *mark || line.starts_with(&format!("{mark} "))) {
            wrong.push(format!("line {number} is left of a merge"));
        }
    }
    for target in between(text, "](", ")").filter(|target| !target.contains(':')) {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = root.join(name).with_file_name(file);
        let is_there = match (file, heading) {
            ("", heading) => has_heading(text, heading),
            (_, "") => path.exists(),
            (_, heading) => fs::read_to_string(&path).is_ok_and(|text| has_heading(&text, heading)),
        };
        if !is_there {
            wrong.push(format!("the link to {target} leads nowhere"));
        }
    }
    let places = [root.to_owned(), root.join("src")];
    for code in between(text, "`", "`").filter(|code| is_path(code)) {
        let begins = code.split('/').next().unwrap_or(code);
        let is_ours = places.iter().any(|folder| folder.join(begins).is_dir());
        if is_ours && !places.iter().any(|folder| folder.join(code).exists()) {
            wrong.push(format!("there is no `{code}`"));
        }
    }
    wrong
}

/// Whatever stands between these two marks on one line; after a second mark the search goes on.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().flat_map(move |line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            let (inside, after) = rest.split_once(open)?.1.split_once(close)?;
            rest = after;
            Some(inside)
        })
    })
}

/// Whether code may be the name of a file or folder: plain words with strokes between, and nothing left open. It is ours if it begins
/// with a folder that is there.
fn is_path(code: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    code.chars().all(is_plain) && code.starts_with(|c: char| c.is_ascii_lowercase()) && code.contains('/')
}

/// Whether a link may name this after `#`: a heading as most viewers have it.
fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix('#')).any(|heading| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).eq(anchor.chars())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        faults(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap(), Path::new("docs/testing.md"), text)
    }

    #[test]
    fn this_projects_documents_have_no_faults() {
        assert_eq!(check(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()), Ok(()));
    }

    #[test]
    fn what_is_there_may_be_named() {
        let good = "# One: a `b`\n[a](architecture.md), [b](../README.md#run-it), [c](#one-a-b), [d](https://a.b/c)\n\
                    `src/lib.rs`, `network/lanes.rs`, `tests/page/*.test.mjs`, `a / b`, `‖r‖/σ`, `--json`, `some-package/element`\n";
        assert_eq!(of(good), [""; 0]);
    }

    #[test]
    fn what_is_not_there_is_told() {
        let bad = "<<<<<<< HEAD\n[a](gone.md) and [b](architecture.md#gone)\n=======\nsee `src/gone.rs`, `src/lib.rs`\n>>>>>>> other\n";
        assert_eq!(
            of(bad),
            [
                "line 1 is left of a merge",
                "line 3 is left of a merge",
                "line 5 is left of a merge",
                "the link to gone.md leads nowhere",
                "the link to architecture.md#gone leads nowhere",
                "there is no `src/gone.rs`",
            ]
        );
    }
}
