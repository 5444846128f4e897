//! What is below the margin about one point, with its curvature kept as a matrix; and the choices that make it good.
//!
//! With û the point of touch, ζ = z₁(u) − z₁(û) and any of the units' choices,
//!
//! ```text
//! g(u) ≥ g(û) − gaps + a·ζ − ½ ζᵀ(diag μ + S P S)ζ,   P = W₂ᵀ diag(κ) W₂
//! ```
//!
//! κ are the curvatures that the second layer's units take up, μ those of the first, S the slopes of the first layer's
//! secants from û. S is not known, but lies in S₀ ± δ. With e = (S − S₀)ζ and any Λ = diag(λ) ≻ P
//!
//! ```text
//! ζᵀ S P S ζ = ζᵀ S₀ P S₀ ζ + 2 ζᵀ S₀ P e + eᵀ P e,   eᵀ Λ e ≤ ζᵀ diag(δ²λ) ζ,
//! 2 ζᵀ S₀ P e − eᵀ(Λ − P) e ≤ ζᵀ S₀ P (Λ − P)⁻¹ P S₀ ζ      (a square is not negative)
//! ```
//!
//! so that N = diag(μ + δ²λ) + S₀(P + P(Λ − P)⁻¹P)S₀ stands for the whole: the S-procedure, with one multiplier λ_i for
//! each unit's sector. It holds for every choice and every λ; [`Shaper`] looks for good ones by rounds that no proof
//! depends on, and [`Shaper::finish`] makes what was found certain.

use super::{
    basis::Basis,
    bowl::Bowl,
    choice::Table,
    dense::{self, Leading, add_rows, leading, solve_lower_all, solve_upper_all},
    matrices::{Matrices, Sums, without},
    minorant::Intervals,
    model::Model,
    region::Slab,
};
use crate::vector::{add_scaled, dot};

/// Directions of the most curvature that the choices look at.
const DIRECTIONS: usize = 10;
/// Steps of Lanczos' iteration for them.
const LANCZOS: usize = 36;
/// By how much weights fall from one direction to the next: in parts of the largest eigenvalue.
const SOFTNESS: f64 = 0.1;
/// What has to be left of the curvature of ½‖u − x‖².
pub(super) const LEFT: f64 = 0.03;
/// What a unit of curvature is worth, to begin with.
const WORTH: f64 = 0.15;

/// A point of touch and what may be said of every unit about it.
pub(super) struct Touch {
    pub point: Vec<f64>,
    /// Of the network at the point: `weights·logits`, biases and all.
    margin: f64,
    /// Over the last hidden layer's outputs.
    weights: Vec<f64>,
    first: Table,
    pub second: Option<Table>,
    /// S₀ and δ.
    pub middle: Vec<f64>,
    pub half: Vec<f64>,
}

impl Touch {
    /// For the margin `weights·logits` over a region with these intervals.
    pub(super) fn new(model: &Model, intervals: &Intervals, logits: &[f64], point: Vec<f64>) -> Self {
        let z = model.forward(&point);
        let table = |k: usize| Table::new(model.curve, &intervals.low[k], &intervals.high[k], &z[k]);
        let first = table(0);
        let (middle, half) = first.secants();
        Touch {
            point,
            margin: dot(logits, &z[model.hidden()]),
            weights: model.layers[model.hidden()].backward(logits),
            first,
            second: (model.hidden() == 2).then(|| table(1)),
            middle,
            half,
        }
    }
}

/// Which of its choices each unit takes, and the multipliers.
#[derive(Clone, Debug, Default)]
struct Picks {
    first: Vec<u8>,
    second: Vec<u8>,
    lambda: Vec<f64>,
    /// Of the slabs.
    slabs: Vec<f64>,
    /// Of the ball.
    ball: f64,
}

/// What the search for choices is about.
pub(super) struct Task<'a> {
    pub model: &'a Model,
    pub basis: &'a Basis,
    pub touch: &'a Touch,
    pub slabs: &'a [Slab],
    /// What a slab's multiplier costs, and what the ball's does: infinite if there is no use for it.
    pub slab_costs: &'a [f64],
    pub ball_cost: f64,
    pub eta: f64,
    /// Whether every unit takes up all of its curvature, and slabs' directions do not count.
    pub whole: bool,
}

