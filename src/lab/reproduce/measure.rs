//! The measurements: each takes networks and digits and gives numbers, on all threads, the same in every run.

use crate::{
    LABELS, PIXELS,
    attack::{Attack, AttackError, Ending, Goal, Options, Outcome, Reading},
    experiment::{
        self,
        noise::{Clip, Counts, Noise, crossing_rate, unboxed_distance},
        spectrum::{self, Bound},
        transfer::{amplify, distortion},
        units,
    },
    idx::Digits,
    network::{Mlp, kernel::Evaluator, label},
};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The distortion that examples are amplified to.
pub const AMPLIFIED: f32 = 0.1;
/// The deviations of the Gaussian noise of tables 2 and 4.
pub const DEVIATIONS: [f32; 3] = [0.06, 0.1, 0.3];
/// How large random noise is, in multiples of the searched r. Clipped noise has no room for more than 12 of them.
pub const MULTIPLES: [f32; 13] = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 24.0, 32.0];
const CLIPPED_MULTIPLES: usize = 10;
/// The deviations at which noise is compared with the distance to the boundary.
pub const CROSSING_DEVIATIONS: [f32; 6] = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8];
/// How wide the classes of that comparison are, in multiples of the deviation.
const CLASS: f64 = 0.5;
/// How many of the images with the largest projections are looked at for a unit or a direction.
pub const TOP: usize = 8;

/// Wrong answers on the digits that a network learned from and did not, as shares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Errors {
    /// On the first half of the training digits, P1.
    pub first_half: f64,
    /// On the second half, P2.
    pub second_half: f64,
    /// On the test digits.
    pub test: f64,
}

/// One network's examples, shown to every network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Test images attacked, each at one random target that is neither its label nor the network's prediction.
    pub images: usize,
    /// Those for which no r was found, or whose x + r a plain forward pass does not classify as the target.
    pub failed: usize,
    /// The mean of ‖r‖₂ / √784 over the others.
    pub distortion: f64,
    /// The median of loss-and-gradient evaluations.
    pub evaluations: f64,
    /// Per network, the share of x + r that is not classified as x's label.
    pub errors: Vec<f64>,
    /// The same with r amplified to [`AMPLIFIED`].
    pub amplified: Vec<f64>,
    /// What is left of that distortion after clipping, the mean.
    pub amplified_distortion: f64,
}

/// Images with Gaussian noise, shown to every network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoiseRow {
    /// Of the noise, before clipping.
    pub deviation: f32,
    /// Noise as it is, as the paper's seems to be.
    pub unclipped: NoiseErrors,
    /// The same noise, clipped to the box.
    pub clipped: NoiseErrors,
}

/// What noise of one deviation and one clipping did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoiseErrors {
    /// The mean distortion, after clipping if there is any.
    pub distortion: f64,
    /// Per network, the share that is not classified as x's label.
    pub errors: Vec<f64>,
}

/// How often unclipped noise changes the answer, beside the rate at which it would cross a plane at the distance of the
/// nearest boundary, Φ(−d/σ).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Crossing {
    /// Test images, classified correctly, for which a boundary was found.
    pub images: usize,
    /// Perturbations of each at each deviation.
    pub tries: u32,
    /// The median of d, with no box in the way.
    pub distance: f64,
    /// Per deviation; see [`CROSSING_DEVIATIONS`].
    pub steps: Vec<CrossingStep>,
    /// All images and deviations, by d/σ.
    pub classes: Vec<CrossingClass>,
}

/// Noise of one deviation, the means over all images.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CrossingStep {
    /// σ.
    pub deviation: f32,
    /// How often it changed the answer.
    pub measured: f64,
    /// Φ(−d/σ).
    pub expected: f64,
    /// How the two correlate over images (Pearson); 0 where one of them is the same for all.
    pub correlation: f64,
}

/// Images and deviations of about the same d/σ.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CrossingClass {
    /// d/σ from here, and half a unit on.
    pub from: f64,
    /// How many pairs of an image and a deviation.
    pub pairs: usize,
    /// How often noise changed the answer.
    pub measured: f64,
    /// The mean of Φ(−d/σ).
    pub expected: f64,
}

