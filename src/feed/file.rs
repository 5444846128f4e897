//! The safetensors file of a network, in F32: what the page's visitors take home.
//!
//! Written by hand for the reason that it is read by hand (see `network::container`): the crate brings a JSON library along.

use crate::network::Mlp;

/// A file that [`Mlp::from_safetensors`] reads again number by number, as does Python's safetensors; with further `metadata`
/// entries beside `activation` and `name`.
pub fn to_safetensors(network: &Mlp, metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut header = String::from("{\"__metadata__\":{");
    let known = [("activation", network.activation().name()), ("name", network.name())];
    for (k, (key, value)) in known.iter().chain(metadata).enumerate() {
        header.push_str(if k > 0 { "," } else { "" });
        header.push_str(&format!("{}:{}", quoted(key), quoted(value)));
    }
    header.push('}');
    let mut data = Vec::new();
    let mut tensor = |name: String, shape: &[usize], values: &[f32]| {
        let begin = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        header.push_str(&format!(
            ",{}:{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{begin},{}]}}",
            quoted(&name),
            data.len()
        ));
    };
    for (k, layer) in (1..).zip(network.layers()) {
        tensor(format!("fc{k}.weight"), &[layer.outputs, layer.inputs], &layer.weight);
        tensor(format!("fc{k}.bias"), &[layer.outputs], &layer.bias);
    }
    header.push('}');
    // The data begins at a multiple of eight bytes.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}
