//! The MNIST part of the paper, measured again: its tables and claims beside our own numbers.
//!
//! The work is cut into parts. Each is written to a file as soon as it is finished, named by everything that it
//! depends on, so that an interrupted run goes on where it stopped, and a run with other weights begins anew.

pub mod data;
pub mod document;
pub mod figures;
pub mod measure;
pub mod paper;

use crate::{attack::AttackError, idx::Digits, network::Mlp};
use measure::{Bench, Crossing, Errors, Nine, NoiseRow, PASS, ReadingRow, Row, Sampling, Spectrum, Units};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use thiserror::Error;

/// The network that the single-network experiments are about.
pub const MAIN: &str = "FC100-100-10";
/// The same network, trained with back-feeding; with examples of a hidden layer's output; and for as many epochs without.
pub const HARDENED: &str = "FC100-100-10 (hardened)";
const INSIDE: &str = "FC100-100-10 (hardened inside)";
const AS_LONG: &str = "FC100-100-10 (120 epochs)";
/// Changes when a part means something else than before.
const VERSION: u32 = 2;

/// How many test images each part looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// For tables 1, 2 and 4.
    pub transfer: usize,
    /// For all nine targets of each.
    pub nine: usize,
    /// For random perturbations.
    pub sampled: usize,
    /// Random perturbations of each of those.
    pub tries: u32,
    /// For the largest activations of units.
    pub units: usize,
    /// For measured amplification.
    pub spectrum: usize,
    /// For the readings of c.
    pub readings: usize,
}

impl Sizes {
    /// What docs/reproduction.md is made with.
    pub const FULL: Sizes = Sizes {
        transfer: 10_000,
        nine: 1000,
        sampled: 1000,
        tries: 1000,
        units: 10_000,
        spectrum: 1000,
        readings: 1000,
    };
    /// A sample.
    pub const QUICK: Sizes =
        Sizes { transfer: 500, nine: 50, sampled: 100, tries: 100, units: 10_000, spectrum: 100, readings: 100 };
    /// Too few for the figures to mean anything: to see that all of it runs.
    pub const BRIEF: Sizes =
        Sizes { transfer: 60, nine: 5, sampled: 20, tries: 50, units: 300, spectrum: 20, readings: 30 };
}

/// Why the reproduction stopped.
#[derive(Debug, Error)]
pub enum ReproduceError {
    /// The network that most parts are about is not there.
    #[error("there is no network called {MAIN} among {0}; make it with `pockets train fc100-100-10`")]
    NoMain(String),
    /// A digit that the search refused.
    #[error("a test image could not be attacked: {0}")]
    Attack(#[from] AttackError),
    /// A file that could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A figure that could not be drawn.
    #[error("the figure {name} could not be drawn: {message}")]
    Figure {
        /// Which.
        name: &'static str,
        /// Why.
        message: String,
    },
    /// Numbers that could not be written as JSON or read again.
    #[error("a part's numbers could not be stored: {0}")]
    Json(#[from] serde_json::Error),
}

/// What the parts are measured on.
pub struct Reproduction<'a> {
    /// The networks, in the order of the tables' columns.
    pub networks: Vec<Arc<Mlp>>,
    /// MNIST's training digits.
    pub train: &'a Digits,
    /// MNIST's test digits.
    pub test: &'a Digits,
    /// How many of them.
    pub sizes: Sizes,
    /// Where finished parts are kept; nowhere if none.
    pub parts: Option<PathBuf>,
}

/// How far the work is, for a progress bar. Work is counted in searches.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What is being done.
    pub part: String,
    /// Work done since the start, without what an earlier run did.
    pub done: f64,
    /// Work to be done in all, without what an earlier run did.
    pub total: f64,
}

/// Everything measured, network by network in the order of `networks`.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// The networks' names.
    pub networks: Vec<String>,
    /// How many images each part looked at.
    pub sizes: Sizes,
    /// Errors on MNIST.
    pub errors: Vec<Errors>,
    /// Each network's examples on every network.
    pub rows: Vec<Row>,
    /// Gaussian noise on every network.
    pub gaussian: Vec<NoiseRow>,
    /// All nine targets.
    pub nine: Vec<Nine>,
    /// Bounds and amplification.
    pub spectrum: Vec<Spectrum>,
    /// Random perturbations of [`MAIN`].
    pub sampling: Sampling,
    /// Unclipped noise beside the distance to the boundary.
    pub crossing: Vec<Crossing>,
    /// Units and directions of [`MAIN`]'s hidden layers.
    pub units: Vec<Units>,
    /// Readings of c on [`MAIN`].
    pub readings: Vec<ReadingRow>,
}

