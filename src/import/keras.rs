//! Keras's files: HDF5, whose attributes hold the configuration as JSON, and the archive of today, a configuration beside an HDF5 file.
//!
//! Both describe layers by name, with all their settings; weights are found by the layers' names. Dense weights are [in, out], kernels
//! [rows, columns, in, out], and channels come last.

pub(super) mod config;

use super::{
    Body, Error, Format,
    graph::{Graph, Kernel, Layout, Moves, Padding, Pooling, Value},
    layers::{Item, normalisation},
    onnx::transposed,
    zip,
};
use crate::network::{Activation, Function, Operation};
use config::{edges, flattened, kernel, layout, moves, pair, parts, sources};
use hdf5_pure::{AttrValue, File, Group};
use serde_json::Value as Json;
use std::collections::HashMap;

/// How deep groups may stand in each other.
const DEEPEST: usize = 8;

/// The weights of a layer: name, shape and numbers, in the layer's order.
pub(super) type Weights = Vec<(String, Vec<usize>, Vec<f32>)>;

/// The network in a `.h5` file.
pub(super) fn read_h5(bytes: &[u8]) -> Result<Body, Error> {
    let broken = |problem: String| Error::broken(Format::KerasH5, problem);
    let file = File::from_bytes(bytes.to_vec()).map_err(|e| broken(e.to_string()))?;
    let attributes = file.root().attrs().map_err(|e| broken(e.to_string()))?;
    let config = attributes.get("model_config").and_then(AttrValue::as_str).ok_or_else(|| Error::Kind {
        format: Format::KerasH5,
        found: "weights without the network that they are of".into(),
        advice: "expected what model.save(…) writes, not save_weights",
    })?;
    let config: Json = serde_json::from_str(config).map_err(|e| broken(e.to_string()))?;
    let root = file.root();
    let group = root.group("model_weights").unwrap_or(root);
    let mut weights = HashMap::new();
    for name in group.groups().map_err(|e| broken(e.to_string()))? {
        let layer = group.group(&name).map_err(|e| broken(e.to_string()))?;
        let mut all = Vec::new();
        let attributes = layer.attrs().unwrap_or_default();
        if let Some(names) = attributes.get("weight_names").and_then(AttrValue::as_strings) {
            for path in names {
                let dataset = layer.dataset(path).map_err(|e| broken(e.to_string()))?;
                all.push(numbers(&dataset, path).map_err(broken)?);
            }
        } else {
            gather(&layer, "", &mut all, 0).map_err(broken)?;
        }
        weights.insert(name, all);
    }
    model(&config, &weights, Format::KerasH5)
}

/// The network in a `.keras` file.
pub(super) fn read_archive(bytes: &[u8]) -> Result<Body, Error> {
    let broken = |problem: String| Error::broken(Format::Keras, problem);
    let entries = zip::entries(bytes, Format::Keras)?;
    let entry = |name: &str| {
        let found = entries.iter().find(|(known, _)| known == name).map(|(_, data)| *data);
        found.ok_or_else(|| broken(format!("it has no {name}")))
    };
    let config: Json = serde_json::from_slice(entry("config.json")?).map_err(|e| broken(e.to_string()))?;
    let file = File::from_bytes(entry("model.weights.h5")?.to_vec()).map_err(|e| broken(e.to_string()))?;
    let root = file.root();
    let layers = root
        .group("layers")
        .or_else(|_| root.group("_layer_checkpoint_dependencies"))
        .map_err(|e| broken(e.to_string()))?;
    let mut by_group = HashMap::new();
    for name in layers.groups().map_err(|e| broken(e.to_string()))? {
        let mut all = Vec::new();
        let layer = layers.group(&name).map_err(|e| broken(e.to_string()))?;
        gather(&layer, "", &mut all, 0).map_err(broken)?;
        by_group.insert(name, all);
    }
    // Groups are named by the layers' classes, numbered in the network's order.
    let mut weights = HashMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for layer in config["config"]["layers"].as_array().into_iter().flatten() {
        let class = snake(layer["class_name"].as_str().unwrap_or_default());
        let name = layer["config"]["name"].as_str().unwrap_or_default();
        let count = counts.entry(class.clone()).or_default();
        let group = if *count == 0 { class.clone() } else { format!("{class}_{count}") };
        *count += 1;
        if let Some(all) = by_group.remove(&group).filter(|all| !all.is_empty()) {
            weights.insert(name.to_owned(), all);
        } else if let Some(all) = by_group.remove(name) {
            weights.insert(name.to_owned(), all);
        }
    }
    model(&config, &weights, Format::Keras)
}

