//! The protocol: everything that the page and the engine say to each other.
//!
//! A [`Request`] goes in, [`Response`]s come out. A question has a number and a channel: of each channel only the newest question
//! counts, and every question gets exactly one last response: its last [`Answer`], [`Response::Failed`] or
//! [`Response::Superseded`]. The types of the page's side (`www/protocol.d.ts`) are generated from this file.
//!
//! In JavaScript an enum's variant is an object with one property, `{ "attack": { … } }`, or where it has no fields a string;
//! [`Floats`] is a `Float32Array` and [`Bytes`] a `Uint8Array`, which are handed over, not copied, on their way to the page.
//! Images are 28×28 values in [0, 1], row by row, ink high.

pub use crate::wire::{Bytes, Floats};
use crate::{
    attack::{Goal, Outcome, Phase, Reading},
    picture::Picture,
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Unexpected, Visitor},
};
use std::fmt;

/// A label to reach, or any other than the prediction: a number from 0 to 9, or `"any"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Target(#[cfg_attr(test, ts(type = "number | 'any'"))] pub Goal);

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Goal::Target(label) => serializer.serialize_u32(label as u32),
            Goal::Any => serializer.serialize_str("any"),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl Visitor<'_> for TargetVisitor {
    type Value = Target;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a digit from 0 to 9, or \"any\"")
    }

    fn visit_u64<E: de::Error>(self, label: u64) -> Result<Target, E> {
        // What is no label is refused, in words, by the search.
        Ok(Target(Goal::Target(usize::try_from(label).unwrap_or(usize::MAX))))
    }

    fn visit_i64<E: de::Error>(self, label: i64) -> Result<Target, E> {
        u64::try_from(label)
            .map_err(|_| E::invalid_value(Unexpected::Signed(label), &self))
            .and_then(|l| self.visit_u64(l))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Target, E> {
        if word == "any" { Ok(Target(Goal::Any)) } else { Err(E::invalid_value(Unexpected::Str(word), &self)) }
    }
}

/// What the page says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// Takes a network under a key of the page's choice, or refuses the bytes; answered at once.
    Load {
        /// The number of this request.
        id: u32,
        /// What questions call the network.
        key: String,
        /// A safetensors file.
        bytes: Bytes,
    },
    /// MNIST digits for [`Question::Units`]: 784 levels of 4 bits each, two a byte, the first in the high half.
    Digits {
        /// 392 bytes a digit.
        bytes: Bytes,
    },
    /// Asks a question.
    Ask {
        /// The number of this request; larger than all before.
        id: u32,
        /// Of each channel only the newest question counts.
        channel: String,
        /// Whether the question before in this channel may still give its first answer; otherwise it ends at once.
        follows: bool,
        /// What is asked.
        question: Question,
    },
    /// Nothing more is wanted of a channel; what is under way or waits there is superseded.
    Cancel {
        /// Which.
        channel: String,
    },
}

