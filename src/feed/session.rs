//! One page's training: what each request does, and slices of work between them. On a clock that is passed in.

use super::{
    FeedError,
    file::to_safetensors,
    message::{Bytes, Digit, Floats, Found, Request, Response, Saved, Side, State},
    pack::unpack,
    trainer::{Checkpoint, Data, Options, Trainer},
};
use crate::{
    LABELS, PIXELS,
    attack::{self, Attack, AttackError, Goal},
    network::{Mlp, label},
    wire::Service,
};
use std::sync::Arc;

/// Digits in the gallery.
const GALLERY: usize = 8;
/// The part of the smoothed time of a step that each slice makes up.
const SMOOTHING: f64 = 0.05;

/// What the Worker knows.
#[derive(Default)]
pub struct Session {
    data: Option<Data>,
    trainer: Option<Trainer>,
    state: State,
    /// The last progress: step, steps, loss.
    stand: (u32, u32, f32),
    /// Milliseconds of a step, smoothed.
    pace: Option<f64>,
    /// Milliseconds that it works at a time where it is served, and what it has to say there.
    slice: f64,
    replies: Vec<Response>,
}

impl Service for Session {
    type Message = Request;
    type Reply = Response;

    fn open(slice: f64) -> Self {
        Session { slice, replies: vec![Response::Ready], ..Session::default() }
    }

    fn receive(&mut self, request: Request) {
        let said = self.handle(request);
        self.replies.extend(said);
    }

    fn run(&mut self, clock: &dyn Fn() -> f64) {
        let said = self.work(clock, self.slice);
        self.replies.extend(said);
    }

    fn take_replies(&mut self) -> Vec<Response> {
        std::mem::take(&mut self.replies)
    }

    fn is_idle(&self) -> bool {
        !self.is_busy()
    }

    fn misunderstood(_: Option<u32>, message: String) -> Option<Response> {
        Some(Response::Failed { message })
    }
}

impl Session {
    /// Does what a request asks for; a request that can't be met changes nothing and is answered by [`Response::Failed`].
    pub fn handle(&mut self, request: Request) -> Vec<Response> {
        self.meet(request).unwrap_or_else(|error| vec![Response::Failed { message: error.to_string() }])
    }

    fn meet(&mut self, request: Request) -> Result<Vec<Response>, FeedError> {
        match request {
            Request::Digits { train, test } => {
                let data = Data { train: Arc::new(unpack(&train.0)?), held_out: Arc::new(unpack(&test.0)?) };
                self.data = Some(data);
                Ok(Vec::new())
            }
            Request::Harden { network, options } => {
                let network = Mlp::from_safetensors(&network.0)?;
                let trainer = Trainer::harden(network, self.data()?, options.unwrap_or_else(Options::harden))?;
                Ok(self.begin(trainer))
            }
            Request::Scratch { hidden, activation, decay, options } => {
                let options = Options { decay, ..options.unwrap_or_else(Options::scratch) };
                Ok(self.begin(Trainer::from_scratch(&hidden, activation, self.data()?, options)?))
            }
            Request::Continue { checkpoint } => Ok(self.begin(Trainer::resume(opened(&checkpoint)?, self.data()?)?)),
            Request::Pause => Ok(self.turn(&[State::Running], State::Paused)),
            Request::Resume => Ok(self.turn(&[State::Paused], State::Running)),
            Request::Cancel => Ok(self.turn(&[State::Running, State::Paused], State::Stopped)),
            Request::Reset => self.reset(),
            Request::Snapshot => {
                let network = Bytes(to_safetensors(&self.named()?, &[]));
                Ok(vec![Response::Snapshot { step: self.stand.0, network }])
            }
            Request::Attack { id, image, target } => self.attack(id, &image.0, target),
            Request::Download => self.download(),
        }
    }

    fn data(&self) -> Result<Data, FeedError> {
        self.data.clone().ok_or(FeedError::NoDigits)
    }

    fn trainer(&self) -> Result<&Trainer, FeedError> {
        self.trainer.as_ref().ok_or(FeedError::NoNetwork)
    }

    fn begin(&mut self, trainer: Trainer) -> Vec<Response> {
        let Checkpoint { step, options, .. } = trainer.checkpoint();
        self.stand = (step, options.steps, 0.0);
        self.pace = None;
        self.trainer = Some(trainer);
        self.state = State::Running;
        vec![self.progress()]
    }

    fn turn(&mut self, from: &[State], to: State) -> Vec<Response> {
        if from.contains(&self.state) {
            self.state = to;
        }
        vec![self.progress()]
    }

    fn reset(&mut self) -> Result<Vec<Response>, FeedError> {
        if let Some(trainer) = &self.trainer {
            let Checkpoint { before, options, .. } = trainer.checkpoint();
            let checkpoint = Checkpoint { step: 0, weights: before.clone(), before, options };
            let steps = checkpoint.options.steps;
            self.trainer = Some(Trainer::resume(checkpoint, self.data()?)?);
            self.stand = (0, steps, 0.0);
            self.state = State::Idle;
        }
        Ok(vec![self.progress()])
    }

    /// Whether there is work to do.
    pub fn is_busy(&self) -> bool {
        self.state == State::Running
    }

