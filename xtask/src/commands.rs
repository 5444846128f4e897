//! No command rots: each that the README or docs/ name, and each example, runs in its smallest form, or a suite runs it whole.
//!
//! The documents are tested to name no other: [`unknown`].

use crate::process::{self, Result, run};
use crate::{cache, test};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, fs, io};

/// A command of ours: the words that it begins with in the documents, and how it is run.
struct Named {
    words: &'static str,
    form: Form,
}

/// The smallest form of a command. `{out}` stands for a folder of its own, in which `answers.json` is a question to the engine.
enum Form {
    /// A suite of `cargo xtask test` runs it, or does the same.
    Suite(&'static str),
    /// What follows `cargo xtask`.
    Xtask(&'static str),
    /// What follows `cargo xtask`: until the page has been served once.
    Serve(&'static str),
    /// What follows `pockets`.
    Pockets(&'static str),
    /// An example, and what follows its name.
    Example(&'static str, &'static str),
}
use Form::{Example, Pockets, Serve, Suite, Xtask};

const NAMED: [Named; 35] = [
    Named { words: "cargo test", form: Suite("native") },
    Named { words: "node --test", form: Suite("page") },
    Named { words: "node tests/page/first-paint.mjs", form: Xtask("bench --json --brief") },
    Named { words: "trunk build", form: Suite("trunk") },
    Named { words: "trunk serve", form: Suite("trunk") },
    Named { words: "cargo xtask test", form: Suite("commands") },
    Named { words: "cargo xtask size", form: Suite("size") },
    Named { words: "cargo xtask --help", form: Xtask("--help") },
    Named { words: "cargo xtask serve", form: Serve("serve --port 0") },
    Named { words: "cargo xtask build", form: Xtask("build") },
    Named { words: "cargo xtask single-file", form: Xtask("single-file") },
    Named { words: "cargo xtask npm", form: Xtask("npm") },
    Named { words: "cargo xtask fuzz", form: Xtask("fuzz --minutes 0.02") },
    Named { words: "cargo xtask soak", form: Xtask("soak --steps 25 --rest 1") },
    Named { words: "cargo xtask coverage", form: Xtask("coverage --brief") },
    Named { words: "cargo xtask bench", form: Xtask("bench --json --brief") },
    Named { words: "cargo xtask bench --hardening", form: Xtask("bench --hardening --brief") },
    Named { words: "cargo xtask bench --training", form: Xtask("bench --training --brief") },
    Named { words: "pockets mnist", form: Pockets("mnist") },
    Named {
        words: "pockets train",
        form: Pockets("train fc10-1 --holdout --epochs 1 --out {out}/trained.safetensors"),
    },
    Named {
        words: "pockets train fc100-100-10-pens",
        form: Pockets("train fc100-100-10-pens --pen tests/fixtures/forms --epochs 1 --out {out}/pens.safetensors"),
    },
    Named {
        words: "pockets attack",
        form: Pockets(
            "attack --network tests/fixtures/reference/FC10_1e-4.safetensors --images tests/fixtures/mnist-300-images-idx3-ubyte \
             --labels tests/fixtures/mnist-300-labels-idx1-ubyte --count 1 --target best --reading both --thorough --certify 1 --json \
             {out}/attack.json",
        ),
    },
    Named {
        words: "pockets inspect",
        form: Pockets(
            "inspect tests/fixtures/imports/plain.pth --images tests/fixtures/mnist-300-images-idx3-ubyte --labels \
             tests/fixtures/mnist-300-labels-idx1-ubyte --activation tanh --input inverted --json",
        ),
    },
    Named {
        words: "pockets convert",
        form: Pockets("convert tests/fixtures/imports/functional.h5 {out}/converted.safetensors"),
    },
    Named {
        words: "pockets strokes",
        form: Pockets("strokes tests/fixtures/forms/forms.jsonl --network networks/FC100-100-10_pens.safetensors"),
    },
    Named { words: "pockets reproduce", form: Pockets("reproduce --quick --brief --out {out}/reproduction") },
    Named {
        words: "pockets pack",
        form: Pockets("pack networks/FC100-100-10_literal.safetensors {out}/packed.safetensors"),
    },
    Named { words: "pockets pack-digits", form: Pockets("pack-digits --out {out}") },
    Named { words: "cargo run --example answers", form: Example("answers", "{out}/answers.json") },
    Named {
        words: "cargo run --example certificates",
        form: Example("certificates", "5 1 any tests/fixtures/reference/FC10_1e-4.safetensors"),
    },
    Named { words: "cargo run --example digit", form: Example("digit", "") },
    Named { words: "cargo run --example evaluations", form: Example("evaluations", "1") },
    Named {
        words: "cargo run --example feed",
        form: Example("feed", "www/networks/FC100-100-10.safetensors steps=2 count=500 judged=50 sample=1 rest=2"),
    },
    Named { words: "cargo run --example test_digits", form: Example("test_digits", "{out}/test-1000.bin") },
    Named { words: "cargo run --example training", form: Example("training", "1") },
];

/// Runs every command that no other suite does, to the end, and says which of them failed.
pub fn test(root: &Path) -> Result<()> {
    let out = root.join("target/commands");
    cache::remove(&out).and_then(|()| fs::create_dir_all(&out)).map_err(|error| unwritable(&out, &error))?;
    fs::write(out.join("answers.json"), "[]").map_err(|error| unwritable(&out, &error))?;
    let mut compile = test::cargo(root);
    // As the native suite does: then there is nothing left to compile.
    run(compile.args(["build", "--workspace", "--bins", "--examples"]), "Compiling the command line and the examples")?;

    let mut done: Vec<String> = Vec::new();
    let mut failed = Vec::new();
    for Named { words, form } in &NAMED {
        let Some(mut command) = command(root, form, &out)? else {
            if let Suite(suite) = form {
                eprintln!("-- {words}: in the suite {suite}");
            }
            continue;
        };
        let shown = process::show(&command);
        if done.contains(&shown) {
            continue;
        }
        eprintln!("-- {words}: {shown}");
        let result = match form {
            Serve(_) => serves(&mut command),
            _ => run(command.stdout(Stdio::null()), words),
        };
        done.push(shown);
        failed.extend(result.err());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join(" ")) }
}

/// What runs the smallest form; none for what a suite runs.
fn command(root: &Path, form: &Form, out: &Path) -> Result<Option<Command>> {
    let built = root.join("target/debug");
    let (program, arguments) = match form {
        Suite(_) => return Ok(None),
        Xtask(arguments) | Serve(arguments) => {
            (env::current_exe().map_err(|error| format!("This program can't find itself: {error}."))?, arguments)
        }
        Pockets(arguments) => (built.join("pockets"), arguments),
        Example(name, arguments) => (built.join("examples").join(name), arguments),
    };
    let mut command = Command::new(program);
    let words = arguments.split_whitespace().map(|word| word.replace("{out}", &out.to_string_lossy()));
    command.current_dir(root).args(words);
    Ok(Some(command))
}

/// Whether a server says where it is, and serves the page there.
fn serves(command: &mut Command) -> Result<()> {
    let failed = |error: io::Error| format!("`cargo xtask serve` serves nothing: {error}.");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let page = page_of(&mut child);
    drop(child.kill());
    drop(child.wait());
    match page.map_err(failed)? {
        page if page.starts_with("HTTP/1.1 200") && page.contains("<title>") => Ok(()),
        page => Err(format!("`cargo xtask serve` answers `{}`.", page.lines().next().unwrap_or_default())),
    }
}

/// The answer that a server gives to the first request.
fn page_of(server: &mut Child) -> io::Result<String> {
    let said =
        server.stdout.take().map(BufReader::new).into_iter().flat_map(|out| out.lines().map_while(io::Result::ok));
    let address = said.filter_map(|line| Some(line.split_once("http://")?.1.split_once('/')?.0.to_owned())).next();
    let address = address.ok_or_else(|| io::Error::other("it does not say where"))?;
    let mut connection = TcpStream::connect(&address)?;
    connection.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    connection.read_to_string(&mut page)?;
    Ok(page)
}

fn unwritable(folder: &Path, error: &io::Error) -> String {
    format!("{} can't be written: {error}.", folder.display())
}

/// The commands of ours in a document that no suite runs.
pub fn unknown(text: &str) -> Vec<String> {
    let is_run = |command: &String| ours(command).is_none_or(|ours| runs(&ours));
    let mut all = named_in(text);
    all.retain(|command| !is_run(command));
    all
}

/// What stands as code in a document: in lines that are indented, and between backticks, which may be on two lines.
fn named_in(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for paragraph in text.split("\n\n") {
        if paragraph.starts_with("    ") {
            all.extend(paragraph.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()));
        } else {
            let spans = paragraph.split('`').skip(1).step_by(2);
            all.extend(spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    all
}

/// A command of ours as [`NAMED`] has it, without variables before it and without the profile; none if it is something else.
fn ours(command: &str) -> Option<String> {
    let words = command.split_whitespace().skip_while(|word| word.contains('=') && !word.starts_with('-'));
    let words: Vec<&str> = words.filter(|word| *word != "--release").collect();
    let rest = |from: usize| words.get(from..).map(|rest| rest.join(" "));
    match words.as_slice() {
        ["cargo", "run", "--", ..] => rest(3).map(|rest| format!("pockets {rest}")),
        // `cargo xtask …` stands for all of them.
        ["cargo", "xtask", "…"] => None,
        ["cargo", "run" | "xtask", ..] | ["cargo", "test", ..] | ["node" | "trunk" | "python3", _, ..] => rest(0),
        ["pockets", name, ..] if name.starts_with(|first: char| first.is_ascii_lowercase()) => rest(0),
        _ => None,
    }
}

/// Whether a suite runs a command of these words, with the options that it is named with.
fn runs(command: &str) -> bool {
    let begins = |words: &str| command.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let Some(found) = NAMED.iter().filter(|named| begins(named.words)).max_by_key(|named| named.words.len()) else {
        return false;
    };
    let form = match found.form {
        Suite(_) => return true,
        Xtask(form) | Serve(form) | Pockets(form) | Example(_, form) => form,
    };
    let is_in_form = |option: &str| form.split_whitespace().any(|word| word == option);
    let mut options = command.split([' ', '[', ']']).filter(|word| word.starts_with("--") && word.len() > 2);
    options.all(|option| found.words.contains(option) || is_in_form(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_name_only_commands_that_run() {
        let good = "`cargo xtask fuzz --minutes 20` and `A=b cargo run\n--release --example digit FILE`, `pockets attack [--count 9]`.\n\n    \
                    cargo run --release -- mnist   # fetch it\n    cargo mutants -f src\n\nA `pockets` is a `cargo`.";
        assert_eq!(unknown(good), [""; 0]);
        let bad = "`cargo xtask fuzz --hours 2`, `cargo run --example gone`, `pockets reproach`.\n\n    cargo xtask benchmark   # all\n";
        assert_eq!(
            unknown(bad),
            ["cargo xtask fuzz --hours 2", "cargo run --example gone", "pockets reproach", "cargo xtask benchmark"]
        );
    }

    #[test]
    fn every_example_and_every_command_runs() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let stems = |folder: &str| {
            let files = fs::read_dir(root.join(folder)).unwrap().flatten();
            files
                .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
                .collect::<Vec<_>>()
        };
        for name in stems("examples") {
            assert!(runs(&format!("cargo run --example {name}")), "examples/{name}.rs");
        }
        for name in stems("src/bin/pockets").into_iter().filter(|name| name != "main") {
            assert!(runs(&format!("pockets {}", name.replace('_', "-"))), "src/bin/pockets/{name}.rs");
        }
        let help = crate::help();
        let commands = help.lines().skip(2).take_while(|line| !line.is_empty());
        let commands = commands.filter(|line| line.starts_with("  ") && line.chars().nth(2) != Some(' '));
        for name in commands.filter_map(|line| line.split_whitespace().next()) {
            assert!(runs(&format!("cargo xtask {name}")), "cargo xtask {name}");
        }
    }

    #[test]
    fn suites_that_run_commands_are_there() {
        for Named { words, form } in &NAMED {
            if let Suite(name) = form {
                assert!(test::suites().split(", ").any(|suite| suite == *name), "{words}: there is no suite {name}");
            }
        }
    }
}