impl Results {
    /// Where a network of this name stands in every list.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.networks.iter().position(|n| n == name)
    }
}

/// One part of the work.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Errors(usize),
    Row(usize),
    Gaussian,
    Nine(usize),
    Spectrum(usize),
    Crossing(usize),
    Sampling,
    Units(usize),
    Readings,
}

impl Reproduction<'_> {
    /// Measures everything that an earlier run has not, and reports to `report` how it goes.
    pub fn run(&self, report: &(dyn Fn(Progress) + Sync)) -> Result<Results, ReproduceError> {
        let names: Vec<String> = self.networks.iter().map(|n| n.name().to_string()).collect();
        let main = names.iter().position(|n| n == MAIN).ok_or_else(|| ReproduceError::NoMain(names.join(", ")))?;
        let parts = self.plan(main);
        let files: Vec<Option<PathBuf>> = parts.iter().map(|part| self.file(*part)).collect();
        let mut values: Vec<Option<Value>> = files.iter().map(|file| read(file.as_deref())).collect();
        let open = parts.iter().zip(&values).filter(|(_, value)| value.is_none());
        let total = open.map(|(part, _)| self.cost(*part)).sum();
        let progress = Mutex::new(Progress { part: String::new(), done: 0.0, total });
        let advance = |part: Option<String>, work: f64| {
            let mut progress = progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            progress.part = part.unwrap_or_else(|| std::mem::take(&mut progress.part));
            progress.done += work;
            report(progress.clone());
        };
        let done = |work: f64| advance(None, work);
        let bench = Bench { networks: &self.networks, train: self.train, test: self.test, done: &done };
        for ((part, file), value) in parts.iter().zip(&files).zip(&mut values) {
            if value.is_none() {
                advance(Some(self.describe(*part)), 0.0);
                let measured = self.measure(&bench, *part, main)?;
                if let Some(file) = file {
                    write(file, serde_json::to_string(&measured)?.as_bytes())?;
                }
                *value = Some(measured);
            }
        }
        let mut values = values.into_iter().flatten();
        let count = self.networks.len();
        Ok(Results {
            networks: names,
            sizes: self.sizes,
            errors: take(&mut values, count)?,
            rows: take(&mut values, count)?,
            nine: take(&mut values, count)?,
            spectrum: take(&mut values, count)?,
            crossing: take(&mut values, count)?,
            units: take(&mut values, self.networks[main].layers().len() - 1)?,
            gaussian: serde_json::from_value(values.next().unwrap_or_default())?,
            sampling: serde_json::from_value(values.next().unwrap_or_default())?,
            readings: serde_json::from_value(values.next().unwrap_or_default())?,
        })
    }

    /// All parts, in the order in which [`Reproduction::run`] takes them apart again.
    fn plan(&self, main: usize) -> Vec<Part> {
        let each = |part: fn(usize) -> Part| (0..self.networks.len()).map(part).collect::<Vec<_>>();
        let layers = 1..self.networks[main].layers().len();
        let each_network = [Part::Errors, Part::Row, Part::Nine, Part::Spectrum, Part::Crossing];
        let mut parts = each_network.map(each).concat();
        parts.extend(layers.map(Part::Units));
        parts.extend([Part::Gaussian, Part::Sampling, Part::Readings]);
        parts
    }

    fn measure(&self, bench: &Bench, part: Part, main: usize) -> Result<Value, ReproduceError> {
        let sizes = self.sizes;
        Ok(match part {
            Part::Errors(k) => serde_json::to_value(bench.errors(k))?,
            Part::Row(k) => serde_json::to_value(bench.row(k, sizes.transfer)?)?,
            Part::Gaussian => serde_json::to_value(bench.gaussian(sizes.transfer))?,
            Part::Nine(k) => serde_json::to_value(bench.nine(k, sizes.nine)?)?,
            Part::Spectrum(k) => serde_json::to_value(bench.spectrum(k, sizes.spectrum)?)?,
            Part::Crossing(k) => serde_json::to_value(bench.crossing(k, sizes.sampled, (sizes.tries / 10).max(1)))?,
            Part::Sampling => serde_json::to_value(bench.sampling(main, sizes.sampled, sizes.tries)?)?,
            Part::Units(layer) => serde_json::to_value(bench.units(main, layer, sizes.units))?,
            Part::Readings => serde_json::to_value(bench.readings(main, sizes.readings)?)?,
        })
    }

    fn describe(&self, part: Part) -> String {
        let name = |k: usize| self.networks[k].name();
        match part {
            Part::Errors(k) => format!("errors of {}", name(k)),
            Part::Row(k) => format!("{}'s examples on every network", name(k)),
            Part::Gaussian => "noise on every network".into(),
            Part::Nine(k) => format!("nine targets on {}", name(k)),
            Part::Spectrum(k) => format!("amplification in {}", name(k)),
            Part::Crossing(k) => format!("noise and boundary of {}", name(k)),
            Part::Sampling => "random perturbations".into(),
            Part::Units(layer) => format!("units of layer {layer}"),
            Part::Readings => "readings of c".into(),
        }
    }

    /// About how many searches a part is worth.
    fn cost(&self, part: Part) -> f64 {
        let (sizes, test) = (self.sizes, self.test.len());
        let images = |count: usize| count.min(test) as f64;
        let shown = PASS * self.networks.len() as f64;
        match part {
            Part::Errors(_) => PASS * (self.train.len() + test) as f64,
            Part::Row(_) => images(sizes.transfer) * (1.0 + 2.0 * shown),
            Part::Gaussian => images(sizes.transfer) * 2.0 * shown * measure::DEVIATIONS.len() as f64,
            Part::Nine(_) => images(sizes.nine) * 9.0,
            Part::Spectrum(_) => images(sizes.spectrum) * (1.0 + 10.0 * PASS),
            Part::Crossing(_) => images(sizes.sampled) * PASS * (180.0 + 0.6 * f64::from(sizes.tries)),
            Part::Sampling => images(sizes.sampled) * (1.0 + PASS * f64::from(sizes.tries) * 4.1),
            Part::Units(_) => images(sizes.units) * 3.0 * PASS,
            Part::Readings => images(sizes.readings) * 4.0,
        }
    }

    /// The file of a part: its name carries a digest of all weights, digits and sizes.
    fn file(&self, part: Part) -> Option<PathBuf> {
        let folder = self.parts.as_ref()?;
        let mut digest = md5::Context::new();
        digest.consume(format!("{VERSION} {part:?} {:?}", self.sizes));
        for digits in [self.train, self.test] {
            digest.consume(digits.len().to_le_bytes());
            digest.consume(digits.labels().as_slice());
        }
        let alone = match part {
            Part::Errors(k) | Part::Nine(k) | Part::Spectrum(k) | Part::Crossing(k) => Some(k),
            _ => None,
        };
        for (k, network) in self.networks.iter().enumerate() {
            if alone.is_none_or(|alone| alone == k) {
                digest.consume(network.name());
                digest.consume(network.activation().name());
                for layer in network.layers() {
                    layer.weight.iter().chain(&layer.bias).for_each(|w| digest.consume(w.to_le_bytes()));
                }
            }
        }
        let kind = format!("{part:?}").to_lowercase().replace(['(', ')'], "-");
        Some(folder.join(format!("{}-{:x}.json", kind.trim_end_matches('-'), digest.finalize())))
    }
}

/// The next `count` values.
fn take<T: DeserializeOwned>(values: &mut impl Iterator<Item = Value>, count: usize) -> Result<Vec<T>, ReproduceError> {
    Ok(values.take(count).map(serde_json::from_value).collect::<Result<_, _>>()?)
}

/// A part that an earlier run finished; one that cannot be read is measured again.
fn read(file: Option<&Path>) -> Option<Value> {
    serde_json::from_slice(&fs::read(file?).ok()?).ok()
}

/// Writes a file whole or not at all, and the folders above it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), ReproduceError> {
    let at = |source| ReproduceError::File { path: path.into(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(at)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    fs::write(&unfinished, bytes).map_err(at)?;
    fs::rename(&unfinished, path).map_err(at)
}
