//! A network's architecture in its file's metadata: one operation a line, first to last, in PyTorch's words.
//!
//! ```text
//! normalise mean=0.1307 deviation=0.3081
//! conv2d 0 stride=1 padding=2            tensors 0.weight [out, in, rows, columns] and, if there is one, 0.bias [out]
//! batchnorm2d 1 eps=1e-05                1.running_mean, 1.running_var and, if there are, 1.weight and 1.bias
//! relu                                   or tanh, sigmoid, gelu, flatten
//! maxpool2d kernel_size=2 stride=2       or avgpool2d; both may have padding=
//! dropout                                or dropout2d, identity, and at the end softmax or logsoftmax: nothing in evaluation
//! linear 6                               6.weight [out, in] and, if there is one, 6.bias [out]
//! ```
//!
//! Lines are divided by line feeds or semicolons; sizes are one number, or two as (rows,columns). Every line may have a name,
//! and may say of what is not known here that it is as usual, e.g. `dilation=1`. `tools/export.py` writes it from an
//! `nn.Sequential`.

use super::{
    Activation, Layer, NetworkError, Operation, Sequential, Window,
    container::Container,
    sequential::{shapes, simplified},
    tensors::{self, bias, vector, weight},
};
use crate::decimal::parse;

/// What a line may begin with, in a sentence.
const KNOWN: &str = "normalise, conv2d, batchnorm1d, batchnorm2d, linear, maxpool2d, avgpool2d, flatten, dropout, dropout2d, \
                     identity, relu, tanh, sigmoid, gelu, softmax, logsoftmax";
/// What a line may say, and means something here.
const KEYS: [&str; 6] = ["kernel_size", "stride", "padding", "eps", "mean", "deviation"];
/// What else a line may say: nothing out of the usual.
const USUAL: [&str; 8] = [
    "dilation=1",
    "dilation=(1,1)",
    "groups=1",
    "padding_mode=zeros",
    "ceil_mode=False",
    "count_include_pad=True",
    "divisor_override=None",
    "approximate=none",
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
        if let (Operation::Linear(layer), []) = (&operation, operations.as_slice())
            && layer.inputs == crate::PIXELS
        {
            // Flattened by whoever calls the network.
            operations.push(Operation::Flatten);
            lines.push(text);
        }
        operations.push(operation);
        lines.push(text);
        names.push(line.name);
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
#[cfg(feature = "lab")]
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
            _ => {}
        }
        if let Some(Window { size, stride, padding }) = operation.window() {
            let size =
                if operation.layer().is_some() { String::new() } else { format!(" kernel_size={},{}", size.0, size.1) };
            line = format!("{line}{size} stride={},{} padding={},{}", stride.0, stride.1, padding.0, padding.1);
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
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Result<Self, NetworkError> {
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let mut line = Line { text, kind: words.next().unwrap_or_default(), name: "", options: Vec::new() };
        for word in words {
            match word.split_once('=') {
                Some((key, value)) if KEYS.contains(&key) => line.options.push((key, value)),
                _ if USUAL.contains(&word) => {}
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
            "avgpool2d" => Operation::AveragePool(self.window(None)?),
            "flatten" => Operation::Flatten,
            "gelu" => Operation::Gelu,
            "" | "dropout" | "dropout2d" | "identity" | "softmax" | "logsoftmax" => return Ok(None),
            other => Operation::Activation(
                Activation::parse(other)
                    .ok_or_else(|| wrong(self.text, format!("“{other}” is not known here; known are {KNOWN}")))?,
            ),
        }))
    }

    /// One number for both directions, or (rows,columns).
    #[inline(never)]
    fn pair(&self, key: &str, usual: (f64, f64)) -> Result<(f64, f64), NetworkError> {
        let Some((_, text)) = self.options.iter().find(|(known, _)| *known == key) else { return Ok(usual) };
        let text = text.trim_matches(['(', ')']);
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
        let padding = match self.options.iter().find(|option| option.0 == "padding") {
            Some((_, "valid")) => (0, 0),
            // As much on both sides: of even windows PyTorch's is not.
            Some((_, "same")) if size.0 % 2 == 1 && size.1 % 2 == 1 => (size.0 / 2, size.1 / 2),
            _ => self.whole("padding", (0, 0), 0.0)?,
        };
        Ok(Window { size, stride, padding })
    }

    #[inline(never)]
    fn tensor_name(&self, part: &str) -> String {
        [self.name, part].join(".")
    }

    fn convolution(&self, tensors: &Container<'_>) -> Result<Operation, NetworkError> {
        let (shape, values) = weight(tensors, self.name)?;
        let &[outputs, channels, rows, columns] = shape.as_slice() else {
            let expected = "four dimensions, [out, in, rows, columns]".into();
            return Err(NetworkError::Shape { tensor: self.tensor_name("weight"), found: shape, expected });
        };
        let inputs = channels.saturating_mul(rows).saturating_mul(columns);
        Ok(Operation::Convolution(self.window(Some((rows, columns)))?, self.layer(tensors, outputs, inputs, values)?))
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
        if deviation <= 0.0 {
            return Err(self.wrong("its deviation is not above 0"));
        }
        Ok(Operation::Scale { factor: vec![(1.0 / deviation) as f32], shift: vec![(-mean / deviation) as f32] })
    }
}
