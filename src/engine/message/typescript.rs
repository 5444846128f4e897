//! The protocol's types for the page's JavaScript: `www/protocol.d.ts`.

use super::{Request, Response};
use std::{any::TypeId, env, fs};
use ts_rs::{Config, TS, TypeVisitor};

const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/www/protocol.d.ts");
const SOURCE: &str = include_str!("../message.rs");
const HEAD: &str = "\
// What the page and the engine say to each other. Generated from src/engine/message.rs: do not edit, but change that file and run
// UPDATE_PROTOCOL=1 cargo test --lib typescript
";

/// Each type once: where it stands in the protocol's file, its name, and what it is.
struct Types {
    config: Config,
    seen: Vec<TypeId>,
    all: Vec<(usize, String, String)>,
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_none() || self.seen.contains(&TypeId::of::<T>()) {
            return; // part of the language, or known
        }
        self.seen.push(TypeId::of::<T>());
        let name = T::ident(&self.config);
        // Types of other files come last, by name.
        let place = ["struct", "enum"].iter().find_map(|kind| SOURCE.find(&format!("pub {kind} {name}")));
        let text = format!("\n{}export {}\n", T::docs().unwrap_or_default(), T::decl(&self.config));
        self.all.push((place.unwrap_or(SOURCE.len()), name, text));
        T::visit_dependencies(self);
    }
}

/// A comment on one line, and each variant on its own.
fn legible(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").replace("/**\n * ", "/** ").replace("\n */", " */").replace(" } } | {", " } }\n  | {") + "\n"
}

#[test]
fn the_types_for_javascript_are_those_of_the_protocol() {
    let mut types = Types { config: Config::new(), seen: Vec::new(), all: Vec::new() };
    types.visit::<Request>();
    types.visit::<Response>();
    types.all.sort();
    let text = legible(&types.all.into_iter().fold(HEAD.to_owned(), |all, (_, _, text)| all + &text));
    if env::var_os("UPDATE_PROTOCOL").is_some() {
        fs::write(PLACE, &text).unwrap();
    }
    let committed = fs::read_to_string(PLACE).unwrap_or_default();
    assert!(committed == text, "www/protocol.d.ts is out of date; its first lines say how to renew it");
}
