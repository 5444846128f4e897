//! One region where examples of one enemy may be left: bounds its units, proves that nothing is left, or makes it smaller.
//!
//! A round bounds the pre-activations over the region, takes several points of touch, each with a convex function below
//! `½‖u − x‖² + η·margin` ([`Bowl`]), and finds how far each of these keeps candidates away. What remains is an
//! ellipsoid, which makes the units' intervals, the slabs and the ball smaller; then the next round begins.

use super::{
    basis::Basis,
    bounds::{Lines, SLACK, first_row},
    bowl::{Between, Bowl, Descent, Place},
    minorant::Intervals,
    model::Model,
    proof::{Enemy, allowance},
    region::{Region, Slab, least_within},
    shape::{LEFT, Shaper, Task, Touch},
    spectrum::Gram,
};
use crate::vector::{dot, squared_distance};

/// What a proof is about, and what is known once for the network.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    pub model: &'a Model,
    pub gram: &'a Gram,
    pub basis: &'a Basis,
    pub image: &'a [f64],
    pub enemy: &'a Enemy,
    /// Nothing within it shall be left.
    pub radius: f64,
}

/// Rows bounded in one step, by layer.
const ROWS: [usize; 2] = [40, 8];
/// Rounds in one region at most.
const ROUNDS: u32 = 8;
/// A region whose units' intervals shrink less has stopped shrinking.
const SHRINKS: f64 = 0.96;
/// Factors of the multiplier that the curvature allows; without slabs, and with them.
const BEYOND: [f64; 2] = [1.25, 1.55];
const WITHIN: [f64; 2] = [1.0, 0.75];
/// Factors of the multiplier where all of the curvature is allowed.
const AROUND: [f64; 2] = [0.8, 1.3];
/// Rounds of a search for choices: of the first in a region, and of those after.
const SHAPINGS: [u32; 2] = [12, 10];
/// Points of touch in one round at most.
const TOUCHES: usize = 5;
/// A region, and what is known of it.
#[derive(Clone)]
pub(super) struct Node {
    pub region: Region,
    pub slabs: Vec<Slab>,
    pub intervals: Intervals,
    /// No candidate in it has a smaller ½‖u − x‖².
    pub best: f64,
    pub lambda: Vec<f64>,
    /// The slabs' multipliers where the bound was best.
    pub multipliers: Vec<f64>,
    /// The direction of the most curvature at right angles to the slabs, and that curvature in parts of the identity's.
    pub steepest: (Vec<f64>, f64),
}

impl Node {
    /// The whole ball.
    pub(super) fn root(image: &[f64], radius: f64) -> Self {
        Node {
            region: Region { centre: image.to_vec(), radius },
            slabs: Vec::new(),
            intervals: Intervals::default(),
            best: 0.0,
            lambda: Vec::new(),
            multipliers: Vec::new(),
            steepest: (Vec::new(), 0.0),
        }
    }

    /// Nearly the nearest point of the region.
    pub(super) fn draw_in(&self, point: &mut [f64]) {
        let Region { centre, radius } = &self.region;
        for _ in 0..4 {
            for slab in &self.slabs {
                let t = dot(&slab.normal, point);
                crate::vector::add_scaled(point, t.max(slab.low).min(slab.high) - t, &slab.normal);
            }
            let far = squared_distance(point, centre).sqrt();
            let part = (radius / far.max(1e-300)).min(1.0);
            for (p, c) in point.iter_mut().zip(centre) {
                *p = (c + part * (*p - c)).clamp(0.0, 1.0);
            }
        }
    }

    fn betweens(&self) -> Vec<Between<'_>> {
        let slabs = self.slabs.iter();
        slabs
            .map(|Slab { normal, direction, low, high }| Between { normal, direction, low: *low, high: *high })
            .collect()
    }

    /// Whether some unit's interval, or some slab, has nothing left in it.
    fn is_empty(&self) -> bool {
        let layers = self.intervals.low.iter().zip(&self.intervals.high);
        layers.flat_map(|(low, high)| low.iter().zip(high)).any(|(low, high)| *low > high + 1e-9)
            || self.slabs.iter().any(|slab| slab.low > slab.high + 1e-9)
    }

    /// Rounding may cross the ends of an interval that is nearly a point: then they change places.
    fn mend(&mut self) {
        let Intervals { low, high } = &mut self.intervals;
        for (low, high) in low.iter_mut().zip(high).flat_map(|(low, high)| low.iter_mut().zip(high)) {
            if *low > *high {
                std::mem::swap(low, high);
            }
        }
        for Slab { low, high, .. } in &mut self.slabs {
            if *low > *high {
                std::mem::swap(low, high);
            }
        }
    }

    /// The mean width of the first layer's intervals.
    fn width(&self) -> f64 {
        let (low, high) = (&self.intervals.low[0], &self.intervals.high[0]);
        low.iter().zip(high).map(|(low, high)| high - low).sum::<f64>() / low.len().max(1) as f64
    }
}