/// A search for choices, one round after another.
#[derive(Default)]
pub(super) struct Shaper {
    picks: Picks,
    best: Option<(f64, Picks)>,
    /// The one with the least curvature, if none leaves enough.
    flattest: Option<(f64, Picks)>,
    /// How much the directions of the most curvature move each unit.
    moves: (Vec<f64>, Vec<f64>),
    worth: Option<f64>,
    rounds: u32,
    /// Of the round before.
    pub leading: Leading,
    matrices: Matrices,
}

impl Shaper {
    /// Begins, with the multipliers λ of an earlier search if there was one.
    pub(super) fn new(lambda: Vec<f64>) -> Self {
        Shaper { picks: Picks { lambda, ..Picks::default() }, ..Shaper::default() }
    }

    pub(super) fn into_lambda(self) -> Vec<f64> {
        self.picks.lambda
    }

    /// The largest curvature of the best choices so far, about; with no slab's help where `whole`.
    pub(super) fn curvature(&self) -> f64 {
        self.flattest.as_ref().map_or(f64::INFINITY, |(value, _)| *value)
    }

    /// One round. Returns whether another one may do better.
    pub(super) fn round(&mut self, task: &Task) -> bool {
        let (n, basis) = (task.basis.n, task.basis);
        self.pick(task);
        let sums = self.picks.sums(task);
        self.matrices.form(task, &sums, &mut self.picks.lambda);
        self.set_slabs(task);
        self.matrices.turn(task, &self.picks.slabs);
        if task.whole {
            without(&mut self.matrices.h, n, task.slabs);
        }
        let start = self.start(n);
        self.leading = leading(&self.matrices.h, n, &start, LANCZOS, DIRECTIONS);
        let Some(&largest) = self.leading.values.first() else { return false };
        let over = largest - self.picks.ball;
        let slabs: f64 = self.picks.slabs.iter().zip(task.slab_costs).map(|(m, c)| m * c).sum();
        let ball = if self.picks.ball > 0.0 { self.picks.ball * task.ball_cost } else { 0.0 };
        let cost = task.eta * sums.gap + slabs + ball;
        if over <= 1.0 - LEFT && self.best.as_ref().is_none_or(|(least, _)| cost < *least) {
            self.best = Some((cost, self.picks.clone()));
        }
        if self.flattest.as_ref().is_none_or(|(least, _)| over < *least) {
            self.flattest = Some((over, self.picks.clone()));
        }
        self.rounds += 1;
        if over <= 1.0 - LEFT && sums.gap == 0.0 && task.slabs.is_empty() && self.picks.ball == 0.0 && !task.whole {
            return false;
        }
        self.learn(task, over);
        basis.n > 0
    }

    /// The direction to begin with: what the last round found, or one that no network's symmetry excludes.
    fn start(&self, n: usize) -> Vec<f64> {
        let mut start: Vec<f64> = (0..n).map(|i| 1e-3 * (1.0 + ((i * 7 + 3) % 11) as f64)).collect();
        let found = &self.leading;
        if found.vectors.len() == found.values.len() * n {
            add_rows(&mut start, &found.vectors, n, 0, found.values.len(), |r| 1.0 / (r + 1) as f64);
        }
        start
    }

