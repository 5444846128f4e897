//! Any bytes as a conversation with a Worker: messages of every kind, in any order, with values that mostly make sense.

use arbitrary::{Result, Unstructured};
use pockets::{
    PIXELS,
    attack::{Goal, Reading},
    engine::message::*,
    picture::{Palette, Picture, Pixels},
    studio::{Message, Reply, Studio},
    wire::Service,
};
use std::{cell::Cell, collections::HashSet};

/// The shortest network that is one: 8 bits a weight, 8 KB.
const NETWORK: &[u8] = include_bytes!("../../www/networks/FC10_1.safetensors");
/// The most requests of one conversation; what is asked is bounded, so that an input is done in milliseconds.
const MOST: usize = 24;

/// Requests come in and slices of time pass: every request gets exactly one last response, pictures are whole, and in the end nothing is left to do.
pub fn engine(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let mut talk = Talk::new();
    for id in 1..=MOST as u32 {
        match input.int_in_range(0..=3) {
            _ if input.is_empty() => break,
            Ok(0) => talk.run(f64::from(input.arbitrary::<u8>().unwrap_or(0)) / 10.0),
            Ok(_) => match message(&mut input, id) {
                Ok(message) => talk.receive(id, message),
                Err(_) => break,
            },
            Err(_) => break,
        }
    }
    talk.settle();
}

/// A Worker's inside, and what has been asked of it and not answered.
struct Talk {
    studio: Studio,
    now: Cell<f64>,
    open: HashSet<u32>,
}

impl Talk {
    fn new() -> Self {
        let mut talk = Talk { studio: Studio::open(8.0), now: Cell::new(0.0), open: HashSet::new() };
        let request = Request::Load { id: 0, key: "n0".into(), bytes: Bytes(NETWORK.to_vec()) };
        talk.receive(0, Message::Engine { request, palette: None });
        talk
    }

    fn receive(&mut self, id: u32, message: Message) {
        let is_answered = match &message {
            Message::Engine { request, .. } => matches!(request, Request::Load { .. } | Request::Ask { .. }),
            Message::Paint { .. } => true,
        };
        if is_answered {
            self.open.insert(id);
        }
        self.studio.receive(message);
        self.hear();
    }

    /// One slice in which every look at the clock takes so many milliseconds.
    fn run(&mut self, tick: f64) {
        let now = &self.now;
        self.studio.run(&|| {
            now.set(now.get() + tick);
            now.get()
        });
        self.hear();
    }

    fn hear(&mut self) {
        for reply in self.studio.take_replies() {
            let (Reply::Engine { pixels, .. } | Reply::Painted { pixels, .. }) = &reply;
            for Pixels { side, rgba } in pixels.iter().flatten() {
                assert_eq!(rgba.0.len() as u32, 4 * side * side);
            }
            let response = match reply {
                Reply::Painted { id, .. } => {
                    self.end(id);
                    continue;
                }
                Reply::Engine { response, .. } => response,
            };
            match response {
                Response::Answer { id, last: false, .. } => assert!(self.open.contains(&id), "after its last"),
                Response::Answer { id, .. } | Response::Loaded { id, .. } | Response::Superseded { id } => self.end(id),
                Response::Failed { id, message } => {
                    assert!(!message.is_empty());
                    self.end(id);
                }
                Response::Outgrown { .. } => panic!("this build is the larger one"),
                Response::Ready | Response::Alive => {}
            }
        }
    }

    fn end(&mut self, id: u32) {
        assert!(self.open.remove(&id), "{id} was answered twice, or never asked");
    }

    fn settle(&mut self) {
        for _ in 0..100_000 {
            if self.studio.is_idle() {
                return assert!(self.open.is_empty(), "without a last response: {:?}", self.open);
            }
            self.run(0.5);
        }
        panic!("the engine goes on and on");
    }
}

fn message(input: &mut Unstructured, id: u32) -> Result<Message> {
    if input.ratio(1, 12)? {
        let pictures = (0..input.int_in_range(0..=3)?).map(|_| picture(input)).collect::<Result<_>>()?;
        return Ok(Message::Paint { id, palette: palette(input)?, pictures });
    }
    let palette = if input.arbitrary()? { Some(palette(input)?) } else { None };
    Ok(Message::Engine { request: request(input, id)?, palette })
}