/// One point of touch to be taken: the multiplier in parts of the enemy's own; with all of every unit's curvature or with
/// the parts that serve best.
#[derive(Clone, Copy)]
struct Try {
    factor: f64,
    whole: bool,
}

enum Stage {
    /// Bounding the rows of a hidden layer from this one on.
    Bounding(usize, usize),
    /// About to take the next point of touch.
    Next,
    Shaping(Box<(Touch, Shaper)>, f64, u32),
    Descending(Box<Descent>),
    End,
}

/// Work on one node, a few milliseconds a step.
pub(super) struct Work {
    pub node: Node,
    stage: Stage,
    tries: Vec<Try>,
    tried: usize,
    current: Try,
    rounds: u32,
    last_width: f64,
    /// The best bound of this round.
    best: f64,
    ball: Option<Region>,
    lines: Option<Lines>,
    /// Stop once the units are bounded.
    pub bounds_only: bool,
}

/// What became of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    More,
    /// There is no candidate in it.
    Closed,
    /// It has stopped shrinking.
    Open,
}

impl Work {
    pub(super) fn new(node: Node) -> Self {
        Work {
            node,
            stage: Stage::Bounding(0, 0),
            tries: Vec::new(),
            tried: 0,
            current: Try { factor: 1.0, whole: true },
            rounds: 0,
            last_width: f64::INFINITY,
            best: 0.0,
            ball: None,
            lines: None,
            bounds_only: false,
        }
    }

    /// For a node whose units are bounded already.
    pub(super) fn bounded(node: Node) -> Self {
        let mut work = Work::new(node);
        work.begin_tries();
        work
    }

    pub(super) fn step(&mut self, problem: &Problem) -> Outcome {
        let aim = 0.5 * problem.radius * problem.radius;
        match std::mem::replace(&mut self.stage, Stage::End) {
            Stage::Bounding(layer, row) => {
                self.bound_rows(problem, layer, row);
                if self.node.is_empty() {
                    return self.close(aim);
                }
                self.node.mend();
                if self.bounds_only && matches!(self.stage, Stage::Next) {
                    return Outcome::Open;
                }
            }
            Stage::Next => return self.next_try(problem),
            Stage::Shaping(mut at, eta, round) => {
                let (touch, shaper) = &mut *at;
                let going = self.with_task(problem, touch, eta, |task| shaper.round(task));
                if going && round + 1 < SHAPINGS[usize::from(self.tried > 1)] {
                    self.stage = Stage::Shaping(at, eta, round + 1);
                } else {
                    self.finish_shape(problem, *at, eta);
                }
            }
            Stage::Descending(mut descent) => {
                if descent.step(problem.basis, problem.image, &self.node.betweens(), aim) {
                    self.stage = Stage::Descending(descent);
                } else if self.take(problem, *descent) {
                    return self.close(aim);
                }
            }
            Stage::End => return Outcome::Open,
        }
        Outcome::More
    }

    fn close(&mut self, aim: f64) -> Outcome {
        self.node.best = self.node.best.max(aim);
        self.stage = Stage::End;
        Outcome::Closed
    }

    fn begin_tries(&mut self) {
        self.tries = vec![Try { factor: 1.0, whole: true }];
        self.tried = 0;
        self.best = 0.0;
        self.ball = None;
        self.stage = Stage::Next;
    }

