//! Networks that are one operation after another, as PyTorch's `nn.Sequential` is: convolutions, pooling and what goes
//! with them.
//!
//! What flows between operations has channels, rows and columns; a flat vector is channels alone. Values are in the order
//! [channel, row, column], as PyTorch's.

use super::{Activation, Layer, Mlp, NetworkError, lanes::LANES};
use crate::{LABELS, PIXELS, SIDE, decimal::Decimal};

/// The most operations; every one of the usual networks has fewer than 30.
const MOST_OPERATIONS: usize = 100;
/// The most numbers that flow between all operations, padded as the kernels have them.
const MOST_VALUES: usize = 1 << 22;
/// The most multiplications of one forward pass; a search needs some dozens of passes.
const MOST_WORK: usize = 50_000_000;

/// Channels, rows and columns of what flows between two operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels; of a flat vector, its length.
    pub channels: usize,
    /// Rows; 1 of a flat vector.
    pub rows: usize,
    /// Columns; 1 of a flat vector.
    pub columns: usize,
}

/// What an image is.
const IMAGE: Shape = Shape { channels: 1, rows: SIDE, columns: SIDE };

impl Shape {
    /// How many values these are.
    pub fn values(self) -> usize {
        self.channels.saturating_mul(self.area())
    }

    /// Rows times columns.
    pub(super) fn area(self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    pub(super) fn flat(channels: usize) -> Shape {
        Shape { channels, rows: 1, columns: 1 }
    }
}

/// A window that moves over rows and columns, in both by (rows, columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How large it is.
    pub size: (usize, usize),
    /// How far it moves.
    pub stride: (usize, usize),
    /// How far it may reach over each edge.
    pub padding: (usize, usize),
}

impl Window {
    /// Rows and columns of its positions on `shape`; none where it does not fit.
    fn positions(self, shape: Shape) -> Option<(usize, usize)> {
        let along = |length: usize, size: usize, stride: usize, padding: usize| {
            let free = (length + 2 * padding).checked_sub(size)?;
            Some(free.checked_div(stride)? + 1)
        };
        let rows = along(shape.rows, self.size.0, self.stride.0, self.padding.0)?;
        Some((rows, along(shape.columns, self.size.1, self.stride.1, self.padding.1)?))
    }

    pub(super) fn area(self) -> usize {
        self.size.0.saturating_mul(self.size.1)
    }

    /// The rows of `shape` that it covers in position `row`, each with its row in the window.
    pub(super) fn rows(self, shape: Shape, row: usize) -> impl Iterator<Item = (usize, usize)> {
        covered(row * self.stride.0, self.padding.0, self.size.0, shape.rows)
    }

    /// The columns that it covers in position `column`, each with its column in the window.
    pub(super) fn columns(self, shape: Shape, column: usize) -> impl Iterator<Item = (usize, usize)> {
        covered(column * self.stride.1, self.padding.1, self.size.1, shape.columns)
    }
}

/// Pairs of a place in the input and one in the window, where there is input.
fn covered(start: usize, padding: usize, size: usize, length: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size).filter_map(move |k| (start + k).checked_sub(padding).filter(|&i| i < length).map(|i| (i, k)))
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// `factor·v + shift` for each channel: a normalised input, or batch normalisation in evaluation.
    Scale {
        /// One for each channel.
        factor: Vec<f32>,
        /// One for each channel.
        shift: Vec<f32>,
    },
    /// A convolution of dilation 1 in one group. The layer's weight is [out, in, rows, columns] of the window.
    Convolution(Window, Layer),
    /// An affine layer of a flat vector.
    Linear(Layer),
    /// The largest value in each window; what lies over the edge does not count. Of equals, the first gets the gradient.
    MaxPool(Window),
    /// The mean of each window; what lies over the edge counts as zero.
    AveragePool(Window),
    /// A non-linearity.
    Activation(Activation),
    /// `z·Φ(z)` (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    Gelu,
    /// All values as one flat vector.
    Flatten,
}

