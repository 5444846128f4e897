//! What a state dict holds: layers with weights, in order, and nothing of what is between them.
//!
//! Which activation, which pooling, which padding: that is a [`Reading`]. What fits the layers' shapes is found here; which of these
//! classifies digits best, in `judge`.

use super::{
    Error, Format,
    arrangement::Arrangement,
    graph::{Graph, Kernel, Layout, Moves, Padding, Pooling, Value},
};
use crate::network::Operation;

/// A named tensor.
pub(super) struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// A layer with weights, or an operation that the file names.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Affine(Affine),
    /// Batch normalisation in evaluation.
    Scale {
        name: String,
        factor: Vec<f32>,
        shift: Vec<f32>,
    },
    Activation(Operation),
    Pool(Pooling, (usize, usize), Moves),
    /// Pooling that leaves so many rows and columns.
    PoolTo(Pooling, (usize, usize)),
    Flatten,
    End,
}

/// A dense layer, [out, in], or a convolution, [out, in/groups, rows, columns].
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub name: String,
    pub shape: Vec<usize>,
    pub weight: Vec<f32>,
    pub bias: Option<Vec<f32>>,
    /// How the window moves, and groups, where the file says that.
    pub moves: Option<(Moves, usize)>,
}

impl Affine {
    pub fn outputs(&self) -> usize {
        self.shape[0]
    }

    pub fn is_dense(&self) -> bool {
        self.shape.len() == 2
    }
}

/// All that a state dict does not say.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub activation: Operation,
    pub pooling: Pooling,
    pub arrangement: Arrangement,
    /// Of each layer but the last, whether an activation follows.
    pub is_activated: Vec<bool>,
}

/// Layers as a state dict names them: `….weight`, `….bias`, `….running_mean`, `….running_var`.
pub(super) fn of_tensors(tensors: Vec<Tensor>, format: Format, is_in_order: bool) -> Result<Vec<Item>, Error> {
    let mut names: Vec<String> = Vec::new();
    for tensor in &tensors {
        let (layer, part) = tensor.name.rsplit_once('.').unwrap_or(("", &tensor.name));
        match part {
            "num_batches_tracked" => continue,
            "weight" | "bias" | "running_mean" | "running_var" => {}
            _ => return Err(no_network(format, &tensor.name)),
        }
        if !names.iter().any(|known| known == layer) {
            names.push(layer.to_owned());
        }
    }
    let mut tensors: Vec<Option<Tensor>> = tensors.into_iter().map(Some).collect();
    let mut items = Vec::new();
    for name in names {
        let mut take = |part: &str| {
            let whole = if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
            tensors.iter_mut().find(|tensor| tensor.as_ref().is_some_and(|t| t.name == whole)).and_then(Option::take)
        };
        let (weight, bias) = (take("weight"), take("bias").map(|bias| bias.values));
        let (mean, variance) = (take("running_mean"), take("running_var"));
        items.push(match (mean.zip(variance), weight) {
            (Some((mean, variance)), weight) => {
                normalisation(name, weight.map(|w| w.values), bias, &mean.values, &variance.values, 1e-5)
            }
            (None, Some(Tensor { shape, values, .. })) if [2, 4].contains(&shape.len()) => {
                Item::Affine(Affine { name, shape, weight: values, bias, moves: None })
            }
            (None, Some(Tensor { shape, .. })) => {
                let found = format!("a layer {name:?} whose weight has shape {shape:?}");
                return Err(Error::operation(found));
            }
            (None, None) => return Err(no_network(format, &name)),
        });
    }
    if items.is_empty() {
        return Err(no_network(format, "nothing"));
    }
    if is_in_order && chains(&affines(&items)) { Ok(items) } else { in_order(items) }
}

fn no_network(format: Format, found: &str) -> Error {
    Error::Kind {
        format,
        found: format!("{found:?}, which is no layer's weight or bias"),
        advice: "expected the state dict of a network of dense and convolutional layers; other networks are taken as ONNX",
    }
}

/// `(v − mean)/√(variance + eps)·weight + bias`
pub(super) fn normalisation(
    name: String,
    weight: Option<Vec<f32>>,
    bias: Option<Vec<f32>>,
    mean: &[f32],
    variance: &[f32],
    eps: f32,
) -> Item {
    let root = |v: f32| (f64::from(v) + f64::from(eps)).sqrt();
    let mut factor: Vec<f32> = variance.iter().map(|v| (1.0 / root(*v)) as f32).collect();
    weight.iter().flatten().zip(&mut factor).for_each(|(w, f)| *f *= w);
    let mut shift: Vec<f32> = factor.iter().zip(mean).map(|(f, m)| -f * m).collect();
    bias.iter().flatten().zip(&mut shift).for_each(|(b, s)| *s += b);
    Item::Scale { name, factor, shift }
}

fn affines(items: &[Item]) -> Vec<&Affine> {
    items.iter().filter_map(|item| if let Item::Affine(affine) = item { Some(affine) } else { None }).collect()
}