    /// Bounds some rows of a layer; bounds that hold already are kept where they are better.
    fn bound_rows(&mut self, problem: &Problem, layer: usize, from: usize) {
        let rows = problem.model.layers[layer].outputs();
        let intervals = &mut self.node.intervals;
        if intervals.low.len() <= layer {
            intervals.low.push(vec![f64::NEG_INFINITY; rows]);
            intervals.high.push(vec![f64::INFINITY; rows]);
        }
        if layer == 1 && from == 0 {
            self.lines = Some(Lines::new(problem.model, &self.node));
        }
        let until = rows.min(from + ROWS[layer]);
        for row in from..until {
            let (low, high) = match &self.lines {
                Some(lines) if layer == 1 => lines.second_row(problem, &self.node, row),
                _ => first_row(problem, &self.node, row),
            };
            let intervals = &mut self.node.intervals;
            intervals.low[layer][row] = intervals.low[layer][row].max(low);
            intervals.high[layer][row] = intervals.high[layer][row].min(high);
        }
        if until < rows {
            self.stage = Stage::Bounding(layer, until);
        } else if layer + 1 < problem.model.hidden() {
            self.stage = Stage::Bounding(layer + 1, 0);
        } else {
            self.begin_tries();
        }
    }

    /// Takes the next point of touch, or ends the round.
    fn next_try(&mut self, problem: &Problem) -> Outcome {
        if self.tries.is_empty() {
            return self.end_round();
        }
        self.current = self.tries.remove(0);
        self.tried += 1;
        let eta = problem.enemy.eta * self.current.factor;
        let enemy = &problem.enemy.point;
        let mut point = enemy.clone();
        self.node.draw_in(&mut point);
        let is_inside = squared_distance(&point, enemy) < 1e-18;
        if !(is_inside && self.current.factor == 1.0) {
            point = self.touch(problem, point, eta);
        }
        let touch = Touch::new(problem.model, &self.node.intervals, &problem.enemy.weights, point);
        let shaper = Shaper::new(self.node.lambda.clone());
        self.stage = Stage::Shaping(Box::new((touch, shaper)), eta, 0);
        Outcome::More
    }

    /// A point of the region with about the least `½‖u − x‖² + η·margin`, by steps against its gradient.
    fn touch(&self, problem: &Problem, mut point: Vec<f64>, eta: f64) -> Vec<f64> {
        let (model, weights) = (problem.model, &problem.enemy.weights);
        let at = |point: &[f64]| {
            let z = model.forward(point);
            let value = 0.5 * squared_distance(point, problem.image) + eta * dot(weights, &z[model.hidden()]);
            (value, z)
        };
        let (mut value, mut z) = at(&point);
        let mut step = 0.7;
        for _ in 0..25 {
            let gradient = model.gradient(&z, weights);
            let mut next = point.clone();
            for ((u, x), g) in next.iter_mut().zip(problem.image).zip(&gradient) {
                *u -= step * (*u - x + eta * g);
            }
            self.node.draw_in(&mut next);
            let (new, new_z) = at(&next);
            if new < value - 1e-9 {
                (point, value, z) = (next, new, new_z);
            } else {
                step *= 0.5;
                if step < 0.02 {
                    break;
                }
            }
        }
        point
    }

    fn with_task<R>(&self, problem: &Problem, touch: &Touch, eta: f64, f: impl FnOnce(&Task) -> R) -> R {
        let Node { region, slabs, .. } = &self.node;
        let costs: Vec<f64> = slabs
            .iter()
            .map(|slab| {
                let (t, width) = (dot(&slab.normal, &touch.point), slab.high - slab.low);
                ((t - slab.low) * (slab.high - t)).max(0.03 * width * width).max(1e-12)
            })
            .collect();
        let square = region.radius * region.radius;
        // About x the ball adds nothing to what the proof supposes already.
        let is_moved = region.centre.iter().zip(problem.image).any(|(c, x)| (c - x).abs() > 1e-9);
        let ball_cost = 0.5 * (square - squared_distance(&touch.point, &region.centre)).max(0.1 * square);
        f(&Task {
            model: problem.model,
            basis: problem.basis,
            touch,
            slabs,
            slab_costs: &costs,
            ball_cost: if is_moved { ball_cost } else { f64::INFINITY },
            eta,
            whole: self.current.whole,
        })
    }

