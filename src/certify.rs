//! How small could r be? A lower bound on the ‖r‖₂ of every adversarial example, proved while you wait.
//!
//! ```text
//! bound ≤ min ‖r‖₂   subject to   f(x + r) = l,   x + r ∈ [0, 1]^784
//! ```
//!
//! Nothing closer to x than the bound is classified as l, whatever search looks for it. docs/certificates.md has the
//! mathematics and says what exactly is proved; in short:
//!
//! 1. over a region (a ball within the box, perhaps between planes) every unit's pre-activation has bounds (`bounds`);
//! 2. about a point of touch the margin by which l loses is at least a line less a parabola, whose curvature is kept as a
//!    matrix: each unit takes up the part of its own curvature that serves best (`choice`), and what is not known of the
//!    first layer's slopes is held by one multiplier for each unit (`shape`, `matrices`);
//! 3. `½‖u − x‖²` and η times that are a convex function, whose minimum over the box bounds the distance soundly for any
//!    multipliers (`bowl`);
//! 4. what the bound leaves of the region is an ellipsoid: intervals, planes and ball shrink, and everything starts again
//!    (`node`), until nothing is left; where it stops shrinking the region is cut in two (`tree`).
//!
//! A quicker way makes the first figure, and is the only one for networks of three and more hidden layers: CROWN's
//! relaxation (Zhang et al. 2018, arXiv 1811.00866) with parabolas (`curve`) of one curvature in all directions
//! (`minorant`, `proof`). `search` chooses what is proved next.

mod basis;
mod bounds;
mod bowl;
mod choice;
mod curve;
mod dense;
mod matrices;
mod minorant;
mod model;
mod nearest;
mod node;
mod proof;
mod region;
mod search;
mod shape;
mod spectrum;
mod tree;

use crate::{
    LABELS, PIXELS,
    attack::{AttackError, Goal},
    network::{self, Mlp},
};
use basis::Basis;
use model::Model;
use nearest::nearest;
use proof::{Enemy, Proof, Step};
use search::Search;
use spectrum::Gram;
use std::sync::Arc;

/// What is stated is smaller than what is proved by this part: for norms that others sum in f32.
const STATED: f64 = 1.0 - 2e-5;
/// Rows of the first layer's products made in one step.
const ROWS: usize = 8;
/// A radius is settled when what is proved and what failed are this close, as a part of the aim.
const SETTLED: f64 = 0.01;
/// The first radius tried, as a part of the aim: near enough for a first figure at once where a search follows that keeps
/// curvature as a matrix, or where none does.
const FIRST: [f64; 2] = [0.4, 0.7];
/// How far beyond the aim a proof is worth trying: the aim itself need not be the minimum.
const BEYOND: f64 = 1.0005;
/// Steps towards an enemy that may be the nearest: those within this factor of the nearest one's distance.
const STEPS: u32 = 10;
const RIVALRY: f64 = 1.15;
/// The last of the ways to prove where no matrix is kept: 0 bounds the units by norms, 1 by eigenvalues and with more tries.
const MOST_EFFORT: u32 = 1;
/// The longest vector in the box.
const DIAMETER: f64 = 28.0;
/// The most multiplications that one product of matrices may take: wider networks have no matrix kept.
const WIDEST: usize = 70_000_000;

/// A proof in progress: bounds ‖r‖₂ from below, a few milliseconds a step. It knows no clock: step it for as long as the
/// bound is worth waiting for.
pub struct Certifier {
    network: Arc<Mlp>,
    model: Model,
    gram: Gram,
    /// Where curvature is kept as a matrix; none for networks that this is not made for.
    basis: Option<Basis>,
    image: Vec<f64>,
    enemies: Vec<Enemy>,
    /// How many of them were looked at, and whether any of them should be looked at more closely.
    looked: usize,
    is_looking: bool,
    proof: Option<Proof>,
    search: Option<Search>,
    /// The radius at which the last proof of this effort failed, or the aim.
    ceiling: f64,
    effort: u32,
    bound: f64,
    done: bool,
}

impl Certifier {
    /// Room for proofs about `network`.
    pub fn new(network: Arc<Mlp>) -> Self {
        let model = Model::new(&network);
        Certifier {
            gram: Gram::new(if model.hidden() > 0 { model.layers[0].outputs() } else { 0 }),
            basis: keeps_matrix(&model).then(|| Basis::new(model.layers[0].outputs())),
            model,
            network,
            image: vec![0.0; PIXELS],
            enemies: Vec::new(),
            looked: 0,
            is_looking: false,
            proof: None,
            search: None,
            ceiling: 0.0,
            effort: 0,
            bound: 0.0,
            done: true,
        }
    }

    /// Begins a proof about `image` (784 pixels in [0, 1]); any earlier one is dropped. For [`Goal::Target`] it bounds
    /// the r that reaches this label, for [`Goal::Any`] the r that reaches any other than the prediction.
    pub fn start(&mut self, image: &[f32], goal: Goal) -> Result<(), AttackError> {
        self.done = true;
        self.bound = 0.0;
        AttackError::check(image, goal)?;
        let prediction = network::label(&self.network.logits(image));
        if goal == Goal::Target(prediction) {
            return Err(AttackError::AlreadyTarget(prediction));
        }
        self.image.iter_mut().zip(image).for_each(|(own, &p)| *own = f64::from(p));
        let others = |l: usize| (0..LABELS).filter(|&j| j != l).collect::<Vec<_>>();
        self.enemies = match goal {
            Goal::Target(label) => vec![Enemy::new(label, others(label))],
            Goal::Any => others(prediction).into_iter().map(|label| Enemy::new(label, vec![prediction])).collect(),
        };
        self.looked = 0;
        self.is_looking = true;
        self.proof = None;
        self.search = None;
        self.effort = 0;
        self.done = false;
        Ok(())
    }

