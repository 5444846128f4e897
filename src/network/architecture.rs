//! A network's architecture in its file's metadata: one operation a line, first to last, in PyTorch's words.
//!
//! ```text
//! normalise mean=0.1307 deviation=0.3081
//! conv2d 0 stride=1 padding=2            tensors 0.weight [out, in, rows, columns] and, if there is one, 0.bias [out]
//! batchnorm2d 1 eps=1e-05                1.running_mean, 1.running_var and, if there are, 1.weight and 1.bias
//! conv2d 2 groups=4 dilation=2           2.weight [out, in/groups, rows, columns]
//! relu                                   or tanh, sigmoid, gelu, silu, softplus, softsign, mish, selu, hardswish, relu6, flatten
//! elu alpha=1 scale=1                    or leakyrelu negative_slope=0.01, hardsigmoid slope=0.1667 shift=0.5,
//!                                        hardtanh min_val=-1 max_val=1
//! maxpool2d kernel_size=2 stride=2       or avgpool2d; both, and conv2d, may have padding= and, if that differs at the lower and the
//!                                        right edge, padding_after=; avgpool2d may have count_include_pad=False
//! zeropad2d padding=1,1,1,1              left, right, above, below
//! resize size=32,32                      bilinear
//! mark 1                                 keeps what there is; `add 1` adds it later, `recall 1` goes on with it
//! dropout                                or dropout2d, identity, and at the end softmax or logsoftmax: nothing in evaluation
//! linear 6                               6.weight [out, in] and, if there is one, 6.bias [out]
//! ```
//!
//! Lines are divided by line feeds or semicolons; sizes are one number, or two as (rows,columns). Every line may have a name,
//! and may say of what is not known here that it is as usual, e.g. `dilation=1`. `tools/export.py` writes it from an
//! `nn.Sequential`.

use super::{
    Activation, Edges, Function, Layer, NetworkError, Operation, Sequential, Window,
    container::Container,
    sequential::{shapes, simplified},
    tensors::{self, bias, vector, weight},
};
#[cfg(feature = "import")]
use crate::decimal::Decimal;
use crate::decimal::parse;

/// What a line may begin with, in a sentence.
const KNOWN: &str = "normalise, conv2d, batchnorm1d, batchnorm2d, linear, maxpool2d, avgpool2d, zeropad2d, resize, mark, add, \
                     recall, flatten, dropout, dropout2d, identity, relu, tanh, sigmoid, gelu, gelutanh, silu, softplus, \
                     softsign, mish, elu, selu, leakyrelu, hardsigmoid, hardswish, relu6, hardtanh, softmax, logsoftmax";
/// What a line may say, and means something here.
const KEYS: [&str; 17] = [
    "kernel_size",
    "stride",
    "padding",
    "padding_after",
    "eps",
    "mean",
    "deviation",
    "groups",
    "dilation",
    "size",
    "alpha",
    "scale",
    "negative_slope",
    "slope",
    "shift",
    "min_val",
    "max_val",
];
/// What else a line may say: nothing out of the usual.
const USUAL: [&str; 11] = [
    "padding_mode=zeros",
    "ceil_mode=False",
    "count_include_pad=True",
    "divisor_override=None",
    "approximate=none",
    "beta=1",
    "beta=1.0",
    "threshold=20",
    "threshold=20.0",
    "inplace=False",
    "inplace=True",
];
/// The largest size, stride or padding.
const LARGEST: f64 = 255.0;

