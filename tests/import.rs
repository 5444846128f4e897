//! Networks of other programs: their libraries' outputs, what the files leave open, and the sentences for what is no network.
#![cfg(feature = "import")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use pockets::{
    LABELS, PIXELS,
    idx::Digits,
    import::{self, Choices, Error, Format, Imported, Subject},
    network::{self, Network, kernel::Evaluator},
};
use safetensors::SafeTensors;
use std::fs;

fn bytes(name: &str) -> Vec<u8> {
    fs::read(format!("{}/tests/fixtures/imports/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The 300 digits that the project has.
fn digits() -> Digits {
    let read =
        |part: &str| fs::read(format!("{}/tests/fixtures/mnist-300-{part}-ubyte", env!("CARGO_MANIFEST_DIR"))).unwrap();
    Digits::parse(&read("images-idx3"), &read("labels-idx1")).unwrap()
}

fn read(names: &[&str]) -> Result<Imported, Error> {
    let files: Vec<Vec<u8>> = names.iter().map(|name| bytes(name)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().copied().zip(files.iter().map(Vec::as_slice)).collect();
    import::read(&files, None)
}

/// The images, with what a library makes of each: `logits` or `probabilities`.
fn expected(name: &str) -> (Vec<Vec<f32>>, String, Vec<Vec<f32>>) {
    let [images, file] = ["images", name].map(|name| bytes(&format!("{name}.expected")));
    let [images, file] = [&images, &file].map(|file| SafeTensors::deserialize(file).unwrap());
    let rows = |file: &SafeTensors, part: &str| -> Vec<Vec<f32>> {
        let tensor = file.tensor(part).unwrap();
        let values: Vec<f32> = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        values.chunks_exact(tensor.shape()[1]).map(<[f32]>::to_vec).collect()
    };
    let kind = if file.names().contains(&"logits") { "logits" } else { "probabilities" };
    (rows(&images, "images"), kind.into(), rows(&file, kind))
}

/// Logits as the library would have them: it may end in a softmax, or in its logarithm.
fn assert_same(name: &str, kind: &str, logits: &[f32; LABELS], expected: &[f32]) {
    let probabilities = network::probabilities(logits);
    let logs = probabilities.map(f32::ln);
    let is_log = kind == "logits" && (expected.iter().map(|v| v.exp()).sum::<f32>() - 1.0).abs() < 1e-3;
    let found = if kind == "probabilities" {
        &probabilities
    } else if is_log {
        &logs
    } else {
        logits
    };
    let size = expected.iter().fold(0.1f32, |m, v| m.max(v.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 2e-5 * size, "{name}: {found:?} is not {expected:?}");
    }
}

#[test]
fn networks_of_other_programs_have_their_outputs_and_gradients_of_the_plain_pass() {
    for (name, files) in [
        ("plain", &["plain.pth"][..]),
        ("checkpoint", &["checkpoint.pth"]),
        ("module", &["module.pt"]),
        ("words", &["words.safetensors"]),
        ("residual", &["residual.onnx"]),
        ("last", &["last.onnx", "last.onnx.data"]),
        ("mixed", &["mixed.h5"]),
        ("mixed", &["mixed.keras"]),
        ("functional", &["functional.h5"]),
        ("functional", &["functional.keras"]),
        ("flat", &["flat.json", "shard1of1.bin"]),
        ("small", &["small.tflite"]),
    ] {
        let imported = read(files).unwrap_or_else(|e| panic!("{files:?}: {e}"));
        let network = Network::from_safetensors(&imported.safetensors).unwrap();
        let mut evaluator = Evaluator::new(network.clone());
        let (images, kind, outputs) = expected(name);
        assert_eq!(images.len(), 14);
        for (k, (image, outputs)) in images.iter().zip(&outputs).enumerate() {
            assert_same(&format!("{files:?}, plain"), &kind, &network.logits(image), outputs);
            assert_same(&format!("{files:?}, kernel"), &kind, evaluator.logits(image), outputs);
            // The white of digits has equal numbers under every maximum, where there is no one slope.
            if k >= 10 {
                assert_slope(&format!("{files:?}"), &network, &mut evaluator, image);
            }
        }
    }
}

/// The kernel's gradient of one logit, along itself, is what the plain pass's differences are.
fn assert_slope(name: &str, network: &Network, evaluator: &mut Evaluator, image: &[f32]) {
    let mut one = [0.0; LABELS];
    one[3] = 1.0;
    evaluator.logits(image);
    let mut gradient = vec![0.0; PIXELS];
    evaluator.input_gradient(&one, &mut gradient);
    let square: f64 = gradient.iter().map(|g| f64::from(g * g)).sum();
    if square < 1e-6 {
        return;
    }
    let step = 1e-4 / square.sqrt() * f64::from(network.logits(image)[3].abs().max(0.1));
    let at = |t: f64| {
        let moved: Vec<f32> =
            image.iter().zip(&gradient).map(|(x, g)| (f64::from(*x) + t * f64::from(*g)) as f32).collect();
        f64::from(network.logits(&moved)[3])
    };
    let difference = (at(step / square.sqrt()) - at(-step / square.sqrt())) / (2.0 * step / square.sqrt());
    // Kinks of maxima may lie between.
    assert!((difference / square - 1.0).abs() < 0.1, "{name}: slope {square}, difference {difference}");
}

#[test]
fn what_a_state_dict_leaves_open_is_said_and_can_be_chosen() {
    let file = bytes("plain.pth");
    let files: &[(&str, &[u8])] = &[("plain.pth", &file)];
    let imported = import::read(files, Some(&digits())).unwrap();
    assert_eq!((imported.format, imported.accuracy.unwrap().of), (Format::PyTorch, 300));
    let subjects: Vec<Subject> = imported.assumptions.iter().map(|a| a.subject).collect();
    let all = [Subject::Input, Subject::Activation, Subject::Pooling, Subject::Arrangement];
    assert!(all.iter().all(|subject| subjects.contains(subject)), "{subjects:?}");
    assert_eq!(imported.warnings.len(), 1, "it was never trained: {:?}", imported.warnings);
    for assumption in &imported.assumptions {
        for other in assumption.alternatives.iter().filter(|_| assumption.subject != Subject::Unactivated) {
            let choices = Choices(vec![(assumption.subject, other.value.clone())]);
            let chosen = import::read_with(files, None, &choices).unwrap();
            let taken = chosen.assumptions.iter().find(|a| a.subject == assumption.subject);
            if let Some(taken) = taken {
                assert_eq!(taken.taken, other.value);
            }
            Network::from_safetensors(&chosen.safetensors).unwrap();
        }
    }
    let refused = import::read_with(files, None, &Choices(vec![(Subject::Activation, "maxout".into())])).unwrap_err();
    assert!(refused.to_string().contains("they are relu; tanh"), "{refused}");
}

#[test]
fn digits_tell_how_a_network_wants_its_image_and_which_activation_it_has() {
    // A shipped network, as a state dict that has neither its normalisation nor its activation.
    let path = format!("{}/networks/FC100-100-10.safetensors", env!("CARGO_MANIFEST_DIR"));
    let network = Network::from_safetensors(&fs::read(path).unwrap()).unwrap();
    let mlp = network.mlp().unwrap();
    for (factor, shift, said) in
        [(1.0f32, 0.0f32, "pixels / 255"), (255.0, 0.0, "pixels 0 to 255"), (-1.0, 1.0, "inverted")]
    {
        let mut entries = Vec::new();
        for (k, layer) in mlp.layers().iter().enumerate() {
            let (mut weight, mut bias) = (layer.weight.clone(), layer.bias.clone());
            if k == 0 {
                // W·x + b = W/f·(f·x + s) + (b − W·s/f)
                for (row, b) in weight.chunks_exact_mut(layer.inputs).zip(&mut bias) {
                    *b -= row.iter().map(|w| w * shift / factor).sum::<f32>();
                    row.iter_mut().for_each(|w| *w /= factor);
                }
            }
            let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
            entries.push((format!("net.{k}.weight"), vec![layer.outputs, layer.inputs], bytes(&weight)));
            entries.push((format!("net.{k}.bias"), vec![layer.outputs], bytes(&bias)));
        }
        let views = entries.iter().map(|(name, shape, bytes)| {
            (name.clone(), safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
        });
        let file = safetensors::serialize(views, None).unwrap();
        let imported = import::read(&[("net.safetensors", &file)], Some(&digits())).unwrap();
        let taken = |subject| &imported.assumptions.iter().find(|a| a.subject == subject).unwrap().taken;
        assert_eq!(
            (taken(Subject::Input).as_str(), taken(Subject::Activation).as_str()),
            (said, mlp.activation().name())
        );
        let again = Network::from_safetensors(&imported.safetensors).unwrap();
        for (image, _) in digits().iter().take(20) {
            assert_eq!(network::label(&again.logits(&image)), network::label(&network.logits(&image)));
        }
    }
}

#[test]
fn what_is_no_network_is_refused_in_a_sentence() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let given: [(&str, &[u8], &str); 5] = [
        ("a.onnx", pointer, "Git LFS pointer"),
        ("a.h5", b"\n<!DOCTYPE html><html>", "web page"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "no network that is known here"),
        ("a.pt", b"", "is not whole"),
        ("a.json", b"{\"a\": 1}", "without a modelTopology"),
    ];
    for (name, bytes, part) in given {
        let refused = import::read(&[(name, bytes)], None).unwrap_err().to_string();
        assert!(refused.contains(part), "{name}: {refused}");
    }
    for (files, part) in [
        (&["optimizer.pt"][..], "the state of an optimizer"),
        (&["script.pt"], "TorchScript"),
        (&["lstm.onnx"], "values of shape"),
        (&["last.onnx"], "\"last.onnx.data\", which is not here"),
        (&["flat.json"], "\"shard1of1.bin\", which is not here"),
        (&["only.weights.h5"], "weights without the network"),
        (&["letters.keras"], "gives 47 values"),
    ] {
        let refused = read(files).unwrap_err().to_string();
        assert!(refused.contains(part), "{files:?}: {refused}");
    }
    assert_eq!(import::read(&[], None).unwrap_err(), Error::Nothing);
}

#[test]
fn files_that_are_cut_off_or_changed_end_in_a_sentence_or_a_network() {
    for name in [
        "plain.pth",
        "checkpoint.pth",
        "module.pt",
        "words.safetensors",
        "residual.onnx",
        "functional.h5",
        "functional.keras",
        "flat.json",
        "small.tflite",
    ] {
        let whole = bytes(name);
        for k in 0..40 {
            let mut file = whole.clone();
            let place = k * 7919 % file.len();
            file[place] ^= 0x55;
            if let Err(error) = import::read(&[(name, &file)], None) {
                assert!(error.to_string().len() > 20);
            }
            assert!(import::read(&[(name, &whole[..whole.len() * k / 41])], None).is_err(), "{name} cut at {k}/41");
        }
    }
}

#[test]
fn layers_without_numbers_are_put_in_the_one_order_that_fits_and_else_refused() {
    let file = |layers: &[(&str, usize, usize)]| {
        let zeros: Vec<Vec<u8>> = layers.iter().map(|(_, outputs, inputs)| vec![0; 4 * outputs * inputs]).collect();
        let views = layers.iter().zip(&zeros).map(|((name, outputs, inputs), bytes)| {
            (
                format!("{name}.weight"),
                safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![*outputs, *inputs], bytes).unwrap(),
            )
        });
        safetensors::serialize(views, None).unwrap()
    };
    let words = [("fc_one", 5, PIXELS), ("fc_two", 7, 5), ("fc_three", LABELS, 7)];
    let imported = import::read(&[("a.safetensors", &file(&words))], None).unwrap();
    assert_eq!(imported.operations, ["dense 784→5", "relu", "dense 5→7", "relu", "dense 7→10"]);
    let alike = [("fc_one", 5, PIXELS), ("fc_two", 5, 5), ("fc_three", 5, 5), ("fc_four", LABELS, 5)];
    let refused = import::read(&[("a.safetensors", &file(&alike))], None).unwrap_err().to_string();
    assert!(refused.contains("in more than one order"), "{refused}");
    let numbered = [("fc1", 5, PIXELS), ("fc2", 5, 5), ("fc10", 5, 5), ("fc11", LABELS, 5)];
    assert_eq!(import::read(&[("a.safetensors", &file(&numbered))], None).unwrap().operations.len(), 7);
}