/// What can be asked. Networks are named by the keys that they were loaded under.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Question {
    /// The image of a drawing.
    Digit {
        /// The drawing.
        strokes: Drawing,
    },
    /// What a network predicts of an image.
    Classify {
        /// The network.
        network: String,
        /// The image.
        image: Floats,
    },
    /// The search for the smallest r. If it takes longer than a slice, a first answer says `searching`.
    Attack {
        /// The network.
        network: String,
        /// What is attacked.
        subject: Subject,
        /// The label to reach.
        target: Target,
        /// The reading of c.
        reading: Reading,
        /// Whether every evaluation is reported, in the answers' `steps`.
        steps: bool,
    },
    /// The nine other labels, each attacked.
    #[cfg(feature = "sections")]
    Targets {
        /// The network.
        network: String,
        /// The reading of c.
        reading: Reading,
        /// x.
        image: Floats,
    },
    /// The way from x through x + r to x + until·r.
    #[cfg(feature = "sections")]
    Way {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// r.
        r: Floats,
        /// Where the way ends.
        until: f32,
        /// How many places on it are looked at, both ends included.
        count: u32,
    },
    /// Every evaluation of one search.
    #[cfg(feature = "sections")]
    Trace {
        /// The network.
        network: String,
        /// The reading of c.
        reading: Reading,
        /// x.
        image: Floats,
        /// The label to reach.
        target: Target,
    },
    /// Each reading of c, for each target.
    #[cfg(feature = "sections")]
    Readings {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// The targets.
        targets: Vec<Target>,
    },
    /// The labels on a square of the plane through x, x + r and a random direction; a coarse picture first.
    #[cfg(feature = "sections")]
    Plane {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// r.
        r: Floats,
        /// The middle of the square along r, as ‖·‖₂.
        a: f32,
        /// The middle of the square along the random direction.
        b: f32,
        /// Half the side of the square.
        reach: f32,
        /// Cells along a side, a multiple of 12.
        side: u32,
        /// Chooses the random direction.
        seed: u32,
    },
    /// How many random changes of a norm change the prediction; counts so far come first.
    #[cfg(feature = "sections")]
    Noise {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// ‖·‖₂ of each change.
        norm: f32,
        /// How many.
        tries: u32,
        /// Chooses the changes.
        seed: u32,
        /// Whether they are clipped to the box; else x + noise may leave it.
        clipped: bool,
    },
    /// How often noise of some deviations, not clipped, changes the prediction, beside what a plane at the boundary's distance
    /// would make of it; counts so far come first.
    #[cfg(feature = "sections")]
    Crossing {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// The noise's deviations, each above 0.
        deviations: Floats,
        /// How many changes of each.
        tries: u32,
        /// Chooses the changes.
        seed: u32,
    },
    /// How many changes of one norm, with no pixel in common, each reach the label of x + r.
    #[cfg(feature = "sections")]
    Apart {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// r.
        r: Floats,
        /// ‖·‖₂ of each change.
        norm: f32,
        /// How many of them are shown, at most.
        shown: u32,
    },
    /// The minimiser r(c) of c·‖r‖² + loss for each of some weights.
    #[cfg(feature = "sections")]
    Weights {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// The label to reach.
        target: Target,
        /// c, each followed from the one before.
        weights: Floats,
    },
    /// Two successive steps of L-BFGS for one c, from r = 0: the plane that they span, and what the curvature pairs say of it.
    #[cfg(feature = "sections")]
    Descent {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// The label to reach.
        target: Target,
        /// The weight.
        c: f32,
        /// Which step is the second one, from 1; past the last, the last.
        step: u32,
        /// Places along a side of the plane's picture.
        side: u32,
    },
    /// Proves how small r could be at all; the bounds so far come first.
    #[cfg(feature = "sections")]
    Certify {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// The label to reach.
        target: Target,
        /// The smallest ‖r‖₂ that was found for it.
        norm: f32,
        /// How long to go on, in milliseconds of work.
        milliseconds: f64,
    },
    /// x + r as a picture of 256 levels that the network still takes for the target.
    #[cfg(feature = "sections")]
    Rounded {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// r.
        r: Floats,
        /// The label to reach.
        target: Target,
    },
    /// An image or a change as NumPy's `np.load` reads it.
    #[cfg(feature = "sections")]
    Npy {
        /// 784 values.
        values: Floats,
    },
    /// A search, one evaluation a row.
    #[cfg(feature = "sections")]
    Csv {
        /// The network.
        network: String,
        /// The reading of c.
        reading: Reading,
        /// x.
        image: Floats,
        /// The label to reach.
        target: Target,
    },
    /// What several networks predict of an example, and the smallest r of their own for the same target.
    #[cfg(feature = "sections")]
    Transfer {
        /// The networks.
        networks: Vec<String>,
        /// x.
        image: Floats,
        /// r.
        r: Floats,
        /// The label to reach.
        target: Target,
        /// The distortion that the example is also amplified to.
        amplify: f32,
    },
    /// How much each layer amplifies a difference, and how much it could.
    #[cfg(feature = "sections")]
    Layers {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// x + r.
        adversarial: Floats,
        /// Chooses the random change that r is compared with.
        seed: u32,
    },
    /// What each hidden unit is at x and at x + r, and how much of the change of the margin passes through it.
    #[cfg(feature = "sections")]
    Follow {
        /// The network.
        network: String,
        /// x.
        image: Floats,
        /// x + r.
        adversarial: Floats,
    },
    /// The digits of [`Request::Digits`] with the largest projections on one unit, and on a random direction of its layer.
    #[cfg(feature = "sections")]
    Units {
        /// The network.
        network: String,
        /// x, where there is one.
        image: Option<Floats>,
        /// Which layer, from 0.
        layer: u32,
        /// Which unit of it.
        unit: u32,
        /// Chooses the random direction; none where only the unit is asked about.
        seed: Option<u32>,
        /// Bars of the histograms.
        bins: u32,
        /// How many digits of each are shown.
        shown: u32,
    },
    /// A picture of `clip(x + t·r)`, or without an image of r itself.
    #[cfg(feature = "sections")]
    Show {
        /// x.
        image: Option<Floats>,
        /// r.
        r: Floats,
        /// How much of r.
        t: f32,
        /// r alone is shown from −limit to limit; 0: to its own largest value.
        limit: f32,
    },
}