/// Reads the network that `text` describes, with the tensors of its file. Every tensor must belong to an operation.
pub(super) fn read(tensors: &Container<'_>, text: &str) -> Result<Sequential, NetworkError> {
    let (mut operations, mut lines, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut has_ended = false;
    for text in text.split(['\n', ';']) {
        let line = Line::of(text)?;
        let Some(operation) = line.operation(tensors)? else {
            has_ended |= line.kind.ends_with("softmax");
            continue;
        };
        if has_ended {
            return Err(line.wrong("a softmax is the end, and this follows one"));
        }
        let is_image = operations.iter().all(|before| matches!(before, Operation::Scale { .. }));
        if let Operation::Linear(layer) = &operation
            && is_image
            && layer.inputs == crate::PIXELS
        {
            // Flattened by whoever calls the network.
            operations.push(Operation::Flatten);
            lines.push(text);
        }
        if operation.layer().is_some() || matches!(operation, Operation::Scale { .. }) {
            names.push(line.name);
        }
        operations.push(operation);
        lines.push(text);
    }
    for tensor in &tensors.tensors {
        let (owner, part) = tensor.name.rsplit_once('.').unwrap_or(("", &tensor.name));
        // Counted by batch normalisation in training.
        if part != "num_batches_tracked" && !names.contains(&owner) {
            return Err(NetworkError::UnusedTensor(tensor.name.clone()));
        }
    }
    shapes(&operations).map_err(|(k, problem)| wrong(lines.get(k).unwrap_or(&"end"), problem))?;
    let name = tensors.entry("name").unwrap_or("my network");
    Sequential::new(name, simplified(operations))
}

#[inline(never)]
fn wrong(line: &str, problem: impl Into<String>) -> NetworkError {
    NetworkError::Architecture { line: line.into(), problem: problem.into() }
}

/// The text that [`read`] reads, and the tensors that it names after the places of their operations.
#[cfg(feature = "import")]
pub(super) fn write(network: &Sequential, write_layer: tensors::WriteLayer) -> (String, Vec<tensors::Written>) {
    let (mut lines, mut tensors) = (Vec::new(), Vec::new());
    for (k, (operation, input)) in network.operations().iter().zip(network.shapes()).enumerate() {
        let mut line = operation.kind().to_owned();
        let name = k.to_string();
        let vector = |part: &str, values: &[f32]| {
            (format!("{k}.{part}"), safetensors::Dtype::F32, vec![values.len()], tensors::f32_bytes(values))
        };
        match operation {
            Operation::Convolution(window, layer) => {
                line = format!("{line} {name}");
                let shape = vec![layer.outputs, input.channels, window.size.0, window.size.1];
                tensors.extend(write_layer(&name, shape, layer));
            }
            Operation::Depthwise(window, layer) => {
                line = format!("{line} {name} groups={}", layer.outputs);
                let shape = vec![layer.outputs, 1, window.size.0, window.size.1];
                tensors.extend(write_layer(&name, shape, layer));
            }
            Operation::Linear(layer) => {
                line = format!("{line} {name}");
                tensors.extend(write_layer(&name, vec![layer.outputs, layer.inputs], layer));
            }
            Operation::Scale { factor, shift } => {
                line = format!("{line} {name} eps=0");
                let (zeros, ones) = (vec![0.0; factor.len()], vec![1.0; factor.len()]);
                tensors.extend([vector("running_mean", &zeros), vector("running_var", &ones)]);
                tensors.extend([vector("weight", factor), vector("bias", shift)]);
            }
            Operation::AverageInside(_) => line.push_str(" count_include_pad=False"),
            Operation::Pad(Edges { top, bottom, left, right }) => {
                line = format!("{line} padding={left},{right},{top},{bottom}");
            }
            Operation::Resize((rows, columns)) => line = format!("{line} size={rows},{columns}"),
            Operation::Mark(label) | Operation::Add(label) | Operation::Recall(label) => {
                line = format!("{line} {label}")
            }
            Operation::Function(function) => {
                for (key, value) in { *function }.settings() {
                    line = format!("{line} {key}={}", Decimal(*value));
                }
            }
            _ => {}
        }
        if let Some(Window { size, stride, padding, after }) = operation.window() {
            let size =
                if operation.layer().is_some() { String::new() } else { format!(" kernel_size={},{}", size.0, size.1) };
            line = format!("{line}{size} stride={},{} padding={},{}", stride.0, stride.1, padding.0, padding.1);
            if after != padding {
                line = format!("{line} padding_after={},{}", after.0, after.1);
            }
        }
        lines.push(line);
    }
    (lines.join("\n"), tensors)
}

/// A line, taken apart.
struct Line<'a> {
    text: &'a str,
    kind: &'a str,
    /// What its tensors' names begin with; empty if it has none.
    name: &'a str,
    /// An average is of what is inside the image.
    counts_inside: bool,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Result<Self, NetworkError> {
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let kind = words.next().unwrap_or_default();
        let mut line = Line { text, kind, name: "", counts_inside: false, options: Vec::new() };
        for word in words {
            match word.split_once('=') {
                Some((key, value)) if KEYS.contains(&key) => line.options.push((key, value)),
                _ if USUAL.contains(&word) => {}
                Some(("count_include_pad", "False")) => line.counts_inside = true,
                Some(("approximate", "tanh")) if line.kind == "gelu" => line.kind = "gelutanh",
                None if line.name.is_empty() => line.name = word,
                _ => return Err(wrong(text, format!("“{word}” cannot be done here"))),
            }
        }
        Ok(line)
    }

    #[inline(never)]
    fn wrong(&self, problem: &str) -> NetworkError {
        wrong(self.text, problem)
    }

    /// What it says; nothing of what does nothing in evaluation.
    fn operation(&self, tensors: &Container<'_>) -> Result<Option<Operation>, NetworkError> {
        Ok(Some(match self.kind {
            "normalise" => self.normalise()?,
            "conv2d" => self.convolution(tensors)?,
            "batchnorm1d" | "batchnorm2d" => self.batch_normalisation(tensors)?,
            "linear" => {
                let (shape, values) = weight(tensors, self.name)?;
                let &[outputs, inputs] = shape.as_slice() else {
                    return Err(tensors::not_two(self.tensor_name("weight"), shape));
                };
                Operation::Linear(self.layer(tensors, outputs, inputs, values)?)
            }
            "maxpool2d" => Operation::MaxPool(self.window(None)?),
            "avgpool2d" if self.counts_inside => Operation::AverageInside(self.window(None)?),
            "avgpool2d" => Operation::AveragePool(self.window(None)?),
            "zeropad2d" => self.padding()?,
            "resize" => Operation::Resize(self.whole("size", (0, 0), 1.0)?),
            "mark" => Operation::Mark(self.label()?),
            "add" => Operation::Add(self.label()?),
            "recall" => Operation::Recall(self.label()?),
            "flatten" => Operation::Flatten,
            "" | "dropout" | "dropout2d" | "identity" | "softmax" | "logsoftmax" => return Ok(None),
            other => match (Activation::parse(other), Function::parse(other)) {
                (Some(activation), _) => Operation::Activation(activation),
                (None, Some(function)) => self.function(function)?,
                (None, None) => {
                    return Err(wrong(self.text, format!("“{other}” is not known here; known are {KNOWN}")));
                }
            },
        }))
    }

    fn function(&self, mut function: Function) -> Result<Operation, NetworkError> {
        for (key, value) in function.settings() {
            *value = self.number(key, f64::from(*value))? as f32;
        }
        Ok(Operation::Function(function))
    }

    /// The number that a mark goes by.
    fn label(&self) -> Result<usize, NetworkError> {
        self.name.parse().map_err(|_| self.wrong("a mark goes by a whole number"))
    }

    /// One number for all edges, or (left,right,above,below).
    fn padding(&self) -> Result<Operation, NetworkError> {
        let text = self.options.iter().find(|(key, _)| *key == "padding").map_or("", |(_, text)| text);
        let numbers =
            text.trim_matches(['(', ')']).split(',').map(|text| text.parse().ok().filter(|n| *n <= LARGEST as usize));
        let (top, bottom, left, right) = match numbers.collect::<Option<Vec<usize>>>().as_deref() {
            Some(&[all]) => (all, all, all, all),
            Some(&[left, right, top, bottom]) => (top, bottom, left, right),
            _ => return Err(self.wrong("padding is not one whole number up to 255, nor four of them")),
        };
        Ok(Operation::Pad(Edges { top, bottom, left, right }))
    }

    /// One number for both directions, or (rows,columns).
    #[inline(never)]
    fn pair(&self, key: &str, usual: (f64, f64)) -> Result<(f64, f64), NetworkError> {
        let Some((_, text)) = self.options.iter().find(|(known, _)| *known == key) else { return Ok(usual) };
        let text = text.trim_matches(['(', ')']).trim_end_matches(',');
        let (rows, columns) = text.split_once(',').unwrap_or((text, text));
        parse(rows)
            .zip(parse(columns))
            .ok_or_else(|| wrong(self.text, format!("{key} is “{text}”, which is no number")))
    }

    fn number(&self, key: &str, usual: f64) -> Result<f64, NetworkError> {
        Ok(self.pair(key, (usual, usual))?.0)
    }

    #[inline(never)]
    fn whole(&self, key: &str, usual: (usize, usize), least: f64) -> Result<(usize, usize), NetworkError> {
        let (rows, columns) = self.pair(key, (usual.0 as f64, usual.1 as f64))?;
        if [rows, columns].iter().any(|n| *n < least || *n > LARGEST || *n % 1.0 != 0.0) {
            return Err(wrong(self.text, format!("{key} is not a whole number from {} to 255", least as u32)));
        }
        Ok((rows as usize, columns as usize))
    }

    /// A window, whose size a convolution's tensor knows. Pooling moves by its size, convolutions by one, unless they say
    /// otherwise.
    #[inline(never)]
    fn window(&self, known: Option<(usize, usize)>) -> Result<Window, NetworkError> {
        let size = known.map_or_else(|| self.whole("kernel_size", (0, 0), 1.0), Ok)?;
        let stride = self.whole("stride", if known.is_some() { (1, 1) } else { size }, 1.0)?;
        let (padding, after) = match self.options.iter().find(|option| option.0 == "padding") {
            Some((_, "valid")) => ((0, 0), (0, 0)),
            // Of even windows there is more at the end, as PyTorch has it.
            Some((_, "same")) => {
                ((size.0.saturating_sub(1) / 2, size.1.saturating_sub(1) / 2), (size.0 / 2, size.1 / 2))
            }
            _ => {
                let padding = self.whole("padding", (0, 0), 0.0)?;
                (padding, padding)
            }
        };
        Ok(Window { size, stride, padding, after: self.whole("padding_after", after, 0.0)? })
    }

    #[inline(never)]
    fn tensor_name(&self, part: &str) -> String {
        tensors::part(self.name, part)
    }

    fn convolution(&self, tensors: &Container<'_>) -> Result<Operation, NetworkError> {
        let (shape, values) = weight(tensors, self.name)?;
        let &[outputs, channels, rows, columns] = shape.as_slice() else {
            let expected = "four dimensions, [out, in, rows, columns]".into();
            return Err(NetworkError::Shape { tensor: self.tensor_name("weight"), found: shape, expected });
        };
        let inputs = channels.saturating_mul(rows).saturating_mul(columns);
        let mut layer = self.layer(tensors, outputs, inputs, values)?;
        let ((groups, _), apart) = (self.whole("groups", (1, 1), 1.0)?, self.whole("dilation", (1, 1), 1.0)?);
        let mut size = (rows, columns);
        if apart != (1, 1) {
            size = (spread_over(rows, apart.0), spread_over(columns, apart.1));
            layer = dilated(layer, channels, (rows, columns), apart)
                .ok_or_else(|| self.wrong("the network is too large to be searched on a page"))?;
        }
        let window = self.window(Some(size))?;
        if groups > 1 && groups == outputs && channels == 1 {
            return Ok(Operation::Depthwise(window, layer));
        }
        if groups > 1 {
            layer = ungrouped(layer, groups).ok_or_else(|| self.wrong("its outputs are no multiple of its groups"))?;
        }
        Ok(Operation::Convolution(window, layer))
    }

    #[inline(never)]
    fn layer(
        &self,
        tensors: &Container<'_>,
        outputs: usize,
        inputs: usize,
        weight: Vec<f32>,
    ) -> Result<Layer, NetworkError> {
        let bias = match tensors.tensor(&self.tensor_name("bias")) {
            Some(_) => bias(tensors, self.name, outputs)?,
            None => weight.chunks_exact(inputs.max(1)).map(|_| 0.0).collect(),
        };
        Ok(Layer { inputs, outputs, weight, bias })
    }

    /// `(v − mean)/√(variance + eps)·weight + bias`
    fn batch_normalisation(&self, tensors: &Container<'_>) -> Result<Operation, NetworkError> {
        let eps = self.number("eps", 1e-5)? as f32;
        let part = |part: &str| vector(tensors, &self.tensor_name(part));
        let missing = || NetworkError::Incomplete { layer: self.name.into(), missing: "running_mean or running_var" };
        let (Some(mean), Some(variance)) = (part("running_mean")?, part("running_var")?) else { return Err(missing()) };
        let mut factor = part("weight")?.unwrap_or_else(|| vec![1.0; mean.len()]);
        let mut shift = part("bias")?.unwrap_or_else(|| vec![0.0; mean.len()]);
        if [&variance, &factor, &shift].iter().any(|v| v.len() != mean.len()) {
            return Err(self.wrong("its tensors are not of one length"));
        }
        for (((f, s), m), v) in factor.iter_mut().zip(&mut shift).zip(mean).zip(variance) {
            *f /= (v + eps).sqrt();
            *s -= m * *f;
        }
        Ok(Operation::Scale { factor, shift })
    }

    /// `(x − mean)/deviation`
    fn normalise(&self) -> Result<Operation, NetworkError> {
        let (mean, deviation) = (self.number("mean", 0.0)?, self.number("deviation", 1.0)?);
        if deviation == 0.0 {
            return Err(self.wrong("its deviation is 0"));
        }
        Ok(Operation::Scale { factor: vec![(1.0 / deviation) as f32], shift: vec![(-mean / deviation) as f32] })
    }
}

