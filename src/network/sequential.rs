//! Networks that are one operation after another, as PyTorch's `nn.Sequential` is: convolutions, pooling and what goes
//! with them.
//!
//! What flows between operations has channels, rows and columns; a flat vector is channels alone. Values are in the order
//! [channel, row, column], as PyTorch's.

use super::{Activation, Function, Layer, Mlp, NetworkError, lanes::LANES};
use crate::{LABELS, PIXELS, SIDE, decimal::Decimal};

/// The most operations; every one of the usual networks has fewer than 30.
const MOST_OPERATIONS: usize = 100;
/// The most numbers that flow between all operations, padded as the kernels have them.
const MOST_VALUES: usize = 1 << 22;
/// The most multiplications of one forward pass; a search needs some dozens of passes.
const MOST_WORK: usize = 50_000_000;

/// As how many channels fewer count, where channels are looked at one by one.
const FEWEST_CHANNELS: usize = 16;

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
    pub(crate) fn area(self) -> usize {
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
    /// How far it may reach over the upper and the left edge.
    pub padding: (usize, usize),
    /// How far it may reach over the lower and the right edge.
    pub after: (usize, usize),
}

/// How many rows and columns of zeros are put around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edges {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Window {
    /// Rows and columns of its positions on `shape`; none where it does not fit.
    fn positions(self, shape: Shape) -> Option<(usize, usize)> {
        let along = |length: usize, size: usize, stride: usize, padding: usize| {
            let free = (length + padding).checked_sub(size)?;
            Some(free.checked_div(stride)? + 1)
        };
        let rows = along(shape.rows, self.size.0, self.stride.0, self.padding.0 + self.after.0)?;
        Some((rows, along(shape.columns, self.size.1, self.stride.1, self.padding.1 + self.after.1)?))
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
    /// A convolution of each channel by itself. The layer's weight is [channel, rows, columns] of the window.
    Depthwise(Window, Layer),
    /// An affine layer of a flat vector.
    Linear(Layer),
    /// The largest value in each window; what lies over the edge does not count. Of equals, the first gets the gradient.
    MaxPool(Window),
    /// The mean of each window; what lies over the edge counts as zero.
    AveragePool(Window),
    /// The mean of what of each window is over the image.
    AverageInside(Window),
    /// Zeros around an image.
    Pad(Edges),
    /// The image with so many rows and columns, bilinear between pixels' centres.
    Resize((usize, usize)),
    /// A non-linearity of a plain perceptron.
    Activation(Activation),
    /// Another one.
    Function(Function),
    /// All values as one flat vector.
    Flatten,
    /// Keeps the values under a label, for a later [`Operation::Add`] or [`Operation::Recall`]; goes on with the same.
    Mark(usize),
    /// Adds the values that were kept under this label: the end of a residual block.
    Add(usize),
    /// Goes on with the values that were kept under this label.
    Recall(usize),
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
        let mut marks = Vec::new();
        let apply = |values: Vec<f64>, (operation, shapes): (&Operation, &[Shape])| {
            operation.apply(&values, shapes[0], shapes[1], &mut marks)
        };
        let values = steps.fold(image, apply);
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

/// The same operations, or fewer: each normalisation in the layer before it, or in the dense one after it; and without
/// increasing functions of the ten values at the end, which leave their order as it is.
pub(super) fn simplified(operations: Vec<Operation>) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::with_capacity(operations.len());
    for mut operation in operations {
        match (all.as_mut_slice(), &mut operation) {
            (
                [.., Operation::Convolution(_, layer) | Operation::Depthwise(_, layer) | Operation::Linear(layer)],
                Operation::Scale { factor, shift },
            ) => {
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
    while all.len() > 1 && all.last().is_some_and(Operation::is_increasing) {
        all.pop();
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
    let mut flow = Flow { shape: IMAGE, before_flattening: IMAGE, is_flat: false };
    let (mut work, mut values, mut marks) = (0usize, 0usize, Vec::new());
    for (k, operation) in operations.iter().enumerate() {
        flow = flow.through(operation, &mut marks).map_err(|problem| (k, problem))?;
        work = work.saturating_add(operation.work(flow.shape));
        values = values.saturating_add(flow.shape.channels.next_multiple_of(LANES).saturating_mul(flow.shape.area()));
        if values > MOST_VALUES || work > MOST_WORK {
            return Err((k, "the network is too large to be searched on a page".into()));
        }
        shapes.push(flow.shape);
    }
    if flow.shape == Shape::flat(LABELS) {
        Ok(shapes)
    } else {
        Err((operations.len(), format!("it leaves {} where {LABELS} logits were expected", describe(flow.shape))))
    }
}

/// What there is between two operations.
#[derive(Clone, Copy, PartialEq)]
struct Flow {
    shape: Shape,
    /// As the values lie, which flattening does not move.
    before_flattening: Shape,
    is_flat: bool,
}

impl Flow {
    /// What there is after `operation`, or why that does not fit.
    fn through(mut self, operation: &Operation, marks: &mut Vec<(usize, Flow)>) -> Result<Flow, String> {
        let takes_image = operation.window().is_some() || matches!(operation, Operation::Pad(_) | Operation::Resize(_));
        if self.is_flat && takes_image {
            return Err(format!("it takes an image, and there are {} in a row", describe(self.shape)));
        }
        match operation {
            Operation::Mark(label) => {
                marks.retain(|(known, _)| known != label);
                marks.push((*label, self));
            }
            Operation::Add(label) | Operation::Recall(label) => {
                let kept = marks.iter().find(|(known, _)| known == label).map(|(_, kept)| *kept);
                let kept = kept.ok_or_else(|| format!("nothing is marked {label} before it"))?;
                if *operation == Operation::Recall(*label) {
                    return Ok(kept);
                }
                if kept.before_flattening != self.before_flattening || kept.shape != self.shape {
                    return Err(format!("it adds {} to {}", describe(kept.shape), describe(self.shape)));
                }
            }
            _ => {
                self.shape = operation.output(self.shape)?;
                self.is_flat |= *operation == Operation::Flatten;
                let moves = operation.window().is_some() || matches!(operation, Operation::Linear(_));
                if moves || matches!(operation, Operation::Pad(_) | Operation::Resize(_)) {
                    self.before_flattening = self.shape;
                }
            }
        }
        Ok(self)
    }
}

/// Which places along an edge of `from` make place `k` of `to`, and how much of each: bilinear, centre on centre, as
/// PyTorch's `interpolate` without `align_corners` and TensorFlow's `resize` without antialiasing do it.
pub(super) fn resized(k: usize, to: usize, from: usize) -> [(usize, f64); 2] {
    let place = ((k as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
    let first = (place as usize).min(from - 1);
    let part = place - first as f64;
    [(first, 1.0 - part), ((first + 1).min(from - 1), part)]
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
            Operation::Convolution(..) | Operation::Depthwise(..) => "conv2d",
            Operation::Linear(_) => "linear",
            Operation::MaxPool(_) => "maxpool2d",
            Operation::AveragePool(_) | Operation::AverageInside(_) => "avgpool2d",
            Operation::Pad(_) => "zeropad2d",
            Operation::Resize(_) => "resize",
            Operation::Activation(activation) => activation.name(),
            Operation::Function(function) => function.name(),
            Operation::Flatten => "flatten",
            Operation::Mark(_) => "mark",
            Operation::Add(_) => "add",
            Operation::Recall(_) => "recall",
        }
    }

    /// Whether a larger number always has a larger value.
    fn is_increasing(&self) -> bool {
        match self {
            Operation::Activation(activation) => *activation != Activation::Relu,
            Operation::Function(function) => function.is_increasing(),
            _ => false,
        }
    }

    /// The window that it looks through.
    pub(crate) fn window(&self) -> Option<Window> {
        match self {
            Operation::Convolution(window, _)
            | Operation::Depthwise(window, _)
            | Operation::MaxPool(window)
            | Operation::AveragePool(window)
            | Operation::AverageInside(window) => Some(*window),
            _ => None,
        }
    }

    /// What it makes of `input`, or why it does not fit.
    fn output(&self, input: Shape) -> Result<Shape, String> {
        let mut output = input;
        let mut area = 1;
        if let Some(window) = self.window() {
            // Some of what it covers is always there; pooling keeps to half before the image, as PyTorch does.
            let all_but_one = |size: usize| size.saturating_sub(1);
            let most = |size: usize| if self.layer().is_some() { all_but_one(size) } else { size / 2 };
            let (before, after, size) = (window.padding, window.after, window.size);
            let is_before = before.0 > most(size.0) || before.1 > most(size.1);
            if is_before || after.0 > all_but_one(size.0) || after.1 > all_but_one(size.1) {
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
            let is_depthwise = matches!(self, Operation::Depthwise(..));
            let coming = if is_depthwise { area } else { input.channels.saturating_mul(area) };
            if is_depthwise && *outputs != input.channels {
                return Err(format!("it is of {outputs} channels, and {} come in", input.channels));
            }
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
            Operation::Pad(Edges { top, bottom, left, right }) => {
                output.rows = input.rows.saturating_add(top.saturating_add(*bottom));
                output.columns = input.columns.saturating_add(left.saturating_add(*right));
            }
            Operation::Resize((rows, columns)) => (output.rows, output.columns) = (*rows, *columns),
            Operation::Function(function) if { *function }.settings().iter().any(|(_, v)| !v.is_finite()) => {
                return Err("its settings are not finite numbers".into());
            }
            _ => {}
        }
        if output.area() == 0 { Err("it leaves nothing".into()) } else { Ok(output) }
    }

    /// Its affine layer.
    pub(crate) fn layer(&self) -> Option<&Layer> {
        match self {
            Operation::Convolution(_, layer) | Operation::Depthwise(_, layer) | Operation::Linear(layer) => Some(layer),
            _ => None,
        }
    }

    /// Multiplications of one forward pass, as the kernels do them.
    fn work(&self, output: Shape) -> usize {
        let each = match self {
            Operation::Convolution(_, layer) | Operation::Depthwise(_, layer) | Operation::Linear(layer) => {
                layer.inputs
            }
            Operation::MaxPool(window) | Operation::AveragePool(window) | Operation::AverageInside(window) => {
                window.area()
            }
            Operation::Resize(_) => 4,
            _ => 1,
        };
        // What looks at each channel by itself keeps a note of every place that it looks at, however few the channels are.
        let least = if self.is_local() { FEWEST_CHANNELS } else { 1 };
        each.saturating_mul(output.channels.max(least)).saturating_mul(output.area())
    }

    /// Whether it looks at each channel by itself, without a maximum.
    fn is_local(&self) -> bool {
        let is_mean = matches!(self, Operation::AveragePool(_) | Operation::AverageInside(_));
        is_mean || matches!(self, Operation::Depthwise(..) | Operation::Pad(_) | Operation::Resize(_))
    }

    /// How far its window may reach over the upper and the left edge, and over the lower and the right one.
    pub fn window_padding(&self) -> Option<((usize, usize), (usize, usize))> {
        self.window().map(|window| (window.padding, window.after))
    }
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
