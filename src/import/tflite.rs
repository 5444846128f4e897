//! TensorFlow Lite: a flatbuffer of operations on numbered tensors (TensorFlow's `schema.fbs`).
//!
//! A flatbuffer is tables that point to each other by distances; a table's fields are found by a list of places before it. Read here, in
//! a page of code: the crate for it wants code made from the schema, or unchecked reads.

use super::{
    Body, Error, Format,
    graph::{Graph, Kernel, Layout, Moves, Padding, Pooling, Value},
    onnx::{Constant, Known},
    tensorflow::{Call, activation},
};
use half::f16;
use std::collections::HashMap;

/// The most operations that are read.
const MOST: usize = 1000;

/// A table: the whole file, and where it is.
#[derive(Clone, Copy)]
struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Table<'a> {
    fn root(bytes: &'a [u8]) -> Option<Self> {
        Some(Table { bytes, at: word(bytes, 0)? as usize })
    }

    /// Where field `k` is; none where it has its usual value.
    fn field(self, k: usize) -> Option<usize> {
        let back = word(self.bytes, self.at)? as i32;
        let list = usize::try_from(i64::try_from(self.at).ok()? - i64::from(back)).ok()?;
        let length = usize::from(half_word(self.bytes, list)?);
        let entry = 4 + 2 * k;
        let place = if entry + 2 <= length { half_word(self.bytes, list + entry)? } else { 0 };
        (place > 0).then(|| self.at + usize::from(place))
    }

    fn byte(self, k: usize, usual: i8) -> i8 {
        self.field(k).and_then(|at| self.bytes.get(at)).map_or(usual, |b| *b as i8)
    }

    fn int(self, k: usize, usual: i32) -> i32 {
        self.field(k).and_then(|at| word(self.bytes, at)).map_or(usual, |n| n as i32)
    }

    fn float(self, k: usize, usual: f32) -> f32 {
        self.field(k).and_then(|at| word(self.bytes, at)).map_or(usual, f32::from_bits)
    }

    fn table(self, k: usize) -> Option<Table<'a>> {
        let at = self.field(k)?;
        Some(Table { at: at.checked_add(word(self.bytes, at)? as usize)?, ..self })
    }

    /// The bytes of a list, of which each member has `width`.
    fn list(self, k: usize, width: usize) -> Option<&'a [u8]> {
        let at = self.field(k)?;
        let at = at.checked_add(word(self.bytes, at)? as usize)?;
        let length = (word(self.bytes, at)? as usize).checked_mul(width)?;
        self.bytes.get(at + 4..)?.get(..length)
    }

    fn ints(self, k: usize) -> Vec<i32> {
        self.list(k, 4).unwrap_or_default().as_chunks().0.iter().map(|b| i32::from_le_bytes(*b)).collect()
    }

    fn text(self, k: usize) -> String {
        String::from_utf8_lossy(self.list(k, 1).unwrap_or_default()).into_owned()
    }

    fn tables(self, k: usize) -> Vec<Table<'a>> {
        let Some(list) = self.list(k, 4) else { return Vec::new() };
        let Some(start) = self.field(k).and_then(|at| Some(at + word(self.bytes, at)? as usize + 4)) else {
            return Vec::new();
        };
        let distances = (start..).step_by(4).zip(list.as_chunks::<4>().0);
        distances
            .map(|(at, distance)| Table { at: at.saturating_add(u32::from_le_bytes(*distance) as usize), ..self })
            .collect()
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half_word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// TensorFlow's names of the operations that are known here, by their codes.
const KINDS: [(i32, &str); 38] = [
    (0, "Add"),
    (1, "AveragePool2D"),
    (3, "Conv2D"),
    (4, "DepthwiseConv2D"),
    (6, "Dequantize"),
    (9, "FullyConnected"),
    (14, "Logistic"),
    (17, "MaxPool2D"),
    (18, "Mul"),
    (19, "Relu"),
    (20, "ReluN1To1"),
    (21, "Relu6"),
    (22, "Reshape"),
    (23, "ResizeBilinear"),
    (25, "Softmax"),
    (28, "Tanh"),
    (32, "a custom operation"),
    (34, "Pad"),
    (36, "GatherV2"),
    (39, "Transpose"),
    (40, "Mean"),
    (41, "Sub"),
    (42, "Div"),
    (43, "Squeeze"),
    (45, "StridedSlice"),
    (50, "LogSoftmax"),
    (53, "Cast"),
    (60, "PadV2"),
    (65, "Slice"),
    (70, "ExpandDims"),
    (77, "Shape"),
    (82, "ReduceMax"),
    (83, "Pack"),
    (98, "LeakyRelu"),
    (111, "Elu"),
    (114, "Quantize"),
    (117, "HardSwish"),
    (150, "Gelu"),
];

