//! What a layer's configuration says.

use super::DEEPEST;
use crate::{
    import::{
        Error,
        graph::{Kernel, Layout, Moves, Padding},
    },
    network::Edges,
};
use serde_json::Value as Json;

/// A layer's weights in the order in which Keras numbers them.
pub(super) fn parts(layer: &Json) -> Vec<&'static str> {
    let config = &layer["config"];
    let has = |key: &str| config[key].as_bool() != Some(false);
    let bias = has("use_bias").then_some("bias");
    match layer["class_name"].as_str().unwrap_or_default() {
        "BatchNormalization" => {
            let own = [has("scale").then_some("gamma"), has("center").then_some("beta")];
            own.into_iter().flatten().chain(["moving_mean", "moving_variance"]).collect()
        }
        "SeparableConv2D" => ["depthwise_kernel", "pointwise_kernel"].into_iter().chain(bias).collect(),
        "DepthwiseConv2D" => ["kernel"].into_iter().chain(bias).collect(),
        "PReLU" => vec!["alpha"],
        "Normalization" => vec!["mean", "variance"],
        _ => ["kernel"].into_iter().chain(bias).collect(),
    }
}

/// The layers of models in each other, in one row.
pub(super) fn flattened(layers: &[Json], depth: usize) -> Result<Vec<&Json>, Error> {
    if depth > DEEPEST {
        return Err(Error::operation("models in each other without end"));
    }
    let mut all = Vec::new();
    for layer in layers {
        match (layer["class_name"].as_str(), layer["config"]["layers"].as_array()) {
            (Some("Sequential"), Some(inner)) => all.extend(flattened(inner, depth + 1)?),
            _ => all.push(layer),
        }
    }
    Ok(all
        .into_iter()
        .enumerate()
        .filter(|(k, layer)| *k == 0 || layer["class_name"] != "InputLayer")
        .map(|(_, layer)| layer)
        .collect())
}

/// The names of the layers that go into one: Keras 3 says them deep in an object, Keras 2 in a list.
pub(super) fn sources(nodes: &Json, depth: usize) -> Vec<String> {
    if depth > DEEPEST {
        return Vec::new();
    }
    match nodes {
        Json::Object(object) => match object.get("keras_history") {
            Some(history) => history[0].as_str().map(str::to_owned).into_iter().collect(),
            None => object.values().flat_map(|value| sources(value, depth + 1)).collect(),
        },
        Json::Array(list) => match list.as_slice() {
            [Json::String(name), Json::Number(_), Json::Number(_), ..] => vec![name.clone()],
            all => all.iter().flat_map(|value| sources(value, depth + 1)).collect(),
        },
        _ => Vec::new(),
    }
}

pub(super) fn layout(config: &Json) -> Layout {
    if config["data_format"].as_str() == Some("channels_first") { Layout::ChannelsFirst } else { Layout::ChannelsLast }
}

/// A kernel [rows, columns, in, out], or [rows, columns, channels, outputs of each].
pub(in crate::import) fn kernel(
    shape: &[usize],
    weight: &[f32],
    bias: Option<Vec<f32>>,
    is_deep: bool,
) -> Option<Kernel> {
    let &[rows, columns, inputs, outputs] = shape else { return None };
    let area = rows.checked_mul(columns)?;
    let count = area.checked_mul(inputs)?.checked_mul(outputs)?;
    if count != weight.len() {
        return None;
    }
    let mut all = vec![0.0; count];
    for (k, w) in weight.iter().enumerate() {
        let (place, input, output) = (k / (inputs * outputs), k / outputs % inputs, k % outputs);
        let row = if is_deep { input * outputs + output } else { output * inputs + input };
        all[row * area + place] = *w;
    }
    Some(if is_deep {
        Kernel { shape: [inputs * outputs, 1, rows, columns], weight: all, bias, groups: inputs }
    } else {
        Kernel { shape: [outputs, inputs, rows, columns], weight: all, bias, groups: 1 }
    })
}

pub(super) fn moves(config: &Json, usual: (usize, usize)) -> Result<Moves, Error> {
    let padding = match config["padding"].as_str() {
        Some("same") => Padding::Same,
        Some("valid") | None => Padding::Given((0, 0), (0, 0)),
        Some(other) => return Err(Error::operation(format!("padding {other:?}"))),
    };
    let stride = pair(&config["strides"]).unwrap_or(usual);
    Ok(Moves { stride, dilation: pair(&config["dilation_rate"]).unwrap_or((1, 1)), padding })
}

pub(super) fn pair(value: &Json) -> Option<(usize, usize)> {
    let number = |value: &Json| value.as_u64().map(|n| n as usize);
    match number(value) {
        Some(both) => Some((both, both)),
        None => number(&value[0]).zip(number(&value[1])),
    }
}

/// One number, one for rows and columns, or two for each.
pub(super) fn edges(padding: &Json) -> Option<Edges> {
    let side = |value: &Json| pair(value);
    let ((top, bottom), (left, right)) = match padding {
        Json::Number(_) => (side(padding)?, side(padding)?),
        _ => (side(&padding[0])?, side(&padding[1])?),
    };
    Some(Edges { top, bottom, left, right })
}
