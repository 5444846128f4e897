//! A network's architecture in its file's metadata: one operation a line, first to last.
//!
//! ```text
//! normalise mean=0.1307 deviation=0.3081
//! conv2d 0 stride=1 padding=2        tensors 0.weight [out, in, rows, columns] and, if there is one, 0.bias [out]
//! batchnorm 1 eps=1e-05              1.running_mean, 1.running_var and, if there are, 1.weight and 1.bias
//! relu                               or tanh, sigmoid, gelu, dropout (which does nothing), flatten
//! maxpool size=2 stride=2 padding=0  or avgpool
//! linear 5                           5.weight [out, in] and, if there is one, 5.bias [out]
//! ```
//!
//! Lines are divided by line feeds or semicolons; sizes are one number, or two as rows,columns. `tools/export.py` writes it
//! from an `nn.Sequential`.

use super::{
    Activation, Layer, NetworkError, Operation, Sequential, Window,
    container::Container,
    file::{self, bias, vector, weight},
    sequential::{shapes, simplified},
};
use crate::decimal::parse;

/// What a line may begin with, whether it names tensors, and what it may say of itself.
const KINDS: [(&str, bool, &str); 12] = [
    ("normalise", false, "mean deviation"),
    ("conv2d", true, "stride padding"),
    ("batchnorm", true, "eps"),
    ("linear", true, ""),
    ("maxpool", false, "size stride padding"),
    ("avgpool", false, "size stride padding"),
    ("flatten", false, ""),
    ("dropout", false, ""),
    ("relu", false, ""),
    ("tanh", false, ""),
    ("sigmoid", false, ""),
    ("gelu", false, ""),
];
/// The same in a sentence.
const KNOWN: &str = "normalise, conv2d, batchnorm, linear, maxpool, avgpool, flatten, dropout, relu, tanh, sigmoid, gelu";
/// The largest size, stride or padding.
const LARGEST: f64 = 255.0;

/// Reads the network that `text` describes, with the tensors of its file. Every tensor must belong to an operation.
pub(super) fn read(tensors: &Container<'_>, text: &str) -> Result<Sequential, NetworkError> {
    let (mut operations, mut lines, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
        let line = Line::of(line)?;
        let Some(operation) = line.operation(tensors)? else { continue };
        if let (Operation::Linear(layer), []) = (&operation, operations.as_slice())
            && layer.inputs == crate::PIXELS
        {
            // Flattened by whoever calls the network.
            operations.push(Operation::Flatten);
            lines.push(line.text);
        }
        operations.push(operation);
        lines.push(line.text);
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
        let kind = words.next().unwrap_or_default();
        let mut line = Line { text, kind, name: "", options: Vec::new() };
        let Some((_, has_tensors, allowed)) = KINDS.iter().find(|known| known.0 == kind) else {
            return Err(wrong(text, format!("“{kind}” is not known here; known are {KNOWN}")));
        };
        for word in words {
            match word.split_once('=') {
                Some(option) if allowed.split(' ').any(|known| known == option.0) => line.options.push(option),
                None if *has_tensors && line.name.is_empty() => line.name = word,
                _ => return Err(wrong(text, format!("“{word}” has no place in it"))),
            }
        }
        if *has_tensors && line.name.is_empty() { Err(wrong(text, "it names no tensors")) } else { Ok(line) }
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
            "batchnorm" => self.batch_normalisation(tensors)?,
            "linear" => {
                let (shape, values) = weight(tensors, self.name)?;
                let &[outputs, inputs] = shape.as_slice() else {
                    return Err(file::not_two(self.tensor_name("weight"), shape));
                };
                Operation::Linear(self.layer(tensors, outputs, inputs, values)?)
            }
            "maxpool" => Operation::MaxPool(self.window(None)?),
            "avgpool" => Operation::AveragePool(self.window(None)?),
            "flatten" => Operation::Flatten,
            "gelu" => Operation::Gelu,
            other => match Activation::parse(other) {
                Some(activation) => Operation::Activation(activation),
                None => return Ok(None), // dropout
            },
        }))
    }

    /// One number for both directions, or rows,columns.
    #[inline(never)]
    fn pair(&self, key: &str, usual: (f64, f64)) -> Result<(f64, f64), NetworkError> {
        let Some((_, text)) = self.options.iter().find(|(known, _)| *known == key) else { return Ok(usual) };
        let (rows, columns) = text.split_once(',').unwrap_or((text, text));
        parse(rows).zip(parse(columns)).ok_or_else(|| wrong(self.text, format!("{key} is “{text}”, which is no number")))
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
        let size = known.map_or_else(|| self.whole("size", (0, 0), 1.0), Ok)?;
        let stride = self.whole("stride", if known.is_some() { (1, 1) } else { size }, 1.0)?;
        Ok(Window { size, stride, padding: self.whole("padding", (0, 0), 0.0)? })
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