/// Whether `next` can take what `last` gives.
fn follows(last: Option<&Affine>, next: &Affine) -> bool {
    match last {
        None if next.is_dense() => next.shape[1] == crate::PIXELS,
        None => [1, 3].contains(&next.shape[1]),
        Some(last) if last.is_dense() => next.is_dense() && next.shape[1] == last.outputs(),
        Some(last) if next.is_dense() => next.shape[1].is_multiple_of(last.outputs().max(1)),
        Some(last) => next.shape[1] == last.outputs() || next.shape[1] == 1 && next.outputs() == last.outputs(),
    }
}

fn chains(affines: &[&Affine]) -> bool {
    let ends_well = affines.last().is_some_and(|last| last.outputs() == crate::LABELS);
    ends_well && (0..affines.len()).all(|k| follows(k.checked_sub(1).map(|before| affines[before]), affines[k]))
}

/// The layers in the one order in which their shapes chain; those whose names differ in numbers alone come in the order of these.
fn in_order(items: Vec<Item>) -> Result<Vec<Item>, Error> {
    let (mut layers, mut scales) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Affine(affine) => layers.push(affine),
            other => scales.push(other),
        }
    }
    layers.sort_by_key(|layer| natural(&layer.name));
    scales.sort_by_key(|scale| if let Item::Scale { name, .. } = scale { natural(name) } else { Vec::new() });
    let mut found = Vec::new();
    search_orders(&layers, &mut Vec::new(), &mut found, &mut 20_000);
    let names = || layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>().join(", ");
    let [order] = found.as_slice() else {
        if found.len() > 1 {
            return Err(Error::Order { layers: names() });
        }
        let shapes: Vec<String> = layers.iter().map(|layer| format!("{} {:?}", layer.name, layer.shape)).collect();
        let problem = format!(
            "{} do not lead from 28×28 pixels to ten values in any order; networks with branches are taken as ONNX",
            shapes.join(", ")
        );
        return Err(Error::Fit { operation: "the layers' chain".into(), problem });
    };
    let mut places: Vec<Option<Affine>> = layers.into_iter().map(Some).collect();
    let mut all = Vec::new();
    for &k in order {
        let Some(layer) = places[k].take() else { continue };
        let outputs = layer.outputs();
        all.push(Item::Affine(layer));
        // Batch normalisations of one width come in the order of the layers of that width.
        let own =
            scales.iter().position(|scale| matches!(scale, Item::Scale { factor, .. } if factor.len() == outputs));
        all.extend(own.map(|own| scales.remove(own)));
    }
    Ok(all)
}

/// Orders in which `layers` chain, up to two of them.
fn search_orders(layers: &[Affine], taken: &mut Vec<usize>, found: &mut Vec<Vec<usize>>, patience: &mut usize) {
    if found.len() > 1 || *patience == 0 {
        return;
    }
    *patience -= 1;
    let last = taken.last().map(|k| &layers[*k]);
    if taken.len() == layers.len() {
        if last.is_some_and(|last| last.outputs() == crate::LABELS) {
            found.push(taken.clone());
        }
        return;
    }
    for (k, layer) in layers.iter().enumerate() {
        let is_next = |before: usize| taken.contains(&before) || stem(&layers[before].name) != stem(&layer.name);
        if !taken.contains(&k) && follows(last, layer) && (0..k).all(is_next) {
            taken.push(k);
            search_orders(layers, taken, found, patience);
            taken.pop();
        }
    }
}

/// A name without its numbers.
fn stem(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Names so that numbers in them count as such.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    for part in name.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        parts.push((digits.parse().unwrap_or(0), part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned()));
    }
    parts
}

/// Whether the first convolution is of three channels.
pub(super) fn takes_colours(items: &[Item]) -> bool {
    affines(items).first().is_some_and(|first| !first.is_dense() && first.shape[1] == 3)
}

/// How many layers have weights.
pub(super) fn count(items: &[Item]) -> usize {
    affines(items).len()
}

/// Names of the layers with weights.
pub(super) fn names(items: &[Item]) -> Vec<&str> {
    affines(items).iter().map(|affine| affine.name.as_str()).collect()
}

/// Whether the file names its activations.
pub(super) fn says_activations(items: &[Item]) -> bool {
    items.iter().any(|item| matches!(item, Item::Activation(_)))
}

/// Puts the operations of `reading` after `value`; the ten values that come out.
pub(super) fn build(items: &[Item], reading: &Reading, graph: &mut Graph, value: Value) -> Result<Value, Error> {
    let mut builder =
        Builder { graph, value, reading, convolutions: 0, layers: 0, pending: None, is_said: says_activations(items) };
    let last = count(items);
    for item in items {
        builder.item(item, last)?;
    }
    builder.flush()?;
    if reading.arrangement.pools_all && builder.value.dims.len() == 4 {
        let value = builder.value.clone();
        builder.value = builder.graph.pool_all(&value, Pooling::Average, Layout::ChannelsFirst, false)?;
    }
    Ok(builder.value)
}

