//! What every reader builds: operations, each on the values of an earlier one, in the order of channels, rows and columns that the
//! engine has, whatever order the file has.
//!
//! A file's tensors may have channels last, be reshaped and transposed. A [`Value`] keeps where each of its numbers lies in the
//! engine's order, so that reshaping and transposing cost nothing, and a dense layer's weights are put into that order.

mod line;

use super::Error;
use crate::network::{
    Edges, Function, Layer, Operation, Shape, Window,
    architecture::{dilated, ungrouped},
};
use line::Line;
use std::{collections::HashMap, sync::Arc};

/// Where the channels are among a tensor's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// [batch, channels, rows, columns]
    ChannelsFirst,
    /// [batch, rows, columns, channels]
    ChannelsLast,
}

/// The values of an operation, as the file sees them.
#[derive(Clone, Debug)]
pub(super) struct Value {
    node: usize,
    /// As the engine has them.
    shape: Shape,
    /// As the file has them, with a batch of one.
    pub dims: Vec<usize>,
    /// Of each number in the file's order, its place in the engine's; none where they are the same.
    order: Option<Arc<[u32]>>,
    /// A softmax has come: the ten values are there.
    has_ended: bool,
}

/// How a window moves; sizes are (rows, columns).
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves {
    pub stride: (usize, usize),
    pub dilation: (usize, usize),
    pub padding: Padding,
}

/// What is around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// Before (rows, columns), and after.
    Given((usize, usize), (usize, usize)),
    /// As much as leaves one position for each stride; of an odd number the larger half comes after.
    Same,
    /// The same, with the larger half before.
    SameBefore,
    /// Before and after, and as much further after as lets no row or column be left out.
    Ceiling((usize, usize), (usize, usize)),
}

/// Which numbers a pooling leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    Max,
    /// The mean, with zeros over the edge.
    Average,
    /// The mean of what is over the image.
    AverageInside,
}

/// A convolution's weights, in the order [out, in/groups, rows, columns].
pub(super) struct Kernel {
    pub shape: [usize; 4],
    pub weight: Vec<f32>,
    pub bias: Option<Vec<f32>>,
    pub groups: usize,
}

enum Step {
    Of(Operation, usize),
    Sum(usize, usize),
}

/// Operations so far. Node 0 is the image.
#[derive(Default)]
pub(super) struct Graph {
    steps: Vec<Step>,
}

impl Graph {
    /// The image, of these dimensions with a batch of one: rows and columns of one channel, or 784 in a row. Another size is one to
    /// which the image is resized; three channels are three times the same.
    pub fn image(&mut self, dims: &[usize], layout: Layout) -> Result<Value, Error> {
        let refuse = || Error::Input { found: format!("{dims:?}") };
        let mut shape = Shape { channels: 1, rows: crate::SIDE, columns: crate::SIDE };
        let value = Value { node: 0, shape, dims: dims.to_vec(), order: None, has_ended: false };
        if dims.iter().product::<usize>() == crate::PIXELS {
            return Ok(value);
        }
        let (channels, rows, columns) = match (layout, dims) {
            (Layout::ChannelsFirst, &[1, channels, rows, columns]) => (channels, rows, columns),
            (Layout::ChannelsLast, &[1, rows, columns, channels]) => (channels, rows, columns),
            (_, &[1, rows, columns]) => (1, rows, columns),
            _ => return Err(refuse()),
        };
        if ![1, 3].contains(&channels) || !(8..=256).contains(&rows) || !(8..=256).contains(&columns) {
            return Err(refuse());
        }
        let mut node = 0;
        if (rows, columns) != (crate::SIDE, crate::SIDE) {
            node = self.push(Operation::Resize((rows, columns)), 0);
            shape = Shape { rows, columns, ..shape };
        }
        if channels == 3 {
            let window = Window { size: (1, 1), stride: (1, 1), padding: (0, 0), after: (0, 0) };
            let copies = Layer { inputs: 1, outputs: 3, weight: vec![1.0; 3], bias: vec![0.0; 3] };
            node = self.push(Operation::Convolution(window, copies), node);
            shape.channels = 3;
        }
        let value = laid_out(Value { node, shape, ..value }, layout);
        Ok(Value { dims: dims.to_vec(), ..value })
    }

    fn push(&mut self, operation: Operation, input: usize) -> usize {
        self.steps.push(Step::Of(operation, input));
        self.steps.len()
    }

