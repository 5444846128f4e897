//! Whole PyTorch modules, `torch.save(model, …)`: what their pickles say of each layer.
//!
//! A pickle has a module's layers with all their settings, in the order in which they were made, but not the `forward` that calls them.
//! Of an `nn.Sequential` that is all there is to know. Of another module its layers are taken in that order; what stands in no
//! `nn.Sequential`, as an activation that is called many times does, says nothing about where it belongs.

use super::{
    Body, Error, Format,
    graph::{Moves, Padding, Pooling},
    layers::{Affine, Item, normalisation},
    pickle::{Node, Place},
    torch::{File, Numbers},
};
use crate::network::{Activation, Function, Operation};

/// How deep modules may stand in each other, and how many there may be.
const DEEPEST: usize = 20;
const MOST: usize = 1000;

/// The layers of the module at `root`.
pub(super) fn read(file: &File<'_>, root: Place) -> Result<Body, Error> {
    let mut walk = Walk { file, items: Vec::new(), count: 0 };
    walk.module(root, "", None, 0)?;
    if walk.items.iter().any(|item| matches!(item, Item::Affine(_))) {
        return Ok(Body::Layers(walk.items));
    }
    let (class, _) = file.pickle.object(root).unwrap_or_default();
    let found = format!("an object of the class {class} in which there are no layers");
    let advice = "expected an nn.Module, or a state dict: torch.save(model.state_dict(), …)";
    Err(Error::Kind { format: Format::PyTorch, found, advice })
}

struct Walk<'a> {
    file: &'a File<'a>,
    items: Vec<Item>,
    count: usize,
}

impl Walk<'_> {
    /// Adds what the module at `place` is; `parent` is the class of the one that it stands in.
    fn module(&mut self, place: Place, name: &str, parent: Option<&str>, depth: usize) -> Result<(), Error> {
        self.count += 1;
        if depth > DEEPEST || self.count > MOST {
            return Err(Error::operation("more modules in each other than any network for digits"));
        }
        let Some((class, state)) = self.file.pickle.object(place) else { return Ok(()) };
        let kind = class.rsplit('.').next().unwrap_or_default();
        let of_torch = class.starts_with("torch.nn.");
        let children = self.children(state);
        if !children.is_empty() || !of_torch || kind == "Sequential" {
            for (child, place) in children {
                let name = if name.is_empty() { child } else { format!("{name}.{child}") };
                self.module(place, &name, Some(kind), depth + 1)?;
            }
            return Ok(());
        }
        let layer = Layer { file: self.file, state, name };
        let item = layer.item(kind)?;
        // Outside of a Sequential only the order of what has weights is known.
        if let Some(item) = item
            && (parent == Some("Sequential") || matches!(item, Item::Affine(_) | Item::Scale { .. }))
        {
            self.items.push(item);
        }
        Ok(())
    }

    fn children(&self, state: Place) -> Vec<(String, Place)> {
        let pickle = &self.file.pickle;
        let modules = pickle.get(state, "_modules").and_then(|modules| pickle.entries(modules)).unwrap_or_default();
        modules.iter().filter_map(|(key, value)| Some((pickle.text(*key)?.to_owned(), *value))).collect()
    }
}

/// A layer of PyTorch, by its state.
struct Layer<'a> {
    file: &'a File<'a>,
    state: Place,
    name: &'a str,
}

