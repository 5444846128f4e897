//! Network files: what is accepted, and the sentence with which the rest is refused.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use half::f16;
use pockets::{
    PIXELS,
    network::{Activation, Layer, Mlp, NetworkError},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

type Entry<'a> = (&'a str, &'a [usize], Dtype);

/// A file of small, different weights.
fn file(entries: &[Entry], metadata: &[(&str, &str)]) -> Vec<u8> {
    let buffers: Vec<Vec<u8>> = entries
        .iter()
        .map(|(_, shape, dtype)| {
            let values = (0..shape.iter().product()).map(|i: usize| (i % 17) as f32 / 64.0 - 0.1);
            match dtype {
                Dtype::F32 => values.flat_map(f32::to_le_bytes).collect(),
                Dtype::F64 => values.flat_map(|v| f64::from(v).to_le_bytes()).collect(),
                Dtype::F16 => values.flat_map(|v| f16::from_f32(v).to_le_bytes()).collect(),
                Dtype::I32 => values.flat_map(|v| ((64.0 * v) as i32).to_le_bytes()).collect(),
                Dtype::I8 => values.map(|v| (64.0 * v).round() as i8 as u8).collect(),
                other => panic!("no test writes {other:?}"),
            }
        })
        .collect();
    let views = entries.iter().zip(&buffers).map(|((name, shape, dtype), bytes)| {
        (name.to_string(), TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
    });
    let header: HashMap<String, String> = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    safetensors::serialize(views, Some(header)).unwrap()
}

const SIGMOID: &[(&str, &str)] = &[("activation", "sigmoid"), ("name", "small")];
const SMALL: &[Entry] = &[
    ("fc1.weight", &[12, PIXELS], Dtype::F32),
    ("fc1.bias", &[12], Dtype::F32),
    ("fc2.weight", &[10, 12], Dtype::F32),
    ("fc2.bias", &[10], Dtype::F32),
];

fn refusal(bytes: &[u8]) -> String {
    Mlp::from_safetensors(bytes).unwrap_err().to_string()
}

#[test]
fn a_contract_file_gives_its_name_activation_and_layers() {
    let network = Mlp::from_safetensors(&file(SMALL, SIGMOID)).unwrap();
    assert_eq!((network.name(), network.activation()), ("small", Activation::Sigmoid));
    let shapes: Vec<_> = network.layers().iter().map(|l| (l.outputs, l.inputs)).collect();
    assert_eq!(shapes, [(12, PIXELS), (10, 12)]);
    assert_eq!(network.layers()[1].weight[..3], [-0.1, 1.0 / 64.0 - 0.1, 2.0 / 64.0 - 0.1], "row-major, [out, in]");
}

#[test]
fn f16_weights_are_read_as_the_numbers_they_round_to() {
    let halves: Vec<Entry> = SMALL.iter().map(|&(name, shape, _)| (name, shape, Dtype::F16)).collect();
    let network = Mlp::from_safetensors(&file(&halves, SIGMOID)).unwrap();
    assert_eq!(network.layers()[0].weight[1], f16::from_f32(1.0 / 64.0 - 0.1).to_f32());
}

#[test]
fn what_is_written_is_read_back() {
    let network = Mlp::from_safetensors(&file(SMALL, &[("activation", "tanh"), ("name", "again")])).unwrap();
    let bytes = network.to_safetensors_f16(&[("seed", "7".into())]).unwrap();
    let again = Mlp::from_safetensors(&bytes).unwrap();
    assert_eq!((again.name(), again.activation()), ("again", Activation::Tanh));
    assert_eq!(again.layers().len(), 2);
    assert_eq!(
        Mlp::from_safetensors(&again.to_safetensors_f16(&[]).unwrap()).unwrap(),
        again,
        "F16 is exact the second time"
    );
}

/// [`SMALL`] with the weights of its first layer in 8 bits.
const EIGHT_BITS: &[Entry] = &[
    ("fc1.weight", &[12, PIXELS], Dtype::I8),
    ("fc1.weight_scale", &[12], Dtype::F32),
    ("fc1.bias", &[12], Dtype::F32),
    ("fc2.weight", &[10, 12], Dtype::F32),
    ("fc2.bias", &[10], Dtype::F32),
];

#[test]
fn weights_of_8_bits_are_multiples_of_their_rows_scale() {
    let network = Mlp::from_safetensors(&file(EIGHT_BITS, SIGMOID)).unwrap();
    let (scale, row) = (2.0 / 64.0 - 0.1, &network.layers()[0].weight[2 * PIXELS..]); // 1568 = 92·17 + 4
    assert_eq!(row[..3], [-2.0 * scale, -scale, 0.0]);
}

#[test]
fn packing_into_8_bits_moves_no_weight_by_more_than_half_a_step() {
    let whole = Mlp::from_safetensors(&file(SMALL, SIGMOID)).unwrap();
    let packed = whole.to_safetensors_i8(&[("seed", "7".into())]).unwrap();
    assert!(packed.len() < file(SMALL, SIGMOID).len() / 3);
    let packed = Mlp::from_safetensors(&packed).unwrap();
    assert_eq!((packed.name(), packed.activation()), (whole.name(), whole.activation()));
    for (a, b) in whole.layers().iter().zip(packed.layers()) {
        assert_eq!(a.bias, b.bias);
        // A row's largest weight is 63 steps; of a layer of many weights an eighth of their spread is one for all.
        let square: f64 = a.weight.iter().map(|w| f64::from(w * w)).sum();
        let spread = (square / a.weight.len() as f64).sqrt() as f32;
        for (exact, rounded) in a.weight.chunks_exact(a.inputs).zip(b.weight.chunks_exact(a.inputs)) {
            let largest = exact.iter().fold(0.0f32, |m, w| m.max(w.abs()));
            let step = if a.weight.len() > 8192 { spread / 8.0 } else { largest / 63.0 };
            assert!(largest <= 127.0 * step);
            assert!(exact.iter().zip(rounded).all(|(w, q)| (w - q).abs() <= 0.5001 * step));
        }
    }
}

#[test]
fn a_weight_far_from_the_others_has_a_row_of_its_own_scale() {
    let mut weight: Vec<f32> = (0..20 * PIXELS).map(|k| [-0.1, 0.1][k % 2]).collect();
    weight[3 * PIXELS] = 5.0;
    let first = Layer { inputs: PIXELS, outputs: 20, weight, bias: vec![0.0; 20] };
    let last = Layer { inputs: 20, outputs: 10, weight: vec![1.0; 200], bias: vec![0.0; 10] };
    let whole = Mlp::new("outlier", Activation::Sigmoid, vec![first, last]).unwrap();
    let packed = Mlp::from_safetensors(&whole.to_safetensors_i8(&[]).unwrap()).unwrap();
    for (row, step) in [(2, 0.108 / 8.0), (3, 5.0 / 127.0)] {
        let [exact, rounded] = [&whole, &packed].map(|n| &n.layers()[0].weight[row * PIXELS..][..PIXELS]);
        let moved = exact.iter().zip(rounded).fold(0.0f32, |m, (w, q)| m.max((w - q).abs()));
        assert!(moved > 0.0 && moved <= 0.51 * step, "row {row} is moved by {moved}");
    }
    assert!((packed.layers()[0].weight[3 * PIXELS] - 5.0).abs() < 1e-5);
}

#[test]
fn a_row_of_zeros_packs_into_zeros() {
    let layer =
        |value: f32| Layer { inputs: PIXELS, outputs: 10, weight: vec![value; 10 * PIXELS], bias: vec![0.0; 10] };
    for value in [0.0, 1e-44, 1e-37] {
        let network = Mlp::new("zeros", Activation::Sigmoid, vec![layer(value)]).unwrap();
        let packed = Mlp::from_safetensors(&network.to_safetensors_i8(&[]).unwrap()).unwrap();
        assert_eq!(packed.layers(), [layer(0.0)]);
    }
}

#[test]
fn weights_of_8_bits_without_fitting_scales_are_refused() {
    let with = |change: &dyn Fn(&mut Vec<Entry<'static>>)| {
        let mut entries = EIGHT_BITS.to_vec();
        change(&mut entries);
        refusal(&file(&entries, SIGMOID))
    };
    let cases: [(String, &[&str]); 6] = [
        (
            with(&|e| e.retain(|(name, ..)| *name != "fc1.weight_scale")),
            &["fc1.weight is stored as I8", "fc1.weight_scale is not there"],
        ),
        (with(&|e| e[0].2 = Dtype::F16), &["fc1.weight is stored as F16", "fc1.weight_scale is there"]),
        (with(&|e| e[1].1 = &[13]), &["fc1.weight_scale", "[13]", "[12]"]),
        (with(&|e| e[1].2 = Dtype::I8), &["fc1.weight_scale", "I8", "F32"]),
        (with(&|e| e[2].2 = Dtype::I8), &["fc1.bias", "I8", "F32"]),
        (with(&|e| e[1].0 = "fc3.weight_scale"), &["fc1.weight_scale is not there"]),
    ];
    for (sentence, words) in cases {
        assert!(words.iter().all(|word| sentence.contains(word)), "{sentence:?} does not say {words:?}");
    }
    let mut bytes = file(EIGHT_BITS, SIGMOID);
    let scale = bytes.len() - 12 * PIXELS - 4; // tensors are sorted by the size of their numbers, then by name
    bytes[scale..scale + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let sentence = refusal(&bytes);
    assert!(sentence.contains("finite"), "{sentence}");
}

#[test]
fn pytorch_names_are_taken_in_natural_order() {
    for pattern in ["{}", "layers.{}", "net.{}.linear", "fc{}"] {
        let mut entries = Vec::new();
        let mut width = PIXELS;
        let widths = [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10];
        let names: Vec<String> = (0..widths.len()).map(|k| pattern.replace("{}", &(2 * k).to_string())).collect();
        let tensors: Vec<(String, String)> =
            names.iter().map(|name| (format!("{name}.weight"), format!("{name}.bias"))).collect();
        let shapes: Vec<([usize; 2], [usize; 1])> = widths
            .iter()
            .map(|&out| {
                let shape = ([out, width], [out]);
                width = out;
                shape
            })
            .collect();
        for ((weight, bias), (matrix, vector)) in tensors.iter().zip(&shapes) {
            entries.push((weight.as_str(), matrix.as_slice(), Dtype::F32));
            entries.push((bias.as_str(), vector.as_slice(), Dtype::F32));
        }
        let network = Mlp::from_safetensors(&file(&entries, &[("activation", "relu")])).unwrap();
        let outputs: Vec<usize> = network.layers().iter().map(|l| l.outputs).collect();
        assert_eq!(outputs, widths, "{pattern}");
    }
}

#[test]
fn a_layer_named_by_a_number_comes_before_one_named_by_a_word() {
    let entries: [Entry; 4] = [
        ("out.weight", &[10, 12], Dtype::F32),
        ("out.bias", &[10], Dtype::F32),
        ("1.weight", &[12, PIXELS], Dtype::F32),
        ("1.bias", &[12], Dtype::F32),
    ];
    let network = Mlp::from_safetensors(&file(&entries, &[("activation", "relu")])).unwrap();
    assert_eq!(network.layers().iter().map(|l| l.outputs).collect::<Vec<_>>(), [12, 10]);
}

#[test]
fn a_network_without_hidden_layers_needs_no_activation() {
    let network = Mlp::from_safetensors(&file(
        &[("linear.weight", &[10, PIXELS], Dtype::F32), ("linear.bias", &[10], Dtype::F32)],
        &[("format", "pt")],
    ));
    assert_eq!(network.unwrap().name(), "784-10");
}

#[test]
fn wide_weights_are_rounded_and_a_layer_may_have_no_bias() {
    let wide: Vec<Entry> = SMALL.iter().map(|&(name, shape, _)| (name, shape, Dtype::F64)).collect();
    assert_eq!(
        Mlp::from_safetensors(&file(&wide, SIGMOID)).unwrap(),
        Mlp::from_safetensors(&file(SMALL, SIGMOID)).unwrap()
    );
    let network = Mlp::from_safetensors(&file(&SMALL[..3], SIGMOID)).unwrap();
    assert_eq!(network.layers()[1].bias, [0.0; 10]);
}

#[test]
fn every_refusal_says_what_was_found_and_what_was_expected() {
    let with = |change: &dyn Fn(&mut Vec<Entry<'static>>)| {
        let mut entries = SMALL.to_vec();
        change(&mut entries);
        file(&entries, SIGMOID)
    };
    let cases: [(Vec<u8>, &[&str]); 11] = [
        (with(&|e| (e[2].1, e[3].1) = (&[9, 12], &[9])), &["fc2.weight", "[9, 12]", "[10, 12]"]),
        (with(&|e| e[0].1 = &[12, 785]), &["fc1.weight", "[12, 785]", "784"]),
        (with(&|e| e[2].1 = &[10, 13]), &["fc2.weight", "[10, 13]", "width of fc1"]),
        (with(&|e| e[3].1 = &[11]), &["fc2.bias", "[11]", "[10]"]),
        (with(&|e| e[0].1 = &[12, 28, 28]), &["fc1.weight", "[12, 28, 28]", "two dimensions"]),
        (with(&|e| e[0].2 = Dtype::I32), &["fc1.weight", "I32", "F32"]),
        (with(&|e| e[3].0 = "fc2.running_mean"), &["fc2.running_mean", "weight"]),
        (with(&|e| e[2] = ("fc3.bias", &[10], Dtype::F32)), &["no weight"]),
        (with(&|e| e.clear()), &["no tensors", "fc1.weight"]),
        (file(SMALL, &[("name", "x")]), &["nothing", "sigmoid", "relu", "tanh"]),
        (file(SMALL, &[("activation", "swish")]), &["swish", "sigmoid", "relu", "tanh"]),
    ];
    for (bytes, words) in cases {
        let sentence = refusal(&bytes);
        for word in words {
            assert!(sentence.contains(word), "{sentence:?} does not say {word:?}");
        }
    }
}

#[test]
fn weights_that_are_not_finite_are_refused_by_name() {
    for (bad, word) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let mut bytes = file(SMALL, SIGMOID);
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&bad.to_le_bytes()); // tensors are sorted: fc2.weight is the last
        let sentence = refusal(&bytes);
        assert!(sentence.contains("fc2.weight") && sentence.contains(word), "{sentence}");
    }
}

#[test]
fn truncated_and_hostile_files_are_refused_without_a_panic() {
    let whole = file(SMALL, SIGMOID);
    for length in (0..400).chain((400..whole.len()).step_by(997)).chain([whole.len() - 1]) {
        let error = Mlp::from_safetensors(&whole[..length]).unwrap_err();
        assert!(matches!(error, NetworkError::Container(_)), "{length} bytes: {error}");
    }
    let header = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &[0; 64]].concat();
    let hostile = [
        vec![0xff; 16],
        header(r#"{"fc1.weight":{"dtype":"F16","shape":[10,784],"data_offsets":[0,64]}}"#),
        header(r#"{"fc1.weight":{"dtype":"I8","shape":[10,784],"data_offsets":[0,64]}}"#),
        header(r#"{"fc1.weight":{"dtype":"F32","shape":[016],"data_offsets":[0,64]}}"#),
        header(r#"{"fc1.weight":{"dtype":"F32","shape":[10,784],"data_offsets":[0,64]}}"#),
        header(r#"{"fc1.weight":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,64]}}"#),
        header(r#"{"fc1.weight":{"dtype":"F32","shape":[16],"data_offsets":[64,0]}}"#),
        header(r#"{"fc1.weight":"#),
        header(r#"[1,2,3]"#),
        b"\x89PNG\r\n\x1a\n and so on and so forth".to_vec(),
    ];
    for bytes in hostile {
        let error = Mlp::from_safetensors(&bytes).unwrap_err();
        assert!(matches!(error, NetworkError::Container(_)), "{error}");
    }
    let long = refusal(&[&u64::MAX.to_le_bytes()[..], b"{}"].concat());
    assert!(long.contains("it does not begin with the length of a header"), "{long}");
    // A byte changed anywhere in the header must be refused or read, but never panic.
    for (place, change) in (0..400).flat_map(|place| [1, 2, 4, 0x15, 0x20, 0x7f].map(|change| (place, change))) {
        let mut bytes = whole.clone();
        bytes[place] ^= change;
        let ours = Mlp::from_safetensors(&bytes);
        let theirs = SafeTensors::deserialize(&bytes);
        // What the safetensors crate reads may be no network of ours, but it is a container; and the other way about.
        match (&ours, &theirs) {
            (Err(NetworkError::Container(why)), Ok(_)) => panic!("{place} {change:#x}: only we refuse it: {why}"),
            (Ok(_), Err(why)) => panic!("{place} {change:#x}: only we read it: {why}"),
            _ => {}
        }
    }
}

#[test]
fn a_file_of_very_many_tensors_is_refused_before_their_names_are_compared() {
    let tensors: Vec<String> =
        (0..100_000).map(|k| format!(r#""{k}.weight":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#)).collect();
    let header = format!("{{{}}}", tensors.join(","));
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    assert!(refusal(&bytes).contains("it has more than 1000 tensors"), "{}", refusal(&bytes));
}

#[test]
fn headers_in_any_valid_json_are_read() {
    let data = [&[0u8; 10 * PIXELS * 4][..], &[0; 40]].concat();
    let with =
        |text: &str| Mlp::from_safetensors(&[&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &data].concat());
    let network = with(
        " {\n\t\"a.bias\" : {\"data_offsets\":[ 31360 ,31400],\"shape\":[10],\"dtype\":\"F32\"},\r\n\"__metadata__\":{\"name\":\
         \"\\u0041\\ud83d\\ude00\\\"\\b\\f\\n\\r\\t/\\/é\",\"empty\":\"\"},\"a.weight\":{\"dtype\":\"F32\",\"shape\":[10,784],\"data_offsets\":[0,31360]}}   ",
    );
    assert_eq!(network.unwrap().name(), "A😀\"\u{8}\u{c}\n\r\t//é");
    let header = |name: &str| {
        format!(
            r#"{{"__metadata__":{{"name":"{name}"}},"a.bias":{{"dtype":"F32","shape":[10],"data_offsets":[31360,31400]}},
               "a.weight":{{"dtype":"F32","shape":[10,784],"data_offsets":[0,31360]}}}}"#
        )
    };
    assert_eq!(with(&header("plain")).unwrap().name(), "plain");
    for wrong in [r"\x", r"\u12", r"\u+123", r"\ud83d", r"\ud83d\u0041", r"\ud83d--de00", "\n", "\\"] {
        assert!(matches!(with(&header(wrong)), Err(NetworkError::Container(_))), "{wrong:?}");
    }
    let twice = header("plain").replace("a.bias", "a.weight");
    assert!(matches!(with(&twice), Err(NetworkError::Container(_))));
}