/// Strokes on a pad of side 1.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Drawing {
    /// x, y, t, x, y, t, …, y downwards, t in milliseconds.
    pub points: Floats,
    /// Each stroke's first point.
    #[cfg_attr(test, ts(type = "Uint32Array | number[]"))]
    pub starts: Vec<u32>,
}

/// What is attacked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A drawing.
    Strokes(Drawing),
    /// An image.
    Image(Floats),
}

/// What the engine says.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
#[allow(clippy::large_enum_variant, reason = "there are few at a time")]
pub enum Response {
    /// It can be sent work.
    Ready,
    /// Something that takes long goes on.
    Alive,
    /// A network was taken; the last response to [`Request::Load`] where it is not refused.
    Loaded {
        /// Of the request.
        id: u32,
        /// What was taken.
        network: Facts,
    },
    /// A file is no plain perceptron, and this build of the engine knows no more: the larger one is to be asked, which takes it or says
    /// why not.
    Outgrown {
        /// Of the request.
        id: u32,
    },
    /// An answer, or with `last` false a first part of one.
    Answer {
        /// Of the request.
        id: u32,
        /// Whether nothing more follows.
        last: bool,
        /// The answer, of the same name as the question.
        answer: Answer,
        /// What there is to see of it; [`Answer`] says what, none where there is nothing.
        pictures: Vec<Option<Picture>>,
    },
    /// The request was refused or could not be carried out; the last response to it.
    Failed {
        /// Of the request.
        id: u32,
        /// Why, in a sentence.
        message: String,
    },
    /// A newer question of the channel, or [`Request::Cancel`], has ended this one; the last response to it.
    Superseded {
        /// Of the request.
        id: u32,
    },
}

/// What a network is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Facts {
    /// What its file calls it.
    pub name: String,
    /// The widths of its layers, from 784 to 10; none of a network that is no plain one of fully connected layers.
    pub widths: Vec<u32>,
}