    /// Lets every unit take what is cheapest, at what curvature is worth.
    fn pick(&mut self, task: &Task) {
        let worth = if task.whole { None } else { self.worth };
        let cheapest = |table: &Table, weights: &[f64], moves: &[f64]| -> Vec<u8> {
            let one = |(i, &weight): (usize, &f64)| {
                let Some(worth) = worth else { return 0 };
                let price = worth * moves[i];
                let choices = table.choices(i, weight >= 0.0);
                let costs = choices.iter().map(|choice| choice.gap + price * choice.curvature);
                costs.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(k, _)| k as u8)
            };
            weights.iter().enumerate().map(one).collect()
        };
        if let Some(table) = &task.touch.second {
            self.picks.second = cheapest(table, &task.touch.weights, &self.moves.1);
        }
        let passed = self.picks.passed(task);
        self.picks.first = cheapest(&task.touch.first, &passed, &self.moves.0);
    }

    /// Slabs begin with what their direction's curvature needs.
    fn set_slabs(&mut self, task: &Task) {
        if self.picks.slabs.len() == task.slabs.len() || task.whole {
            return;
        }
        self.matrices.turn(task, &[]);
        let n = task.basis.n;
        self.picks.slabs = task
            .slabs
            .iter()
            .map(|slab| {
                let y = &slab.direction;
                let rows = self.matrices.h.chunks_exact(n).zip(y);
                let bend: f64 = rows.map(|(row, own)| own * dot(row, y)).sum();
                (0.5 * (bend - 0.9)).max(0.02)
            })
            .collect();
    }

    /// Looks at which units move most along the directions of the most curvature, and changes what is worth what.
    fn learn(&mut self, task: &Task, over: f64) {
        let (n, touch) = (task.basis.n, task.touch);
        let found = &self.leading;
        let count = found.values.len();
        let top = found.values[0];
        let parts: Vec<f64> = found.values.iter().map(|v| ((v - top) / (SOFTNESS * top.max(1e-9))).exp()).collect();
        let total: f64 = parts.iter().sum();
        // ζ = L v for every direction v, one column each, by its weight.
        let mut moved = vec![0.0; n * count];
        for (i, out) in moved.chunks_exact_mut(count).enumerate() {
            let row = &task.basis.lower[i * n..][..=i];
            for ((out, vector), part) in out.iter_mut().zip(found.vectors.chunks_exact(n)).zip(&parts) {
                *out = dot(row, &vector[..=i]) * (part / total).sqrt();
            }
        }
        let squares = |matrix: &[f64]| -> Vec<f64> { matrix.chunks_exact(count).map(|row| dot(row, row)).collect() };
        let first = squares(&moved);
        let mix = if self.rounds > 3 { 0.5 } else { 1.0 };
        blend(&mut self.moves.0, &first, mix);
        if touch.second.is_some() {
            // S₀ζ and e, the worst of the secants: (Λ − P)⁻¹ P S₀ ζ.
            let mut within = moved;
            within.chunks_exact_mut(count).zip(&touch.middle).for_each(|(row, s)| row.iter_mut().for_each(|v| *v *= s));
            let mut beyond = vec![0.0; n * count];
            for (i, out) in beyond.chunks_exact_mut(count).enumerate() {
                add_rows(out, &within, count, 0, n, |r| self.matrices.p[i * n + r]);
            }
            solve_lower_all(&self.matrices.factor, n, &mut beyond, count);
            solve_upper_all(&self.matrices.factor, n, &mut beyond, count);
            let sectors = squares(&beyond);
            within.iter_mut().zip(&beyond).for_each(|(a, b)| *a += b);
            let layer = &task.model.layers[1];
            let mut outer = vec![0.0; count];
            let second: Vec<f64> = (0..layer.outputs())
                .map(|k| {
                    outer.fill(0.0);
                    let row = layer.row(k);
                    add_rows(&mut outer, &within, count, 0, n, |r| row[r]);
                    dot(&outer, &outer)
                })
                .collect();
            blend(&mut self.moves.1, &second, mix);
            let power = if self.rounds <= 6 { 0.7 } else { 0.35 };
            for (i, lambda) in self.picks.lambda.iter_mut().enumerate() {
                let wanted = sectors[i].sqrt() + 1e-12;
                let ratio = wanted / (touch.half[i] * first[i].sqrt() + 1e-12);
                *lambda *= ratio.clamp(0.5, 2.0).powf(power);
            }
        }
        if !task.whole {
            self.price(task, over, &parts, total);
        }
    }

    /// Curvature is worth more while too much is left.
    fn price(&mut self, task: &Task, over: f64, parts: &[f64], total: f64) {
        let Some(worth) = self.worth else {
            self.worth = Some(WORTH);
            return;
        };
        let worth = worth * if over > 1.0 - LEFT { 1.6 } else { 0.8 };
        self.worth = Some(worth);
        let n = task.basis.n;
        for ((m, cost), slab) in self.picks.slabs.iter_mut().zip(task.slab_costs).zip(task.slabs) {
            let along = self.leading.vectors.chunks_exact(n).zip(parts).map(|(v, part)| {
                let product = dot(v, &slab.direction);
                product * product * part / total
            });
            let ratio = worth * task.eta * 2.0 * along.sum::<f64>() / cost;
            *m = (*m * ratio.clamp(0.4, 2.5).powf(0.6)).max(1e-4);
        }
        if worth * task.eta > task.ball_cost {
            self.picks.ball += 0.15 * (over - (1.0 - LEFT)).clamp(0.0, 1.0);
        } else {
            self.picks.ball = (self.picks.ball - 0.05).max(0.0);
        }
    }

    /// The best choices made certain: a convex function below `½‖u − x‖² + η·margin` on the region, less what slabs and
    /// ball allow. With `whole`, η is lowered until enough curvature is left. None if nothing is certain.
    pub(super) fn finish(&mut self, task: &Task, allowance: f64, centre: &[f64], radius: f64) -> Option<Bowl> {
        let mut eta = task.eta;
        let mut picks = match &self.best {
            Some((_, best)) if !task.whole => best.clone(),
            _ => self.flattest.as_ref()?.1.clone(),
        };
        if task.whole {
            eta *= ((1.0 - LEFT) / self.curvature().max(1e-12)).min(1.0);
        }
        let sums = picks.sums(task);
        let gap = picks.exact_gap(task, &sums);
        let matrices = &mut self.matrices;
        matrices.form(task, &sums, &mut picks.lambda);
        let lost = matrices.lost(task, &sums) * eta;
        let task = Task { eta, ..*task };
        matrices.turn(&task, &picks.slabs);
        let n = task.basis.n;
        // What the coordinates have lost of W(u − û), which is no longer than 28.
        let (slope, form) = (dense::size(&sums.slope), dense::size(&matrices.n));
        let far = 28.0 * task.basis.residual;
        let lower = dense::size(&task.basis.lower);
        let unseen = eta * far * (slope + form * (2.0 * 28.0 * lower + far));
        let mut linear = vec![0.0; n];
        add_rows(&mut linear, &task.basis.lower, n, 0, n, |r| eta * sums.slope[r]);
        let mut constant = eta * (task.touch.margin - gap - allowance) - unseen;
        for (slab, m) in task.slabs.iter().zip(&picks.slabs) {
            // −m·(t − low)(high − t), t = t̂ + y·d: negative on the slab.
            let at = dot(&slab.normal, &task.touch.point);
            constant -= m * (at - slab.low) * (slab.high - at);
            add_scaled(&mut linear, m * (2.0 * at - slab.low - slab.high), &slab.direction);
        }
        let mut bowl = Bowl::new(&matrices.h, n, lost, picks.ball, linear, constant)?;
        bowl.eta = eta;
        bowl.touch.clone_from(&task.touch.point);
        bowl.centre = centre.to_vec();
        bowl.radius = radius;
        bowl.slabs = picks.slabs;
        Some(bowl)
    }
}

