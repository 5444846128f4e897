//! A function below any combination of a layer's outputs, from the pixels' side: linear, less a parabola.

use super::{
    curve::{Below, Curve},
    model::Model,
    spectrum::Gram,
};
use crate::vector::{add_scaled, dot};

/// Bounds of the hidden layers' pre-activations, over a region.
#[derive(Clone, Debug, Default)]
pub(super) struct Intervals {
    pub low: Vec<Vec<f64>>,
    pub high: Vec<Vec<f64>>,
}

/// What lies below φ and below −φ for every unit of one layer, and its secants from the centre.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    curve: Curve,
    units: Vec<Unit>,
    part: f64,
    /// Both sides of every unit, where they are asked for more than once.
    table: Vec<[Below; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    low: f64,
    high: f64,
    centre: f64,
}

impl Lines {
    /// For layer `k`, about the pre-activations `centre`, with this part of the curvature that the units need.
    pub(super) fn new(model: &Model, intervals: &Intervals, k: usize, centre: &[f64], part: f64) -> Self {
        let ends = intervals.low[k].iter().zip(&intervals.high[k]).zip(centre);
        let units = ends.map(|((&low, &high), &centre)| Unit { low, high, centre }).collect();
        Lines { curve: model.curve, units, part, table: Vec::new() }
    }

    /// Makes all lines at once, for many rows.
    pub(super) fn tabled(mut self) -> Self {
        self.table = self.units.iter().map(|&unit| [1.0, -1.0].map(|sign| self.make(unit, sign))).collect();
        self
    }

    /// Below φ of unit `i`, or below −φ.
    fn below(&self, i: usize, positive: bool) -> Below {
        match self.table.get(i) {
            Some(sides) => sides[usize::from(!positive)],
            None => self.make(self.units[i], if positive { 1.0 } else { -1.0 }),
        }
    }

    fn make(&self, Unit { low, high, centre }: Unit, sign: f64) -> Below {
        let curvature = if self.part > 0.0 { self.part * self.curve.downward_bend(sign, low, high) } else { 0.0 };
        self.curve.below(sign, (low, high), centre, curvature)
    }

    /// Middles and half widths of the slopes of secants.
    fn secants(&self) -> Vec<(f64, f64)> {
        let secants = self.units.iter().map(|unit| self.curve.secants(unit.centre, unit.low, unit.high));
        secants.map(|(least, most)| (0.5 * (least + most), 0.5 * (most - least))).collect()
    }
}

/// `weights·z(u) ≥ slope·u + constant − ½·bend·‖u − centre‖²` on the region that the lines were made for; the centre is
/// the point whose pre-activations they were made about.
#[derive(Clone, Debug)]
pub(super) struct Minorant {
    pub slope: Vec<f64>,
    pub constant: f64,
    pub bend: f64,
}

/// The same in terms of the first layer's pre-activations, `coefficients·z₁`.
pub(super) struct First {
    pub coefficients: Vec<f64>,
    pub constant: f64,
    pub bend: f64,
}

impl First {
    pub(super) fn to_pixels(&self, model: &Model) -> Minorant {
        let layer = &model.layers[0];
        Minorant {
            slope: layer.backward(&self.coefficients),
            constant: self.constant + dot(&self.coefficients, &layer.bias),
            bend: self.bend,
        }
    }
}

/// A quadratic form in the differences of a layer's pre-activations from the centre's.
enum Form {
    Diagonal(Vec<f64>),
    Full(Vec<f64>),
}