/// All nine targets of some images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Nine {
    /// Test images.
    pub images: usize,
    /// The mean distortion over all nine targets.
    pub distortion: f64,
    /// The mean over images of the smallest of nine.
    pub smallest: f64,
    /// The mean over images of the largest of nine.
    pub largest: f64,
}

/// Random perturbations beside searched ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sampling {
    /// Test images, classified correctly.
    pub images: usize,
    /// Random perturbations of each, of the norm of its own r.
    pub tries: u32,
    /// The mean of that norm.
    pub norm: f64,
    /// What perturbations did whose norm *after clipping* is a multiple of that; the first of [`MULTIPLES`].
    pub steps: Vec<SamplingStep>,
    /// What they did as they are; all of [`MULTIPLES`].
    pub unclipped: Vec<SamplingStep>,
}

/// What random perturbations of one size did.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SamplingStep {
    /// Their norm in multiples of the searched r's.
    pub multiple: f32,
    /// All of them, counted.
    pub counts: Counts,
    /// Images of which at least one changed the label.
    pub images_changed: usize,
    /// Images of which at least half changed the label.
    pub images_mostly_changed: usize,
}

/// The images with the largest projections on a layer's units, and on as many random directions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Units {
    /// Which hidden layer, from 1.
    pub layer: usize,
    /// Test images looked at.
    pub images: usize,
    /// Per unit, the label purity of its top [`TOP`].
    pub unit_purity: Vec<f64>,
    /// Per random direction, the same.
    pub direction_purity: Vec<f64>,
    /// The top [`TOP`] of the first units, as indices of test images.
    pub unit_tops: Vec<Vec<usize>>,
    /// The top [`TOP`] of the first directions.
    pub direction_tops: Vec<Vec<usize>>,
}

/// Bounds on amplification, and what was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spectrum {
    /// Per layer.
    pub bounds: Vec<Bound>,
    /// Test images.
    pub images: usize,
    /// Per layer, the mean amplification of the difference that reached it, for the searched r.
    pub adversarial: Vec<f64>,
    /// The same for random perturbations of the same norm.
    pub random: Vec<f64>,
    /// The mean of the whole network's, from pixels to logits: searched, random.
    pub whole: (f64, f64),
}

/// One way to understand c and the loss.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadingRow {
    /// `weight`, `scale`, `both`, or `any`, which is both with the untargeted loss.
    pub reading: String,
    /// Searches, and those that succeeded.
    pub searches: usize,
    /// Those that succeeded.
    pub succeeded: usize,
    /// The mean norm.
    pub norm: f64,
    /// The mean over images of the norm relative to that of both.
    pub relative_norm: f64,
    /// Loss-and-gradient evaluations: the median and the 90th percentile.
    pub evaluations: (f64, f64),
}

/// Networks, digits and how many of them: what every measurement begins with.
pub struct Bench<'a> {
    /// The networks, in the order of every table's columns.
    pub networks: &'a [Arc<Mlp>],
    /// The 60,000.
    pub train: &'a Digits,
    /// The 10,000.
    pub test: &'a Digits,
    /// Called with every piece of work that is done, in searches.
    pub done: &'a (dyn Fn(f64) + Sync),
}

/// What a forward pass costs, in searches: for the progress bar only.
pub const PASS: f64 = 0.02;