impl Layer<'_> {
    /// What it is; nothing of what does nothing in evaluation.
    fn item(&self, kind: &str) -> Result<Option<Item>, Error> {
        let named = |name: &str| {
            let activation =
                [Activation::Relu, Activation::Tanh, Activation::Sigmoid].into_iter().find(|a| a.name() == name);
            activation.map(Operation::Activation).or_else(|| self.function(name).map(Operation::Function))
        };
        Ok(Some(match kind {
            "Linear" | "Conv2d" => Item::Affine(self.affine(kind)?),
            "BatchNorm1d" | "BatchNorm2d" => {
                let part = |part| Ok::<_, Error>(self.tensor(part)?.map(|(_, values)| values));
                let (mean, variance) =
                    part("running_mean")?.zip(part("running_var")?).ok_or_else(|| Error::operation(self.name))?;
                let eps = self.float("eps").unwrap_or(1e-5);
                normalisation(self.name.into(), part("weight")?, part("bias")?, &mean, &variance, eps)
            }
            "MaxPool2d" | "AvgPool2d" => self.pool(kind)?,
            "AdaptiveAvgPool2d" | "AdaptiveMaxPool2d" => {
                let size = self.pair("output_size").ok_or_else(|| Error::operation(kind))?;
                Item::PoolTo(if kind == "AdaptiveMaxPool2d" { Pooling::Max } else { Pooling::Average }, size)
            }
            "Flatten" => Item::Flatten,
            "Dropout" | "Dropout1d" | "Dropout2d" | "AlphaDropout" | "FeatureAlphaDropout" | "Identity" => {
                return Ok(None);
            }
            "Softmax" | "LogSoftmax" => Item::End,
            "CrossEntropyLoss" | "NLLLoss" | "MSELoss" | "BCELoss" => return Ok(None),
            other => match named(&other.to_lowercase()) {
                Some(operation) => Item::Activation(operation),
                None => return Err(Error::operation(format!("{other} ({:?})", self.name))),
            },
        }))
    }

    fn function(&self, name: &str) -> Option<Function> {
        let mut function = Function::parse(name)?;
        for (key, value) in function.settings() {
            // As this layer says; `slope`, `shift` and `scale` are not PyTorch's words.
            *value = self.float(key).unwrap_or(*value);
        }
        let is_tanh = self.get("approximate").and_then(|place| self.file.pickle.text(place)) == Some("tanh");
        Some(if function == Function::Gelu && is_tanh { Function::GeluTanh } else { function })
    }

    fn affine(&self, kind: &str) -> Result<Affine, Error> {
        let (shape, weight) =
            self.tensor("weight")?.ok_or_else(|| Error::operation(format!("{kind} without a weight")))?;
        if shape.len() != if kind == "Linear" { 2 } else { 4 } {
            return Err(Error::operation(format!("{kind} whose weight has shape {shape:?}")));
        }
        let bias = self.tensor("bias")?.map(|(_, values)| values);
        let moves = if kind == "Linear" {
            None
        } else {
            let usual = |key, usual| self.pair(key).unwrap_or((usual, usual));
            let padding = self.get("padding").and_then(|place| self.file.pickle.text(place));
            let padding = match padding {
                Some("same") => Padding::Same,
                Some(_) => Padding::Given((0, 0), (0, 0)),
                None => Padding::Given(usual("padding", 0), usual("padding", 0)),
            };
            let mode = self.get("padding_mode").and_then(|place| self.file.pickle.text(place)).unwrap_or("zeros");
            if mode != "zeros" {
                return Err(Error::operation(format!("a convolution padded by {mode}")));
            }
            let groups =
                self.get("groups").and_then(|place| self.file.pickle.int(place)).and_then(|n| usize::try_from(n).ok());
            Some((Moves { stride: usual("stride", 1), dilation: usual("dilation", 1), padding }, groups.unwrap_or(1)))
        };
        Ok(Affine { name: self.name.into(), shape, weight, bias, moves })
    }

    fn pool(&self, kind: &str) -> Result<Item, Error> {
        let size = self.pair("kernel_size").ok_or_else(|| Error::operation(kind))?;
        let (stride, padding) = (self.pair("stride").unwrap_or(size), self.pair("padding").unwrap_or((0, 0)));
        let is = |key: &str, usual| {
            self.get(key).map_or(usual, |place| matches!(self.file.pickle.node(place), Node::Bool(true)))
        };
        let around =
            if is("ceil_mode", false) { Padding::Ceiling(padding, padding) } else { Padding::Given(padding, padding) };
        let pooling = match kind {
            "MaxPool2d" => Pooling::Max,
            _ if is("count_include_pad", true) => Pooling::Average,
            _ => Pooling::AverageInside,
        };
        let dilation = self.pair("dilation").unwrap_or((1, 1));
        Ok(Item::Pool(pooling, size, Moves { stride, dilation, padding: around }))
    }

    /// A setting of the layer.
    fn get(&self, key: &str) -> Option<Place> {
        self.file.pickle.get(self.state, key)
    }

    /// A parameter or a buffer.
    fn tensor(&self, key: &str) -> Result<Option<Numbers>, Error> {
        let pickle = &self.file.pickle;
        let found =
            ["_parameters", "_buffers"].iter().find_map(|group| pickle.get(pickle.get(self.state, group)?, key));
        found.map_or(Ok(None), |place| self.file.tensor(place))
    }

    fn float(&self, key: &str) -> Option<f32> {
        match self.file.pickle.node(self.get(key)?) {
            Node::Float(value) => Some(*value as f32),
            Node::Int(value) => Some(*value as f32),
            _ => None,
        }
    }

    /// One number for both directions, or two.
    fn pair(&self, key: &str) -> Option<(usize, usize)> {
        let pickle = &self.file.pickle;
        let place = self.get(key)?;
        let number = |place| pickle.int(place).and_then(|n| usize::try_from(n).ok());
        match pickle.list(place) {
            Some(&[rows, columns]) => number(rows).zip(number(columns)),
            Some(&[both]) => number(both).map(|n| (n, n)),
            Some(_) => None,
            None => number(place).map(|n| (n, n)),
        }
    }
}