/// The network in a `.tflite` file.
pub(super) fn read(bytes: &[u8]) -> Result<Body, Error> {
    let broken = || Error::broken(Format::TfLite, "its tables point outside of it");
    let model = Table::root(bytes).ok_or_else(broken)?;
    let subgraphs = model.tables(2);
    let main = *subgraphs.first().ok_or_else(broken)?;
    let (tensors, buffers, codes) = (main.tables(0), model.tables(4), model.tables(1));
    let mut known: HashMap<i32, Known> = HashMap::new();
    for (k, tensor) in (0..).zip(&tensors) {
        let data = buffers.get(tensor.int(2, 0) as usize).and_then(|buffer| buffer.list(0, 1)).unwrap_or_default();
        if !data.is_empty()
            && let Some(constant) = constant(*tensor, data)
        {
            known.insert(k, Known::Constant(constant));
        }
    }
    let (inputs, outputs) = (main.ints(1), main.ints(2));
    let &[input] = inputs.as_slice() else { return Err(Error::Input { found: format!("of {} inputs", inputs.len()) }) };
    let described = *usize::try_from(input).ok().and_then(|k| tensors.get(k)).ok_or_else(broken)?;
    let mut graph = Graph::default();
    let mut dims: Vec<usize> = described.ints(0).iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
    dims.first_mut().into_iter().for_each(|batch| *batch = 1);
    if described.byte(1, 0) != 0 || tensors.iter().any(|tensor| [3, 7, 9].contains(&tensor.byte(1, 0))) {
        return Err(quantised(&main, &codes));
    }
    known.insert(input, Known::Value(graph.image(&dims, Layout::ChannelsLast)?));
    for operator in main.tables(3).into_iter().take(MOST) {
        let kind = kind(&codes, operator);
        let name = operator
            .ints(2)
            .first()
            .and_then(|k| tensors.get(usize::try_from(*k).ok()?))
            .map(|t| t.text(3))
            .unwrap_or_default();
        let inputs = operator.ints(1);
        let found = inputs
            .iter()
            .filter(|k| **k >= 0)
            .map(|k| known.get(k).cloned().ok_or_else(broken))
            .collect::<Result<_, _>>()?;
        let result = operation(&Call { kind: &kind, name: &name, inputs: found }, operator, &mut graph)?;
        operator.ints(2).first().into_iter().for_each(|k| {
            known.insert(*k, result.clone());
        });
    }
    let output = outputs.first().and_then(|k| known.get(k));
    let Some(Known::Value(output)) = output else { return Err(broken()) };
    let output = output.clone();
    Ok(Body::Operations(graph.finish(&output)?))
}

fn quantised(main: &Table<'_>, codes: &[Table<'_>]) -> Error {
    let operators = main.tables(3);
    if let Some(custom) =
        operators.iter().map(|operator| kind(codes, *operator)).find(|kind| kind.starts_with("a custom"))
    {
        return Error::operation(format!("{custom} (for an accelerator perhaps)"));
    }
    Error::Kind {
        format: Format::TfLite,
        found: "a network of whole numbers (quantised), which has no gradient".into(),
        advice: "expected one in floats: convert it without optimizations",
    }
}