    /// `operation` on each number by itself.
    fn each(&mut self, value: &Value, operation: Operation) -> Result<Value, Error> {
        value.go_on(operation.kind())?;
        Ok(Value { node: self.push(operation, value.node), ..value.clone() })
    }

    pub fn operation(&mut self, value: &Value, operation: Operation) -> Result<Value, Error> {
        self.each(value, operation)
    }

    pub fn function(&mut self, value: &Value, function: Function) -> Result<Value, Error> {
        self.each(value, Operation::Function(function))
    }

    /// `weight` is [out, in] in the file's order.
    pub fn linear(&mut self, value: &Value, weight: &[f32], bias: Option<Vec<f32>>) -> Result<Value, Error> {
        value.go_on("a dense layer")?;
        let inputs = value.shape.values();
        let outputs = weight.len().checked_div(inputs).unwrap_or(0);
        let one_row = value.dims.iter().rev().skip(1).all(|d| *d == 1);
        if outputs == 0 || outputs * inputs != weight.len() || !one_row {
            return Err(Error::Fit {
                operation: "a dense layer".into(),
                problem: format!("its {} weights meet values of shape {:?}", weight.len(), value.dims),
            });
        }
        let mut layer = Layer { inputs, outputs, weight: weight.to_vec(), bias: vec![0.0; outputs] };
        if let Some(order) = &value.order {
            for (to, from) in layer.weight.chunks_exact_mut(inputs).zip(weight.chunks_exact(inputs)) {
                from.iter().zip(order.iter()).for_each(|(w, &place)| to[place as usize] = *w);
            }
        }
        if let Some(bias) = bias {
            layer.bias = of_length(bias, outputs, "a dense layer's bias")?;
        }
        let flat = self.flat(value);
        let mut dims = value.dims.clone();
        dims.last_mut().into_iter().for_each(|d| *d = outputs);
        let shape = Shape { channels: outputs, rows: 1, columns: 1 };
        Ok(Value { node: self.push(Operation::Linear(layer), flat), shape, dims, order: None, has_ended: false })
    }

    /// The node whose values are `value`'s as one flat vector.
    fn flat(&mut self, value: &Value) -> usize {
        if value.shape.area() == 1 && value.node > 0 { value.node } else { self.push(Operation::Flatten, value.node) }
    }

    pub fn convolution(&mut self, value: &Value, kernel: Kernel, moves: Moves, layout: Layout) -> Result<Value, Error> {
        let image = value.image(layout, "a convolution")?;
        let Kernel { shape: [outputs, channels, rows, columns], weight, bias, groups } = kernel;
        let wrong = |problem: String| Error::Fit { operation: "a convolution".into(), problem };
        let inputs = channels * rows * columns;
        if inputs * outputs == 0 || inputs * outputs != weight.len() || channels * groups != image.channels {
            return Err(wrong(format!("its kernel {:?} meets {} channels", kernel.shape, image.channels)));
        }
        let bias = match bias {
            Some(bias) => of_length(bias, outputs, "a convolution's bias")?,
            None => vec![0.0; outputs],
        };
        let too_large = || wrong("it is too large".into());
        let mut layer = Layer { inputs, outputs, weight, bias };
        let mut size = (rows, columns);
        if moves.dilation != (1, 1) {
            layer = dilated(layer, channels, size, moves.dilation).ok_or_else(too_large)?;
            size = ((rows - 1) * moves.dilation.0 + 1, (columns - 1) * moves.dilation.1 + 1);
        }
        let (window, output) = window(size, moves, image).ok_or_else(|| wrong("its window does not fit".into()))?;
        let operation = if groups > 1 && groups == outputs && channels == 1 {
            Operation::Depthwise(window, layer)
        } else if groups > 1 {
            Operation::Convolution(window, ungrouped(layer, groups).ok_or_else(too_large)?)
        } else {
            Operation::Convolution(window, layer)
        };
        let node = self.push(operation, value.node);
        Ok(laid_out(Value { node, shape: Shape { channels: outputs, ..output }, ..value.clone() }, layout))
    }

    pub fn pool(
        &mut self,
        value: &Value,
        pooling: Pooling,
        size: (usize, usize),
        moves: Moves,
        layout: Layout,
    ) -> Result<Value, Error> {
        let image = value.image(layout, "a pooling")?;
        let (window, shape) = window(size, moves, image).filter(|_| moves.dilation == (1, 1)).ok_or_else(|| {
            Error::Fit { operation: "a pooling".into(), problem: format!("its window {size:?} does not fit {image:?}") }
        })?;
        let operation = match pooling {
            Pooling::Max => Operation::MaxPool(window),
            Pooling::Average => Operation::AveragePool(window),
            Pooling::AverageInside => Operation::AverageInside(window),
        };
        let node = self.push(operation, value.node);
        Ok(laid_out(Value { node, shape, ..value.clone() }, layout))
    }