struct Builder<'a> {
    graph: &'a mut Graph,
    value: Value,
    reading: &'a Reading,
    convolutions: usize,
    layers: usize,
    /// What follows the last layer, once it is normalised: an activation, and a pooling.
    pending: Option<(bool, Option<(usize, usize)>)>,
    is_said: bool,
}

impl Builder<'_> {
    fn item(&mut self, item: &Item, last: usize) -> Result<(), Error> {
        let layout = Layout::ChannelsFirst;
        match item {
            Item::Affine(affine) => {
                self.flush()?;
                self.affine(affine)?;
                self.layers += 1;
                let is_activated = self.reading.is_activated.get(self.layers - 1).is_none_or(|is| *is);
                let pool = match affine.is_dense() {
                    true => None,
                    false => self.reading.arrangement.convolutions.get(self.convolutions - 1).and_then(|a| a.pool),
                };
                self.pending = Some((self.layers < last && is_activated && !self.is_said, pool));
            }
            Item::Scale { factor, shift, .. } => {
                let dims = if self.value.dims.len() == 4 { vec![factor.len(), 1, 1] } else { vec![factor.len()] };
                self.value = self.graph.scale(&self.value, &dims, factor, shift)?;
            }
            Item::Activation(operation) => {
                self.value = self.graph.operation(&self.value, operation.clone())?;
            }
            Item::Pool(pooling, size, moves) => {
                self.flush()?;
                self.value = self.graph.pool(&self.value, *pooling, *size, *moves, layout)?;
            }
            Item::PoolTo(pooling, size) => {
                self.flush()?;
                self.value = pool_to(self.graph, &self.value, *pooling, *size)?;
            }
            Item::Flatten => {
                self.flush()?;
                self.value = self.value.flattened();
            }
            Item::End => self.value = self.graph.end(&self.value),
        }
        Ok(())
    }

    fn affine(&mut self, affine: &Affine) -> Result<(), Error> {
        if affine.is_dense() {
            if self.value.dims.len() == 4 {
                let inputs = affine.shape[1];
                if self.reading.arrangement.pools_all && self.value.dims[1] == inputs {
                    self.value = self.graph.pool_all(&self.value, Pooling::Average, Layout::ChannelsFirst, false)?;
                }
            }
            self.value = self.graph.linear(&self.value.flattened(), &affine.weight, affine.bias.clone())?;
            return Ok(());
        }
        let [outputs, channels, rows, columns] = affine.shape[..] else { return Err(Error::operation(&affine.name)) };
        let arranged = self.reading.arrangement.convolutions.get(self.convolutions);
        let (moves, groups) = match (affine.moves, arranged) {
            (Some(known), _) => known,
            (None, Some(arranged)) => {
                let padding = Padding::Given(arranged.padding, arranged.padding);
                (
                    Moves { stride: arranged.stride, dilation: (1, 1), padding },
                    self.value.dims.get(1).copied().unwrap_or(1) / channels.max(1),
                )
            }
            (None, None) => return Err(Error::operation(&affine.name)),
        };
        self.convolutions += 1;
        let kernel = Kernel {
            shape: [outputs, channels, rows, columns],
            weight: affine.weight.clone(),
            bias: affine.bias.clone(),
            groups,
        };
        self.value = self.graph.convolution(&self.value, kernel, moves, Layout::ChannelsFirst)?;
        Ok(())
    }

    /// What follows the last layer.
    fn flush(&mut self) -> Result<(), Error> {
        let Some((is_activated, pool)) = self.pending.take() else { return Ok(()) };
        if is_activated {
            self.value = self.graph.operation(&self.value, self.reading.activation.clone())?;
        }
        if let Some((size, stride)) = pool {
            let moves = Moves { stride: (stride, stride), dilation: (1, 1), padding: Padding::Given((0, 0), (0, 0)) };
            self.value =
                self.graph.pool(&self.value, self.reading.pooling, (size, size), moves, Layout::ChannelsFirst)?;
        }
        Ok(())
    }
}

/// Pooling in windows that leave so many rows and columns, where that many divide the image.
pub(super) fn pool_to(
    graph: &mut Graph,
    value: &Value,
    pooling: Pooling,
    size: (usize, usize),
) -> Result<Value, Error> {
    let &[_, _, rows, columns] = value.dims.as_slice() else {
        return Err(Error::operation("an adaptive pooling of no image"));
    };
    if size.0 == 0 || size.1 == 0 || !rows.is_multiple_of(size.0) || !columns.is_multiple_of(size.1) {
        return Err(Error::operation(format!("an adaptive pooling of {rows}×{columns} to {}×{}", size.0, size.1)));
    }
    let window = (rows / size.0, columns / size.1);
    let moves = Moves { stride: window, dilation: (1, 1), padding: Padding::Given((0, 0), (0, 0)) };
    graph.pool(value, pooling, window, moves, Layout::ChannelsFirst)
}