fn picture(input: &mut Unstructured) -> Result<Picture> {
    Ok(match input.int_in_range(0..=3)? {
        0 => Picture::Ink(change(input)?),
        1 => Picture::Change { values: change(input)?, limit: number(input)? },
        2 => Picture::Labels { labels: Bytes(bytes(input, 30)?), side: input.arbitrary()? },
        _ => Picture::Grid { values: change(input)?, side: count(input, 40)?, signed: input.arbitrary()? },
    })
}

fn request(input: &mut Unstructured, id: u32) -> Result<Request> {
    Ok(match input.int_in_range(0..=11)? {
        0 => Request::Load { id, key: key(input)?, bytes: Bytes(network(input)?) },
        1 => Request::Digits { bytes: Bytes(bytes(input, 1200)?) },
        2 => Request::Cancel { channel: channel(input)? },
        _ => Request::Ask { id, channel: channel(input)?, follows: input.arbitrary()?, question: question(input)? },
    })
}

fn question(input: &mut Unstructured) -> Result<Question> {
    Ok(match input.int_in_range(0..=15)? {
        0 => Question::Digit { strokes: drawing(input)? },
        1 => Question::Classify { network: key(input)?, image: image(input)? },
        2 | 3 => Question::Attack {
            network: key(input)?,
            subject: if input.arbitrary()? { Subject::Strokes(drawing(input)?) } else { Subject::Image(image(input)?) },
            target: target(input)?,
            reading: reading(input)?,
            steps: input.arbitrary()?,
        },
        4 => Question::Targets { network: key(input)?, reading: reading(input)?, image: image(input)? },
        5 => Question::Way {
            network: key(input)?,
            image: image(input)?,
            r: change(input)?,
            until: number(input)?,
            count: count(input, 40)?,
        },
        6 => Question::Trace {
            network: key(input)?,
            reading: reading(input)?,
            image: image(input)?,
            target: target(input)?,
        },
        7 => Question::Readings {
            network: key(input)?,
            image: image(input)?,
            targets: (0..input.int_in_range(0..=2)?).map(|_| target(input)).collect::<Result<_>>()?,
        },
        8 => Question::Plane {
            network: key(input)?,
            image: image(input)?,
            r: change(input)?,
            a: number(input)?,
            b: number(input)?,
            reach: number(input)?,
            side: count(input, 36)?,
            seed: input.arbitrary()?,
        },
        9 => Question::Noise {
            network: key(input)?,
            image: image(input)?,
            norm: number(input)?,
            tries: count(input, 100)?,
            seed: input.arbitrary()?,
            clipped: input.arbitrary()?,
        },
        10 => {
            Question::Rounded { network: key(input)?, image: image(input)?, r: change(input)?, target: target(input)? }
        }
        11 => Question::Npy { values: change(input)? },
        12 => Question::Csv {
            network: key(input)?,
            reading: reading(input)?,
            image: image(input)?,
            target: target(input)?,
        },
        13 => Question::Transfer {
            networks: (0..input.int_in_range(0..=3)?).map(|_| key(input)).collect::<Result<_>>()?,
            image: image(input)?,
            r: change(input)?,
            target: target(input)?,
            amplify: number(input)?,
        },
        14 => Question::Layers {
            network: key(input)?,
            image: image(input)?,
            adversarial: image(input)?,
            seed: input.arbitrary()?,
        },
        _ => units_or_show(input)?,
    })
}

fn units_or_show(input: &mut Unstructured) -> Result<Question> {
    let image = if input.arbitrary()? { Some(image(input)?) } else { None };
    Ok(if input.arbitrary()? {
        Question::Units {
            network: key(input)?,
            image,
            layer: count(input, 2)?,
            unit: count(input, 10)?,
            seed: input.arbitrary()?,
            bins: count(input, 30)?,
            shown: count(input, 40)?,
        }
    } else {
        Question::Show { image, r: change(input)?, t: number(input)?, limit: number(input)? }
    })
}