impl Bench<'_> {
    /// `work` for every number below `count`, shared out over the threads, results in order. Every thread has a state
    /// of its own.
    fn over<S, T: Send>(
        &self,
        count: usize,
        cost: f64,
        state: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, usize) -> T + Sync,
    ) -> Vec<T> {
        const CHUNK: usize = 16;
        let next = AtomicUsize::new(0);
        let thread = || {
            let mut state = state();
            let mut made = Vec::new();
            loop {
                let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                let last = (first + CHUNK).min(count);
                if first >= last {
                    return made;
                }
                made.extend((first..last).map(|i| (i, work(&mut state, i))));
                (self.done)((last - first) as f64 * cost);
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut all: Vec<(usize, T)> = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
            let join = |w: thread::ScopedJoinHandle<'_, _>| w.join().unwrap_or_else(|p| std::panic::resume_unwind(p));
            workers.into_iter().flat_map(join).collect()
        });
        all.sort_by_key(|(i, _)| *i);
        all.into_iter().map(|(_, made)| made).collect()
    }

    /// The first `count` test digits that the network classifies correctly.
    fn classified_correctly(&self, network: &Mlp, count: usize) -> Vec<usize> {
        let mut evaluator = Evaluator::new(Arc::new(network.clone()));
        let digits = self.test.iter().enumerate();
        digits.filter(|(_, (x, l))| label(evaluator.logits(x)) == *l).map(|(i, _)| i).take(count).collect()
    }

    /// Errors on all training and test digits.
    pub fn errors(&self, network: usize) -> Errors {
        let network = &self.networks[network];
        let halves = self.train.len() / 2;
        let count = self.train.len() + self.test.len();
        let wrong = self.over(
            count,
            PASS,
            || Evaluator::new(network.clone()),
            |evaluator, i| {
                let train = self.train.len();
                let (image, l) = if i < train { digit(self.train, i) } else { digit(self.test, i - train) };
                label(evaluator.logits(&image)) != l
            },
        );
        let share = |wrong: &[bool]| wrong.iter().filter(|w| **w).count() as f64 / wrong.len().max(1) as f64;
        Errors {
            first_half: share(&wrong[..halves]),
            second_half: share(&wrong[halves..self.train.len()]),
            test: share(&wrong[self.train.len()..]),
        }
    }

    /// The network's examples of the first `images` test digits, each at one random target, shown to every network.
    pub fn row(&self, network: usize, images: usize) -> Result<Row, AttackError> {
        struct Example {
            success: bool,
            distortion: f32,
            evaluations: u32,
            amplified_distortion: f32,
            wrong: Vec<bool>,
            wrong_amplified: Vec<bool>,
        }
        let images = images.min(self.test.len());
        let state = || (Searcher::new(&self.networks[network], Reading::Both), self.evaluators());
        let made = self.over(images, 1.0 + 2.0 * PASS * self.networks.len() as f64, state, |(searcher, all), i| {
            let (x, l) = digit(self.test, i);
            let found = searcher.search(&x, Goal::Target(target(i, l, searcher.predict(&x))))?;
            let mut louder = vec![0.0; PIXELS];
            amplify(&x, &found.r, AMPLIFIED, &mut louder);
            let change: Vec<f32> = louder.iter().zip(&x).map(|(a, x)| a - x).collect();
            let mut wrong = |point: &[f32]| all.iter_mut().map(|e| label(e.logits(point)) != l).collect();
            Ok(Example {
                success: found.success,
                distortion: found.outcome.distortion(),
                evaluations: found.outcome.evaluations,
                amplified_distortion: distortion(&change),
                wrong: wrong(&found.point),
                wrong_amplified: wrong(&louder),
            })
        });
        let made = made.into_iter().collect::<Result<Vec<Example>, AttackError>>()?;
        let share = |wrong: &dyn Fn(&Example, usize) -> bool| {
            let count = |k: usize| made.iter().filter(|e| wrong(e, k)).count() as f64 / images.max(1) as f64;
            (0..self.networks.len()).map(count).collect()
        };
        let found: Vec<&Example> = made.iter().filter(|e| e.success).collect();
        Ok(Row {
            images,
            failed: images - found.len(),
            distortion: mean(found.iter().map(|e| f64::from(e.distortion))),
            evaluations: quantile(made.iter().map(|e| f64::from(e.evaluations)).collect(), 0.5),
            errors: share(&|e, k| e.wrong[k]),
            amplified: share(&|e, k| e.wrong_amplified[k]),
            amplified_distortion: mean(found.iter().map(|e| f64::from(e.amplified_distortion))),
        })
    }

    /// The first `images` test digits with Gaussian noise, shown to every network.
    pub fn gaussian(&self, images: usize) -> Vec<NoiseRow> {
        let images = images.min(self.test.len());
        DEVIATIONS
            .map(|deviation| NoiseRow {
                deviation,
                unclipped: self.noise_errors(images, deviation, Clip::None),
                clipped: self.noise_errors(images, deviation, Clip::Box),
            })
            .to_vec()
    }

    fn noise_errors(&self, images: usize, deviation: f32, clip: Clip) -> NoiseErrors {
        let cost = PASS * self.networks.len() as f64;
        let seen = self.over(
            images,
            cost,
            || self.evaluators(),
            |all, i| {
                let (x, l) = digit(self.test, i);
                let mut noise = Noise::new(i as u64).with_clip(clip);
                let point = noise.at_deviation(&x, deviation);
                let change: Vec<f32> = point.iter().zip(&x).map(|(p, x)| p - x).collect();
                let wrong: Vec<bool> = all.iter_mut().map(|e| label(e.logits(point)) != l).collect();
                (distortion(&change), wrong)
            },
        );
        let share = |k: usize| seen.iter().filter(|(_, wrong)| wrong[k]).count() as f64 / images.max(1) as f64;
        NoiseErrors {
            distortion: mean(seen.iter().map(|(d, _)| f64::from(*d))),
            errors: (0..self.networks.len()).map(share).collect(),
        }
    }

    /// Unclipped noise on the first `images` test digits that the network classifies correctly, and how far each is from
    /// the nearest boundary.
    pub fn crossing(&self, network: usize, images: usize, tries: u32) -> Crossing {
        let network = &self.networks[network];
        let chosen = self.classified_correctly(network, images);
        let cost = PASS * (9.0 * 20.0 + f64::from(tries) * CROSSING_DEVIATIONS.len() as f64);
        let made = self.over(
            chosen.len(),
            cost,
            || Evaluator::new(network.clone()),
            |evaluator, i| {
                let (x, l) = digit(self.test, chosen[i]);
                let mut noise = Noise::new(chosen[i] as u64).with_clip(Clip::None);
                let counts = noise.count_at_deviations(evaluator, &x, l, l, &CROSSING_DEVIATIONS, tries);
                let rates = counts.iter().map(|c| f64::from(c.changed) / f64::from(c.tried.max(1))).collect();
                unboxed_distance(evaluator, &x).map(|distance| (f64::from(distance), rates))
            },
        );
        let made: Vec<(f64, Vec<f64>)> = made.into_iter().flatten().collect();
        let of_deviation = |k: usize, &deviation: &f32| {
            let expected = |d: f64| crossing_rate(d, f64::from(deviation));
            made.iter().map(|(d, rates)| (d / f64::from(deviation), rates[k], expected(*d))).collect::<Vec<_>>()
        };
        let pairs: Vec<Vec<(f64, f64, f64)>> =
            CROSSING_DEVIATIONS.iter().enumerate().map(|(k, deviation)| of_deviation(k, deviation)).collect();
        let step = |(&deviation, pairs): (&f32, &Vec<(f64, f64, f64)>)| CrossingStep {
            deviation,
            measured: mean(pairs.iter().map(|p| p.1)),
            expected: mean(pairs.iter().map(|p| p.2)),
            correlation: correlation(pairs.iter().map(|p| (p.1, p.2))),
        };
        Crossing {
            images: made.len(),
            tries,
            distance: quantile(made.iter().map(|(d, _)| *d).collect(), 0.5),
            steps: CROSSING_DEVIATIONS.iter().zip(&pairs).map(step).collect(),
            classes: crossing_classes(&pairs.concat()),
        }
    }

    /// All nine targets of the first `images` test digits that the network classifies correctly.
    pub fn nine(&self, network: usize, images: usize) -> Result<Nine, AttackError> {
        let network = &self.networks[network];
        let chosen = self.classified_correctly(network, images);
        let searcher = || Searcher::new(network, Reading::Both);
        let made = self.over(chosen.len(), (LABELS - 1) as f64, searcher, |searcher, i| {
            let (x, l) = digit(self.test, chosen[i]);
            let others = (0..LABELS).filter(|&t| t != l);
            let nine = others.map(|t| searcher.search(&x, Goal::Target(t))).collect::<Result<Vec<_>, _>>()?;
            let found = nine.into_iter().filter(|f| f.success).map(|f| f64::from(f.outcome.distortion()));
            Ok(found.collect())
        });
        let made = made.into_iter().collect::<Result<Vec<Vec<f64>>, AttackError>>()?;
        let least = |nine: &Vec<f64>| nine.iter().copied().reduce(f64::min);
        let most = |nine: &Vec<f64>| nine.iter().copied().reduce(f64::max);
        Ok(Nine {
            images: made.len(),
            distortion: mean(made.iter().flatten().copied()),
            smallest: mean(made.iter().filter_map(least)),
            largest: mean(made.iter().filter_map(most)),
        })
    }

    /// Random perturbations as large as the searched one, and larger ones, clipped and not; `tries` of the first size for
    /// each image, a tenth as many of the others.
    pub fn sampling(&self, network: usize, images: usize, tries: u32) -> Result<Sampling, AttackError> {
        let network = &self.networks[network];
        let chosen = self.classified_correctly(network, images);
        let few = (tries / 10).max(1);
        let state = || (Searcher::new(network, Reading::Both), Evaluator::new(network.clone()));
        let cost = 1.0 + PASS * f64::from(2 * tries + few * (MULTIPLES.len() + CLIPPED_MULTIPLES - 2) as u32);
        let made = self.over(chosen.len(), cost, state, |(searcher, evaluator), i| {
            let (x, l) = digit(self.test, chosen[i]);
            let target = target(chosen[i], l, l);
            let found = searcher.search(&x, Goal::Target(target))?;
            let norms = MULTIPLES.map(|m| m * found.outcome.norm);
            let mut count = |clip: Clip, norms: &[f32]| {
                let mut noise = Noise::new(chosen[i] as u64).with_clip(clip);
                let mut counts = noise.count(evaluator, &x, l, target, &norms[..1], tries);
                counts.extend(noise.count(evaluator, &x, l, target, &norms[1..], few));
                counts
            };
            let counts = [count(Clip::Box, &norms[..CLIPPED_MULTIPLES]), count(Clip::None, &norms)];
            Ok((f64::from(found.outcome.norm), counts))
        });
        let made = made.into_iter().collect::<Result<Vec<(f64, [Vec<Counts>; 2])>, AttackError>>()?;
        let steps = |which: usize| {
            let all: Vec<&[Counts]> = made.iter().map(|(_, counts)| counts[which].as_slice()).collect();
            sampling_steps(&all)
        };
        Ok(Sampling {
            images: made.len(),
            tries,
            norm: mean(made.iter().map(|(norm, _)| *norm)),
            steps: steps(0),
            unclipped: steps(1),
        })
    }

    /// The images that activate each unit of a hidden layer (from 1) most, and those with the largest projection on
    /// random directions.
    pub fn units(&self, network: usize, layer: usize, images: usize) -> Units {
        let network = &self.networks[network];
        let images = images.min(self.test.len());
        let width = network.layers()[layer - 1].outputs;
        let activations = self.over(
            images,
            3.0 * PASS,
            || (),
            |(), i| {
                let phi = spectrum::activations(network, &digit(self.test, i).0).swap_remove(layer - 1);
                phi.into_iter().map(|a| a as f32).collect::<Vec<f32>>()
            },
        );
        let activations = activations.concat();
        let top = |v: &[f32]| units::top(&units::scores(&activations, v), TOP);
        let purity = |top: &Vec<usize>| units::purity(top.iter().map(|&i| digit(self.test, i).1 as u8));
        let axis = |unit: usize| (0..width).map(|i| f32::from(u8::from(i == unit))).collect::<Vec<f32>>();
        let mut random = experiment::random(layer as u64);
        let unit_tops: Vec<Vec<usize>> = (0..width).map(|unit| top(&axis(unit))).collect();
        let direction_tops: Vec<Vec<usize>> = (0..width).map(|_| top(&units::direction(width, &mut random))).collect();
        Units {
            layer,
            images,
            unit_purity: unit_tops.iter().map(purity).collect(),
            direction_purity: direction_tops.iter().map(purity).collect(),
            unit_tops: unit_tops.into_iter().take(TOP).collect(),
            direction_tops: direction_tops.into_iter().take(TOP).collect(),
        }
    }

    /// The bounds of every layer, and the amplification of searched and of random perturbations.
    pub fn spectrum(&self, network: usize, images: usize) -> Result<Spectrum, AttackError> {
        let network = &self.networks[network];
        let chosen = self.classified_correctly(network, images);
        let searcher = || Searcher::new(network, Reading::Both);
        let made = self.over(chosen.len(), 1.0 + 10.0 * PASS, searcher, |searcher, i| {
            let (x, l) = digit(self.test, chosen[i]);
            let found = searcher.search(&x, Goal::Target(target(chosen[i], l, l)))?;
            let mut noise = Noise::new(chosen[i] as u64);
            noise.draw();
            let random = noise.at_norm(&x, found.outcome.norm);
            let gains = |point: &[f32]| spectrum::amplification(network, &x, point);
            Ok((gains(&found.point), gains(random)))
        });
        let made = made.into_iter().collect::<Result<Vec<(Vec<f64>, Vec<f64>)>, AttackError>>()?;
        let layers = network.layers().len();
        Ok(Spectrum {
            bounds: spectrum::bounds(network),
            images: made.len(),
            adversarial: (0..layers).map(|k| mean(made.iter().map(|(a, _)| a[k]))).collect(),
            random: (0..layers).map(|k| mean(made.iter().map(|(_, r)| r[k]))).collect(),
            whole: (
                mean(made.iter().map(|(a, _)| a.iter().product::<f64>())),
                mean(made.iter().map(|(_, r)| r.iter().product::<f64>())),
            ),
        })
    }

    /// The readings of c with the targeted loss, and the untargeted loss, on the first `images` test digits that the
    /// network classifies correctly.
    pub fn readings(&self, network: usize, images: usize) -> Result<Vec<ReadingRow>, AttackError> {
        let network = &self.networks[network];
        let chosen = self.classified_correctly(network, images);
        let ways = [
            ("both", Reading::Both, true),
            ("weight", Reading::Weight, true),
            ("scale", Reading::Scale, true),
            ("any", Reading::Both, false),
        ];
        let mut both: Vec<f64> = Vec::new();
        let mut rows = Vec::new();
        for (name, reading, targeted) in ways {
            let made = self.over(
                chosen.len(),
                1.0,
                || Searcher::new(network, reading),
                |searcher, i| {
                    let (x, l) = digit(self.test, chosen[i]);
                    let goal = if targeted { Goal::Target(target(chosen[i], l, l)) } else { Goal::Any };
                    searcher.search(&x, goal).map(|f| (f.success, f64::from(f.outcome.norm), f.outcome.evaluations))
                },
            );
            let made = made.into_iter().collect::<Result<Vec<(bool, f64, u32)>, AttackError>>()?;
            if both.is_empty() {
                both = made.iter().map(|m| m.1).collect();
            }
            let found = || made.iter().zip(&both).filter(|(m, both)| m.0 && **both > 0.0);
            let evaluations = |q| quantile(made.iter().map(|m| f64::from(m.2)).collect(), q);
            rows.push(ReadingRow {
                reading: name.into(),
                searches: made.len(),
                succeeded: made.iter().filter(|m| m.0).count(),
                norm: mean(found().map(|(m, _)| m.1)),
                relative_norm: mean(found().map(|(m, both)| m.1 / both)),
                evaluations: (evaluations(0.5), evaluations(0.9)),
            });
        }
        Ok(rows)
    }

    fn evaluators(&self) -> Vec<Evaluator> {
        self.networks.iter().map(|n| Evaluator::new(n.clone())).collect()
    }
}

