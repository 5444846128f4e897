//! The protocol's types for the page's JavaScript: `www/protocol.d.ts`.

use super::{Request, Response};
use std::{any::TypeId, env, fs};
use ts_rs::{Config, TS, TypeVisitor};

const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/www/protocol.d.ts");
const HEAD: &str = "\
// What the page and the engine say to each other. Generated from src/engine/message.rs: do not edit, but change that file and run
// UPDATE_PROTOCOL=1 cargo test --lib typescript
";

/// Types in the order in which they are first named, each once.
struct Types {
    config: Config,
    seen: Vec<TypeId>,
    text: String,
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_none() || self.seen.contains(&TypeId::of::<T>()) {
            return; // part of the language, or known
        }
        self.seen.push(TypeId::of::<T>());
        self.text += &format!("\n{}export {}\n", T::docs().unwrap_or_default(), T::decl(&self.config));
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
    let mut types = Types { config: Config::new(), seen: Vec::new(), text: HEAD.into() };
    types.visit::<Request>();
    types.visit::<Response>();
    let text = legible(&types.text);
    if env::var_os("UPDATE_PROTOCOL").is_some() {
        fs::write(PLACE, &text).unwrap();
    }
    let committed = fs::read_to_string(PLACE).unwrap_or_default();
    assert!(committed == text, "www/protocol.d.ts is out of date; its first lines say how to renew it");
}