fn key(input: &mut Unstructured) -> Result<String> {
    Ok(["n0", "n0", "n0", "n1", ""][input.choose_index(5)?].into())
}

fn channel(input: &mut Unstructured) -> Result<String> {
    Ok(["a", "b", ""][input.choose_index(3)?].into())
}

fn reading(input: &mut Unstructured) -> Result<Reading> {
    Ok(*input.choose(&[Reading::Weight, Reading::Scale, Reading::Both])?)
}

fn target(input: &mut Unstructured) -> Result<Target> {
    Ok(Target(match input.int_in_range(0..=12)? {
        label @ 0..=10 => Goal::Target(label),
        11 => Goal::Target(usize::MAX),
        _ => Goal::Any,
    }))
}

/// Mostly less than `usual`; seldom anything, or a number that whoever multiplies with it has to be afraid of.
fn count(input: &mut Unstructured, usual: u32) -> Result<u32> {
    match input.int_in_range(0..=15)? {
        0 => Ok(*input.choose(&[u32::MAX, 1 << 31])?),
        _ => input.int_in_range(0..=usual),
    }
}

/// Mostly of a size that occurs, seldom anything that 32 bits can be.
fn number(input: &mut Unstructured) -> Result<f32> {
    if input.ratio(1, 8)? { input.arbitrary() } else { Ok(f32::from(input.arbitrary::<i8>()?) / 16.0) }
}

fn bytes(input: &mut Unstructured, most: usize) -> Result<Vec<u8>> {
    let count = input.int_in_range(0..=most)?;
    let seed: u8 = input.arbitrary()?;
    Ok((0..count).map(|k| (k as u8).wrapping_mul(seed)).collect())
}

/// A network with a byte changed, or none at all.
fn network(input: &mut Unstructured) -> Result<Vec<u8>> {
    let mut file = NETWORK.to_vec();
    let place = input.int_in_range(0..=file.len() - 1)?;
    file[place] = input.arbitrary()?;
    file.truncate(if input.ratio(1, 4)? { place } else { file.len() });
    Ok(file)
}

/// 784 values in [0, 1], seldom others, seldom more or less of them.
fn image(input: &mut Unstructured) -> Result<Floats> {
    values(input, 0.0, 1.0)
}

fn change(input: &mut Unstructured) -> Result<Floats> {
    values(input, -0.5, 0.5)
}

fn values(input: &mut Unstructured, low: f32, high: f32) -> Result<Floats> {
    let seed: u32 = input.arbitrary()?;
    let scattered = |k: u32| (k.wrapping_mul(2_654_435_761) ^ seed).wrapping_mul(2_246_822_519) >> 16;
    let ink = seed % 5;
    let value = |k: u32| if k % 5 < ink { 0.0 } else { low + (high - low) * (scattered(k) & 255) as f32 / 255.0 };
    let mut values: Vec<f32> = (0..PIXELS as u32).map(value).collect();
    match input.int_in_range(0..=31)? {
        0 => values.truncate(input.int_in_range(0..=PIXELS)?),
        1 => values[input.int_in_range(0..=PIXELS - 1)?] = input.arbitrary()?,
        2 => values.fill(input.arbitrary()?),
        _ => {}
    }
    Ok(Floats(values))
}

fn drawing(input: &mut Unstructured) -> Result<Drawing> {
    let mut points = Vec::new();
    for _ in 0..input.int_in_range(0..=12)? {
        let number = |input: &mut Unstructured| -> Result<f32> {
            if input.ratio(1, 32)? { input.arbitrary() } else { Ok(f32::from(input.arbitrary::<u8>()?) / 255.0) }
        };
        points.extend([number(input)?, number(input)?, 0.0]);
    }
    let mut starts = if points.is_empty() { vec![] } else { vec![0] };
    if input.ratio(1, 4)? {
        starts.push(input.int_in_range(0..=14)?);
    }
    Ok(Drawing { points: Floats(points), starts })
}

fn palette(input: &mut Unstructured) -> Result<Palette> {
    Ok(Palette { ink: Bytes(bytes(input, 7)?), change: Bytes(bytes(input, 10)?), labels: Bytes(bytes(input, 31)?) })
}