/// An answer, of the same name as its question, and which pictures come with it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The image; none of a blank pad.
    Digit(Option<Floats>),
    /// Label and probabilities.
    Classify(Prediction),
    /// What is known of the subject. Pictures: x, r and x + r.
    Attack(Attacked),
    /// In the order of the labels, without the prediction. Pictures: the ten examples, and in the prediction's place x itself.
    #[cfg(feature = "sections")]
    Targets(Vec<Found>),
    /// Probabilities and labels along the way.
    #[cfg(feature = "sections")]
    Way(Way),
    /// Every evaluation.
    #[cfg(feature = "sections")]
    Trace(Trace),
    /// One for each reading and target.
    #[cfg(feature = "sections")]
    Readings(Vec<Compared>),
    /// What the map shows. One picture: the map.
    #[cfg(feature = "sections")]
    Plane(Map),
    /// Counts. One picture: an image that was changed at random.
    #[cfg(feature = "sections")]
    Noise(Counted),
    /// Counts beside expectations.
    #[cfg(feature = "sections")]
    Crossing(Crossed),
    /// As many as were found. Pictures: the first of them, on one scale.
    #[cfg(feature = "sections")]
    Apart(Apart),
    /// One for each weight.
    #[cfg(feature = "sections")]
    Weights(Vec<Weighed>),
    /// The plane of two steps; none where there are no two.
    #[cfg(feature = "sections")]
    Descent(Option<Descent>),
    /// What is proved so far.
    #[cfg(feature = "sections")]
    Certify(Certified),
    /// The picture.
    #[cfg(feature = "sections")]
    Rounded(Rounded),
    /// A file.
    #[cfg(feature = "sections")]
    Npy(Bytes),
    /// A file.
    #[cfg(feature = "sections")]
    Csv(Bytes),
    /// One for each network. Pictures: each one's own r.
    #[cfg(feature = "sections")]
    Transfer(Vec<Transferred>),
    /// Layer by layer.
    #[cfg(feature = "sections")]
    Layers(Amplified),
    /// Layer by layer. Pictures: of each layer its units at x, at x + r, and the differences, in the order of the layer.
    #[cfg(feature = "sections")]
    Follow(Followed),
    /// The unit's, then the direction's. Pictures: the unit's digits, the largest projection first, then as many of the direction's.
    #[cfg(feature = "sections")]
    Units(Vec<Ranked>),
    /// One picture.
    #[cfg(feature = "sections")]
    Show,
}

/// What a network makes of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Prediction {
    /// The label.
    pub label: u32,
    /// The ten labels' probabilities.
    pub probabilities: Floats,
}

/// An image, and what the network makes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Seen {
    /// The image.
    pub values: Floats,
    /// The label.
    pub label: u32,
    /// The ten labels' probabilities.
    pub probabilities: Floats,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The pad is blank: there is nothing to attack.
    Blank,
    /// The prediction is the target without any change.
    Already,
    /// Another answer follows.
    Searching,
    /// No example was found, or what was found did not hold when checked.
    Failed,
    /// r reaches the target, by a plain forward pass.
    Found,
}

/// What is known of one subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Attacked {
    /// How far it has come.
    pub state: State,
    /// What it is for.
    pub target: Target,
    /// x and f(x); none of a blank pad.
    pub digit: Option<Seen>,
    /// The search as it ended.
    pub outcome: Option<Outcome>,
    /// ‖r‖₂ / √784, where one was found.
    pub distortion: Option<f32>,
    /// Milliseconds spent searching.
    pub milliseconds: f64,
    /// r, where one was found.
    pub perturbation: Option<Change>,
    /// x + r and f(x + r) by a plain forward pass, where one was found.
    pub adversarial: Option<Seen>,
    /// The evaluations since the answer before, where they were asked for.
    pub steps: Vec<Step>,
}

/// A change of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Change {
    /// 784 values.
    pub values: Floats,
    /// It is shown from −limit to limit.
    pub limit: f32,
}

/// One evaluation of loss and gradient, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Step {
    /// How many there have been, this one included.
    pub evaluations: u32,
    /// What the search was doing.
    pub phase: Phase,
    /// Cross-entropy towards the target.
    pub loss: f32,
    /// ‖r‖₂.
    pub norm: f32,
    /// How far x + r is beyond the boundary, in logits; negative before it.
    pub margin: f32,
    /// The weight.
    pub c: f32,
    /// c·‖r‖² + loss.
    pub objective: f32,
    /// The largest c known to succeed.
    pub succeeds: Option<f32>,
    /// The smallest c known to fail.
    pub fails: Option<f32>,
}

/// The smallest change towards one of the nine labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Found {
    /// The label.
    pub target: u32,
    /// ‖r‖₂; none where the search failed.
    pub norm: Option<f32>,
    /// Whether no other is smaller.
    pub nearest: bool,
}

/// Probabilities on a way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Way {
    /// Ten for each place.
    pub probabilities: Floats,
    /// The label at each place.
    pub labels: Bytes,
    /// The first place where the prediction is not that at x any more.
    pub flip: Option<Flip>,
}

/// Where a prediction changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Flip {
    /// How much of r.
    pub t: f32,
    /// What into.
    pub label: u32,
}

