//! ONNX: a graph of operations on named values (github.com/onnx/onnx, `onnx.proto`).
//!
//! Only the fields that are needed are described; prost skips the others. Values that are known beforehand, as the shapes that PyTorch
//! computes before a reshaping, are computed here, for a batch of one image.

mod proto;
mod tensor;

use super::{
    Body, Error, Format,
    graph::{Graph, Kernel, Layout, Moves, Padding, Pooling, Value},
    layers::{Item, normalisation},
};
use crate::network::{Activation, Edges, Function, Operation};
use prost::Message;
use proto::{Attribute, Model, Node};
use std::collections::HashMap;
use tensor::constant;

/// A value that does not depend on the image.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub dims: Vec<usize>,
    pub values: Vec<f32>,
    /// Where they are whole numbers.
    pub ints: Option<Vec<i64>>,
}

impl Constant {
    fn of_ints(ints: Vec<i64>) -> Self {
        Constant { dims: vec![ints.len()], values: ints.iter().map(|n| *n as f32).collect(), ints: Some(ints) }
    }

    /// The numbers as whole ones.
    pub fn whole(&self) -> Vec<i64> {
        self.ints.clone().unwrap_or_else(|| self.values.iter().map(|v| *v as i64).collect())
    }
}

#[derive(Clone, Debug)]
pub(super) enum Known {
    Constant(Constant),
    Value(Value),
}

/// Whether the bytes can be a model: its first field is the version of the format, and there is a graph.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x08])
        && Model::decode(bytes).is_ok_and(|model| model.graph.is_some_and(|graph| !graph.node.is_empty()))
}

/// The network in a model; weights may be in others of `files`.
pub(super) fn read(bytes: &[u8], files: &[(&str, &[u8])]) -> Result<Body, Error> {
    let model = Model::decode(bytes).map_err(|problem| Error::broken(Format::Onnx, problem.to_string()))?;
    let model = model
        .graph
        .filter(|graph| !graph.node.is_empty())
        .ok_or_else(|| Error::broken(Format::Onnx, "it has no graph"))?;
    let mut reader = Reader { known: HashMap::new(), graph: Graph::default() };
    for tensor in &model.initializer {
        reader.known.insert(tensor.name.clone(), Known::Constant(constant(tensor, files)?));
    }
    let mut inputs = model.input.iter().filter(|input| !reader.known.contains_key(&input.name));
    let (input, more) = (inputs.next(), inputs.next());
    let (Some(input), None) = (input, more) else {
        return Err(Error::Input {
            found: if more.is_some() { "more than one input".into() } else { "no input".into() },
        });
    };
    let name = input.name.clone();
    let shape = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()?.shape.as_ref());
    let mut dims: Vec<usize> =
        shape.map(|s| s.dim.iter().map(|d| usize::try_from(d.value).unwrap_or(0)).collect()).unwrap_or_default();
    if dims.len() > 1 {
        dims[0] = 1; // a batch of one
    }
    let image = reader
        .graph
        .image(&dims, if dims.last() == Some(&1) { Layout::ChannelsLast } else { Layout::ChannelsFirst })?;
    reader.known.insert(name, Known::Value(image));
    reader.run(&model.node)?;
    let outputs: Vec<&Value> = model
        .output
        .iter()
        .filter_map(|o| if let Some(Known::Value(v)) = reader.known.get(&o.name) { Some(v) } else { None })
        .collect();
    let count = |value: &Value| value.dims.iter().product::<usize>();
    let output = outputs.iter().find(|value| count(value) == crate::LABELS);
    let output =
        (*output.ok_or_else(|| Error::Output { found: outputs.first().map_or(0, |value| count(value)) })?).clone();
    Ok(Body::Operations(reader.graph.finish(&output)?))
}

struct Reader {
    known: HashMap<String, Known>,
    graph: Graph,
}

