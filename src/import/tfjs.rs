//! TensorFlow.js: a `model.json`, of Keras's layers or of TensorFlow's graph, and the shards that hold the weights that it lists.

use super::{
    Body, Error, Format,
    graph::{Graph, Layout, Moves, Padding, Pooling},
    keras::{self, Weights},
    layers::{Item, normalisation},
    onnx::{Constant, Known},
    tensorflow::{Call, activation},
};
use half::f16;
use serde_json::Value as Json;
use std::collections::HashMap;

/// The network that `bytes` describe, with weights from the other files.
pub(super) fn read(bytes: &[u8], files: &[(&str, &[u8])]) -> Result<Body, Error> {
    let broken = |problem: String| Error::broken(Format::TensorFlowJs, problem);
    let json: Json = serde_json::from_slice(bytes).map_err(|e| broken(e.to_string()))?;
    let topology = &json["modelTopology"];
    if topology.is_null() {
        let found = "JSON without a modelTopology".into();
        let advice = "expected the model.json of TensorFlow.js";
        return Err(Error::Kind { format: Format::TensorFlowJs, found, advice });
    }
    let constants = weights(&json["weightsManifest"], files)?;
    if topology["node"].is_array() {
        return graph(topology, &constants);
    }
    let config = if topology["model_config"].is_null() { topology } else { &topology["model_config"] };
    let mut by_layer: HashMap<String, Weights> = HashMap::new();
    for (name, constant) in constants {
        let (layer, part) = name.rsplit_once('/').unwrap_or(("", &name));
        let layer = layer.rsplit('/').next().unwrap_or_default().to_owned();
        by_layer.entry(layer).or_default().push((part.to_owned(), constant.dims, constant.values));
    }
    keras::model(config, &by_layer, Format::TensorFlowJs)
}

/// All tensors that the manifest lists, by name.
fn weights(manifest: &Json, files: &[(&str, &[u8])]) -> Result<Vec<(String, Constant)>, Error> {
    let broken = |problem: String| Error::broken(Format::TensorFlowJs, problem);
    let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for group in manifest.as_array().into_iter().flatten() {
        let mut data = Vec::new();
        for path in group["paths"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            let file = files
                .iter()
                .find(|(file, _)| name(file) == name(path))
                .ok_or_else(|| Error::Missing { missing: path.into() })?;
            data.extend_from_slice(file.1);
        }
        let mut rest = data.as_slice();
        for weight in group["weights"].as_array().into_iter().flatten() {
            let title = weight["name"].as_str().unwrap_or_default();
            let dims: Vec<usize> =
                weight["shape"].as_array().into_iter().flatten().filter_map(Json::as_u64).map(|d| d as usize).collect();
            let count = dims.iter().try_fold(1usize, |product, d| product.checked_mul(*d));
            let dtype = weight["quantization"]["dtype"].as_str().or(weight["dtype"].as_str()).unwrap_or_default();
            let width = match dtype {
                "float32" | "int32" => 4,
                "float16" | "uint16" => 2,
                "uint8" | "bool" => 1,
                other => return Err(Error::operation(format!("weights stored as {other:?}"))),
            };
            let split =
                count.and_then(|count| count.checked_mul(width)).and_then(|length| rest.split_at_checked(length));
            let (own, after) = split.ok_or_else(|| broken(format!("its shards end before the weight {title:?}")))?;
            rest = after;
            let (scale, least) = (
                weight["quantization"]["scale"].as_f64().unwrap_or(1.0),
                weight["quantization"]["min"].as_f64().unwrap_or(0.0),
            );
            let restored = |n: f64| (n * scale + least) as f32;
            let ints = (dtype == "int32")
                .then(|| own.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect::<Vec<_>>());
            let values = match dtype {
                "float32" => own.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                "int32" => ints.iter().flatten().map(|n| *n as f32).collect(),
                "float16" => own.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
                "uint16" => own.as_chunks().0.iter().map(|b| restored(u16::from_le_bytes(*b).into())).collect(),
                _ => own.iter().map(|b| restored(f64::from(*b))).collect(),
            };
            all.push((title.to_owned(), Constant { dims, values, ints }));
        }
    }
    Ok(all)
}