/// A search, evaluation by evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Trace {
    /// All of them.
    pub steps: Vec<Step>,
    /// r of each, 784 values.
    pub changes: Floats,
    /// The largest change of a pixel in the result, for one scale through all pictures.
    pub limit: f32,
    /// How it ended.
    pub outcome: Outcome,
}

/// A reading of c and what it comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Compared {
    /// The reading.
    pub reading: Reading,
    /// The target.
    pub target: Target,
    /// None where the prediction is the target already.
    pub outcome: Option<Outcome>,
}

/// What a map shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Map {
    /// Cells along a side.
    pub side: u32,
    /// The label of each cell, from the top left, row by row.
    pub labels: Bytes,
    /// For each label in view, the largest square that it fills.
    pub places: Vec<Place>,
    /// The labels' shares of the map, the largest first.
    pub shares: Vec<Share>,
}

/// A square of one label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Place {
    /// The label.
    pub label: u32,
    /// Its middle, in cells from the left.
    pub x: f32,
    /// Its middle, in cells from the top.
    pub y: f32,
    /// Its side, in cells.
    pub width: u32,
}

/// How much of a map has a label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Share {
    /// The label.
    pub label: u32,
    /// Its share, at most 1.
    pub share: f32,
}

/// Random changes, counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Counted {
    /// How many so far.
    pub tried: u32,
    /// How many of them changed the prediction.
    pub changed: u32,
}

/// How often noise changes a prediction, and what is expected.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Crossed {
    /// ‖·‖₂ to the nearest boundary found, with no box in the way; none where none was found.
    pub distance: Option<f32>,
    /// How many changes of each deviation so far.
    pub tried: u32,
    /// For each deviation, how many changed the prediction.
    pub changed: Vec<u32>,
    /// For each deviation Φ(−distance/deviation), the share that a plane at this distance would let through.
    pub expected: Vec<f64>,
}

/// Changes of one norm with no pixel in common, each of which reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Apart {
    /// How many were found: at least so many dimensions has what they span.
    pub found: u32,
    /// How many there would be beyond a plane as far away as r is long, with no box in the way.
    pub half_space: u32,
}

/// The minimiser for one weight.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Weighed {
    /// c.
    pub c: f32,
    /// ‖r(c)‖₂.
    pub norm: f32,
    /// The loss at x + r(c).
    pub loss: f32,
    /// How far x + r(c) is beyond the boundary, in logits; negative before it.
    pub margin: f32,
    /// The label there.
    pub label: u32,
    /// r(c), 784 values.
    pub r: Floats,
}

/// Two successive steps of L-BFGS from A over B to C, on the plane through B along the first step and the direction searched next.
/// Its points are clipped to the box. Coordinates are ‖·‖₂ from B, along the first step and at a right angle to it. The objective is
/// c·‖r‖² + loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Descent {
    /// How many steps the minimisation took.
    pub steps: u32,
    /// Which step is the second one, from 1.
    pub step: u32,
    /// Left, right, bottom and top of the picture.
    pub bounds: [f32; 4],
    /// The objective, `side`² values from the top left, row by row.
    pub heights: Floats,
    /// A, which lies at `from`, 0.
    pub from: f32,
    /// How far the direction leads, where its step length is 1.
    pub direction: [f32; 2],
    /// The step lengths that the line search tried, C's last.
    pub trials: Vec<Tried>,
    /// The slope of the objective at B along the direction, for a step length of 1; negative.
    pub slope: f32,
    /// The objective at B.
    pub height: f32,
    /// The objective along the direction, for step lengths evenly from 0 to `until`.
    pub cut: Floats,
    /// Where the cut ends.
    pub until: f32,
    /// The second derivatives at B over the pixels that are free to move: along the first step, mixed, along the second axis.
    pub curvature: [f32; 3],
    /// The same as the curvature pairs have it; none where the first step showed no positive curvature, so that its pair was left out.
    pub learnt: Option<[f32; 3]>,
}

/// A step length that a line search tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Tried {
    /// The step length.
    pub step: f32,
    /// The objective there.
    pub height: f32,
}

