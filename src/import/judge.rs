//! How a file is meant, where it does not say: what fits is tried on digits, the usual first.
//!
//! The loss tells readings apart where accuracy does not: a network that was trained on normalised images classifies plain ones nearly
//! as well, but with less confidence. Yet it has to be clearly lower before something unusual is believed.

use super::{
    Accuracy, Alternative, Assumption, Body, Choices, Error, Format, Imported, Subject,
    arrangement::{Arrangement, arrangements},
    describe::{describe, weights},
    graph::{Graph, Layout, Pooling},
    layers::{self, Reading},
};
use crate::{
    idx::Digits,
    network::{self, Activation, Edges, Function, Network, Operation, kernel::Evaluator},
};
use std::cell::RefCell;

/// How many digits the accuracy is of.
const JUDGED: usize = 1000;
/// How many digits tell readings apart that are far from each other, and how many those that are close.
const GLANCE: usize = 32;
const LOOK: usize = 200;
/// How many weights a network has for which trying everything takes long.
const LARGE: usize = 300_000;
/// What logits are divided by before losses are compared.
const TEMPERATURES: [f32; 9] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0, 64.0, 256.0];
/// What part of the usual reading's loss an unusual one may have at most to be believed; one of the usual inputs instead of another,
/// in formats whose users mostly divide by 255, and in those of PyTorch's.
const CLEARLY: f64 = 0.6;
const OF_KERAS: f64 = 0.5;
const OF_PYTORCH: f64 = 0.97;

/// Ways in which a network wants its image, `factor·x + shift` of pixels in [0, 1], the usual ones first.
const INPUTS: [(&str, f32, f32); 7] = [
    ("pixels / 255", 1.0, 0.0),
    ("mean 0.1307, deviation 0.3081", 1.0 / 0.3081, -0.1307 / 0.3081),
    ("mean 0.5, deviation 0.5", 2.0, -1.0),
    ("pixels 0 to 255", 255.0, 0.0),
    ("inverted", -1.0, 1.0),
    ("inverted, 0 to 255", -255.0, 255.0),
    ("mean 0.5", 1.0, -0.5),
];
/// How many of these are usual enough to be taken whenever their loss is lower.
const USUAL_INPUTS: usize = 3;

/// Activations that a state dict may be meant with.
fn activations() -> Vec<Operation> {
    let elu = Function::Elu { alpha: 1.0, scale: 1.0 };
    let mut all: Vec<Operation> =
        [Activation::Relu, Activation::Tanh, Activation::Sigmoid].map(Operation::Activation).into();
    let functions = [Function::LeakyRelu { slope: 0.01 }, elu, Function::Gelu, Function::Silu, network::SELU];
    all.extend(functions.map(Operation::Function));
    all
}

const POOLINGS: [(&str, Pooling); 2] = [("maximum", Pooling::Max), ("mean", Pooling::Average)];
const SIZES: [&str; 2] = ["resized", "zeros around"];

/// One place in each list of what can be assumed.
#[derive(Clone, Debug, PartialEq)]
struct Guess {
    input: usize,
    size: usize,
    activation: usize,
    pooling: usize,
    arrangement: usize,
    is_activated: Vec<bool>,
}

/// The loss and the accuracy; none where there are no digits, or the reading does not fit.
type Score = Option<(f64, Accuracy)>;

/// A file whose meaning is looked for.
struct Case<'a> {
    format: Format,
    name: &'a str,
    body: &'a Body,
    arrangements: Vec<Arrangement>,
    activations: Vec<Operation>,
    judge: Judge<'a>,
    /// What was tried on how many digits, and how it did.
    known: RefCell<Vec<(Guess, usize, Score)>>,
}

/// A network's file as it is, with its accuracy.
pub(super) fn as_it_is(network: &Network, bytes: &[u8], digits: Option<&Digits>) -> Result<Imported, Error> {
    let judge = Judge { digits };
    Ok(Imported {
        format: Format::Safetensors,
        safetensors: bytes.to_vec(),
        operations: describe(network),
        weights: weights(network),
        accuracy: judge.score(network, JUDGED).map(|(_, accuracy)| accuracy),
        assumptions: Vec::new(),
        warnings: Vec::new(),
    })
}