    /// Pooling over the whole image; what is left is [batch, channels], or has rows and columns of one.
    pub fn pool_all(&mut self, value: &Value, pooling: Pooling, layout: Layout, keeps: bool) -> Result<Value, Error> {
        let image = value.image(layout, "a pooling")?;
        let moves = Moves { stride: (1, 1), dilation: (1, 1), padding: Padding::Given((0, 0), (0, 0)) };
        let pooled = self.pool(value, pooling, (image.rows, image.columns), moves, layout)?;
        Ok(if keeps { pooled } else { Value { dims: vec![1, image.channels], ..pooled } })
    }

    /// Zeros around an image.
    pub fn pad(&mut self, value: &Value, edges: Edges, layout: Layout) -> Result<Value, Error> {
        let image = value.image(layout, "padding")?;
        let shape = Shape {
            rows: image.rows + edges.top + edges.bottom,
            columns: image.columns + edges.left + edges.right,
            ..image
        };
        let node = self.push(Operation::Pad(edges), value.node);
        Ok(laid_out(Value { node, shape, ..value.clone() }, layout))
    }

    pub fn resize(&mut self, value: &Value, size: (usize, usize), layout: Layout) -> Result<Value, Error> {
        let image = value.image(layout, "resizing")?;
        if size == (image.rows, image.columns) {
            return Ok(value.clone());
        }
        let node = self.push(Operation::Resize(size), value.node);
        let shape = Shape { rows: size.0, columns: size.1, ..image };
        Ok(laid_out(Value { node, shape, ..value.clone() }, layout))
    }

    /// `factor·v + shift`; both have these dimensions, which are those of `value` or stretch to them as NumPy's do.
    pub fn scale(&mut self, value: &Value, dims: &[usize], factor: &[f32], shift: &[f32]) -> Result<Value, Error> {
        value.go_on("a sum or product")?;
        let wrong = || Error::Fit {
            operation: "a sum or product".into(),
            problem: format!("constants of shape {dims:?} meet values of shape {:?}", value.dims),
        };
        let count = value.shape.values();
        let (mut all_factors, mut all_shifts) = (vec![0.0; count], vec![0.0; count]);
        let own = stretched(dims, &value.dims).filter(|own| own.len() == count).ok_or_else(wrong)?;
        for (k, from) in own.into_iter().enumerate() {
            let place = value.order.as_ref().map_or(k, |order| order[k] as usize);
            let (f, s) = factor.get(from).zip(shift.get(from)).ok_or_else(wrong)?;
            (all_factors[place], all_shifts[place]) = (*f, *s);
        }
        let area = value.shape.area();
        let is_one = |values: &[f32]| values.chunks_exact(area).all(|channel| channel.iter().all(|v| *v == channel[0]));
        if is_one(&all_factors) && is_one(&all_shifts) {
            let of = |values: Vec<f32>| values.into_iter().step_by(area).collect();
            return self.each(value, Operation::Scale { factor: of(all_factors), shift: of(all_shifts) });
        }
        // A number for each place: flat values have as many channels.
        let node = self.push(Operation::Flatten, value.node);
        let node = self.push(Operation::Scale { factor: all_factors, shift: all_shifts }, node);
        Ok(Value { node, shape: Shape { channels: count, rows: 1, columns: 1 }, ..value.clone() })
    }

    /// Two values of the same dimensions, added.
    pub fn add(&mut self, a: &Value, b: &Value) -> Result<Value, Error> {
        a.go_on("a sum")?;
        b.go_on("a sum")?;
        if a.dims != b.dims || a.order != b.order || a.shape != b.shape {
            let problem = format!("values of shape {:?} meet values of shape {:?}", a.dims, b.dims);
            return Err(Error::Fit { operation: "a sum".into(), problem });
        }
        self.steps.push(Step::Sum(a.node, b.node));
        Ok(Value { node: self.steps.len(), ..a.clone() })
    }

    /// A softmax, or another function of ten values that leaves their order as it is: nothing may follow but its like.
    pub fn end(&mut self, value: &Value) -> Value {
        Value { has_ended: true, ..value.clone() }
    }