/// A search whose result is checked by a plain forward pass.
pub struct Searcher {
    network: Arc<Mlp>,
    attack: Attack,
}

/// What a search found.
pub struct Found {
    /// Whether a plain forward pass classifies x + r as the goal wants, and it lies in the box.
    pub success: bool,
    /// The search's own account.
    pub outcome: Outcome,
    /// x + r.
    pub point: Vec<f32>,
    /// r.
    pub r: Vec<f32>,
}

impl Searcher {
    /// Searches of `network` with the usual options for one reading of c.
    pub fn new(network: &Arc<Mlp>, reading: Reading) -> Self {
        Searcher { network: network.clone(), attack: Attack::new(network.clone(), Options::new(reading)) }
    }

    /// The label by a plain forward pass.
    pub fn predict(&self, image: &[f32]) -> usize {
        label(&self.network.logits(image))
    }

    /// A whole search.
    pub fn search(&mut self, image: &[f32], goal: Goal) -> Result<Found, AttackError> {
        self.attack.start(image, goal)?;
        while self.attack.step() {}
        let point = self.attack.adversarial().to_vec();
        let prediction = self.predict(&point);
        let outcome = self.attack.outcome().unwrap_or(NOTHING);
        let reached = match goal {
            Goal::Target(target) => prediction == target,
            Goal::Any => prediction != outcome.prediction,
        };
        let in_box = point.iter().all(|p| (0.0..=1.0).contains(p));
        let r = point.iter().zip(image).map(|(p, x)| p - x).collect();
        Ok(Found { success: outcome.ending == Ending::Success && reached && in_box, outcome, point, r })
    }
}