/// The network that `body` is most likely meant as, with what was chosen.
pub(super) fn choose(
    format: Format,
    name: &str,
    body: &Body,
    digits: Option<&Digits>,
    choices: &Choices,
) -> Result<Imported, Error> {
    let mut case = Case {
        format,
        name,
        body,
        arrangements: vec![Arrangement::default()],
        activations: activations(),
        judge: Judge { digits },
        known: RefCell::default(),
    };
    if let Body::Layers(items) = body {
        case.arrangements = arrangements(items);
        if case.arrangements.is_empty() {
            return Err(Error::Fit {
                operation: "the layers' chain".into(),
                problem: "no usual padding and pooling leads from 28×28 pixels to the width of the first dense layer, and to ten \
                          values; such networks are taken as ONNX"
                    .into(),
            });
        }
    }
    let mut guess = case.usual();
    let chosen = case.chosen(&mut guess, choices)?;
    case.build(&guess)?;
    let mut tried = Vec::new();
    if digits.is_some() {
        case.improve(&mut guess, &chosen, &mut tried);
    }
    case.imported(format, &guess, tried)
}

/// A reading that was tried: about what, its place in the list, and how it did.
type Tried = (Subject, Guess, f64, Accuracy);

impl Case<'_> {
    fn usual(&self) -> Guess {
        let count = if let Body::Layers(items) = self.body { layers::count(items) } else { 0 };
        // A file that divides by 255 itself is given pixels as they are.
        let is_raw = matches!(self.body, Body::Operations(all) if divides(all));
        Guess {
            input: if is_raw { 3 } else { 0 },
            size: 0,
            activation: 0,
            pooling: 0,
            arrangement: 0,
            is_activated: vec![true; count.saturating_sub(1)],
        }
    }

    /// What is open in this file.
    fn subjects(&self, guess: &Guess) -> Vec<Subject> {
        let mut subjects = vec![Subject::Input];
        match self.body {
            Body::Operations(all) => {
                let is_larger =
                    |operation: &Operation| matches!(operation, Operation::Resize((r, c)) if padded(*r, *c).is_some());
                subjects.extend(all.first().is_some_and(is_larger).then_some(Subject::Size));
            }
            Body::Layers(items) => {
                let is_deep = layers::count(items) > 1;
                subjects.extend((is_deep && !layers::says_activations(items)).then_some(Subject::Activation));
                let pools = self.arrangements[guess.arrangement].convolutions.iter().any(|c| c.pool.is_some());
                subjects.extend(pools.then_some(Subject::Pooling));
                let convolves = !self.arrangements[0].convolutions.is_empty();
                subjects.extend(convolves.then_some(Subject::Arrangement));
                subjects
                    .extend((is_deep && convolves && !layers::says_activations(items)).then_some(Subject::Unactivated));
            }
        }
        subjects
    }

    /// Other guesses that differ in `subject`.
    fn others(&self, guess: &Guess, subject: Subject) -> Vec<Guess> {
        let with = |count: usize, set: &dyn Fn(&mut Guess, usize)| {
            (0..count)
                .map(|k| {
                    let mut other = guess.clone();
                    set(&mut other, k);
                    other
                })
                .filter(|other| other != guess)
                .collect::<Vec<_>>()
        };
        match subject {
            Subject::Input => with(INPUTS.len(), &|guess, k| guess.input = k),
            Subject::Size => with(SIZES.len(), &|guess, k| guess.size = k),
            Subject::Activation => with(self.activations.len(), &|guess, k| guess.activation = k),
            Subject::Pooling => with(POOLINGS.len(), &|guess, k| guess.pooling = k),
            Subject::Arrangement => with(self.arrangements.len(), &|guess, k| guess.arrangement = k),
            Subject::Unactivated => with(guess.is_activated.len(), &|guess, k| guess.is_activated[k] ^= true),
        }
    }

    /// In words, what `guess` says about `subject`.
    fn words(&self, guess: &Guess, subject: Subject) -> String {
        match subject {
            Subject::Input => INPUTS[guess.input].0.into(),
            Subject::Size => SIZES[guess.size].into(),
            Subject::Activation => self.activations[guess.activation].kind().into(),
            Subject::Pooling => POOLINGS[guess.pooling].0.into(),
            Subject::Arrangement => self.arrangements[guess.arrangement].describe(),
            Subject::Unactivated => {
                let names = if let Body::Layers(items) = self.body { layers::names(items) } else { Vec::new() };
                let without = names.iter().zip(&guess.is_activated).filter(|(_, is)| !**is).map(|(name, _)| *name);
                let without = without.collect::<Vec<_>>().join(", ");
                if without.is_empty() { "none but the last".into() } else { without }
            }
        }
    }

    /// Sets what was chosen; the subjects that are settled by that.
    fn chosen(&self, guess: &mut Guess, choices: &Choices) -> Result<Vec<Subject>, Error> {
        let mut settled = Vec::new();
        for (subject, value) in &choices.0 {
            let known: Vec<Guess> = [guess.clone()].into_iter().chain(self.others(guess, *subject)).collect();
            let Some(found) = known.iter().find(|guess| self.words(guess, *subject) == *value) else {
                let known = known.iter().map(|guess| self.words(guess, *subject)).collect::<Vec<_>>().join("; ");
                return Err(Error::Choice { subject: subject.name(), value: value.clone(), known });
            };
            *guess = found.clone();
            settled.push(*subject);
        }
        Ok(settled)
    }

    fn build(&self, guess: &Guess) -> Result<Network, Error> {
        let mut operations = match self.body {
            Body::Operations(all) => all.clone(),
            Body::Layers(items) => {
                let mut graph = Graph::default();
                let dims = if layers::takes_colours(items) { [1, 3, 28, 28] } else { [1, 1, 28, 28] };
                let image = graph.image(&dims, Layout::ChannelsFirst)?;
                let reading = Reading {
                    activation: self.activations[guess.activation].clone(),
                    pooling: POOLINGS[guess.pooling].1,
                    arrangement: self.arrangements[guess.arrangement].clone(),
                    is_activated: guess.is_activated.clone(),
                };
                let output = layers::build(items, &reading, &mut graph, image)?;
                graph.finish(&output)?
            }
        };
        if guess.size == 1
            && let Some(Operation::Resize((rows, columns))) = operations.first()
            && let Some(edges) = padded(*rows, *columns)
        {
            operations[0] = Operation::Pad(edges);
        }
        let (_, factor, shift) = INPUTS[guess.input];
        if (factor, shift) != (1.0, 0.0) {
            operations.insert(0, Operation::Scale { factor: vec![factor], shift: vec![shift] });
        }
        Ok(Network::of_operations(self.name, operations)?)
    }

    /// Changes one thing after another where the digits clearly ask for it.
    fn improve(&self, guess: &mut Guess, settled: &[Subject], tried: &mut Vec<Tried>) {
        if !settled.contains(&Subject::Activation) && self.subjects(guess).contains(&Subject::Activation) {
            self.choose_activation(guess, settled);
        }
        for _ in 0..2 {
            let before = guess.clone();
            tried.clear();
            for subject in self.subjects(guess) {
                // More than a tenth of errors says that more is wrong than was seen yet; few layers are without activation.
                let is_well =
                    || self.loss(guess, LOOK).is_none_or(|(_, accuracy)| accuracy.right * 10 > accuracy.of * 9);
                if subject == Subject::Unactivated && (settled.contains(&subject) || is_well()) {
                    continue;
                }
                loop {
                    let compared = self.compared(guess, subject);
                    let better = compared
                        .iter()
                        .find(|(other, loss, accuracy)| self.is_better(guess, subject, other, *loss, *accuracy));
                    let better = better.filter(|_| !settled.contains(&subject)).map(|(other, ..)| other.clone());
                    let changes = better.is_some();
                    *guess = better.unwrap_or_else(|| guess.clone());
                    if !(changes && subject == Subject::Unactivated) {
                        // What was better than the others is now taken, and not among them.
                        tried.extend(
                            compared
                                .into_iter()
                                .filter(|(other, ..)| other != guess)
                                .map(|(o, l, a)| (subject, o, l, a)),
                        );
                        break;
                    }
                }
            }
            if *guess == before {
                break;
            }
        }
    }

    /// Another activation, each with the input that suits it best: to look for the input first would find the one that is best with a wrong
    /// activation.
    fn choose_activation(&self, guess: &mut Guess, settled: &[Subject]) {
        let is_large = self.build(guess).is_ok_and(|network| weights(&network) > LARGE);
        let count = if is_large { GLANCE } else { LOOK };
        let glance = |guess: &Guess| self.loss(guess, count).map_or(f64::INFINITY, |(loss, _)| loss);
        let suited = |activation: usize| {
            let own = Guess { activation, ..guess.clone() };
            let others = if settled.contains(&Subject::Input) { Vec::new() } else { self.others(&own, Subject::Input) };
            let handicapped =
                others.into_iter().map(|other| (glance(&other) / self.believed(Subject::Input, &own, &other), other));
            let all = [(glance(&own), own.clone())].into_iter().chain(handicapped);
            all.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(own.clone(), |(_, best)| best)
        };
        let usual = suited(guess.activation);
        // Where the usual does well, it takes long to look further, and seldom finds anything.
        if is_large && self.loss(&usual, LOOK).is_some_and(|(_, accuracy)| accuracy.right * 100 > accuracy.of * 96) {
            return;
        }
        let others = (0..self.activations.len()).filter(|k| *k != guess.activation).map(suited);
        let looked = others.filter_map(|other| self.loss(&other, LOOK).map(|(loss, accuracy)| (other, loss, accuracy)));
        let best = looked.min_by(|a, b| a.1.total_cmp(&b.1));
        let better =
            best.filter(|(other, loss, accuracy)| self.is_better(&usual, Subject::Activation, other, *loss, *accuracy));
        if let Some((other, ..)) = better {
            *guess = other;
        }
    }

    /// Readings that differ from `guess` in `subject`, and do not do much worse than it: the better first.
    fn compared(&self, guess: &Guess, subject: Subject) -> Vec<(Guess, f64, Accuracy)> {
        let glance = |guess: &Guess| self.loss(guess, GLANCE).map_or(f64::INFINITY, |(loss, _)| loss);
        let mut all: Vec<(Guess, f64)> =
            self.others(guess, subject).into_iter().map(|other| (other.clone(), glance(&other))).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        let least = all.first().map_or(0.0, |(_, loss)| *loss).min(glance(guess));
        let close = all.into_iter().filter(|(_, loss)| *loss <= 2.0 * least + 0.2).take(4);
        let looked =
            close.filter_map(|(other, _)| self.loss(&other, LOOK).map(|(loss, accuracy)| (other, loss, accuracy)));
        let mut looked: Vec<_> = looked.collect();
        looked.sort_by(|a, b| a.1.total_cmp(&b.1));
        looked
    }

    /// Whether `other` does so much better than `guess` that it is believed.
    fn is_better(&self, guess: &Guess, subject: Subject, other: &Guess, loss: f64, accuracy: Accuracy) -> bool {
        let Some((own, known)) = self.loss(guess, LOOK) else { return false };
        let part = self.believed(subject, guess, other);
        loss < own * part && (part > CLEARLY || accuracy.right > known.right)
    }

    /// What part of its loss `other` may have to be believed instead of `guess`. The way back to the usual is free.
    fn believed(&self, subject: Subject, guess: &Guess, other: &Guess) -> f64 {
        let of_pytorch = matches!(self.format, Format::PyTorch | Format::Onnx | Format::Safetensors);
        let usual = if of_pytorch { OF_PYTORCH } else { OF_KERAS };
        match subject {
            Subject::Input if other.input >= USUAL_INPUTS => CLEARLY,
            Subject::Input if guess.input >= USUAL_INPUTS => 1.0 / CLEARLY,
            Subject::Input if other.input == 0 => 1.0 / usual,
            Subject::Input if guess.input == 0 => usual,
            Subject::Input => 1.0,
            Subject::Activation if other.activation == 0 => 1.0 / CLEARLY,
            Subject::Pooling if other.pooling == 0 => 1.0 / CLEARLY,
            Subject::Arrangement if other.arrangement < guess.arrangement => 1.0 / CLEARLY,
            Subject::Unactivated => 0.8,
            _ => CLEARLY,
        }
    }

    /// The loss and the accuracy on the first `count` digits.
    fn loss(&self, guess: &Guess, count: usize) -> Option<(f64, Accuracy)> {
        let known =
            self.known.borrow().iter().find(|(other, of, _)| other == guess && *of == count).map(|(.., score)| *score);
        if let Some(score) = known {
            return score;
        }
        let score = self.build(guess).ok().and_then(|network| self.judge.score(&network, count));
        self.known.borrow_mut().push((guess.clone(), count, score));
        score
    }

    fn imported(&self, format: Format, guess: &Guess, tried: Vec<Tried>) -> Result<Imported, Error> {
        let network = self.build(guess)?;
        let accuracy = self.judge.score(&network, JUDGED).map(|(_, accuracy)| accuracy);
        let assumptions = self.subjects(guess).into_iter().map(|subject| {
            let of_subject = tried.iter().filter(|(about, ..)| *about == subject);
            let mut alternatives: Vec<Alternative> = of_subject
                .map(|(_, other, _, accuracy)| Alternative {
                    value: self.words(other, subject),
                    accuracy: Some(*accuracy),
                })
                .collect();
            for other in self.others(guess, subject) {
                let value = self.words(&other, subject);
                if alternatives.iter().all(|known| known.value != value) {
                    alternatives.push(Alternative { value, accuracy: None });
                }
            }
            Assumption { subject, taken: self.words(guess, subject), alternatives }
        });
        let mut warnings = Vec::new();
        if let Some(accuracy) = accuracy.filter(|accuracy| accuracy.right * 10 < accuracy.of * 9) {
            warnings.push(format!(
                "It classifies only {accuracy} as they are labelled: it may want its image otherwise, or be of other classes than the ten \
                 digits, or not be trained, or one of the assumptions is wrong."
            ));
        }
        Ok(Imported {
            format,
            operations: describe(&network),
            weights: weights(&network),
            accuracy,
            assumptions: assumptions.collect(),
            warnings,
            safetensors: network.to_safetensors(&[("imported", format.to_string())])?,
        })
    }
}