    /// Proves a little more: a few milliseconds on a network of a few hundred units. Returns whether there is more to do.
    pub fn step(&mut self) -> bool {
        if self.done {
            return false;
        }
        if !self.gram.is_ready() {
            for _ in 0..ROWS {
                if !self.gram.is_ready() {
                    self.gram.next_row(&self.model.layers[0]);
                }
            }
        } else if self.is_looking {
            self.look_closer();
        } else if self.search.is_some() {
            self.search();
        } else {
            self.prove();
        }
        !self.done
    }

    /// No r smaller than this reaches the goal; 0 at first. It never becomes smaller until the next start.
    pub fn bound(&self) -> f32 {
        let stated = (self.bound * STATED) as f32;
        // The conversion rounds to nearest.
        if f64::from(stated) > self.bound * STATED { stated.next_down() } else { stated }
    }

    /// Whether an r of this norm is proved the smallest, to 0.1 percent.
    pub fn meets(&self, norm: f32) -> bool {
        self.bound() >= 0.999 * norm
    }

    /// First by the tangent alone, enemy by enemy; then the nearest of them more closely, and any that may be nearer.
    fn look_closer(&mut self) {
        let nearest_known = self.aim();
        let next = if self.looked < self.enemies.len() {
            self.looked += 1;
            Some(self.looked - 1)
        } else {
            let near = |e: &&mut Enemy| !e.is_known && e.distance < RIVALRY * nearest_known;
            let nearest = self.enemies.iter_mut().filter(near).min_by(|a, b| a.distance.total_cmp(&b.distance));
            nearest.map(|e| e.label).and_then(|label| self.enemies.iter().position(|e| e.label == label))
        };
        let Some(next) = next else {
            self.is_looking = false;
            return;
        };
        let enemy = &mut self.enemies[next];
        let first_look = enemy.distance.is_infinite() && !enemy.is_known;
        let steps = if first_look { 1 } else { STEPS };
        let found = nearest(&self.model, &self.image, enemy.label, &enemy.rivals, steps);
        enemy.is_known = !first_look || found.distance.is_infinite();
        enemy.aim_at(found);
    }

    /// The distance that the proof aims at: that of the nearest example that seems to be there.
    fn aim(&self) -> f64 {
        self.enemies.iter().map(|e| e.distance).fold(DIAMETER, f64::min)
    }

    fn prove(&mut self) {
        let aim = self.aim();
        let Some(proof) = &mut self.proof else {
            self.ceiling = aim * BEYOND;
            let part = FIRST[usize::from(self.basis.is_none())];
            let first = if self.model.hidden() == 0 { DIAMETER } else { part * aim };
            self.proof = Some(Proof::new(&self.image, first, self.effort));
            return;
        };
        let going = proof.step(&self.model, &self.gram, &self.image, &mut self.enemies);
        // Whatever a proof leaves unfinished, each enemy keeps the best that was proved of it.
        self.bound = self.enemies.iter().map(|e| e.bound).fold(f64::INFINITY, f64::min).max(self.bound);
        match going {
            Step::More => return,
            Step::Overflow => {
                self.done = true;
                return;
            }
            Step::Failed => self.ceiling = self.ceiling.min(proof.radius),
            Step::Proved => self.bound = self.bound.max(proof.radius),
        }
        if self.basis.is_some() && self.bound < aim {
            self.search = Some(Search::new(&self.model, &self.image, &mut self.enemies, aim));
            return;
        }
        self.next_radius(aim);
    }

    /// The same with curvature kept as a matrix, for one enemy after another.
    fn search(&mut self) {
        let (Some(basis), Some(search)) = (&mut self.basis, &mut self.search) else { return };
        if !basis.is_ready() {
            for _ in 0..ROWS {
                if !basis.is_ready() {
                    basis.next_row(&self.gram, &self.model.layers[0]);
                }
            }
            return;
        }
        self.done = !search.step(&self.model, &self.gram, basis, &self.image, &mut self.enemies);
        self.bound = self.enemies.iter().map(|e| e.bound).fold(f64::INFINITY, f64::min).max(self.bound);
    }

    fn next_radius(&mut self, aim: f64) {
        if self.bound >= aim || self.model.hidden() == 0 {
            self.done = true;
            return;
        }
        if self.ceiling - self.bound <= SETTLED * aim {
            if self.effort == MOST_EFFORT {
                self.done = true;
                return;
            }
            self.effort += 1;
            self.ceiling = aim * BEYOND;
        }
        let part = if self.ceiling >= aim { 0.35 } else { 0.5 };
        let radius = self.bound + part * (self.ceiling - self.bound);
        self.proof = Some(Proof::new(&self.image, radius, self.effort));
    }
}

/// Whether the network is one that curvature is kept as a matrix for: one or two hidden layers, not too wide.
fn keeps_matrix(model: &Model) -> bool {
    let outputs = |k: usize| model.layers.get(k).map_or(0, |layer| layer.outputs());
    match model.hidden() {
        1 => outputs(0).pow(3) <= WIDEST,
        2 => outputs(0).pow(2) * (outputs(0) + outputs(1)) <= WIDEST,
        _ => false,
    }
}