/// A network from 784 pixels to 10 logits, one operation after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    name: String,
    operations: Vec<Operation>,
    /// The input's shape, then that of every operation's output.
    shapes: Vec<Shape>,
}

impl Sequential {
    /// A network of these operations, checked: shapes chain from 1×28×28 to 10 logits, all values are finite, and it is
    /// small enough to be searched.
    pub fn new(name: impl Into<String>, operations: Vec<Operation>) -> Result<Self, NetworkError> {
        let shapes = shapes(&operations).map_err(|(k, problem)| NetworkError::Architecture {
            line: operations.get(k).map_or("end".into(), |operation| format!("{} {}", k + 1, operation.kind())),
            problem,
        })?;
        Ok(Sequential { name: name.into(), operations, shapes })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its operations, first to last.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The shape of the input, then of every operation's output.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The ten logits of one image of 784 pixels, by a plain forward pass in f64 that shares no code with the kernel:
    /// what results are checked with.
    ///
    /// # Panics
    /// If `image` has another length.
    pub fn logits(&self, image: &[f32]) -> [f32; LABELS] {
        assert_eq!(image.len(), PIXELS, "an image has 784 pixels");
        let image: Vec<f64> = image.iter().map(|&v| f64::from(v)).collect();
        let steps = self.operations.iter().zip(self.shapes.windows(2));
        let values = steps.fold(image, |values, (operation, shapes)| operation.apply(&values, shapes[0], shapes[1]));
        std::array::from_fn(|l| values[l] as f32)
    }

    /// The multi-layer perceptron that it is, if it is one: affine layers with one activation between them.
    pub(super) fn as_mlp(&self) -> Option<Mlp> {
        let [Operation::Flatten, rest @ ..] = self.operations.as_slice() else { return None };
        let (mut layers, mut activation) = (Vec::new(), None);
        for pair in rest.chunks(2) {
            let Operation::Linear(layer) = &pair[0] else { return None };
            layers.push(layer.clone());
            match pair.get(1) {
                Some(Operation::Activation(a)) if activation.is_none_or(|known| known == *a) => activation = Some(*a),
                Some(_) => return None,
                None => {}
            }
        }
        // An activation of the logits is no hidden layer's.
        if rest.len().is_multiple_of(2) {
            return None;
        }
        Mlp::new(self.name.clone(), activation.unwrap_or(Activation::Relu), layers).ok()
    }
}

/// The same operations, or fewer: each normalisation in the layer before it, or in the dense one after it.
pub(super) fn simplified(operations: Vec<Operation>) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::with_capacity(operations.len());
    for mut operation in operations {
        match (all.as_mut_slice(), &mut operation) {
            ([.., Operation::Convolution(_, layer) | Operation::Linear(layer)], Operation::Scale { factor, shift }) => {
                for (o, row) in layer.weight.chunks_exact_mut(layer.inputs).enumerate() {
                    row.iter_mut().for_each(|w| *w *= factor[o]);
                    layer.bias[o] = layer.bias[o] * factor[o] + shift[o];
                }
                continue;
            }
            ([.., Operation::Scale { factor, shift }, Operation::Flatten], Operation::Linear(layer)) => {
                scale_inputs(layer, factor, shift);
                let place = all.len() - 2;
                all.remove(place);
            }
            ([.., Operation::Scale { factor, shift }], Operation::Linear(layer)) => {
                scale_inputs(layer, factor, shift);
                all.pop();
            }
            _ => {}
        }
        all.push(operation);
    }
    all
}

/// `W (factor·a + shift) + b`, with one factor for each `area` columns of W.
fn scale_inputs(layer: &mut Layer, factor: &[f32], shift: &[f32]) {
    let area = layer.inputs / factor.len();
    for (row, bias) in layer.weight.chunks_exact_mut(layer.inputs).zip(&mut layer.bias) {
        let mut sum = f64::from(*bias);
        for (i, w) in row.iter_mut().enumerate() {
            sum += f64::from(*w) * f64::from(shift[i / area]);
            *w *= factor[i / area];
        }
        *bias = sum as f32;
    }
}