    /// The operations that lead to `output`, ten values, first to last.
    pub fn finish(self, output: &Value) -> Result<Vec<Operation>, Error> {
        if output.shape.values() != crate::LABELS {
            return Err(Error::Output { found: output.shape.values() });
        }
        let is_in_order =
            output.order.as_ref().is_none_or(|order| order.iter().enumerate().all(|(k, &o)| k == o as usize));
        if !is_in_order {
            return Err(Error::Fit {
                operation: "the output".into(),
                problem: "it is not in the order of digits".into(),
            });
        }
        let mut line =
            Line { steps: &self.steps, uses: self.uses(output.node), labels: HashMap::new(), all: Vec::new() };
        line.line_up(output.node);
        let mut operations = line.all;
        if output.shape.area() > 1 || !operations.iter().any(|o| matches!(o, Operation::Flatten | Operation::Linear(_)))
        {
            operations.push(Operation::Flatten);
        }
        Ok(operations)
    }

    /// How often the values of each node are needed to come to `output`.
    fn uses(&self, output: usize) -> Vec<usize> {
        let mut uses = vec![0; self.steps.len() + 1];
        uses[output] = 1;
        for node in (1..=output).rev() {
            if uses[node] > 0 {
                match &self.steps[node - 1] {
                    Step::Of(_, input) => uses[*input] += 1,
                    Step::Sum(a, b) => {
                        uses[*a] += 1;
                        uses[*b] += 1;
                    }
                }
            }
        }
        uses
    }
}

impl Value {
    /// The values as [dims…]: as many, in the same order. One dimension may be left to be computed, as -1; 0 keeps what is there.
    pub fn reshaped(&self, dims: &[i64]) -> Result<Value, Error> {
        let wrong = || Error::Fit {
            operation: "a reshaping".into(),
            problem: format!("values of shape {:?} cannot become {dims:?}", self.dims),
        };
        let mut all = Vec::with_capacity(dims.len());
        for (k, &d) in dims.iter().enumerate() {
            all.push(match d {
                0 => *self.dims.get(k).ok_or_else(wrong)?,
                -1 => 0,
                _ => usize::try_from(d).map_err(|_| wrong())?,
            });
        }
        let known =
            all.iter().filter(|d| **d > 0).try_fold(1usize, |product, d| product.checked_mul(*d)).ok_or_else(wrong)?;
        let count = self.shape.values();
        all.iter_mut().filter(|d| **d == 0).for_each(|d| *d = count / known);
        // A fixed batch of another size than one: the rest is of one image.
        if all.iter().product::<usize>() != count && all.len() > 1 && all[1..].iter().product::<usize>() == count {
            all[0] = 1;
        }
        if all.iter().product::<usize>() != count {
            return Err(wrong());
        }
        Ok(Value { dims: all, ..self.clone() })
    }

    /// All but the batch in one row.
    pub fn flattened(&self) -> Value {
        Value { dims: vec![1, self.shape.values()], ..self.clone() }
    }

    /// The dimensions in another order.
    pub fn transposed(&self, order: &[usize]) -> Result<Value, Error> {
        let mut seen = order.to_vec();
        seen.sort_unstable();
        if seen != (0..self.dims.len()).collect::<Vec<_>>() {
            let problem = format!("{order:?} is no order of the dimensions {:?}", self.dims);
            return Err(Error::Fit { operation: "a transposition".into(), problem });
        }
        let dims: Vec<usize> = order.iter().map(|k| self.dims[*k]).collect();
        let places = places(&self.dims);
        let steps: Vec<usize> = order.iter().map(|k| places[*k]).collect();
        let all = walk(&dims, &steps).map(|from| self.order.as_ref().map_or(from as u32, |order| order[from]));
        Ok(Value { order: Some(all.collect()), dims, ..self.clone() })
    }

    /// Rows, columns and channels, if these lie as the layout says.
    fn image(&self, layout: Layout, operation: &str) -> Result<Shape, Error> {
        self.go_on(operation)?;
        let expected = laid_out(self.clone(), layout);
        let identity = |order: &Option<Arc<[u32]>>| {
            order.as_ref().is_none_or(|o| o.iter().enumerate().all(|(k, &p)| k == p as usize))
        };
        let is_same = match (&self.order, &expected.order) {
            (Some(a), Some(b)) => a == b,
            (a, b) => identity(a) && identity(b),
        };
        if self.dims == expected.dims && is_same {
            return Ok(self.shape);
        }
        let problem = format!("values of shape {:?} are no image as it takes it", self.dims);
        Err(Error::Fit { operation: operation.into(), problem })
    }