/// The most numbers of a layer that is written out in full.
const MOST_WEIGHTS: usize = 1 << 24;

/// How long so many weights are, so far apart.
fn spread_over(weights: usize, apart: usize) -> usize {
    weights.saturating_sub(1).saturating_mul(apart).saturating_add(1)
}

/// The same layer with zeros between its weights; none where it would be too large.
pub(crate) fn dilated(layer: Layer, channels: usize, size: (usize, usize), apart: (usize, usize)) -> Option<Layer> {
    let wide = (spread_over(size.0, apart.0), spread_over(size.1, apart.1));
    let inputs = channels.checked_mul(wide.0)?.checked_mul(wide.1)?;
    layer.outputs.checked_mul(inputs).filter(|count| *count <= MOST_WEIGHTS)?;
    let mut weight = vec![0.0; layer.outputs * inputs];
    for (k, w) in layer.weight.iter().enumerate() {
        let (plane, row, column) = (k / (size.0 * size.1), k / size.1 % size.0, k % size.1);
        weight[(plane * wide.0 + row * apart.0) * wide.1 + column * apart.1] = *w;
    }
    Some(Layer { inputs, weight, ..layer })
}

/// The same layer with zeros for the inputs that its groups leave out; none where it does not divide, or would be too large.
pub(crate) fn ungrouped(layer: Layer, groups: usize) -> Option<Layer> {
    let each = layer.outputs.checked_div(groups).filter(|each| each * groups == layer.outputs && *each > 0)?;
    let inputs = layer.inputs.checked_mul(groups)?;
    layer.outputs.checked_mul(inputs).filter(|count| *count <= MOST_WEIGHTS)?;
    let mut weight = vec![0.0; layer.outputs * inputs];
    for (output, row) in layer.weight.chunks_exact(layer.inputs.max(1)).enumerate() {
        weight[output * inputs + output / each * layer.inputs..][..layer.inputs].copy_from_slice(row);
    }
    Some(Layer { inputs, weight, ..layer })
}