/// The network in a graph of TensorFlow's operations.
fn graph(topology: &Json, constants: &[(String, Constant)]) -> Result<Body, Error> {
    let mut known: HashMap<String, Known> =
        constants.iter().map(|(name, constant)| (name.clone(), Known::Constant(constant.clone()))).collect();
    let mut graph = Graph::default();
    let nodes: Vec<&Json> = topology["node"].as_array().into_iter().flatten().collect();
    let mut waiting: Vec<&Json> = nodes.iter().copied().filter(|node| node["op"] != "Const").collect();
    let mut last = None;
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut rest = Vec::new();
        for node in waiting {
            let names = inputs(node);
            let found: Option<Vec<Known>> = names.iter().map(|name| known.get(name).cloned()).collect();
            let Some(found) = found else {
                rest.push(node);
                continue;
            };
            let result = operation(node, found, &mut graph)?;
            let name = node["name"].as_str().unwrap_or_default();
            let is_used = nodes.iter().any(|other| inputs(other).iter().any(|input| input == name));
            if let (Known::Value(value), false) = (&result, is_used) {
                last = Some(value.clone());
            }
            known.insert(name.to_owned(), result);
        }
        if rest.len() == before {
            return Err(Error::broken(
                Format::TensorFlowJs,
                "some of its operations need values that none of them gives",
            ));
        }
        waiting = rest;
    }
    let output = last.ok_or_else(|| Error::broken(Format::TensorFlowJs, "it has no output"))?;
    Ok(Body::Operations(graph.finish(&output)?))
}

/// The names of a node's inputs; `^name` is only an order, and `name:0` the first of its results.
fn inputs(node: &Json) -> Vec<String> {
    let names =
        node["input"].as_array().into_iter().flatten().filter_map(Json::as_str).filter(|name| !name.starts_with('^'));
    names.map(|name| name.split(':').next().unwrap_or_default().to_owned()).collect()
}