    /// Refuses what follows a softmax.
    fn go_on(&self, operation: &str) -> Result<(), Error> {
        let problem = || "it follows a softmax, which is the end of a network here".to_owned();
        if self.has_ended { Err(Error::Fit { operation: operation.into(), problem: problem() }) } else { Ok(()) }
    }
}

/// The dimensions and the order of the engine's shape in a layout.
fn laid_out(value: Value, layout: Layout) -> Value {
    let Shape { channels, rows, columns } = value.shape;
    if layout == Layout::ChannelsFirst {
        return Value { dims: vec![1, channels, rows, columns], order: None, ..value };
    }
    let dims = vec![1, rows, columns, channels];
    let order = (channels > 1 && rows * columns > 1)
        .then(|| walk(&[rows, columns, channels], &[columns, 1, rows * columns]).map(|place| place as u32).collect());
    Value { dims, order, ..value }
}

/// How far apart neighbours in each dimension are.
fn places(dims: &[usize]) -> Vec<usize> {
    let mut places = vec![1; dims.len()];
    for k in (1..dims.len()).rev() {
        places[k - 1] = places[k] * dims[k];
    }
    places
}

/// The places of all numbers, last dimension first.
fn walk(dims: &[usize], steps: &[usize]) -> impl Iterator<Item = usize> {
    let (own, dims, steps) = (places(dims), dims.to_vec(), steps.to_vec());
    (0..dims.iter().product()).map(move |k: usize| {
        let parts = own.iter().zip(&dims).zip(&steps);
        parts.map(|((place, d), step)| k / place % d * step).sum()
    })
}

/// For each number of `to`, which of `from` stands there, as NumPy stretches dimensions of one.
fn stretched(from: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let mut from = from.to_vec();
    while from.len() < to.len() {
        from.insert(0, 1);
    }
    // More dimensions than there are values in: a batch of one, say.
    while from.len() > to.len() && from[0] == 1 {
        from.remove(0);
    }
    if from.len() != to.len() || from.iter().zip(to).any(|(a, b)| a != b && *a != 1) {
        return None;
    }
    let steps: Vec<usize> =
        places(&from).into_iter().zip(&from).map(|(step, d)| if *d == 1 { 0 } else { step }).collect();
    Some(walk(to, &steps).collect())
}

/// The window and what it leaves of an image; none where it does not fit.
fn window(size: (usize, usize), moves: Moves, image: Shape) -> Option<(Window, Shape)> {
    let along =
        |length: usize, size: usize, stride: usize, before: usize, after: usize| -> Option<(usize, usize, usize)> {
            if size == 0 || stride == 0 || size > 1 << 12 || stride > 1 << 12 || before > 1 << 12 || after > 1 << 12 {
                return None;
            }
            let (before, after) = match moves.padding {
                Padding::Given(..) => (before, after),
                Padding::Same | Padding::SameBefore => {
                    let all = ((length.div_ceil(stride) - 1) * stride + size).saturating_sub(length);
                    if moves.padding == Padding::Same { (all / 2, all - all / 2) } else { (all - all / 2, all / 2) }
                }
                Padding::Ceiling(..) => {
                    let free = (length + before + after).checked_sub(size)?;
                    // No window begins after the image.
                    let last = free.div_ceil(stride) * stride;
                    let last = if last >= length + before { last.checked_sub(stride)? } else { last };
                    (before, (last + size).saturating_sub(length + before))
                }
            };
            let positions = (length + before + after).checked_sub(size)? / stride + 1;
            // What is over the edge beyond the last position is not looked at.
            Some((before, after.min(((positions - 1) * stride + size).saturating_sub(length + before)), positions))
        };
    let (given, after) = match moves.padding {
        Padding::Given(before, after) | Padding::Ceiling(before, after) => (before, after),
        _ => ((0, 0), (0, 0)),
    };
    let (top, bottom, rows) = along(image.rows, size.0, moves.stride.0, given.0, after.0)?;
    let (left, right, columns) = along(image.columns, size.1, moves.stride.1, given.1, after.1)?;
    let window = Window { size, stride: moves.stride, padding: (top, left), after: (bottom, right) };
    Some((window, Shape { rows, columns, ..image }))
}

fn of_length(values: Vec<f32>, length: usize, operation: &str) -> Result<Vec<f32>, Error> {
    if values.len() == length {
        return Ok(values);
    }
    let problem = format!("it has {} values where {length} belong", values.len());
    Err(Error::Fit { operation: operation.into(), problem })
}