/// The operation's name; a code that is not known is said as a number.
fn kind(codes: &[Table<'_>], operator: Table<'_>) -> String {
    let Some(code) = codes.get(operator.int(0, 0) as usize) else { return "an operation without a code".into() };
    let number = code.int(3, 0).max(i32::from(code.byte(0, 0)));
    let known = KINDS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    match known {
        Some("a custom operation") => format!("a custom operation {:?}", code.text(1)),
        Some(name) => name.into(),
        None => format!("the operation of TensorFlow Lite's code {number}"),
    }
}

/// Numbers that are in the file; none if they are in a format that holds no weights.
fn constant(tensor: Table<'_>, data: &[u8]) -> Option<Constant> {
    let dims: Vec<usize> = tensor.ints(0).iter().map(|d| usize::try_from(*d).ok()).collect::<Option<_>>()?;
    let (mut values, mut ints): (Vec<f32>, Option<Vec<i64>>) = (Vec::new(), None);
    match tensor.byte(1, 0) {
        0 => values = data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        1 => values = data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        2 => ints = Some(data.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()),
        4 => ints = Some(data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
        _ => return None,
    }
    if let Some(ints) = &ints {
        values = ints.iter().map(|n| *n as f32).collect();
    }
    let count = dims.iter().try_fold(1usize, |product, d| product.checked_mul(*d))?;
    (count == values.len()).then_some(Constant { dims, values, ints })
}

fn operation(call: &Call<'_>, operator: Table<'_>, graph: &mut Graph) -> Result<Known, Error> {
    let options = operator.table(4);
    let byte = |k, usual| options.map_or(usual, |options| options.byte(k, usual));
    let int = |k, usual| options.map_or(usual, |options| options.int(k, usual));
    let size = |rows, columns| (int(rows, 1).max(0) as usize, int(columns, 1).max(0) as usize);
    let moves = |stride, dilation| Moves {
        stride,
        dilation,
        padding: if byte(0, 0) == 0 { Padding::Same } else { Padding::Given((0, 0), (0, 0)) },
    };
    let (value, fused) = match call.kind {
        "Conv2D" => (convolution(call, graph, moves(size(2, 1), size(5, 4)))?, byte(3, 0)),
        "DepthwiseConv2D" => (depthwise(call, graph, moves(size(2, 1), size(6, 5)))?, byte(4, 0)),
        "MaxPool2D" | "AveragePool2D" => {
            let pooling = if call.kind == "MaxPool2D" { Pooling::Max } else { Pooling::AverageInside };
            let pooled =
                graph.pool(call.value(0)?, pooling, size(4, 3), moves(size(2, 1), (1, 1)), Layout::ChannelsLast)?;
            (pooled, byte(5, 0))
        }
        "FullyConnected" => (call.dense(graph, true)?, byte(0, 0)),
        "Mean" | "ReduceMax" => {
            let pooling = if call.kind == "Mean" { Pooling::Average } else { Pooling::Max };
            (call.mean(graph, pooling, byte(0, 0) != 0)?, 0)
        }
        "LeakyRelu" => {
            let slope = options.map_or(0.2, |options| options.float(0, 0.0));
            (graph.function(call.value(0)?, crate::network::Function::LeakyRelu { slope })?, 0)
        }
        "Gelu" if byte(0, 0) != 0 => (graph.function(call.value(0)?, crate::network::Function::GeluTanh)?, 0),
        "Gelu" => (graph.function(call.value(0)?, crate::network::Function::Gelu)?, 0),
        "Reshape" if !call.has(1) => {
            let dims: Vec<i64> =
                options.map(|options| options.ints(0)).unwrap_or_default().iter().map(|d| i64::from(*d)).collect();
            (call.value(0)?.reshaped(&dims)?, 0)
        }
        _ => match call.plain(graph)? {
            Some(Known::Value(value)) => {
                (value, if ["Add", "Mul", "Sub", "Div"].contains(&call.kind) { byte(0, 0) } else { 0 })
            }
            Some(constant) => return Ok(constant),
            None => return Err(call.unknown()),
        },
    };
    let fused = match fused {
        0 => return Ok(Known::Value(value)),
        1 => "Relu",
        2 => "ReluN1To1",
        3 => "Relu6",
        4 => "Tanh",
        _ => return Err(call.wrong("the activation in it is not known")),
    };
    let function = activation(fused).ok_or_else(|| call.unknown())?;
    Ok(Known::Value(graph.operation(&value, function)?))
}

/// Kernels are [out, rows, columns, in].
fn convolution(call: &Call<'_>, graph: &mut Graph, moves: Moves) -> Result<Value, Error> {
    let weight = call.constant(1)?;
    let &[outputs, rows, columns, inputs] = weight.dims.as_slice() else {
        return Err(call.wrong("its kernel has not four dimensions"));
    };
    let area = rows * columns;
    let mut all = vec![0.0; weight.values.len()];
    for (k, w) in weight.values.iter().enumerate() {
        let (output, place, input) = (k / (area * inputs), k / inputs % area, k % inputs);
        all[(output * inputs + input) * area + place] = *w;
    }
    call.convolved(
        graph,
        Kernel { shape: [outputs, inputs, rows, columns], weight: all, bias: bias(call)?, groups: 1 },
        moves,
    )
}

/// Kernels are [1, rows, columns, out].
fn depthwise(call: &Call<'_>, graph: &mut Graph, moves: Moves) -> Result<Value, Error> {
    let weight = call.constant(1)?;
    let &[1, rows, columns, outputs] = weight.dims.as_slice() else {
        return Err(call.wrong("its kernel has not four dimensions"));
    };
    let mut all = vec![0.0; weight.values.len()];
    for (k, w) in weight.values.iter().enumerate() {
        all[k % outputs * rows * columns + k / outputs] = *w;
    }
    let groups = call.value(0)?.dims.last().copied().unwrap_or(1);
    call.convolved(graph, Kernel { shape: [outputs, 1, rows, columns], weight: all, bias: bias(call)?, groups }, moves)
}

fn bias(call: &Call<'_>) -> Result<Option<Vec<f32>>, Error> {
    if call.has(2) { Ok(Some(call.constant(2)?.values.clone())) } else { Ok(None) }
}