/// The shapes from the input to the logits; or which operation does not fit, and why. The place after the last is the end's.
pub(super) fn shapes(operations: &[Operation]) -> Result<Vec<Shape>, (usize, String)> {
    if operations.len() > MOST_OPERATIONS {
        return Err((MOST_OPERATIONS, format!("no more than {MOST_OPERATIONS} operations are taken")));
    }
    let mut shapes = vec![IMAGE];
    let (mut shape, mut work, mut values, mut is_flat) = (IMAGE, 0usize, 0usize, false);
    for (k, operation) in operations.iter().enumerate() {
        if is_flat && operation.window().is_some() {
            return Err((k, format!("it takes an image, and there are {} in a row", describe(shape))));
        }
        is_flat |= *operation == Operation::Flatten;
        let after = operation.output(shape).map_err(|problem| (k, problem))?;
        work = work.saturating_add(operation.work(shape, after));
        values = values.saturating_add(after.channels.next_multiple_of(LANES).saturating_mul(after.area()));
        if values > MOST_VALUES || work > MOST_WORK {
            return Err((k, "the network is too large to be searched on a page".into()));
        }
        shape = after;
        shapes.push(shape);
    }
    if shape == Shape::flat(LABELS) {
        Ok(shapes)
    } else {
        Err((operations.len(), format!("it leaves {} where {LABELS} logits were expected", describe(shape))))
    }
}

/// A shape in words.
#[inline(never)]
fn describe(shape: Shape) -> String {
    let Shape { channels, rows, columns } = shape;
    if shape.area() == 1 { format!("{channels} values") } else { format!("{channels} channels of {rows}×{columns}") }
}

impl Operation {
    /// Its name in a file's architecture.
    pub fn kind(&self) -> &'static str {
        match self {
            Operation::Scale { .. } => "batchnorm2d",
            Operation::Convolution(..) => "conv2d",
            Operation::Linear(_) => "linear",
            Operation::MaxPool(_) => "maxpool2d",
            Operation::AveragePool(_) => "avgpool2d",
            Operation::Activation(activation) => activation.name(),
            Operation::Gelu => "gelu",
            Operation::Flatten => "flatten",
        }
    }

    /// The window that it looks through.
    pub(super) fn window(&self) -> Option<Window> {
        match self {
            Operation::Convolution(window, _) | Operation::MaxPool(window) | Operation::AveragePool(window) => {
                Some(*window)
            }
            _ => None,
        }
    }

    /// What it makes of `input`, or why it does not fit.
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let mut output = input;
        let mut area = 1;
        if let Some(window) = self.window() {
            // Some of what it covers is always there; pooling keeps to half, as PyTorch does.
            let most = |size: usize| if self.layer().is_some() { size.saturating_sub(1) } else { size / 2 };
            if window.padding.0 > most(window.size.0) || window.padding.1 > most(window.size.1) {
                return Err("the padding is too large for the window".into());
            }
            let positions = window.positions(input).filter(|_| window.area() > 0);
            let none = || format!("the window does not fit {}", describe(input));
            (output.rows, output.columns) = positions.ok_or_else(none)?;
            area = window.area();
        }
        if let Some(layer) = self.layer() {
            if matches!(self, Operation::Linear(_)) && input.area() != 1 {
                return Err(format!("it takes a flat vector, and there are {}: flatten first", describe(input)));
            }
            let Layer { inputs, outputs, weight, bias } = layer;
            let coming = input.channels.saturating_mul(area);
            if *inputs != coming || *outputs == 0 {
                return Err(format!("it has {inputs} inputs and {outputs} outputs; {coming} inputs come in"));
            }
            check(weight, outputs.saturating_mul(coming))?;
            check(bias, *outputs)?;
            output.channels = *outputs;
        }
        match self {
            Operation::Scale { factor, shift } => {
                check(factor, input.channels)?;
                check(shift, input.channels)?;
            }
            Operation::Flatten => output = Shape::flat(input.values()),
            _ => {}
        }
        Ok(output)
    }

    /// Its affine layer.
    pub(super) fn layer(&self) -> Option<&Layer> {
        match self {
            Operation::Convolution(_, layer) | Operation::Linear(layer) => Some(layer),
            _ => None,
        }
    }

    /// Multiplications of one forward pass, as the kernels do them.
    fn work(&self, input: Shape, output: Shape) -> usize {
        let each = match self {
            Operation::Convolution(_, layer) | Operation::Linear(layer) => layer.inputs,
            Operation::MaxPool(window) => window.area(),
            Operation::AveragePool(window) => window.area().saturating_mul(input.channels),
            _ => 1,
        };
        each.saturating_mul(output.values())
    }

    /// The plain arithmetic. Shapes were checked.
    fn apply(&self, values: &[f64], input: Shape, output: Shape) -> Vec<f64> {
        match self {
            Operation::Scale { factor, shift } => {
                let channels = values.chunks_exact(input.area()).zip(factor.iter().zip(shift));
                channels.flat_map(|(v, (&f, &s))| v.iter().map(move |v| f64::from(f) * v + f64::from(s))).collect()
            }
            Operation::Convolution(window, layer) => convolve(*window, layer, values, input, output),
            Operation::Linear(layer) => {
                let rows = layer.weight.chunks_exact(layer.inputs).zip(&layer.bias);
                rows.map(|(row, &b)| row.iter().zip(values).fold(f64::from(b), |z, (&w, a)| z + f64::from(w) * a))
                    .collect()
            }
            Operation::MaxPool(window) => {
                pool(*window, values, input, output, |inside| inside.fold(f64::NEG_INFINITY, f64::max))
            }
            Operation::AveragePool(window) => {
                pool(*window, values, input, output, |inside| inside.sum::<f64>() / window.area() as f64)
            }
            Operation::Activation(activation) => values.iter().map(|&z| activation.apply(z)).collect(),
            Operation::Gelu => {
                values.iter().map(|z| 0.5 * z * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)).collect()
            }
            Operation::Flatten => values.to_vec(),
        }
    }
}