/// `Conv2D` as `conv2d`, `BatchNormalization` as `batch_normalization`, as Keras names groups.
fn snake(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (k, c) in letters.iter().enumerate() {
        let follows_small = k > 0 && letters[k - 1].is_ascii_lowercase();
        let begins_word = k > 0 && letters.get(k + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && k > 0 && (follows_small || begins_word) {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// All numbers in a group and those in it.
fn gather(group: &Group, path: &str, all: &mut Weights, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err("its groups stand in each other without end".into());
    }
    let mut names = group.datasets().map_err(|e| e.to_string())?;
    names.sort();
    for name in names {
        let dataset = group.dataset(&name).map_err(|e| e.to_string())?;
        all.push(numbers(&dataset, &format!("{path}{name}"))?);
    }
    for name in group.groups().map_err(|e| e.to_string())? {
        let inner = group.group(&name).map_err(|e| e.to_string())?;
        gather(&inner, &format!("{path}{name}/"), all, depth + 1)?;
    }
    Ok(())
}

fn numbers(dataset: &hdf5_pure::Dataset, name: &str) -> Result<(String, Vec<usize>, Vec<f32>), String> {
    let shape = dataset.shape().map_err(|e| e.to_string())?.iter().map(|d| *d as usize).collect();
    let values = dataset.read_f32().or_else(|_| dataset.read_f64().map(|all| all.iter().map(|v| *v as f32).collect()));
    Ok((name.to_owned(), shape, values.map_err(|e| format!("{name}: {e}"))?))
}

/// The network that a configuration describes.
pub(super) fn model(config: &Json, weights: &HashMap<String, Weights>, format: Format) -> Result<Body, Error> {
    let mut reader = Reader { graph: Graph::default(), weights, format };
    let class = config["class_name"].as_str().unwrap_or_default();
    // Keras of old has a Sequential's layers right in its configuration.
    let layers = config["config"]["layers"].as_array().or(config["config"].as_array());
    let layers = layers.ok_or_else(|| Error::Kind {
        format,
        found: format!("a model of the class {class:?}, whose layers only its program knows"),
        advice: "expected a Sequential or a Functional model; others are taken as ONNX or TensorFlow Lite",
    })?;
    let output = if matches!(class, "Functional" | "Model") {
        reader.functional(config, layers)?
    } else {
        reader.sequential(layers)?
    };
    Ok(Body::Operations(reader.graph.finish(&output)?))
}

struct Reader<'a> {
    graph: Graph,
    weights: &'a HashMap<String, Weights>,
    format: Format,
}

impl Reader<'_> {
    /// One layer after another, models in it included.
    fn sequential(&mut self, layers: &[Json]) -> Result<Value, Error> {
        let mut value = None;
        for layer in flattened(layers, 0)? {
            value = Some(match value {
                None => self.first(layer)?,
                Some(value) => self.layer(layer, &[value])?,
            });
        }
        value.ok_or_else(|| Error::broken(self.format, "it has no layers"))
    }

    /// The image, and what the first layer makes of it.
    fn first(&mut self, layer: &Json) -> Result<Value, Error> {
        let config = &layer["config"];
        let shape = ["batch_input_shape", "batch_shape", "shape"].iter().find_map(|key| config[key].as_array());
        let shape = shape.or_else(|| layer["build_config"]["input_shape"].as_array());
        let class = layer["class_name"].as_str().unwrap_or_default();
        let mut dims: Vec<usize> = shape.into_iter().flatten().map(|d| d.as_u64().map_or(0, |d| d as usize)).collect();
        if dims.is_empty() {
            // Older files leave the input to what the first weights take.
            dims = match self.weights(layer, "kernel").map(|(shape, _)| shape).as_deref() {
                Some(&[inputs, _]) => vec![1, inputs],
                Some(&[_, _, channels, _]) => vec![1, crate::SIDE, crate::SIDE, channels],
                _ => vec![1, crate::SIDE, crate::SIDE],
            };
        }
        dims[0] = 1;
        let value = self.graph.image(&dims, Layout::ChannelsLast)?;
        if class == "InputLayer" { Ok(value) } else { self.layer(layer, &[value]) }
    }

    /// Layers by what goes into them.
    fn functional(&mut self, config: &Json, layers: &[Json]) -> Result<Value, Error> {
        let mut values: HashMap<String, Value> = HashMap::new();
        let mut waiting: Vec<&Json> = layers.iter().collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut rest = Vec::new();
            for layer in waiting {
                let name = layer["name"].as_str().or(layer["config"]["name"].as_str()).unwrap_or_default().to_owned();
                let inputs = sources(&layer["inbound_nodes"], 0);
                if inputs.iter().any(|input| !values.contains_key(input)) {
                    rest.push(layer);
                    continue;
                }
                let value = if inputs.is_empty() {
                    self.first(layer)?
                } else {
                    let inputs: Vec<Value> = inputs.iter().filter_map(|input| values.get(input).cloned()).collect();
                    self.layer(layer, &inputs)?
                };
                values.insert(name, value);
            }
            if rest.len() == before {
                return Err(Error::broken(self.format, "some of its layers need others that are not there"));
            }
            waiting = rest;
        }
        let outputs = &config["config"]["output_layers"];
        let name = outputs[0].as_str().or(outputs[0][0].as_str()).unwrap_or_default();
        values.remove(name).ok_or_else(|| Error::broken(self.format, "its output is none of its layers"))
    }

    /// What `layer` makes of `inputs`.
    fn layer(&mut self, layer: &Json, inputs: &[Value]) -> Result<Value, Error> {
        let class = layer["class_name"].as_str().unwrap_or_default();
        let config = &layer["config"];
        let layout = layout(config);
        let name = config["name"].as_str().unwrap_or_default();
        let Some(value) = inputs.first() else {
            return Err(Error::broken(self.format, format!("{name} takes nothing")));
        };
        let unknown = || Error::operation(format!("{class} ({name:?})"));
        let value = match class {
            "Dense" => self.dense(layer, value)?,
            "Conv2D" | "Convolution2D" | "DepthwiseConv2D" => {
                self.convolution(layer, value, class == "DepthwiseConv2D")?
            }
            "SeparableConv2D" => self.separable(layer, value)?,
            "BatchNormalization" => self.normalise(layer, value)?,
            "MaxPooling2D" | "AveragePooling2D" | "MaxPool2D" => {
                let size = pair(&config["pool_size"]).ok_or_else(unknown)?;
                let pooling = if class == "AveragePooling2D" { Pooling::AverageInside } else { Pooling::Max };
                let moves = moves(config, size)?;
                self.graph.pool(value, pooling, size, moves, layout)?
            }
            "GlobalAveragePooling2D" | "GlobalMaxPooling2D" => {
                let pooling = if class == "GlobalMaxPooling2D" { Pooling::Max } else { Pooling::Average };
                self.graph.pool_all(value, pooling, layout, config["keepdims"].as_bool() == Some(true))?
            }
            "Flatten" => value.flattened(),
            "Reshape" => {
                let shape = config["target_shape"].as_array().ok_or_else(unknown)?;
                let dims: Vec<i64> = [1].into_iter().chain(shape.iter().filter_map(Json::as_i64)).collect();
                value.reshaped(&dims)?
            }
            "Permute" => {
                let order = config["dims"].as_array().ok_or_else(unknown)?;
                let order: Vec<usize> =
                    [0].into_iter().chain(order.iter().filter_map(|d| Some(d.as_u64()? as usize))).collect();
                value.transposed(&order)?
            }
            "ZeroPadding2D" => self.graph.pad(value, edges(&config["padding"]).ok_or_else(unknown)?, layout)?,
            "Rescaling" => self.rescale(config, value)?,
            "Normalization" => self.standardise(layer, value)?,
            "Resizing" => {
                let size = config["height"].as_u64().zip(config["width"].as_u64()).ok_or_else(unknown)?;
                if config["interpolation"].as_str().is_some_and(|kind| kind != "bilinear") {
                    return Err(unknown());
                }
                self.graph.resize(value, (size.0 as usize, size.1 as usize), layout)?
            }
            "Add" => {
                let mut sum = value.clone();
                for other in &inputs[1..] {
                    sum = self.graph.add(&sum, other)?;
                }
                sum
            }
            "Softmax" => self.graph.end(value),
            "ReLU" => self.relu(config, value)?,
            "LeakyReLU" => {
                let slope = config["negative_slope"].as_f64().or(config["alpha"].as_f64()).unwrap_or(0.3) as f32;
                self.graph.function(value, Function::LeakyRelu { slope })?
            }
            "ELU" => {
                let alpha = config["alpha"].as_f64().unwrap_or(1.0) as f32;
                self.graph.function(value, Function::Elu { alpha, scale: 1.0 })?
            }
            "PReLU" => match self.weights(layer, "alpha") {
                Some((_, all)) if all.iter().all(|a| *a == all[0]) => {
                    self.graph.function(value, Function::LeakyRelu { slope: all[0] })?
                }
                _ => return Err(unknown()),
            },
            // Nothing in evaluation.
            "InputLayer"
            | "Dropout"
            | "SpatialDropout2D"
            | "GaussianNoise"
            | "GaussianDropout"
            | "AlphaDropout"
            | "Activation"
            | "ActivityRegularization" => value.clone(),
            augmenting if augmenting.starts_with("Random") => value.clone(),
            _ => return Err(unknown()),
        };
        // Models in it were taken apart before.
        match &config["activation"] {
            Json::Null => Ok(value),
            activation => activated(&mut self.graph, &value, activation),
        }
    }

    fn dense(&mut self, layer: &Json, value: &Value) -> Result<Value, Error> {
        let (shape, kernel) = self.needed(layer, "kernel")?;
        let &[inputs, outputs] = shape.as_slice() else {
            return Err(Error::operation("a dense layer whose weights are no matrix"));
        };
        let bias = self.weights(layer, "bias").map(|(_, values)| values);
        self.graph.linear(value, &transposed(&kernel, inputs, outputs), bias)
    }

    fn convolution(&mut self, layer: &Json, value: &Value, is_deep: bool) -> Result<Value, Error> {
        let config = &layer["config"];
        let (shape, weight) = match self.weights(layer, "depthwise_kernel") {
            Some(found) if is_deep => found,
            _ => self.needed(layer, "kernel")?,
        };
        let bias = self.weights(layer, "bias").map(|(_, values)| values);
        let kernel = kernel(&shape, &weight, bias, is_deep)
            .ok_or_else(|| Error::operation("a kernel of other than four dimensions"))?;
        let groups = if is_deep { kernel.groups } else { config["groups"].as_u64().unwrap_or(1) as usize };
        self.graph.convolution(value, Kernel { groups, ..kernel }, moves(config, (1, 1))?, layout(config))
    }

    /// A convolution in depth, then one of a single pixel.
    fn separable(&mut self, layer: &Json, value: &Value) -> Result<Value, Error> {
        let config = &layer["config"];
        let wrong = || Error::operation("a kernel of other than four dimensions");
        let (shape, weight) = self.needed(layer, "depthwise_kernel")?;
        let deep = kernel(&shape, &weight, None, true).ok_or_else(wrong)?;
        let value = self.graph.convolution(value, deep, moves(config, (1, 1))?, layout(config))?;
        let (shape, weight) = self.needed(layer, "pointwise_kernel")?;
        let bias = self.weights(layer, "bias").map(|(_, values)| values);
        let point = kernel(&shape, &weight, bias, false).ok_or_else(wrong)?;
        let still = Moves { stride: (1, 1), dilation: (1, 1), padding: Padding::Given((0, 0), (0, 0)) };
        self.graph.convolution(&value, point, still, layout(config))
    }

    fn normalise(&mut self, layer: &Json, value: &Value) -> Result<Value, Error> {
        let part = |key| self.weights(layer, key).map(|(_, values)| values);
        let (_, mean) = self.needed(layer, "moving_mean")?;
        let (_, variance) = self.needed(layer, "moving_variance")?;
        let eps = layer["config"]["epsilon"].as_f64().unwrap_or(1e-3) as f32;
        let item = normalisation(String::new(), part("gamma"), part("beta"), &mean, &variance, eps);
        let Item::Scale { factor, shift, .. } = item else { return Err(Error::operation("BatchNormalization")) };
        let axis = &layer["config"]["axis"];
        let is_first = axis.as_i64().or(axis[0].as_i64()) == Some(1) && value.dims.len() == 4;
        let dims = if is_first { vec![factor.len(), 1, 1] } else { vec![factor.len()] };
        self.graph.scale(value, &dims, &factor, &shift)
    }

    fn rescale(&mut self, config: &Json, value: &Value) -> Result<Value, Error> {
        let number =
            |key: &str, usual: f64| config[key].as_f64().or(if config[key].is_null() { Some(usual) } else { None });
        let (factor, shift) = number("scale", 1.0)
            .zip(number("offset", 0.0))
            .ok_or_else(|| Error::operation("Rescaling by more than one number"))?;
        self.graph.scale(value, &[1], &[factor as f32], &[shift as f32])
    }

    /// `(v − mean)/√variance`, as a `Normalization` layer learnt it.
    fn standardise(&mut self, layer: &Json, value: &Value) -> Result<Value, Error> {
        let single = |key: &str| {
            let given = layer["config"][key].as_f64().or(layer["config"][key][0].as_f64()).map(|v| v as f32);
            given.or_else(|| {
                self.weights(layer, key).and_then(|(_, all)| if all.len() == 1 { Some(all[0]) } else { None })
            })
        };
        let (mean, variance) = single("mean")
            .zip(single("variance"))
            .ok_or_else(|| Error::operation("Normalization by more than one number"))?;
        let factor = 1.0 / variance.sqrt().max(1e-7);
        self.graph.scale(value, &[1], &[factor], &[-mean * factor])
    }

    fn relu(&mut self, config: &Json, value: &Value) -> Result<Value, Error> {
        let number = |key: &str| config[key].as_f64().unwrap_or(0.0) as f32;
        if number("threshold") != 0.0 {
            return Err(Error::operation("a ReLU with a threshold"));
        }
        match (config["max_value"].as_f64(), number("negative_slope")) {
            (Some(high), 0.0) => self.graph.function(value, Function::Clip { low: 0.0, high: high as f32 }),
            (None, 0.0) => self.graph.operation(value, Operation::Activation(Activation::Relu)),
            (None, slope) => self.graph.function(value, Function::LeakyRelu { slope }),
            _ => Err(Error::operation("a ReLU with a slope and a largest value")),
        }
    }

    fn needed(&self, layer: &Json, part: &str) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let name = layer["config"]["name"].as_str().unwrap_or_default();
        self.weights(layer, part).ok_or_else(|| Error::broken(self.format, format!("the layer {name:?} has no {part}")))
    }

    /// The shape and numbers of a layer's part: by its name, or, where Keras numbers them, by its place.
    fn weights(&self, layer: &Json, part: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let config = &layer["config"];
        let all = self.weights.get(config["name"].as_str()?)?;
        let is_named = |name: &str| {
            let last = name.rsplit('/').next().unwrap_or_default();
            last.split(':').next() == Some(part)
        };
        let (_, shape, values) = all.iter().find(|(name, ..)| is_named(name)).or_else(|| {
            let place = parts(layer).iter().position(|known| *known == part)?.to_string();
            all.iter().find(|(name, ..)| name.rsplit('/').next() == Some(&place))
        })?;
        Some((shape.clone(), values.clone()))
    }
}

/// What an activation's name, or its configuration, makes of `value`.
pub(super) fn activated(graph: &mut Graph, value: &Value, activation: &Json) -> Result<Value, Error> {
    let name =
        activation.as_str().or(activation["class_name"].as_str()).or(activation["config"].as_str()).unwrap_or_default();
    let name = name.rsplit('>').next().unwrap_or_default().to_ascii_lowercase();
    let operation = match name.as_str() {
        "linear" => return Ok(value.clone()),
        "softmax" | "log_softmax" | "softmax_v2" => return Ok(graph.end(value)),
        "relu" => Operation::Activation(Activation::Relu),
        "tanh" => Operation::Activation(Activation::Tanh),
        "sigmoid" => Operation::Activation(Activation::Sigmoid),
        // Before Keras 3 its slope was a fifth.
        "hard_sigmoid" => Operation::Function(Function::HardSigmoid { slope: 0.2, shift: 0.5 }),
        "leaky_relu" => Operation::Function(Function::LeakyRelu { slope: 0.2 }),
        other => {
            let plain = other.replace('_', "");
            let known = Function::parse(&plain).ok_or_else(|| Error::operation(format!("the activation {other:?}")))?;
            Operation::Function(known)
        }
    };
    graph.operation(value, operation)
}
