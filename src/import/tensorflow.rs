//! What TensorFlow's two graphs have in common: channels last, and shapes that are computed from the image's.

use super::{
    Error,
    graph::{Graph, Kernel, Layout, Moves, Pooling, Value},
    keras::config::kernel,
    onnx::{Constant, Known, scaled, transposed},
};
use crate::network::{Activation, Edges, Function, Operation};

/// An operation by TensorFlow's name, with what goes into it.
pub(super) struct Call<'a> {
    /// `Conv2D`, `MatMul`, …
    pub kind: &'a str,
    /// Its name in the file.
    pub name: &'a str,
    pub inputs: Vec<Known>,
}

impl Call<'_> {
    pub fn wrong(&self, problem: &str) -> Error {
        Error::Fit { operation: format!("{} ({:?})", self.kind, self.name), problem: problem.into() }
    }

    pub fn unknown(&self) -> Error {
        Error::operation(format!("{} ({:?})", self.kind, self.name))
    }

    pub fn value(&self, k: usize) -> Result<&Value, Error> {
        match self.inputs.get(k) {
            Some(Known::Value(value)) => Ok(value),
            _ => Err(self.wrong("it is not of the image where it should be")),
        }
    }

    pub fn constant(&self, k: usize) -> Result<&Constant, Error> {
        match self.inputs.get(k) {
            Some(Known::Constant(constant)) => Ok(constant),
            _ => Err(self.wrong("it takes weights that depend on the image")),
        }
    }

    pub fn has(&self, k: usize) -> bool {
        self.inputs.len() > k
    }

    /// What the operations come to that need no settings; none if it is another one.
    pub fn plain(&self, graph: &mut Graph) -> Result<Option<Known>, Error> {
        if self.kind == "Shape" {
            let ints: Vec<i64> = self.value(0)?.dims.iter().map(|d| *d as i64).collect();
            return Ok(Some(Known::Constant(whole(ints))));
        }
        if !self.inputs.is_empty() && self.inputs.iter().all(|input| matches!(input, Known::Constant(_))) {
            return self.fold().map(|constant| Some(Known::Constant(constant)));
        }
        let operation = |operation| Ok::<_, Error>(operation);
        let value = match self.kind {
            "Identity" | "Cast" | "StopGradient" | "Dequantize" => self.value(0)?.clone(),
            "Reshape" | "Squeeze" | "ExpandDims" => self.reshape()?,
            "Transpose" => {
                let order: Vec<usize> = self.constant(1)?.whole().iter().map(|k| *k as usize).collect();
                self.value(0)?.transposed(&order)?
            }
            "Add" | "AddV2" | "BiasAdd" | "Sub" | "Mul" | "RealDiv" | "Div" => self.arithmetic(graph)?,
            "Softmax" | "LogSoftmax" => graph.end(self.value(0)?),
            "Pad" | "PadV2" => self.pad(graph)?,
            "ResizeBilinear" => match self.constant(1)?.whole()[..] {
                [rows, columns] if rows > 0 && columns > 0 && rows < 1000 && columns < 1000 => {
                    graph.resize(self.value(0)?, (rows as usize, columns as usize), Layout::ChannelsLast)?
                }
                _ => return Err(self.unknown()),
            },
            other => {
                let Some(function) = activation(other) else { return Ok(None) };
                graph.operation(self.value(0)?, operation(function)?)?
            }
        };
        Ok(Some(Known::Value(value)))
    }

    fn reshape(&self) -> Result<Value, Error> {
        let value = self.value(0)?;
        match self.kind {
            "Reshape" => value.reshaped(&self.constant(1)?.whole()),
            "Squeeze" => {
                let mut dims: Vec<i64> = vec![1];
                dims.extend(value.dims.iter().skip(1).filter(|d| **d != 1).map(|d| *d as i64));
                value.reshaped(&dims)
            }
            _ => {
                let mut dims: Vec<i64> = value.dims.iter().map(|d| *d as i64).collect();
                let axis = self.constant(1)?.whole().first().copied().unwrap_or(0).rem_euclid(dims.len() as i64 + 1);
                dims.insert(axis as usize, 1);
                value.reshaped(&dims)
            }
        }
    }

    fn arithmetic(&self, graph: &mut Graph) -> Result<Value, Error> {
        let kind = match self.kind {
            "AddV2" | "BiasAdd" => "Add",
            "RealDiv" => "Div",
            other => other,
        };
        match self.inputs.as_slice() {
            [Known::Value(a), Known::Value(b)] if kind == "Add" => graph.add(a, b),
            [Known::Value(value), Known::Constant(constant)] => {
                scaled(graph, value, constant, kind, false).ok_or_else(|| self.unknown())?
            }
            [Known::Constant(constant), Known::Value(value)] => {
                scaled(graph, value, constant, kind, true).ok_or_else(|| self.unknown())?
            }
            _ => Err(self.unknown()),
        }
    }

    fn pad(&self, graph: &mut Graph) -> Result<Value, Error> {
        let sides: Option<Vec<usize>> = self.constant(1)?.whole().iter().map(|n| usize::try_from(*n).ok()).collect();
        let is_zero = !self.has(2) || self.constant(2)?.values.iter().all(|v| *v == 0.0);
        match sides.as_deref() {
            Some(&[0, 0, top, bottom, left, right, 0, 0]) if is_zero => {
                graph.pad(self.value(0)?, Edges { top, bottom, left, right }, Layout::ChannelsLast)
            }
            _ => Err(self.wrong("it pads by something else than zeros around an image")),
        }
    }

    /// A dense layer; `is_in_rows` if its weights are [out, in].
    pub fn dense(&self, graph: &mut Graph, is_in_rows: bool) -> Result<Value, Error> {
        let weight = self.constant(1)?;
        let &[a, b] = weight.dims.as_slice() else { return Err(self.wrong("its weights are no matrix")) };
        let rows = if is_in_rows { weight.values.clone() } else { transposed(&weight.values, a, b) };
        let bias = if self.has(2) { Some(self.constant(2)?.values.clone()) } else { None };
        graph.linear(&self.value(0)?.flattened(), &rows, bias)
    }

    /// A convolution whose kernel is [rows, columns, in, out].
    pub fn convolution(&self, graph: &mut Graph, moves: Moves, is_deep: bool) -> Result<Value, Error> {
        let weight = self.constant(1)?;
        let bias = if self.has(2) { Some(self.constant(2)?.values.clone()) } else { None };
        let kernel = kernel(&weight.dims, &weight.values, bias, is_deep)
            .ok_or_else(|| self.wrong("its kernel has not four dimensions"))?;
        self.convolved(graph, kernel, moves)
    }

    pub fn convolved(&self, graph: &mut Graph, mut kernel: Kernel, moves: Moves) -> Result<Value, Error> {
        let value = self.value(0)?;
        // Fewer channels in the kernel than in the image: groups.
        if kernel.groups == 1 && kernel.shape[1] > 0 {
            kernel.groups = (value.dims.last().copied().unwrap_or(1) / kernel.shape[1]).max(1);
        }
        graph.convolution(value, kernel, moves, Layout::ChannelsLast)
    }

    /// The mean over rows and columns.
    pub fn mean(&self, graph: &mut Graph, pooling: Pooling, keeps: bool) -> Result<Value, Error> {
        let value = self.value(0)?;
        let mut axes = self.constant(1)?.whole();
        axes.iter_mut().for_each(|axis| *axis = axis.rem_euclid(value.dims.len().max(1) as i64));
        axes.sort_unstable();
        if axes != [1, 2] {
            return Err(self.wrong("it is of something else than rows and columns"));
        }
        graph.pool_all(value, pooling, Layout::ChannelsLast, keeps)
    }

    /// What comes of constants alone.
    fn fold(&self) -> Result<Constant, Error> {
        let own = self.constant(0)?;
        Ok(match self.kind {
            "Identity" | "Cast" | "Squeeze" | "ExpandDims" | "Dequantize" | "StopGradient" => own.clone(),
            "Reshape" => Constant {
                dims: {
                    let dims = self.constant(1)?.whole();
                    let known: usize = dims.iter().filter(|d| **d > 0).map(|d| *d as usize).product();
                    dims.iter().map(|d| if *d > 0 { *d as usize } else { own.values.len() / known.max(1) }).collect()
                },
                ..own.clone()
            },
            "Transpose" => {
                let &[a, b] = own.dims.as_slice() else { return Err(self.unknown()) };
                Constant { dims: vec![b, a], values: transposed(&own.values, a, b), ints: None }
            }
            "Pack" | "ConcatV2" | "Prod" => {
                let mut all: Vec<i64> = Vec::new();
                // The last input of a concatenation is its axis, that of a product what it is over.
                let count = if self.kind == "Pack" { self.inputs.len() } else { self.inputs.len().saturating_sub(1) };
                for k in 0..count {
                    all.extend(self.constant(k)?.whole());
                }
                if self.kind == "Prod" {
                    whole(vec![all.iter().fold(1, |product: i64, n| product.saturating_mul(*n))])
                } else {
                    whole(all)
                }
            }
            "StridedSlice" | "Slice" | "GatherV2" => {
                let all = own.whole();
                let from = self.constant(1)?.whole();
                let first = from.first().copied().unwrap_or(0);
                let last = match self.kind {
                    "StridedSlice" => self.constant(2)?.whole().first().copied().unwrap_or(0),
                    "Slice" => first.saturating_add(self.constant(2)?.whole().first().copied().unwrap_or(0)),
                    _ => first.saturating_add(1),
                };
                let place = |n: i64| if n < 0 { all.len() as i64 + n } else { n.min(all.len() as i64) }.max(0) as usize;
                // To 0 is to the end, as masks say it.
                let last = if last <= 0 && first > 0 { all.len() } else { place(last) };
                whole(all.get(place(first)..last.max(place(first))).unwrap_or_default().to_vec())
            }
            _ => return Err(self.unknown()),
        })
    }
}

/// Whole numbers in a row.
pub(super) fn whole(ints: Vec<i64>) -> Constant {
    Constant { dims: vec![ints.len()], values: ints.iter().map(|n| *n as f32).collect(), ints: Some(ints) }
}

/// The activation of TensorFlow's name.
pub(super) fn activation(name: &str) -> Option<Operation> {
    Some(match name {
        "Relu" => Operation::Activation(Activation::Relu),
        "Tanh" => Operation::Activation(Activation::Tanh),
        "Sigmoid" | "Logistic" => Operation::Activation(Activation::Sigmoid),
        "Relu6" => Operation::Function(Function::Clip { low: 0.0, high: 6.0 }),
        "ReluN1To1" => Operation::Function(Function::Clip { low: -1.0, high: 1.0 }),
        "Elu" => Operation::Function(Function::Elu { alpha: 1.0, scale: 1.0 }),
        "Selu" => Operation::Function(crate::network::SELU),
        "Softplus" => Operation::Function(Function::Softplus),
        "Softsign" => Operation::Function(Function::Softsign),
        "HardSwish" => Operation::Function(Function::HardSwish),
        _ => return None,
    })
}
