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
    sequential::shapes,
};

/// Reads the network that `text` describes, with the tensors of its file. Every tensor must belong to an operation.
pub(super) fn read(tensors: &Container<'_>, text: &str) -> Result<Sequential, NetworkError> {
    let (mut operations, mut lines, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
        let words = Words::of(line)?;
        let operation = words.operation(tensors)?;
        names.extend(words.name);
        if let (Some(Operation::Linear(layer)), []) = (&operation, operations.as_slice())
            && layer.inputs == crate::PIXELS
        {
            // Flattened by whoever calls the network.
            operations.push(Operation::Flatten);
            lines.push(line);
        }
        operations.extend(operation);
        lines.resize(operations.len(), line);
    }
    for tensor in &tensors.tensors {
        let (owner, part) = tensor.name.rsplit_once('.').unwrap_or(("", &tensor.name));
        // Counted by batch normalisation in training.
        if part != "num_batches_tracked" && !names.contains(&owner) {
            return Err(NetworkError::UnusedTensor(tensor.name.clone()));
        }
    }
    shapes(&operations).map_err(|(k, problem)| wrong(lines.get(k).unwrap_or(&"end"), problem))?;
    let name = tensors.entry("name").map_or_else(|| kinds(&operations), str::to_owned);
    Sequential::new(name, operations).map(Sequential::simplified)
}

fn wrong(line: &str, problem: impl Into<String>) -> NetworkError {
    NetworkError::Architecture { line: line.into(), problem: problem.into() }
}

/// A name for a network whose file gives none, e.g. `conv2d-conv2d-linear`.
fn kinds(operations: &[Operation]) -> String {
    let layers = operations.iter().filter(|o| matches!(o, Operation::Convolution(..) | Operation::Linear(_)));
    layers.map(Operation::kind).collect::<Vec<_>>().join("-")
}