/// How small r could be: see [`crate::certify`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Certified {
    /// No r of a smaller norm than this reaches the target.
    pub target: f32,
    /// No r of a smaller norm than this changes the prediction.
    pub any: f32,
    /// Whether the norm that was found is the smallest that reaches the target, to 0.1 per cent.
    pub is_smallest: bool,
}

/// A picture of 256 levels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Rounded {
    /// What the network predicts of it.
    pub label: u32,
    /// ‖levels/255 − x‖₂.
    pub norm: f32,
    /// What it took.
    pub rounding: RoundingKind,
    /// By how much r was lengthened for it.
    pub scale: f32,
    /// The picture as a PNG file, white on black as in MNIST.
    pub png: Bytes,
}

/// What it took for a rounded picture to keep its prediction; see [`crate::experiment::rounding::Rounding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum RoundingKind {
    /// Every pixel to its nearest level.
    Nearest,
    /// Every pixel to the next level in the direction of r.
    Towards,
    /// The same, with r lengthened.
    Further,
    /// Nothing did.
    Lost,
}

/// What one network makes of an example made for another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Transferred {
    /// The network.
    pub network: String,
    /// Its prediction of x.
    pub digit: Judged,
    /// Its prediction of x + r.
    pub example: Judged,
    /// Its prediction of the amplified example.
    pub amplified: Judged,
    /// Its own smallest r for the target; none where the prediction is the target already or the search failed.
    pub own: Option<Own>,
}

/// A prediction and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Judged {
    /// The label.
    pub label: u32,
    /// Its probability.
    pub share: f32,
}

/// A network's own smallest change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Own {
    /// ‖r‖₂.
    pub norm: f32,
    /// 784 values.
    pub r: Floats,
    /// It is shown from −limit to limit.
    pub limit: f32,
    /// The cosine of the angle between it and the example's r.
    pub cosine: f32,
}

/// How much each layer amplifies a difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Amplified {
    /// At most: L_k, layer by layer.
    pub bounds: Vec<f64>,
    /// The difference r.
    pub searched: Vec<f64>,
    /// A random difference of the same size.
    pub random: Vec<f64>,
    /// ‖r‖₂, and how large the difference is after each layer: at most, r's, the random one's.
    pub sizes: [Vec<f64>; 3],
    /// The products of the first three.
    pub total: [f64; 3],
}

/// A change followed through the hidden layers. Its lead is the logit of the label of x + r less that of the label of x.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Followed {
    /// The label of x.
    pub from: u32,
    /// The label of x + r.
    pub to: u32,
    /// The lead at x and at x + r.
    pub lead: [f64; 2],
    /// The hidden layers.
    pub layers: Vec<FollowedLayer>,
}

/// The units of one hidden layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FollowedLayer {
    /// Activations at x.
    pub before: Floats,
    /// Activations at x + r.
    pub after: Floats,
    /// What the change of each contributes to that of the lead; they sum to it.
    pub shares: Floats,
    /// The units, those with the largest shares first.
    pub order: Vec<u32>,
}

/// Digits along a direction of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Ranked {
    /// The smallest and the largest projection, x's included.
    pub range: [f32; 2],
    /// How many digits fall into each of equal parts of the range.
    pub counts: Vec<u32>,
    /// How many digits there are.
    pub digits: u32,
    /// The projection of x, where there is one.
    pub own: Option<f32>,
    /// How many digits have a larger projection than x.
    pub larger: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{Error, StrDeserializer, U8Deserializer};

    #[test]
    fn a_target_is_a_digit_or_any() {
        let word = |word| Target::deserialize(StrDeserializer::<Error>::new(word));
        assert_eq!(word("any").unwrap().0, Goal::Any);
        let refused = word("8").unwrap_err().to_string();
        assert!(refused.contains("string \"8\""), "{refused}");
        assert!(refused.contains("a digit from 0 to 9, or \"any\""), "{refused}");
        assert_eq!(Target::deserialize(U8Deserializer::<Error>::new(8)).unwrap().0, Goal::Target(8));
    }
}