    /// Trains for about `budget` milliseconds by this clock, at least one step.
    pub fn work(&mut self, clock: impl Fn() -> f64, budget: f64) -> Vec<Response> {
        let mut said = Vec::new();
        let Some(trainer) = self.trainer.as_mut().filter(|_| self.state == State::Running) else { return said };
        let (begun, first) = (clock(), self.stand.0);
        loop {
            match trainer.step() {
                Ok(progress) => {
                    self.stand = (progress.step, progress.steps, progress.loss);
                    if let Some(measures) = progress.measures {
                        said.push(Response::Measured(measures));
                        said.push(Response::Checkpoint(saved(&trainer.checkpoint())));
                        match trainer.hardest(GALLERY) {
                            Ok(hard) => said.push(gallery(hard, self.data.as_ref())),
                            Err(error) => said.push(Response::Failed { message: error.to_string() }),
                        }
                    }
                    if progress.is_done {
                        self.state = State::Done;
                    }
                }
                Err(error) => {
                    said.push(Response::Failed { message: error.to_string() });
                    self.stand.0 = trainer.checkpoint().step;
                    self.state = State::Stopped;
                }
            }
            let took = clock() - begun;
            if took >= budget || self.state != State::Running {
                let steps = self.stand.0.saturating_sub(first);
                if steps > 0 {
                    let pace = took / f64::from(steps);
                    self.pace = Some(self.pace.map_or(pace, |before| before + SMOOTHING * (pace - before)));
                }
                break;
            }
        }
        said.push(self.progress());
        said
    }

    fn progress(&self) -> Response {
        let (step, steps, loss) = self.stand;
        let images = self.trainer.as_ref().map_or(0, Trainer::images_a_step);
        let pace = self.pace.filter(|pace| *pace > 0.0);
        Response::Progress {
            state: self.state,
            step,
            steps,
            loss,
            speed: pace.map_or(0.0, |pace| (images as f64 * 1000.0 / pace) as f32),
            remaining: pace.map(|pace| pace * f64::from(steps - step.min(steps))),
        }
    }

    fn attack(&mut self, id: u32, image: &[f32], target: Option<usize>) -> Result<Vec<Response>, FeedError> {
        if image.len() != PIXELS {
            return Err(AttackError::Size(image.len()).into());
        }
        let trainer = self.trainer()?;
        let (before, after) = (trainer.before().clone(), trainer.weights());
        let step = self.stand.0;
        let sides = (side(&before, &after, image, target)?, side(&after, &before, image, target)?);
        Ok(vec![Response::Attacked { id, step, before: sides.0, after: sides.1 }])
    }

    fn download(&self) -> Result<Vec<Response>, FeedError> {
        let (step, network) = (self.stand.0, self.named()?);
        let words: Vec<&str> =
            network.name().split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let name = format!("{}-step-{step}.safetensors", words.join("-"));
        let trained = format!("{step} steps in a browser");
        Ok(vec![Response::Download { name, network: Bytes(to_safetensors(&network, &[("trained", &trained)])) }])
    }

    /// The network as it is now, by a name of its own.
    fn named(&self) -> Result<Mlp, FeedError> {
        let trainer = self.trainer()?;
        let weights = trainer.weights();
        let suffix = if trainer.checkpoint().options.examples > 0 { " hardened here" } else { " trained here" };
        let name = format!("{}{suffix}", weights.name().trim_end_matches(suffix));
        Ok(Mlp::new(&name, weights.activation(), weights.layers().to_vec())?)
    }
}

/// The smallest r on one network, and what the other predicts of its result. Without a target it is the smallest of nine searches: a
/// single one, to whichever label is reached first, is what hardened networks learn to mislead.
fn side(network: &Arc<Mlp>, other: &Arc<Mlp>, image: &[f32], target: Option<usize>) -> Result<Side, FeedError> {
    let mut attack = Attack::new(network.clone(), attack::Options::default());
    let prediction = label(&network.logits(image));
    let mut side = Side { prediction, outcome: None, r: Floats::default(), transfer: label(&other.logits(image)) };
    for target in target.map_or(0..LABELS, |target| target..target + 1) {
        match attack.start(image, Goal::Target(target)) {
            Err(AttackError::AlreadyTarget(_)) => continue,
            started => started?,
        }
        let Some(found) = attack.run().map(Found::from) else { continue };
        if side.outcome.is_none_or(|best| !best.success || found.success && found.norm < best.norm) {
            side.outcome = Some(found);
            side.r = Floats(attack.perturbation().to_vec());
            side.transfer = label(&other.logits(attack.adversarial()));
        }
    }
    Ok(side)
}

fn gallery(hard: Vec<super::Hard>, data: Option<&Data>) -> Response {
    let digit = |hard: super::Hard| {
        let image = data.and_then(|data| data.train.images().get(hard.digit)).map(|image| image.to_vec());
        Digit {
            digit: hard.digit,
            label: hard.label,
            to: hard.to,
            norm: hard.norm,
            image: Floats(image.unwrap_or_default()),
            adversarial: Floats(hard.adversarial),
        }
    };
    Response::Gallery { digits: hard.into_iter().map(digit).collect() }
}

fn saved(checkpoint: &Checkpoint) -> Saved {
    Saved {
        step: checkpoint.step,
        weights: Bytes(to_safetensors(&checkpoint.weights, &[])),
        before: Bytes(to_safetensors(&checkpoint.before, &[])),
        options: checkpoint.options.clone(),
    }
}

fn opened(saved: &Saved) -> Result<Checkpoint, FeedError> {
    Ok(Checkpoint {
        step: saved.step,
        weights: Arc::new(Mlp::from_safetensors(&saved.weights.0)?),
        before: Arc::new(Mlp::from_safetensors(&saved.before.0)?),
        options: saved.options.clone(),
    })
}