impl Reader {
    /// All nodes, each once what it needs is known: a file need not have them in order.
    fn run(&mut self, nodes: &[Node]) -> Result<(), Error> {
        let mut waiting: Vec<&Node> = nodes.iter().collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut rest = Vec::new();
            for node in waiting {
                if node.input.iter().all(|name| name.is_empty() || self.known.contains_key(name)) {
                    let known = self.node(node)?;
                    node.output.first().into_iter().for_each(|name| {
                        self.known.insert(name.clone(), known.clone());
                    });
                } else {
                    rest.push(node);
                }
            }
            if rest.len() == before {
                return Err(Error::broken(Format::Onnx, "some of its operations need values that none of them gives"));
            }
            waiting = rest;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Result<Known, Error> {
        let call = Call { node, known: &self.known };
        if node
            .input
            .iter()
            .filter(|name| !name.is_empty())
            .all(|name| matches!(self.known.get(name), Some(Known::Constant(_))))
        {
            return call.fold().map(Known::Constant);
        }
        if node.op_type == "Shape" {
            let dims = call.value(0)?.dims;
            let place =
                |n: i64| usize::try_from(if n < 0 { n + dims.len() as i64 } else { n }).unwrap_or(0).min(dims.len());
            let (from, to) = (place(call.int("start", 0)), place(call.int("end", i64::MAX)));
            let part = dims.get(from..to.max(from)).unwrap_or_default();
            return Ok(Known::Constant(Constant::of_ints(part.iter().map(|d| *d as i64).collect())));
        }
        let graph = &mut self.graph;
        Ok(Known::Value(match node.op_type.as_str() {
            "Gemm" | "MatMul" => call.dense(graph)?,
            "Conv" => call.convolution(graph)?,
            "MaxPool" | "AveragePool" => call.pool(graph)?,
            "GlobalAveragePool" => graph.pool_all(&call.value(0)?, Pooling::Average, Layout::ChannelsFirst, true)?,
            "GlobalMaxPool" => graph.pool_all(&call.value(0)?, Pooling::Max, Layout::ChannelsFirst, true)?,
            "ReduceMean" => call.mean(graph)?,
            "BatchNormalization" => call.normalise(graph)?,
            "Add" | "Sub" | "Mul" | "Div" => call.arithmetic(graph)?,
            "Reshape" => call.value(0)?.reshaped(&call.constant(1)?.whole())?,
            "Flatten" => call.flatten()?,
            "Squeeze" | "Unsqueeze" => call.squeeze(node.op_type == "Unsqueeze")?,
            "Transpose" => {
                let value = call.value(0)?;
                let given = call.ints("perm").iter().map(|n| *n as usize).collect::<Vec<_>>();
                let order = if given.is_empty() { (0..value.dims.len()).rev().collect() } else { given };
                value.transposed(&order)?
            }
            "Pad" => call.pad(graph)?,
            "Identity" | "Dropout" | "Cast" => call.value(0)?,
            // A logarithm is of a softmax.
            "Softmax" | "LogSoftmax" | "Log" => graph.end(&call.value(0)?),
            other => {
                let operation =
                    call.activation(other).ok_or_else(|| Error::operation(format!("{other} ({:?})", node.name)))?;
                graph.operation(&call.value(0)?, operation)?
            }
        }))
    }
}

/// A node and what is known of its inputs.
struct Call<'a> {
    node: &'a Node,
    known: &'a HashMap<String, Known>,
}