    fn finish_shape(&mut self, problem: &Problem, (touch, mut shaper): (Touch, Shaper), eta: f64) {
        self.stage = Stage::Next;
        if self.tried == 1 {
            let n = problem.basis.n;
            let curvature = shaper.curvature();
            let direction = shaper.leading.vectors.get(..n).map(<[f64]>::to_vec).unwrap_or_default();
            self.node.steepest = (direction, curvature);
            let part = ((1.0 - LEFT) / curvature.max(1e-12)).min(1.0);
            let factors = match (self.node.slabs.is_empty(), curvature <= 1.0 - LEFT) {
                (_, true) => AROUND,
                (true, false) => BEYOND.map(|f| (f * part).min(1.0)),
                (false, false) => WITHIN.map(|f| (f * part).min(1.0)),
            };
            self.tries = factors.map(|factor| Try { factor, whole: false }).to_vec();
        }
        let bowl = if self.current.whole && !self.node.slabs.is_empty() {
            None // what slabs make up for is not settled yet
        } else {
            let allowance = allowance(problem.model, &self.node.intervals);
            let Region { centre, radius } = &self.node.region;
            self.with_task(problem, &touch, eta, |task| shaper.finish(task, allowance, centre, *radius))
        };
        self.node.lambda = shaper.into_lambda();
        if let Some(bowl) = bowl {
            let descent = Descent::new(problem.basis, problem.image, bowl, self.node.slabs.len());
            self.stage = Stage::Descending(Box::new(descent));
        }
    }

    /// Takes what a descent has found. Returns whether nothing is left.
    fn take(&mut self, problem: &Problem, descent: Descent) -> bool {
        self.stage = Stage::Next;
        let aim = 0.5 * problem.radius * problem.radius;
        let factor = self.current.factor;
        if descent.best >= self.best {
            self.node.multipliers.clone_from(&descent.bowl.slabs);
            if !self.current.whole && self.tries.is_empty() && self.tried < TOUCHES && factor > 0.2 {
                let next = if factor > 1.0 { 1.35 } else { 0.8 };
                self.tries.push(Try { factor: factor * next, whole: false });
            }
        }
        self.best = self.best.max(descent.best);
        self.node.best = self.node.best.max(descent.best);
        if descent.best >= aim {
            return true;
        }
        let place = descent.best_place(problem.basis, problem.image);
        if self.shrink(problem, &descent.bowl, &place) || self.node.is_empty() {
            return true;
        }
        self.node.mend();
        false
    }

    /// What is left after a descent: every candidate w has `½(w − u)ᵀF″(w − u) ≤ aim − F(u) − ∇F·(w − u)`, an ellipsoid
    /// about u. Returns whether that is empty.
    fn shrink(&mut self, problem: &Problem, bowl: &Bowl, place: &Place) -> bool {
        let Region { centre, .. } = &self.node.region;
        let aim = 0.5 * problem.radius * problem.radius;
        let gradient = &place.gradient;
        let ahead: f64 = gradient.iter().zip(centre).zip(&place.point).map(|((g, c), u)| g * (c - u)).sum();
        let in_region = least_within(&self.node.region, &self.node.slabs, gradient) + ahead;
        let in_box: f64 = gradient.iter().zip(&place.point).map(|(g, u)| (g * -u).min(g * (1.0 - u))).sum();
        let least = in_region.max(in_box).min(0.0) - 1e-12 * (1.0 + ahead.abs());
        let square = 2.0 * (aim - place.value - least + bowl.slack);
        if square.is_nan() {
            return false;
        }
        if square <= 0.0 {
            return true;
        }
        let n = problem.basis.n;
        let z = problem.model.layers[0].forward(&place.point);
        let far = 28.0 * problem.basis.residual + 1e-12;
        let intervals = &mut self.node.intervals;
        let ends = intervals.low[0].iter_mut().zip(&mut intervals.high[0]);
        for (i, (z, (low, high))) in z.iter().zip(ends).enumerate() {
            let row = &problem.basis.lower[i * n..][..=i];
            let reach = bowl.reach(row, square) + far + SLACK * z.abs();
            *low = low.max(z - reach);
            *high = high.min(z + reach);
        }
        for slab in &mut self.node.slabs {
            let (t, reach) = (dot(&slab.normal, &place.point), bowl.reach(&slab.direction, square));
            slab.low = slab.low.max(t - reach);
            slab.high = slab.high.min(t + reach);
        }
        let radius = (square / bowl.theta).sqrt() * (1.0 + 1e-9) + 1e-9;
        if self.ball.as_ref().is_none_or(|ball| radius < ball.radius) {
            self.ball = Some(Region { centre: place.point.clone(), radius });
        }
        false
    }

    fn end_round(&mut self) -> Outcome {
        self.rounds += 1;
        if let Some(ball) = self.ball.take()
            && ball.radius < 0.99 * self.node.region.radius
        {
            self.node.region = ball;
        }
        let width = self.node.width();
        if width > SHRINKS * self.last_width || self.rounds >= ROUNDS {
            return Outcome::Open;
        }
        self.last_width = width;
        self.stage = Stage::Bounding(0, 0);
        Outcome::More
    }
}