fn convolve(window: Window, layer: &Layer, values: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut all = Vec::with_capacity(output.values());
    for (row_of_weights, &bias) in layer.weight.chunks_exact(layer.inputs).zip(&layer.bias) {
        for (row, column) in (0..output.rows).flat_map(|row| (0..output.columns).map(move |column| (row, column))) {
            let mut z = f64::from(bias);
            for channel in 0..input.channels {
                for (y, i) in window.rows(input, row) {
                    for (x, j) in window.columns(input, column) {
                        let weight = row_of_weights[(channel * window.size.0 + i) * window.size.1 + j];
                        z += f64::from(weight) * values[(channel * input.rows + y) * input.columns + x];
                    }
                }
            }
            all.push(z);
        }
    }
    all
}

fn pool(
    window: Window,
    values: &[f64],
    input: Shape,
    output: Shape,
    of: impl Fn(&mut dyn Iterator<Item = f64>) -> f64,
) -> Vec<f64> {
    let mut all = Vec::with_capacity(output.values());
    for channel in values.chunks_exact(input.area()) {
        for (row, column) in (0..output.rows).flat_map(|row| (0..output.columns).map(move |column| (row, column))) {
            let columns = |y: usize| window.columns(input, column).map(move |(x, _)| channel[y * input.columns + x]);
            all.push(of(&mut window.rows(input, row).flat_map(|(y, _)| columns(y))));
        }
    }
    all
}

/// So many values, all finite.
#[inline(never)]
fn check(values: &[f32], expected: usize) -> Result<(), String> {
    if values.len() != expected {
        return Err(format!("it has {} values where {expected} belong", values.len()));
    }
    let wrong = values.iter().find(|v| !v.is_finite());
    wrong.map_or(Ok(()), |value| Err(format!("it has a value that is {}; all must be finite numbers", Decimal(*value))))
}