/// A line, taken apart.
struct Words<'a> {
    line: &'a str,
    kind: &'a str,
    /// What its tensors' names begin with.
    name: Option<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Result<Self, NetworkError> {
        let mut words = line.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let (mut name, mut options) = (None, Vec::new());
        for word in words {
            match word.split_once('=') {
                Some(option) => options.push(option),
                None if name.is_none() => name = Some(word),
                None => return Err(wrong(line, format!("{word:?} has no place in it"))),
            }
        }
        Ok(Words { line, kind, name, options })
    }

    fn wrong(&self, problem: impl Into<String>) -> NetworkError {
        wrong(self.line, problem)
    }

    /// What it says; nothing of what does nothing in evaluation.
    fn operation(&self, tensors: &Container<'_>) -> Result<Option<Operation>, NetworkError> {
        let allowed: (bool, &[&str]) = match self.kind {
            "conv2d" => (true, &["stride", "padding"]),
            "linear" => (true, &[]),
            "batchnorm" => (true, &["eps"]),
            "maxpool" | "avgpool" => (false, &["size", "stride", "padding"]),
            "normalise" => (false, &["mean", "deviation"]),
            _ => (false, &[]),
        };
        if let Some((key, _)) = self.options.iter().find(|(key, _)| !allowed.1.contains(key)) {
            return Err(self.wrong(format!("it says {key:?}, which is not known here")));
        }
        if self.name.is_some() != allowed.0 {
            return Err(self.wrong(if allowed.0 { "it names no tensors" } else { "it has no tensors to name" }));
        }
        Ok(Some(match self.kind {
            "conv2d" => self.convolution(tensors)?,
            "linear" => self.linear(tensors)?,
            "batchnorm" => self.batch_normalisation(tensors)?,
            "maxpool" => Operation::MaxPool(self.window(self.pair("size")?)?),
            "avgpool" => Operation::AveragePool(self.window(self.pair("size")?)?),
            "normalise" => self.normalise()?,
            "gelu" => Operation::Gelu,
            "flatten" => Operation::Flatten,
            "dropout" => return Ok(None),
            other => Operation::Activation(Activation::parse(other).ok_or_else(|| {
                let known = "normalise, conv2d, batchnorm, linear, maxpool, avgpool, flatten, dropout, relu, tanh, sigmoid, gelu";
                self.wrong(format!("{other:?} is not known here; known are {known}"))
            })?),
        }))
    }

    fn option(&self, key: &str) -> Option<&'a str> {
        self.options.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn number(&self, key: &str, usual: f64) -> Result<f64, NetworkError> {
        let Some(text) = self.option(key) else { return Ok(usual) };
        let number = text.parse().ok().filter(|n: &f64| n.is_finite());
        number.ok_or_else(|| self.wrong(format!("{key} is {text:?}, which is no number")))
    }

    /// One number for both directions, or rows,columns.
    fn pair(&self, key: &str) -> Result<Option<(usize, usize)>, NetworkError> {
        let Some(text) = self.option(key) else { return Ok(None) };
        let (rows, columns) = text.split_once(',').unwrap_or((text, text));
        let number = |text: &str| text.parse::<u8>().ok().map(usize::from);
        let pair = number(rows).zip(number(columns));
        pair.map(Some).ok_or_else(|| self.wrong(format!("{key} is {text:?}, which is no number up to 255, nor two")))
    }

    /// A window of that size. Pooling moves by its size, convolutions by one, unless they say otherwise.
    fn window(&self, size: Option<(usize, usize)>) -> Result<Window, NetworkError> {
        let size = size.ok_or_else(|| self.wrong("it says no size"))?;
        let usual = if self.kind == "conv2d" { (1, 1) } else { size };
        let stride = self.pair("stride")?.unwrap_or(usual);
        if stride.0 == 0 || stride.1 == 0 {
            return Err(self.wrong("its stride is 0"));
        }
        Ok(Window { size, stride, padding: self.pair("padding")?.unwrap_or((0, 0)) })
    }

    fn tensor_name(&self, part: &str) -> String {
        format!("{}.{part}", self.name.unwrap_or_default())
    }

    fn convolution(&self, tensors: &Container<'_>) -> Result<Operation, NetworkError> {
        let name = self.tensor_name("weight");
        let (shape, values) = weight(tensors, self.name.unwrap_or_default())?;
        let &[outputs, channels, rows, columns] = shape.as_slice() else {
            let expected = "four dimensions, [out, in, rows, columns]".into();
            return Err(NetworkError::Shape { tensor: name, found: shape, expected });
        };
        let layer = self.layer(tensors, [outputs, channels.saturating_mul(rows).saturating_mul(columns)], values)?;
        Ok(Operation::Convolution(self.window(Some((rows, columns)))?, layer))
    }

    fn linear(&self, tensors: &Container<'_>) -> Result<Operation, NetworkError> {
        let (shape, values) = weight(tensors, self.name.unwrap_or_default())?;
        let &[outputs, inputs] = shape.as_slice() else {
            return Err(file::not_two(self.tensor_name("weight"), shape));
        };
        Ok(Operation::Linear(self.layer(tensors, [outputs, inputs], values)?))
    }

    fn layer(
        &self,
        tensors: &Container<'_>,
        [outputs, inputs]: [usize; 2],
        weight: Vec<f32>,
    ) -> Result<Layer, NetworkError> {
        let known = tensors.tensor(&self.tensor_name("bias"));
        let bias = match known {
            Some(_) => bias(tensors, self.name.unwrap_or_default(), outputs)?,
            None => vec![0.0; outputs],
        };
        Ok(Layer { inputs, outputs, weight, bias })
    }

    /// `(v − mean)/√(variance + eps)·weight + bias`
    fn batch_normalisation(&self, tensors: &Container<'_>) -> Result<Operation, NetworkError> {
        let part = |part: &str| vector(tensors, &self.tensor_name(part));
        let required = |name: &'static str| {
            part(name)?
                .ok_or_else(|| NetworkError::Incomplete { layer: self.name.unwrap_or_default().into(), missing: name })
        };
        let (mean, variance) = (required("running_mean")?, required("running_var")?);
        let weight = part("weight")?.unwrap_or_else(|| vec![1.0; mean.len()]);
        let bias = part("bias")?.unwrap_or_else(|| vec![0.0; mean.len()]);
        if [&variance, &weight, &bias].iter().any(|v| v.len() != mean.len()) {
            return Err(self.wrong("its tensors are not of one length"));
        }
        let eps = self.number("eps", 1e-5)?;
        let factor: Vec<f64> =
            weight.iter().zip(&variance).map(|(&w, &v)| f64::from(w) / (f64::from(v) + eps).sqrt()).collect();
        let shift =
            bias.iter().zip(mean.iter().zip(&factor)).map(|(&b, (&m, f))| (f64::from(b) - f64::from(m) * f) as f32);
        let shift = shift.collect();
        Ok(Operation::Scale { factor: factor.into_iter().map(|f| f as f32).collect(), shift })
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