/// Goes backwards from `weights` over the outputs of layer `top`, at least 1, to the first layer; `lines` are those of
/// the layers before. `finely` bounds eigenvalues by factorisations, not by norms.
pub(super) fn minorant(
    model: &Model,
    gram: &Gram,
    lines: &[Lines],
    top: usize,
    weights: &[f64],
    finely: bool,
) -> First {
    let mut constant = dot(weights, &model.layers[top].bias);
    let mut coefficients = model.layers[top].backward(weights);
    let mut form: Option<Form> = None;
    for k in (0..top).rev() {
        let mut curvatures = vec![0.0; coefficients.len()];
        for (i, (d, curvature)) in coefficients.iter_mut().zip(&mut curvatures).enumerate() {
            let (size, below) = (d.abs(), lines[k].below(i, *d >= 0.0));
            constant += size * below.offset;
            *curvature = size * below.curvature;
            *d = size * below.slope;
        }
        form = Some(match form {
            None => Form::Diagonal(curvatures),
            Some(above) => through_units(model, gram, &lines[k], k, &above, curvatures),
        });
        if k > 0 {
            constant += dot(&coefficients, &model.layers[k].bias);
            coefficients = model.layers[k].backward(&coefficients);
        }
    }
    let bend = match form {
        None => 0.0,
        Some(Form::Diagonal(m)) if m.iter().all(|&m| m == 0.0) => 0.0,
        Some(Form::Diagonal(m)) if finely && gram.has_factor() => gram.largest_of_diagonal_finely(&m),
        Some(Form::Diagonal(m)) => gram.largest_of_diagonal(&m),
        Some(Form::Full(m)) => gram.largest_of_full(&m),
    };
    First { coefficients, constant, bend }
}

/// A form in layer k+1's differences, as one in layer k's, plus `curvatures`: with secant slopes S = S₀ ± δ,
/// `‖M^½ W S y‖² ≤ (1 + τ)·‖M^½ W S₀ y‖² + (1 + 1/τ)·Σ T_i δ_i² y_i²`, T_i the row sums of |Wᵀ M W|.
fn through_units(model: &Model, gram: &Gram, lines: &Lines, k: usize, above: &Form, curvatures: Vec<f64>) -> Form {
    let layer = &model.layers[k + 1];
    let n = layer.inputs;
    let mut form = vec![0.0; n * n];
    match above {
        Form::Diagonal(m) if m.iter().all(|&m| m == 0.0) => return Form::Diagonal(curvatures),
        Form::Diagonal(m) => {
            for (row, &m) in layer.weight.chunks_exact(n).zip(m).filter(|(_, m)| **m > 0.0) {
                for (out, &w) in form.chunks_exact_mut(n).zip(row) {
                    add_scaled(out, m * w, row);
                }
            }
        }
        Form::Full(m) => {
            let width = layer.outputs();
            for (i, row) in layer.weight.chunks_exact(n).enumerate() {
                let mut mixed = vec![0.0; n];
                for (&m, other) in m[i * width..][..width].iter().zip(layer.weight.chunks_exact(n)) {
                    add_scaled(&mut mixed, m, other);
                }
                for (out, &w) in form.chunks_exact_mut(n).zip(row) {
                    add_scaled(out, w, &mixed);
                }
            }
        }
    }
    let secants = lines.secants();
    let mut spread: Vec<f64> = form.chunks_exact(n).map(|row| row.iter().map(|v| v.abs()).sum()).collect();
    for (i, out) in form.chunks_exact_mut(n).enumerate() {
        spread[i] *= secants[i].1 * secants[i].1;
        for (v, (middle, _)) in out.iter_mut().zip(&secants) {
            *v *= middle * secants[i].0;
        }
    }
    if k > 0 {
        return Form::Full(combine(form, &spread, &curvatures, 0.5));
    }
    // The best τ if both parts were largest in the same direction.
    let middle = gram.about_largest(|v| form.chunks_exact(n).map(|row| dot(row, v)).collect());
    let rest = gram.about_largest(|v| v.iter().zip(&spread).map(|(v, s)| v * s).collect());
    let tau = (rest / middle.max(1e-300)).sqrt().clamp(1e-3, 1e3);
    Form::Full(combine(form, &spread, &curvatures, tau))
}

fn combine(mut form: Vec<f64>, spread: &[f64], curvatures: &[f64], tau: f64) -> Vec<f64> {
    let n = spread.len();
    for v in &mut form {
        *v *= 1.0 + tau;
    }
    for i in 0..n {
        form[i * n + i] += (1.0 + 1.0 / tau) * spread[i] + curvatures[i];
    }
    form
}