fn operation(node: &Json, inputs: Vec<Known>, graph: &mut Graph) -> Result<Known, Error> {
    let attributes = &node["attr"];
    let kind = node["op"].as_str().unwrap_or_default();
    let mut call = Call { kind, name: node["name"].as_str().unwrap_or_default(), inputs };
    if kind == "Placeholder" {
        let dims = attributes["shape"]["shape"]["dim"].as_array().into_iter().flatten();
        let mut dims: Vec<usize> =
            dims.map(|d| whole(&d["size"]).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)).collect();
        dims.first_mut().into_iter().for_each(|batch| *batch = 1);
        return Ok(Known::Value(graph.image(&dims, Layout::ChannelsLast)?));
    }
    // Reshape and its like may have -1 and masks, which are as in plain TensorFlow.
    if let Some(known) = call.plain(graph)? {
        return Ok(known);
    }
    let is_channels_first = text(&attributes["data_format"]).as_deref() == Some("NCHW");
    if is_channels_first {
        return Err(Error::operation(format!("{kind} with channels first")));
    }
    let mut fused: Vec<String> =
        attributes["fused_ops"]["list"]["s"].as_array().into_iter().flatten().filter_map(base64).collect();
    if fused.first().is_none_or(|first| first != "BiasAdd") && kind.starts_with("_Fused") {
        call.inputs.truncate(2);
    }
    fused.retain(|operation| operation != "BiasAdd");
    let mut value = match kind {
        "MatMul" | "_FusedMatMul" => {
            let is_in_rows = attributes["transpose_b"]["b"].as_bool() == Some(true);
            if attributes["transpose_a"]["b"].as_bool() == Some(true) {
                return Err(call.wrong("it transposes the image"));
            }
            call.dense(graph, is_in_rows)?
        }
        "Conv2D" | "_FusedConv2D" => call.convolution(graph, moves(attributes, &call)?, false)?,
        "DepthwiseConv2dNative" | "FusedDepthwiseConv2dNative" => {
            call.convolution(graph, moves(attributes, &call)?, true)?
        }
        "MaxPool" | "AvgPool" => {
            let size = pair(&attributes["ksize"]).ok_or_else(|| call.wrong("its window is not four numbers"))?;
            let pooling = if kind == "MaxPool" { Pooling::Max } else { Pooling::AverageInside };
            graph.pool(call.value(0)?, pooling, size, moves(attributes, &call)?, Layout::ChannelsLast)?
        }
        "Mean" | "Max" => {
            let pooling = if kind == "Max" { Pooling::Max } else { Pooling::Average };
            call.mean(graph, pooling, attributes["keep_dims"]["b"].as_bool() == Some(true))?
        }
        "LeakyRelu" => {
            let slope = attributes["alpha"]["f"].as_f64().unwrap_or(0.2) as f32;
            graph.function(call.value(0)?, crate::network::Function::LeakyRelu { slope })?
        }
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => {
            let part = |k| Ok::<_, Error>(call.constant(k)?.values.clone());
            let eps = attributes["epsilon"]["f"].as_f64().unwrap_or(1e-4) as f32;
            let item = normalisation(String::new(), Some(part(1)?), Some(part(2)?), &part(3)?, &part(4)?, eps);
            let Item::Scale { factor, shift, .. } = item else { return Err(call.unknown()) };
            graph.scale(call.value(0)?, &[factor.len()], &factor, &shift)?
        }
        _ => return Err(call.unknown()),
    };
    for name in fused {
        let function = activation(&name).ok_or_else(|| Error::operation(format!("{kind} with {name}")))?;
        value = graph.operation(&value, function)?;
    }
    Ok(Known::Value(value))
}

fn moves(attributes: &Json, call: &Call) -> Result<Moves, Error> {
    let padding = match text(&attributes["padding"]).as_deref() {
        Some("SAME") => Padding::Same,
        Some("VALID") => Padding::Given((0, 0), (0, 0)),
        Some("EXPLICIT") => {
            let all: Vec<usize> = numbers(&attributes["explicit_paddings"]).iter().map(|n| *n as usize).collect();
            let &[_, _, top, bottom, left, right, ..] = all.as_slice() else {
                return Err(call.wrong("its padding is not eight numbers"));
            };
            Padding::Given((top, left), (bottom, right))
        }
        _ => return Err(call.wrong("its padding is not known")),
    };
    let stride = pair(&attributes["strides"]).ok_or_else(|| call.wrong("its strides are not four numbers"))?;
    Ok(Moves { stride, dilation: pair(&attributes["dilations"]).unwrap_or((1, 1)), padding })
}

/// Rows and columns of [batch, rows, columns, channels].
fn pair(attribute: &Json) -> Option<(usize, usize)> {
    match numbers(attribute).as_slice() {
        &[1, rows, columns, 1] if rows > 0 && columns > 0 => Some((rows as usize, columns as usize)),
        _ => None,
    }
}

fn numbers(attribute: &Json) -> Vec<i64> {
    attribute["list"]["i"].as_array().into_iter().flatten().filter_map(whole).collect()
}

/// A whole number, which JSON may have as text.
fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn text(attribute: &Json) -> Option<String> {
    base64(&attribute["s"])
}

/// A text in the 64 letters of RFC 4648.
fn base64(value: &Json) -> Option<String> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for letter in value.as_str()?.bytes().take_while(|letter| *letter != b'=').take(64) {
        bits = (bits << 6 | LETTERS.iter().position(|known| *known == letter)? as u32) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}