/// The outcome of a search that could not begin.
const NOTHING: Outcome = Outcome {
    ending: Ending::NotFinite,
    prediction: 0,
    label: 0,
    norm: 0.0,
    norm_c: 0.0,
    scale: 0.0,
    c: 0.0,
    margin: 0.0,
    evaluations: 0,
};

/// Digit `index`, which must be there.
pub(super) fn digit(digits: &Digits, index: usize) -> ([f32; PIXELS], usize) {
    let image = digits.images().get(index).unwrap_or([0.0; PIXELS]);
    (image, usize::from(digits.labels().as_slice()[index]))
}

/// A random target for image `index` that is neither its label nor the prediction; for one image the same for every
/// network that classifies it correctly.
fn target(index: usize, l: usize, prediction: usize) -> usize {
    let mut order: Vec<usize> = (0..LABELS).filter(|&t| t != l).collect();
    order.shuffle(&mut experiment::random(index as u64));
    order.into_iter().find(|&t| t != prediction).unwrap_or((l + 1) % LABELS)
}

/// Image by image, the counts of each multiple: per multiple, all of them.
fn sampling_steps(images: &[&[Counts]]) -> Vec<SamplingStep> {
    let multiples = images.first().map_or(0, |counts| counts.len());
    let step = |k: usize| {
        let mut counts = Counts::default();
        images.iter().for_each(|of_image| counts += of_image[k]);
        SamplingStep {
            multiple: MULTIPLES[k],
            counts,
            images_changed: images.iter().filter(|c| c[k].changed > 0).count(),
            images_mostly_changed: images.iter().filter(|c| 2 * c[k].changed >= c[k].tried).count(),
        }
    };
    (0..multiples).map(step).collect()
}