/// `old ← (1 − mix)·old + mix·new`.
fn blend(old: &mut Vec<f64>, new: &[f64], mix: f64) {
    old.resize(new.len(), 0.0);
    old.iter_mut().zip(new).for_each(|(old, new)| *old += mix * (new - *old));
}

impl Picks {
    /// `W₂ᵀ(|c|·slope)`: what the second layer's lines ask of the first layer's activations.
    fn passed(&self, task: &Task) -> Vec<f64> {
        let touch = task.touch;
        let Some(table) = &touch.second else { return touch.weights.clone() };
        let asked = touch
            .weights
            .iter()
            .zip(&self.second)
            .enumerate()
            .map(|(k, (weight, &pick))| weight.abs() * table.choices(k, *weight >= 0.0)[usize::from(pick)].slope);
        task.model.layers[1].backward(&asked.collect::<Vec<_>>())
    }

    fn sums(&self, task: &Task) -> Sums {
        let touch = task.touch;
        let mut gap = 0.0;
        let mut kappa = Vec::new();
        if let Some(table) = &touch.second {
            for (k, (weight, &pick)) in touch.weights.iter().zip(&self.second).enumerate() {
                let choice = table.choices(k, *weight >= 0.0)[usize::from(pick)];
                kappa.push(weight.abs() * choice.curvature);
                gap += weight.abs() * choice.gap;
            }
        }
        let passed = self.passed(task);
        let (mut mu, mut slope) = (Vec::with_capacity(passed.len()), Vec::with_capacity(passed.len()));
        for (i, (weight, &pick)) in passed.iter().zip(&self.first).enumerate() {
            let choice = touch.first.choices(i, *weight >= 0.0)[usize::from(pick)];
            mu.push(weight.abs() * choice.curvature);
            slope.push(weight.abs() * choice.slope);
            gap += weight.abs() * choice.gap;
        }
        Sums { kappa, passed, mu, slope, gap }
    }

    /// What the lines give up at the point of touch, for certain.
    fn exact_gap(&self, task: &Task, sums: &Sums) -> f64 {
        let of = |table: &Table, weights: &[f64], picks: &[u8]| -> f64 {
            let each = weights.iter().zip(picks).enumerate();
            each.map(|(i, (w, &k))| w.abs() * table.exact_gap(i, *w >= 0.0, usize::from(k))).sum()
        };
        let second = task.touch.second.as_ref().map_or(0.0, |table| of(table, &task.touch.weights, &self.second));
        second + of(&task.touch.first, &sums.passed, &self.first)
    }
}