/// What scores readings.
struct Judge<'a> {
    digits: Option<&'a Digits>,
}

impl Judge<'_> {
    /// The mean cross-entropy at the temperature where it is least, and the accuracy, on the first `count` digits. At a temperature of one
    /// the inputs with the larger numbers would win, for they make larger logits.
    fn score(&self, network: &Network, count: usize) -> Option<(f64, Accuracy)> {
        let mut evaluator = Evaluator::new(network.clone());
        let (mut losses, mut accuracy) = ([0.0; TEMPERATURES.len()], Accuracy { right: 0, of: 0 });
        for (image, label) in self.digits?.iter().take(count) {
            let logits = *evaluator.logits(&image);
            for (loss, temperature) in losses.iter_mut().zip(TEMPERATURES) {
                let probability = network::probabilities(&logits.map(|z| z / temperature))[label];
                // No digit counts for more than one that is given up wholly.
                *loss -= f64::from(probability.max(1e-6)).ln();
            }
            accuracy.right += usize::from(network::label(&logits) == label);
            accuracy.of += 1;
        }
        let least = losses.into_iter().fold(f64::INFINITY, f64::min);
        (accuracy.of > 0).then(|| (least / accuracy.of as f64, accuracy))
    }
}

/// Whether what is done first is a division by about 255.
fn divides(operations: &[Operation]) -> bool {
    let first = operations.iter().find(|operation| !matches!(operation, Operation::Resize(_) | Operation::Flatten));
    matches!(first, Some(Operation::Scale { factor, .. }) if factor.iter().all(|f| f.abs() < 0.02))
}

/// The zeros around 28×28 pixels that make as many rows and columns.
fn padded(rows: usize, columns: usize) -> Option<Edges> {
    let side = |length: usize| length.checked_sub(crate::SIDE).filter(|more| *more > 0);
    let (more, wider) = (side(rows)?, side(columns)?);
    Some(Edges { top: more / 2, bottom: more - more / 2, left: wider / 2, right: wider - wider / 2 })
}