/// Pairs of d/σ, the rate measured and Φ(−d/σ), in classes of d/σ up to 4; those beyond together.
fn crossing_classes(pairs: &[(f64, f64, f64)]) -> Vec<CrossingClass> {
    let last = 8;
    let class = |k: usize| {
        let inside: Vec<_> = pairs.iter().filter(|p| ((p.0 / CLASS) as usize).min(last) == k).collect();
        CrossingClass {
            from: k as f64 * CLASS,
            pairs: inside.len(),
            measured: mean(inside.iter().map(|p| p.1)),
            expected: mean(inside.iter().map(|p| p.2)),
        }
    };
    (0..=last).map(class).collect()
}

/// Pearson's; 0 where one of the two does not vary.
fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let (a, b) = (mean(pairs.clone().map(|p| p.0)), mean(pairs.clone().map(|p| p.1)));
    let [ab, aa, bb] = pairs.fold([0.0; 3], |[ab, aa, bb], (x, y)| {
        let (x, y) = (x - a, y - b);
        [ab + x * y, aa + x * x, bb + y * y]
    });
    if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), v| (sum + v, count + 1));
    sum / count.max(1) as f64
}

/// The value below which the share `q` of all lies.
fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values.get((q * last).round() as usize).copied().unwrap_or(0.0)
}