impl Call<'_> {
    fn get(&self, k: usize) -> Option<&Known> {
        self.node.input.get(k).and_then(|name| self.known.get(name))
    }

    fn value(&self, k: usize) -> Result<Value, Error> {
        match self.get(k) {
            Some(Known::Value(value)) => Ok(value.clone()),
            _ => Err(self.wrong("it is not of the image where it should be")),
        }
    }

    fn constant(&self, k: usize) -> Result<&Constant, Error> {
        match self.get(k) {
            Some(Known::Constant(constant)) => Ok(constant),
            _ => Err(self.wrong("it takes weights that depend on the image")),
        }
    }

    fn wrong(&self, problem: &str) -> Error {
        Error::Fit { operation: format!("{} ({:?})", self.node.op_type, self.node.name), problem: problem.into() }
    }

    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    fn int(&self, name: &str, usual: i64) -> i64 {
        self.attribute(name).map_or(usual, |attribute| attribute.i)
    }

    fn float(&self, name: &str, usual: f32) -> f32 {
        self.attribute(name).map_or(usual, |attribute| attribute.f)
    }

    fn ints(&self, name: &str) -> Vec<i64> {
        self.attribute(name).map(|attribute| attribute.ints.clone()).unwrap_or_default()
    }

    fn pair(&self, name: &str, usual: (usize, usize)) -> Result<(usize, usize), Error> {
        match *self.ints(name) {
            [] => Ok(usual),
            [rows, columns] if rows >= 0 && columns >= 0 => Ok((rows as usize, columns as usize)),
            _ => Err(self.wrong(&format!("{name} is not two numbers"))),
        }
    }

    fn moves(&self) -> Result<Moves, Error> {
        let automatic =
            self.attribute("auto_pad").map(|a| String::from_utf8_lossy(&a.s).into_owned()).unwrap_or_default();
        let is_up = self.int("ceil_mode", 0) == 1;
        let padding = match (automatic.as_str(), self.ints("pads").as_slice()) {
            ("SAME_UPPER", _) => Padding::Same,
            ("SAME_LOWER", _) => Padding::SameBefore,
            (_, []) if is_up => Padding::Ceiling((0, 0), (0, 0)),
            (_, []) => Padding::Given((0, 0), (0, 0)),
            (_, &[top, left, bottom, right]) if [top, left, bottom, right].iter().all(|n| *n >= 0) => {
                let (before, after) = ((top as usize, left as usize), (bottom as usize, right as usize));
                if is_up { Padding::Ceiling(before, after) } else { Padding::Given(before, after) }
            }
            _ => return Err(self.wrong("its padding is not four numbers")),
        };
        Ok(Moves { stride: self.pair("strides", (1, 1))?, dilation: self.pair("dilations", (1, 1))?, padding })
    }

    /// `alpha·A·B + beta·C`
    fn dense(&self, graph: &mut Graph) -> Result<Value, Error> {
        let value = self.value(0)?;
        if self.int("transA", 0) != 0 {
            return Err(self.wrong("it transposes the image"));
        }
        let weight = self.constant(1)?;
        let &[a, b] = weight.dims.as_slice() else { return Err(self.wrong("its weights are no matrix")) };
        let is_in_rows = self.node.op_type == "Gemm" && self.int("transB", 0) != 0;
        let (alpha, beta) = (self.float("alpha", 1.0), self.float("beta", 1.0));
        let mut rows = if is_in_rows { weight.values.clone() } else { transposed(&weight.values, a, b) };
        rows.iter_mut().for_each(|w| *w *= alpha);
        let outputs = if is_in_rows { a } else { b };
        let bias = match self.get(2) {
            Some(_) => {
                let bias = self.constant(2)?;
                let all = if bias.values.len() == 1 { vec![bias.values[0]; outputs] } else { bias.values.clone() };
                Some(all.iter().map(|v| v * beta).collect())
            }
            None => None,
        };
        graph.linear(&value, &rows, bias)
    }

    fn convolution(&self, graph: &mut Graph) -> Result<Value, Error> {
        let weight = self.constant(1)?;
        let &[outputs, channels, rows, columns] = weight.dims.as_slice() else {
            return Err(self.wrong("its kernel has not four dimensions"));
        };
        let bias = if self.get(2).is_some() { Some(self.constant(2)?.values.clone()) } else { None };
        let groups = usize::try_from(self.int("group", 1)).unwrap_or(1);
        let kernel = Kernel { shape: [outputs, channels, rows, columns], weight: weight.values.clone(), bias, groups };
        graph.convolution(&self.value(0)?, kernel, self.moves()?, Layout::ChannelsFirst)
    }

    fn pool(&self, graph: &mut Graph) -> Result<Value, Error> {
        let pooling = match (self.node.op_type.as_str(), self.int("count_include_pad", 0)) {
            ("MaxPool", _) => Pooling::Max,
            (_, 0) => Pooling::AverageInside,
            _ => Pooling::Average,
        };
        let size = self.pair("kernel_shape", (0, 0))?;
        graph.pool(&self.value(0)?, pooling, size, self.moves()?, Layout::ChannelsFirst)
    }

    /// The mean over rows and columns.
    fn mean(&self, graph: &mut Graph) -> Result<Value, Error> {
        let value = self.value(0)?;
        let mut axes = if self.get(1).is_some() { self.constant(1)?.whole() } else { self.ints("axes") };
        axes.iter_mut().for_each(|axis| *axis = axis.rem_euclid(value.dims.len().max(1) as i64));
        axes.sort_unstable();
        match axes.as_slice() {
            [2, 3] => graph.pool_all(&value, Pooling::Average, Layout::ChannelsFirst, self.int("keepdims", 1) == 1),
            [1, 2] => graph.pool_all(&value, Pooling::Average, Layout::ChannelsLast, self.int("keepdims", 1) == 1),
            _ => Err(self.wrong("it is a mean of something else than rows and columns")),
        }
    }

    fn normalise(&self, graph: &mut Graph) -> Result<Value, Error> {
        let value = self.value(0)?;
        let part = |k| Ok::<_, Error>(self.constant(k)?.values.clone());
        let item = normalisation(
            String::new(),
            Some(part(1)?),
            Some(part(2)?),
            &part(3)?,
            &part(4)?,
            self.float("epsilon", 1e-5),
        );
        let Item::Scale { factor, shift, .. } = item else { return Err(self.wrong("it has no numbers")) };
        let dims = if value.dims.len() == 4 { vec![factor.len(), 1, 1] } else { vec![factor.len()] };
        graph.scale(&value, &dims, &factor, &shift)
    }

    /// Two values added, or one and constants.
    fn arithmetic(&self, graph: &mut Graph) -> Result<Value, Error> {
        let (a, b) = (self.get(0), self.get(1));
        let (value, constant, is_first) = match (a, b) {
            (Some(Known::Value(a)), Some(Known::Value(b))) if self.node.op_type == "Add" => return graph.add(a, b),
            (Some(Known::Value(value)), Some(Known::Constant(constant))) => (value, constant, false),
            (Some(Known::Constant(constant)), Some(Known::Value(value))) => (value, constant, true),
            _ => return Err(Error::operation(format!("{} of two branches", self.node.op_type))),
        };
        scaled(graph, value, constant, &self.node.op_type, is_first)
            .ok_or_else(|| self.wrong("it divides constants by values"))?
    }

    fn flatten(&self) -> Result<Value, Error> {
        let value = self.value(0)?;
        if ![1, 1 - value.dims.len() as i64].contains(&self.int("axis", 1)) {
            return Err(self.wrong("it flattens the batch"));
        }
        Ok(value.flattened())
    }

    fn squeeze(&self, adds: bool) -> Result<Value, Error> {
        let value = self.value(0)?;
        let axes = if self.get(1).is_some() { self.constant(1)?.whole() } else { self.ints("axes") };
        let length = (value.dims.len() + if adds { axes.len() } else { 0 }) as i64;
        let axes: Vec<i64> = axes.iter().map(|axis| axis.rem_euclid(length.max(1))).collect();
        let mut dims: Vec<i64> = Vec::new();
        let mut own = value.dims.iter().map(|d| *d as i64);
        for k in 0..length {
            match (adds, axes.contains(&k)) {
                (true, true) => dims.push(1),
                (false, true) => drop(own.next()),
                _ => dims.extend(own.next()),
            }
        }
        if !adds && axes.is_empty() {
            dims.retain(|d| *d != 1);
        }
        value.reshaped(&dims)
    }

    fn pad(&self, graph: &mut Graph) -> Result<Value, Error> {
        let pads = if self.get(1).is_some() { self.constant(1)?.whole() } else { self.ints("pads") };
        let mode = self.attribute("mode").map(|a| a.s.clone()).unwrap_or_else(|| b"constant".to_vec());
        let is_zero = self.get(2).is_none() || self.constant(2)?.values.iter().all(|v| *v == 0.0);
        let sides: Option<Vec<usize>> = pads.iter().map(|n| usize::try_from(*n).ok()).collect();
        match sides.as_deref() {
            Some(all) if all.iter().all(|n| *n == 0) => self.value(0),
            Some(&[0, 0, top, left, 0, 0, bottom, right]) if mode == b"constant" && is_zero => {
                graph.pad(&self.value(0)?, Edges { top, bottom, left, right }, Layout::ChannelsFirst)
            }
            _ => Err(self.wrong("it pads by something else than zeros around an image")),
        }
    }

    fn activation(&self, name: &str) -> Option<Operation> {
        let function = match name {
            "Relu" => return Some(Operation::Activation(Activation::Relu)),
            "Tanh" => return Some(Operation::Activation(Activation::Tanh)),
            "Sigmoid" => return Some(Operation::Activation(Activation::Sigmoid)),
            "Elu" => Function::Elu { alpha: self.float("alpha", 1.0), scale: 1.0 },
            "Selu" => Function::Elu { alpha: self.float("alpha", 1.673_263_2), scale: self.float("gamma", 1.050_701) },
            "LeakyRelu" => Function::LeakyRelu { slope: self.float("alpha", 0.01) },
            "PRelu" => match self.constant(1).ok()?.values[..] {
                [slope] => Function::LeakyRelu { slope },
                _ => return None,
            },
            "HardSigmoid" => Function::HardSigmoid { slope: self.float("alpha", 0.2), shift: self.float("beta", 0.5) },
            "HardSwish" => Function::HardSwish,
            "Softplus" => Function::Softplus,
            "Softsign" => Function::Softsign,
            "Mish" => Function::Mish,
            "Swish" => Function::Silu,
            "Gelu" => match self.attribute("approximate").map(|a| a.s.as_slice()) {
                Some(b"tanh") => Function::GeluTanh,
                _ => Function::Gelu,
            },
            "Clip" => {
                let bound = |k, name, usual| match self.get(k) {
                    Some(Known::Constant(c)) => c.values.first().copied().unwrap_or(usual),
                    _ => self.float(name, usual),
                };
                Function::Clip { low: bound(1, "min", f32::MIN), high: bound(2, "max", f32::MAX) }
            }
            _ => return None,
        };
        Some(Operation::Function(function))
    }

    /// What comes of constants alone: shapes, mostly.
    fn fold(&self) -> Result<Constant, Error> {
        let whole = |k: usize| self.constant(k).map(Constant::whole);
        let picked = |all: &[i64], indices: &[i64]| -> Option<Vec<i64>> {
            indices.iter().map(|k| all.get(k.rem_euclid(all.len().max(1) as i64) as usize).copied()).collect()
        };
        let missing = || Error::operation(format!("{} of constants ({:?})", self.node.op_type, self.node.name));
        Ok(match self.node.op_type.as_str() {
            "Constant" => {
                if let Some(tensor) = self.attribute("value").and_then(|a| a.t.as_ref()) {
                    return constant(tensor, &[]);
                }
                let ints = self.attribute("value_ints").map(|a| a.ints.clone());
                let ints = ints.or(self.attribute("value_int").map(|a| vec![a.i]));
                let floats = self
                    .attribute("value_float")
                    .map(|a| vec![a.f])
                    .or(self.attribute("value_floats").map(|a| a.floats.clone()));
                match (ints, floats) {
                    (Some(ints), _) => Constant::of_ints(ints),
                    (None, Some(values)) => Constant { dims: vec![values.len()], values, ints: None },
                    _ => return Err(missing()),
                }
            }
            "Identity" | "Cast" | "Unsqueeze" | "Squeeze" | "Reshape" => {
                let mut same = self.constant(0)?.clone();
                if self.node.op_type == "Reshape" {
                    let count = same.values.len();
                    let dims = whole(1)?;
                    let known: usize = dims.iter().filter(|d| **d > 0).map(|d| *d as usize).product();
                    same.dims = dims.iter().map(|d| if *d > 0 { *d as usize } else { count / known.max(1) }).collect();
                }
                same
            }
            "Transpose" => {
                let own = self.constant(0)?;
                let &[a, b] = own.dims.as_slice() else { return Err(missing()) };
                Constant { dims: vec![b, a], values: transposed(&own.values, a, b), ints: None }
            }
            "Gather" => Constant::of_ints(picked(&whole(0)?, &whole(1)?).ok_or_else(missing)?),
            "Concat" => {
                let all: Result<Vec<Vec<i64>>, Error> = (0..self.node.input.len()).map(whole).collect();
                Constant::of_ints(all?.concat())
            }
            "Slice" => {
                let all = whole(0)?;
                let end = |n: i64| if n < 0 { (all.len() as i64).saturating_add(n).max(0) } else { n.min(all.len() as i64) } as usize;
                let (from, to) = if self.get(1).is_some() {
                    (whole(1)?, whole(2)?)
                } else {
                    (self.ints("starts"), self.ints("ends"))
                };
                let (Some(&from), Some(&to)) = (from.first(), to.first()) else { return Err(missing()) };
                Constant::of_ints(all.get(end(from)..end(to)).ok_or_else(missing)?.to_vec())
            }
            "Mul" | "Add" | "Sub" | "Div" => {
                let (a, b) = (self.constant(0)?, self.constant(1)?);
                let (Some(&second), true) = (b.values.first(), b.values.len() == 1) else { return Err(missing()) };
                let of = |v: &f32| match self.node.op_type.as_str() {
                    "Mul" => v * second,
                    "Add" => v + second,
                    "Sub" => v - second,
                    _ => v / second,
                };
                Constant { dims: a.dims.clone(), values: a.values.iter().map(of).collect(), ints: None }
            }
            _ => return Err(missing()),
        })
    }
}

/// A value and a constant added, subtracted, multiplied or divided; `is_first` if the constant comes first. None of a division by the value.
pub(super) fn scaled(
    graph: &mut Graph,
    value: &Value,
    constant: &Constant,
    operation: &str,
    is_first: bool,
) -> Option<Result<Value, Error>> {
    let of = |f: &dyn Fn(f32) -> f32| constant.values.iter().map(|v| f(*v)).collect::<Vec<_>>();
    let (factor, shift) = match (operation, is_first) {
        ("Add", _) => (of(&|_| 1.0), of(&|v| v)),
        ("Mul", _) => (of(&|v| v), of(&|_| 0.0)),
        ("Sub", false) => (of(&|_| 1.0), of(&|v| -v)),
        ("Sub", true) => (of(&|_| -1.0), of(&|v| v)),
        ("Div", false) => (of(&|v| 1.0 / v), of(&|_| 0.0)),
        _ => return None,
    };
    Some(graph.scale(value, &constant.dims, &factor, &shift))
}

/// A matrix of `rows` by `columns` with both exchanged.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|k| values[k % rows * columns + k / rows]).collect()
}
