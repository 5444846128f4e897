//! An engine with a clock that ticks whenever it is looked at, and what to ask it.

use pockets::{
    attack::{Goal, Reading},
    engine::{Engine, message::*},
    network::Mlp,
    picture::{Palette, Picture},
};
use std::{cell::Cell, fs, path::Path, sync::Arc};

/// Milliseconds of a slice.
pub const SLICE: f64 = 8.0;

pub struct Driver {
    pub engine: Engine,
    pub now: Cell<f64>,
    /// How far the clock goes on each time that it is looked at.
    pub tick: f64,
    pub id: u32,
}

impl Driver {
    /// An engine that knows two shipped networks.
    pub fn new() -> Self {
        let mut driver = Driver::without_networks();
        for key in ["FC100-100-10", "FC10_1"] {
            let id = driver.load(key, shipped(key));
            let responses = driver.engine.take_responses();
            assert!(matches!(&responses[..], [Response::Loaded { id: of, .. }] if *of == id), "{responses:?}");
        }
        driver
    }

    pub fn without_networks() -> Self {
        Driver { engine: Engine::new(SLICE), now: Cell::new(1e6), tick: 0.01, id: 0 }
    }

    pub fn load(&mut self, key: &str, bytes: Vec<u8>) -> u32 {
        self.id += 1;
        self.engine.receive(Request::Load { id: self.id, key: key.into(), bytes: Bytes(bytes) });
        self.id
    }

    pub fn ask_in(&mut self, channel: &str, follows: bool, question: Question) -> u32 {
        self.id += 1;
        self.engine.receive(Request::Ask { id: self.id, channel: channel.into(), follows, question });
        self.id
    }

    /// One slice.
    pub fn run(&mut self) -> Vec<Response> {
        let (now, tick) = (&self.now, self.tick);
        self.engine.run(&|| {
            now.set(now.get() + tick);
            now.get()
        });
        self.engine.take_responses()
    }

    /// Slices until nothing is left to do.
    pub fn settle(&mut self) -> Vec<Response> {
        let mut all = self.engine.take_responses();
        for _ in 0..100_000 {
            if self.engine.is_idle() {
                return all;
            }
            all.extend(self.run());
        }
        panic!("the engine goes on and on");
    }

    /// Everything that is said to one question.
    pub fn responses_to(&mut self, question: Question) -> Vec<Response> {
        self.ask_in("test", false, question);
        self.settle()
    }

    /// The last answer to one question.
    pub fn answer_to(&mut self, question: Question) -> Answer {
        let mut responses = self.responses_to(question);
        match responses.pop() {
            Some(Response::Answer { last: true, answer, .. }) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// The last answer to one question, and its pictures.
    pub fn shown_to(&mut self, question: Question) -> (Answer, Vec<Option<Picture>>) {
        match self.responses_to(question).pop() {
            Some(Response::Answer { last: true, answer, pictures, .. }) => (answer, pictures),
            other => panic!("{other:?}"),
        }
    }

    /// Why a question is refused.
    pub fn refusal_of(&mut self, question: Question) -> String {
        match &self.responses_to(question)[..] {
            [Response::Failed { message, .. }] => message.clone(),
            other => panic!("{other:?}"),
        }
    }
}

pub fn shipped(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/networks");
    fs::read(folder.join(format!("{name}.safetensors"))).unwrap()
}

pub fn network(name: &str) -> Arc<Mlp> {
    Arc::new(Mlp::from_safetensors(&shipped(name)).unwrap())
}

/// A file of one layer whose weights are `weight(label, pixel)` and biases `bias(label)`.
pub fn one_layer(weight: impl Fn(usize, usize) -> f32, bias: impl Fn(usize) -> f32) -> Vec<u8> {
    let header = r#"{"fc1.weight":{"dtype":"F32","shape":[10,784],"data_offsets":[0,31360]},"fc1.bias":{"dtype":"F32","shape":[10],"data_offsets":[31360,31400]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    for label in 0..10 {
        file.extend((0..784).flat_map(|pixel| weight(label, pixel).to_le_bytes()));
    }
    file.extend((0..10).flat_map(|label| bias(label).to_le_bytes()));
    file
}

/// A 1: down in one stroke.
pub fn one() -> Drawing {
    let points = (0..20).flat_map(|k| [0.5 - 0.002 * k as f32, 0.15 + 0.035 * k as f32, 16.0 * k as f32]).collect();
    Drawing { points: Floats(points), starts: vec![0] }
}

/// The image of that 1.
pub fn image() -> Vec<f32> {
    let strokes = pockets::digit::Strokes::from_flat(1.0, &one().points.0, &[0]).unwrap();
    pockets::digit::Rasteriser::default().rasterise(&strokes).unwrap().pixels.to_vec()
}

/// That image as it is asked about.
pub fn x() -> Floats {
    Floats(image())
}

pub fn towards(label: usize) -> Target {
    Target(Goal::Target(label))
}

pub const ANY: Target = Target(Goal::Any);

pub fn main() -> String {
    "FC100-100-10".into()
}

pub fn attack(target: Target) -> Question {
    attack_on(Subject::Strokes(one()), target, Reading::Both, false)
}

pub fn attack_on(subject: Subject, target: Target, reading: Reading, steps: bool) -> Question {
    Question::Attack { network: main(), subject, target, reading, steps }
}

pub fn palette() -> Palette {
    Palette {
        ink: Bytes(vec![255, 255, 255, 0, 0, 0]),
        change: Bytes(vec![0, 0, 200, 100, 100, 100, 200, 0, 0]),
        labels: Bytes((0..30).collect()),
    }
}

/// An image as it is shown.
pub fn ink(values: impl Into<Vec<f32>>) -> Option<Picture> {
    Some(Picture::Ink(Floats(values.into())))
}

/// A change as it is shown, from −limit to limit.
pub fn change(values: impl Into<Vec<f32>>, limit: f32) -> Option<Picture> {
    Some(Picture::Change { values: Floats(values.into()), limit })
}

/// The largest |v|, which a change is shown to where no other limit is said.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, v| most.max(v.abs()))
}
