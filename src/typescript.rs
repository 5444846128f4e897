//! The protocols' types for the page's JavaScript: `www/protocol.d.ts` and `www/training.d.ts`.
#![cfg(all(feature = "feed", feature = "import"))]

use crate::{feed::message as training, importer, studio};
use std::{any::TypeId, env, fs, path::Path};
use ts_rs::{Config, TS, TypeVisitor};

/// Each type once: where it stands in the protocol's file, its name, and what it is.
struct Types {
    config: Config,
    source: &'static str,
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
        let place = ["struct", "enum"].iter().find_map(|kind| self.source.find(&format!("pub {kind} {name}")));
        let text = format!("\n{}export {}\n", T::docs().unwrap_or_default(), T::decl(&self.config));
        self.all.push((place.unwrap_or(self.source.len()), name, text));
        T::visit_dependencies(self);
    }
}

/// A comment on one line, and each variant on its own.
fn legible(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").replace("/**\n * ", "/** ").replace("\n */", " */").replace(" } } | {", " } }\n  | {") + "\n"
}

/// Writes the types of what two sides say to each other, where that is asked for, and checks that they are what is committed.
fn check<Request: TS + 'static, Response: TS + 'static>(file: &str, source: &'static str, from: &str, who: &str) {
    let mut types = Types { config: Config::new(), source, seen: Vec::new(), all: Vec::new() };
    types.visit::<Request>();
    types.visit::<Response>();
    types.all.sort();
    let head = format!(
        "// What the page and {who} say to each other. Generated from {from}: do not edit, but change that file and run\n\
         // UPDATE_PROTOCOL=1 cargo test --lib typescript\n"
    );
    let text = legible(&types.all.into_iter().fold(head, |all, (_, _, text)| all + &text));
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("www").join(file);
    if env::var_os("UPDATE_PROTOCOL").is_some() {
        fs::write(&place, &text).unwrap();
    }
    let committed = fs::read_to_string(&place).unwrap_or_default();
    assert!(committed == text, "www/{file} is out of date; its first lines say how to renew it");
}

#[test]
fn the_types_for_javascript_are_those_of_the_protocol() {
    let source = concat!(include_str!("studio.rs"), include_str!("engine/message.rs"), include_str!("picture.rs"));
    check::<studio::Message, studio::Reply>(
        "protocol.d.ts",
        source,
        "src/studio.rs and what it names",
        "the engine's Worker",
    );
}

#[test]
fn the_types_for_javascript_are_those_of_the_trainers_protocol() {
    let source = include_str!("feed/message.rs");
    check::<training::Request, training::Response>("training.d.ts", source, "src/feed/message.rs", "the trainer");
}

#[test]
fn the_types_for_javascript_are_those_of_the_importers_protocol() {
    let source = concat!(include_str!("importer.rs"), include_str!("import.rs"));
    check::<importer::Message, importer::Reply>(
        "import.d.ts",
        source,
        "src/importer.rs and src/import.rs",
        "the Worker for files",
    );
}
