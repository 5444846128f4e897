//! Networks of one operation after another: PyTorch's numbers, candle's gradients, finite differences, and the sentence
//! with which anything else is refused.
#![cfg(feature = "lab")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::ops::{log_softmax, sigmoid};
use pockets::{
    LABELS, PIXELS,
    attack::{Attack, Goal, Options},
    network::{
        self, Activation, Edges, Function, Layer, Mlp, Network, NetworkError, Operation, SELU, Sequential, Window,
        kernel::Evaluator,
    },
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;
use support::bytes;

/// PyTorch's account of a network: images, logits, and the gradient of the cross-entropy to label 3.
struct Expected(Vec<u8>);

impl Expected {
    fn of(name: &str) -> Self {
        Expected(bytes(&format!("tests/fixtures/pytorch/{name}.expected.safetensors")))
    }

    fn rows(&self, part: &str) -> Vec<Vec<f32>> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(part).unwrap();
        let values: Vec<f32> =
            tensor.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        values.chunks_exact(tensor.shape()[1]).map(<[f32]>::to_vec).collect()
    }
}

fn pytorch(name: &str) -> Network {
    Network::from_safetensors(&bytes(&format!("tests/fixtures/pytorch/{name}.safetensors"))).unwrap()
}

/// The gradient of the cross-entropy to `l`.
fn gradient(evaluator: &mut Evaluator, image: &[f32], l: usize) -> Vec<f32> {
    let mut over_logits = network::probabilities(evaluator.logits(image));
    over_logits[l] -= 1.0;
    let mut gradient = vec![0.0; PIXELS];
    evaluator.input_gradient(&over_logits, &mut gradient);
    gradient
}

fn assert_near(found: &[f32], expected: &[f32], part: f32, what: &str) {
    let size = expected.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < part * size, "{what}, place {i}: {a} is not {b}");
    }
}

#[test]
fn networks_that_pytorch_made_have_pytorchs_logits_and_gradients() {
    for name in ["strides", "averages", "perceptron"] {
        let (network, expected) = (pytorch(name), Expected::of(name));
        let mut evaluator = Evaluator::new(network.clone());
        let rows = expected.rows("images").into_iter().zip(expected.rows("logits")).zip(expected.rows("gradient"));
        let mut count = 0;
        for ((image, logits), slope) in rows {
            assert_near(&network.logits(&image), &logits, 2e-6, name);
            assert_near(evaluator.logits(&image), &logits, 1e-5, name);
            assert_near(&gradient(&mut evaluator, &image, 3), &slope, 2e-5, name);
            count += 1;
        }
        assert_eq!((count, network.name()), (14, format!("PyTorch's {name}").as_str()));
    }
}

#[test]
fn an_architecture_that_comes_to_a_plain_perceptron_becomes_one() {
    let perceptron = pytorch("perceptron");
    let mlp = perceptron.mlp().expect("normalisation goes into the layers");
    assert_eq!((mlp.layers().len(), mlp.activation()), (2, Activation::Relu));
    let written = bytes("tests/fixtures/pytorch/perceptron.safetensors");
    assert_eq!(&Mlp::from_safetensors(&written).unwrap(), mlp.as_ref());
    assert!(pytorch("strides").mlp().is_none());
    let dense: &[Entry] = &[
        ("a.weight", &[12, PIXELS], Dtype::F32),
        ("n.running_mean", &[12], Dtype::F32),
        ("n.running_var", &[12], Dtype::F32),
        ("b.weight", &[12, 12], Dtype::F32),
        ("c.weight", &[10, 12], Dtype::F32),
    ];
    for (lines, layers) in [
        ("linear a; relu; batchnorm2d n; linear b; relu; linear c", Some(3)),
        ("linear a; batchnorm2d n; tanh; linear b; tanh; linear c; softmax", Some(3)),
        ("linear a; batchnorm2d n; relu; linear b; tanh; linear c", None),
        ("linear a; batchnorm2d n; relu; linear b; relu; linear c; relu", None),
    ] {
        let network = Network::from_safetensors(&file(dense, lines)).expect(lines);
        assert_eq!(network.mlp().map(|mlp| mlp.layers().len()), layers, "{lines}");
    }
    let refused = Mlp::from_safetensors(&bytes("tests/fixtures/pytorch/strides.safetensors")).unwrap_err();
    assert!(refused.to_string().contains("only plain perceptrons"), "{refused}");
}

fn window(size: usize, stride: usize, padding: usize) -> Window {
    Window { size: (size, size), stride: (stride, stride), padding: (padding, padding), after: (padding, padding) }
}

fn layer(inputs: usize, outputs: usize, rng: &mut StdRng) -> Layer {
    let size = 2.0 / (inputs as f32).sqrt();
    let mut values = |count: usize| (0..count).map(|_| rng.random_range(-size..size)).collect();
    Layer { inputs, outputs, weight: values(inputs * outputs), bias: values(outputs) }
}

fn scale(channels: usize, rng: &mut StdRng) -> Operation {
    let mut values = || (0..channels).map(|_| rng.random_range(0.5..2.0)).collect();
    Operation::Scale { factor: values(), shift: values() }
}

fn random_image(rng: &mut StdRng) -> Vec<f32> {
    (0..PIXELS).map(|_| rng.random_range(0.0..1.0)).collect()
}

/// Networks whose every operation candle can differentiate.
fn networks_for_candle(rng: &mut StdRng) -> Vec<Vec<Operation>> {
    let end = |width: usize, rng: &mut StdRng| [Operation::Flatten, Operation::Linear(layer(width, LABELS, rng))];
    let convolution = |w: Window, channels: usize, outputs: usize, rng: &mut StdRng| {
        Operation::Convolution(w, layer(channels * w.size.0 * w.size.1, outputs, rng))
    };
    let mut networks = vec![vec![
        scale(1, rng),
        convolution(window(5, 1, 0), 1, 3, rng),
        Operation::Activation(Activation::Relu),
        Operation::MaxPool(window(2, 2, 0)),
        convolution(window(3, 1, 1), 3, 6, rng),
        scale(6, rng),
        Operation::Activation(Activation::Tanh),
        Operation::AveragePool(window(2, 2, 0)),
    ]];
    networks[0].extend(end(6 * 36, rng));
    networks.push(vec![
        convolution(window(4, 2, 1), 1, 5, rng),
        Operation::Function(Function::Gelu),
        convolution(window(3, 2, 2), 5, 8, rng),
        Operation::Activation(Activation::Sigmoid),
    ]);
    networks[1].extend(end(8 * 64, rng));
    networks.push(vec![Operation::AveragePool(window(4, 4, 0)), Operation::Function(Function::Gelu)]);
    networks[2].extend(end(49, rng));
    networks
}

/// candle's logits and gradient.
fn by_candle(network: &Sequential, image: &[f32], l: usize) -> (Vec<f32>, Vec<f32>) {
    let x = Var::from_slice(image, (1, 1, 28, 28), &Device::Cpu).unwrap();
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
    let mut z = x.as_tensor().clone();
    for (operation, shapes) in network.operations().iter().zip(network.shapes().windows(2)) {
        let (input, output) = (shapes[0], shapes[1]);
        z = match operation {
            Operation::Scale { factor, shift } => {
                let wide = |values: &[f32]| tensor(values, &[1, input.channels, 1, 1]);
                z.broadcast_mul(&wide(factor)).unwrap().broadcast_add(&wide(shift)).unwrap()
            }
            Operation::Convolution(w, layer) => {
                let weight = tensor(&layer.weight, &[layer.outputs, input.channels, w.size.0, w.size.1]);
                let bias = tensor(&layer.bias, &[1, layer.outputs, 1, 1]);
                z.conv2d(&weight, w.padding.0, w.stride.0, 1, 1).unwrap().broadcast_add(&bias).unwrap()
            }
            Operation::Linear(layer) => {
                let weight = tensor(&layer.weight, &[layer.outputs, layer.inputs]);
                let bias = tensor(&layer.bias, &[1, layer.outputs]);
                z.matmul(&weight.t().unwrap()).unwrap().broadcast_add(&bias).unwrap()
            }
            Operation::MaxPool(w) => {
                // The gradient of candle's own, 0.11.1, is divided by the window's area.
                let (rows, columns) = (output.rows, output.columns);
                let windows = z.reshape((1, input.channels, rows, w.size.0, columns, w.size.1)).unwrap();
                windows.max(5).unwrap().max(3).unwrap()
            }
            Operation::AveragePool(w) => z.avg_pool2d(w.size).unwrap(),
            Operation::Activation(Activation::Relu) => z.relu().unwrap(),
            Operation::Activation(Activation::Tanh) => z.tanh().unwrap(),
            Operation::Activation(Activation::Sigmoid) => sigmoid(&z).unwrap(),
            Operation::Function(Function::Gelu) => z.gelu_erf().unwrap(),
            Operation::Flatten => z.flatten(1, 3).unwrap(),
            other => panic!("no network for candle has {other:?}"),
        };
        assert_eq!(z.elem_count(), output.values());
    }
    let loss = log_softmax(&z, 1).unwrap().narrow(1, l, 1).unwrap().neg().unwrap().sum_all().unwrap();
    let slope = loss.backward().unwrap().get(&x).unwrap().flatten_all().unwrap();
    let values = |t: Tensor| t.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    (values(z), values(slope))
}

#[test]
fn logits_and_gradients_are_candles() {
    let mut rng = StdRng::seed_from_u64(11);
    for (k, operations) in networks_for_candle(&mut rng).into_iter().enumerate() {
        let network = Sequential::new("random", operations).unwrap();
        let mut evaluator = Evaluator::new(network.clone());
        for l in [0, 3, 9] {
            let image = random_image(&mut rng);
            let (logits, slope) = by_candle(&network, &image, l);
            assert_near(evaluator.logits(&image), &logits, 1e-5, &format!("network {k}"));
            assert_near(&network.logits(&image), &logits, 1e-5, &format!("network {k}, plain"));
            assert_near(&gradient(&mut evaluator, &image, l), &slope, 3e-5, &format!("network {k}, gradient"));
        }
    }
}

/// A network with every operation, in windows that overlap, skip and reach over the edge.
fn every_operation(rng: &mut StdRng) -> Sequential {
    let uneven = Window { size: (3, 5), stride: (2, 1), padding: (1, 2), after: (1, 2) };
    let operations = vec![
        scale(1, rng),
        Operation::AveragePool(window(3, 1, 1)),
        Operation::Convolution(uneven, layer(15, 5, rng)),
        scale(5, rng),
        Operation::Activation(Activation::Relu),
        Operation::MaxPool(window(3, 2, 1)),
        Operation::Convolution(window(2, 2, 1), layer(20, 2, rng)),
        Operation::Function(Function::Gelu),
        Operation::Mark(7),
        Operation::Depthwise(Window { after: (0, 2), ..window(3, 1, 1) }, layer(9, 2, rng)),
        Operation::Pad(Edges { top: 1, bottom: 0, left: 0, right: 0 }),
        Operation::Mark(1),
        Operation::Recall(7),
        Operation::Resize((4, 9)),
        Operation::Function(SELU),
        Operation::Add(1),
        Operation::Resize((4, 8)),
        Operation::Add(7),
        Operation::Activation(Activation::Sigmoid),
        Operation::AverageInside(window(3, 2, 1)),
        Operation::Flatten,
        // What so many operations leave of a difference is small.
        Operation::Scale { factor: vec![30.0; 16], shift: vec![-15.0; 16] },
        Operation::Linear(layer(16, 7, rng)),
        Operation::Activation(Activation::Tanh),
        Operation::Linear(layer(7, LABELS, rng)),
    ];
    Sequential::new("everything", operations).unwrap()
}

#[test]
fn gradients_are_what_finite_differences_of_the_plain_pass_say() {
    let mut rng = StdRng::seed_from_u64(12);
    let network = every_operation(&mut rng);
    let mut evaluator = Evaluator::new(network.clone());
    for _ in 0..5 {
        let image = random_image(&mut rng);
        assert_near(evaluator.logits(&image), &network.logits(&image), 1e-5, "kernel and plain pass");
        let slope = gradient(&mut evaluator, &image, 6);
        let direction: Vec<f32> = slope.iter().map(|g| g + rng.random_range(-1e-4..1e-4)).collect();
        let loss_at = |t: f32| {
            let moved: Vec<f32> = image.iter().zip(&direction).map(|(x, d)| x + t * d).collect();
            let z = network.logits(&moved).map(f64::from);
            z.iter().map(|v| v.exp()).sum::<f64>().ln() - z[6]
        };
        let expected: f64 = slope.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
        // The step that moves the loss by a ten-thousandth; logits are rounded to f32.
        let step = (1e-4 / expected) as f32;
        let difference = (loss_at(step) - loss_at(-step)) / (2.0 * f64::from(step));
        assert!((difference / expected - 1.0).abs() < 0.01, "slope {expected}, difference {difference}");
    }
}

#[test]
fn an_evaluator_gives_the_same_answer_whatever_it_evaluated_before() {
    let mut rng = StdRng::seed_from_u64(13);
    let (network, image) = (every_operation(&mut rng), random_image(&mut rng));
    let fresh = gradient(&mut Evaluator::new(network.clone()), &image, 3);
    let mut used = Evaluator::new(network);
    gradient(&mut used, &vec![1.0; PIXELS], 8);
    assert_eq!(gradient(&mut used, &image, 3), fresh);
}

#[test]
fn a_search_finds_examples_that_the_plain_pass_confirms() {
    let network = pytorch("strides");
    let mut attack = Attack::new(network.clone(), Options::default());
    let mut found = 0;
    for (image, _) in support::digits().iter().take(20) {
        let prediction = network::label(&network.logits(&image));
        attack.start(&image, Goal::Target((prediction + 1) % LABELS)).unwrap();
        let outcome = attack.run().unwrap();
        if outcome.norm > 0.0 {
            assert_eq!(network::label(&network.logits(attack.adversarial())), (prediction + 1) % LABELS);
            assert!(attack.adversarial().iter().all(|p| (0.0..=1.0).contains(p)));
            found += 1;
        }
    }
    assert!(found >= 18, "{found} of 20");
}

type Entry<'a> = (&'a str, &'a [usize], Dtype);

const SMALL: &[Entry] = &[
    ("c.weight", &[2, 1, 5, 5], Dtype::F32),
    ("c.bias", &[2], Dtype::F32),
    ("n.running_mean", &[2], Dtype::F32),
    ("n.running_var", &[2], Dtype::F32),
    ("n.num_batches_tracked", &[], Dtype::I64),
    ("f.weight", &[10, 72], Dtype::F32),
];
const LINES: &str = "normalise mean=0.1 deviation=0.3; conv2d c stride=2; batchnorm2d n; relu; maxpool2d kernel_size=2; flatten; linear f";

fn file(entries: &[Entry], architecture: &str) -> Vec<u8> {
    let size = |dtype| if dtype == Dtype::I64 { 8 } else { 4 };
    let buffers: Vec<Vec<u8>> = entries
        .iter()
        .map(|(_, shape, dtype)| 0.25f32.to_le_bytes().repeat(size(*dtype) / 4 * shape.iter().product::<usize>()))
        .collect();
    let views = entries.iter().zip(&buffers).map(|((name, shape, dtype), bytes)| {
        (name.to_string(), TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
    });
    let header = HashMap::from([("architecture".to_string(), architecture.to_string())]);
    safetensors::serialize(views, Some(header)).unwrap()
}

#[test]
fn a_file_without_biases_or_a_name_is_taken_as_it_is() {
    let network = Network::from_safetensors(&file(SMALL, LINES)).unwrap();
    assert_eq!(network.name(), "my network");
    let Network::Sequential(network) = network else { panic!("a convolution is no perceptron") };
    let kinds: Vec<&str> = network.operations().iter().map(Operation::kind).collect();
    assert_eq!(
        kinds,
        ["batchnorm2d", "conv2d", "relu", "maxpool2d", "flatten", "linear"],
        "the second is in the convolution"
    );
}

#[test]
fn windows_are_as_their_lines_say_up_to_255() {
    let with = |line: &str, width: usize| {
        let entries: [Entry; 2] = [SMALL[0], ("f.weight", &[10, width], Dtype::F32)];
        Network::from_safetensors(&file(&entries, &format!("{line}; flatten; linear f")))
    };
    for (line, width, expected) in [
        ("conv2d c padding=same", 2 * 28 * 28, window(5, 1, 2)),
        ("conv2d c padding=valid", 2 * 24 * 24, window(5, 1, 0)),
        ("conv2d c stride=255", 2, window(5, 255, 0)),
    ] {
        let Ok(Network::Sequential(network)) = with(line, width) else { panic!("{line} is a convolution") };
        let [Operation::Convolution(found, _), ..] = network.operations() else { panic!("{line} comes first") };
        assert_eq!(*found, expected, "{line}");
    }
    let sentence = with("conv2d c stride=256", 2).unwrap_err().to_string();
    assert!(sentence.contains("a whole number from 1 to 255"), "{sentence}");
    // Of an even window there is more after the image than before it.
    let entries: [Entry; 2] = [("c.weight", &[2, 1, 4, 5], Dtype::F32), ("f.weight", &[10, 2 * 784], Dtype::F32)];
    let network = Network::from_safetensors(&file(&entries, "conv2d c padding=same; flatten; linear f")).unwrap();
    let Network::Sequential(network) = network else { panic!("it is a convolution") };
    assert_eq!(network.operations()[0].window_padding(), Some(((1, 2), (2, 2))));
}

#[test]
fn a_network_is_refused_for_its_multiplications_too() {
    let of = |outputs: usize| {
        let (second, last) = ([outputs, 64, 5, 5], [10, outputs * 784]);
        let entries: [Entry; 3] = [
            ("c.weight", &[64, 1, 5, 5], Dtype::F32),
            ("d.weight", &second, Dtype::F32),
            ("f.weight", &last, Dtype::F32),
        ];
        let lines = "conv2d c padding=same; conv2d d padding=same; flatten; linear f";
        Network::from_safetensors(&file(&entries, lines))
    };
    of(16).expect("22 million");
    let sentence = of(64).expect_err("82 million").to_string();
    assert!(sentence.contains("too large to be searched on a page"), "{sentence}");
    let pooled = |channels: usize, side: usize, pooling: &str| {
        let (first, last) = ([channels, 1, 1, 1], [10, channels * side * side]);
        let entries: [Entry; 2] = [("c.weight", &first, Dtype::F32), ("f.weight", &last, Dtype::F32)];
        Network::from_safetensors(&file(&entries, &format!("conv2d c; {pooling} stride=1; flatten; linear f")))
    };
    pooled(1000, 14, "maxpool2d kernel_size=15").expect("47 million");
    pooled(32, 22, "avgpool2d kernel_size=7").expect("24 million");
    for refused in [pooled(1200, 14, "maxpool2d kernel_size=15"), pooled(1200, 14, "avgpool2d kernel_size=15")] {
        let sentence = refused.expect_err("53 million").to_string();
        assert!(sentence.contains("too large to be searched on a page"), "{sentence}");
    }
}

#[test]
fn a_network_that_is_written_is_read_as_it_was() {
    let mut rng = StdRng::seed_from_u64(15);
    let network = Network::from(every_operation(&mut rng));
    let image = random_image(&mut rng);
    let logits = network.logits(&image);
    for (bytes, part) in [(network.to_safetensors_f16(&[]), 5e-3), (network.to_safetensors_i8(&[]), 0.3)] {
        let bytes = bytes.unwrap();
        let read = Network::from_safetensors(&bytes).unwrap();
        assert_eq!(read.name(), "everything");
        assert_near(&read.logits(&image), &logits, part, "written");
        // Nothing is lost a second time, but what normalisations there were have gone into the layers.
        let again = Network::from_safetensors(&read.to_safetensors_f16(&[]).unwrap()).unwrap();
        assert_near(&again.logits(&image), &read.logits(&image), 5e-3, "written again");
    }
}

/// Lines that a file might have: well-formed ones in any order, and worse.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("conv2d c stride=2 padding=1".to_owned()),
        Just("batchnorm2d n".to_owned()),
        Just("relu".to_owned()),
        Just("gelu".to_owned()),
        Just("flatten".to_owned()),
        Just("linear f".to_owned()),
        "(max|avg)pool2d kernel_size=[0-9]{1,3} stride=[0-9]{1,3} padding=[0-9]{1,3}",
        "conv2d c stride=[0-9]{1,3}(,[0-9]{1,2})? padding=[0-9]{1,3}",
        "normalise mean=-?[0-9.e+-]{0,9} deviation=[0-9.e]{1,12}",
        "[a-z2]{1,8} [^\n]{0,20}",
    ];
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_of_every_size_stride_and_padding_look_at_what_the_plain_pass_does(
        seed: u64,
        (size, stride, padding) in ((1usize..7, 1usize..7), (1usize..4, 1usize..4), (0usize..6, 0usize..6)),
        (pool, step, margin) in ((1usize..5, 1usize..5), (1usize..4, 1usize..4), (0usize..3, 0usize..3)),
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let pooling = Window { size: pool, stride: step, padding: margin, after: margin };
        let mut operations = vec![
            Operation::Convolution(Window { size, stride, padding, after: padding }, layer(size.0 * size.1, 3, &mut rng)),
            if seed % 2 == 0 { Operation::MaxPool(pooling) } else { Operation::AveragePool(pooling) },
            Operation::Flatten,
        ];
        let along = |length: usize, size: usize, stride: usize, padding: usize| {
            (length + 2 * padding).checked_sub(size).map(|free| free / stride + 1)
        };
        let after = |length, of: fn((usize, usize)) -> usize| {
            let length = along(length, of(size), of(stride), of(padding))?;
            along(length, of(pool), of(step), of(margin))
        };
        let fits = |of: fn((usize, usize)) -> usize| of(padding) < of(size) && 2 * of(margin) <= of(pool);
        prop_assume!(fits(|p| p.0) && fits(|p| p.1));
        let values = after(28, |p| p.0).zip(after(28, |p| p.1)).map(|(rows, columns)| 3 * rows * columns);
        prop_assume!(values.is_some());
        operations.push(Operation::Linear(layer(values.unwrap(), LABELS, &mut rng)));
        let network = Sequential::new("random", operations).unwrap();
        let image = random_image(&mut rng);
        assert_near(Evaluator::new(network.clone()).logits(&image), &network.logits(&image), 1e-5, "kernel and plain pass");
    }

    #[test]
    fn no_architecture_makes_it_panic_and_what_is_taken_can_be_evaluated(text in lines()) {
        if let Ok(network) = Network::from_safetensors(&file(SMALL, &text)) {
            let mut evaluator = Evaluator::new(network);
            evaluator.logits(&[0.5; PIXELS]);
            evaluator.input_gradient(&[1.0; LABELS], &mut [0.0; PIXELS]);
        }
    }

    #[test]
    fn no_shapes_make_it_panic(shapes in proptest::collection::vec(proptest::collection::vec(0usize..20, 0..5), 6)) {
        let parts = ["c.weight", "c.bias", "n.running_mean", "n.running_var", "f.weight", "f.bias"];
        let entries: Vec<Entry> = parts.iter().zip(&shapes).map(|(&part, shape)| (part, &shape[..], Dtype::F32)).collect();
        let _ = Network::from_safetensors(&file(&entries, "conv2d c; batchnorm2d n; flatten; linear f"));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), place in 0usize..2000) {
        let mut whole = file(SMALL, LINES);
        let place = place.min(whole.len());
        let end = (place + bytes.len()).min(whole.len());
        whole.splice(place..end, bytes.iter().copied());
        let _ = Network::from_safetensors(&whole);
        let _ = Network::from_safetensors(&bytes);
    }
}

#[test]
fn every_refusal_names_the_line_and_says_what_is_wrong_with_it() {
    let lines = |from: &str, to: &str| {
        assert!(LINES.contains(from), "{from}");
        file(SMALL, &LINES.replace(from, to))
    };
    let with = |change: &dyn Fn(&mut Vec<Entry<'static>>)| {
        let mut entries = SMALL.to_vec();
        change(&mut entries);
        file(&entries, LINES)
    };
    let cases: [(Vec<u8>, &[&str]); 35] = [
        (lines("relu", "swash"), &["“swash”", "not known here", "sigmoid"]),
        (
            lines("stride=2", "padding_mode=circular"),
            &["“ conv2d c padding_mode=circular”", "“padding_mode=circular” cannot be done"],
        ),
        (lines("stride=2", "groups=3"), &["conv2d c groups=3”", "no multiple of its groups"]),
        (lines("relu", "add 1"), &["add 1”", "nothing is marked 1"]),
        (
            lines("relu", "mark 1; maxpool2d kernel_size=2; add 1"),
            &["add 1”", "it adds 2 channels of 12×12 to 2 channels of 6×6"],
        ),
        (lines("relu", "mark a"), &["a whole number"]),
        (lines("relu", "zeropad2d padding=1,2"), &["nor four of them"]),
        (lines("relu", "elu alpha=much"), &["no number"]),
        (lines("stride=2", "stride=0"), &["stride", "from 1 to 255"]),
        (lines("stride=2", "stride=-1"), &["stride", "from 1 to 255"]),
        (lines("stride=2", "padding=5"), &["padding is too large"]),
        (lines("stride=2", "padding=(5,0)"), &["padding is too large"]),
        (lines("stride=2", "padding=(0,5)"), &["padding is too large"]),
        (lines("flatten", "flatten; avgpool2d kernel_size=1"), &["it takes an image", "72 values in a row"]),
        (file(&SMALL[5..], "linear f"), &["linear f”", "flatten first"]),
        (lines("stride=2", "padding=much"), &["padding", "“much”", "no number"]),
        (lines("conv2d c", "conv2d"), &["\"\"", "no weight"]),
        (lines("relu", "softmax"), &["a softmax is the end"]),
        (lines("relu", "relu r s"), &["relu r s", "“s” cannot be done"]),
        (lines("maxpool2d kernel_size=2", "maxpool2d"), &["kernel_size", "from 1 to 255"]),
        (lines("maxpool2d kernel_size=2", "maxpool2d kernel_size=2 padding=2"), &["padding is too large"]),
        (lines("maxpool2d kernel_size=2", "maxpool2d kernel_size=99"), &["does not fit 2 channels of 12×12"]),
        (lines("flatten; ", ""), &["linear f”", "flatten first"]),
        (lines("linear f", "linear g"), &["\"g\"", "no weight"]),
        (lines("linear f", "dropout"), &["f.weight"]),
        (lines("deviation=0.3", "deviation=0"), &["deviation is 0"]),
        (lines("deviation=0.3", "deviation=nan"), &["no number"]),
        (file(&SMALL[..5], "conv2d c stride=2; batchnorm2d n; relu"), &["“end”", "2 channels of 12×12", "10 logits"]),
        (file(&[], ""), &["10 logits"]),
        (with(&|e| e[0].1 = &[2, 1, 25]), &["c.weight", "[2, 1, 25]", "four dimensions"]),
        (with(&|e| e[0].1 = &[2, 3, 5, 5]), &["conv2d c stride=2”", "75 inputs", "25 inputs come in"]),
        (with(&|e| e[1].1 = &[3]), &["c.bias", "[3]", "[2]"]),
        (with(&|e| e[3].1 = &[3]), &["batchnorm2d n", "not of one length"]),
        (with(&|e| (e[2].1, e[3].1) = (&[3], &[3])), &["batchnorm2d n", "3"]),
        (with(&|e| e[5].1 = &[10, 73]), &["linear f”", "73 inputs", "72 inputs come in"]),
    ];
    for (bytes, words) in cases {
        let sentence = Network::from_safetensors(&bytes).unwrap_err().to_string();
        for word in words {
            assert!(sentence.contains(word), "{sentence:?} does not say {word:?}");
        }
    }
}

#[test]
fn hostile_files_are_refused_without_a_panic_and_before_they_cost_anything() {
    let whole = file(SMALL, LINES);
    for length in (0..whole.len()).step_by(7) {
        assert!(Network::from_safetensors(&whole[..length]).is_err());
    }
    for (place, change) in (8..1000).flat_map(|place| [1, 2, 4, 0x15, 0x20].map(|change| (place, change))) {
        let mut bytes = whole.clone();
        bytes[place] ^= change;
        let _ = Network::from_safetensors(&bytes);
    }
    // Bombs: small files of very many or very large operations. A hundred poolings that each leave what they were given.
    let large = |architecture: &str| Network::from_safetensors(&file(SMALL, architecture)).unwrap_err();
    let many = "relu;".repeat(100_000);
    assert!(large(&(many + LINES)).to_string().contains("no more than 100 operations"));
    Network::from_safetensors(&file(SMALL, &("relu;".repeat(93) + LINES))).expect("a hundred");
    let wide: &[Entry] = &[("c.weight", &[4096, 1, 1, 1], Dtype::F32), ("f.weight", &[10, 72], Dtype::F32)];
    let refused = Network::from_safetensors(&file(wide, "conv2d c; flatten; linear f")).unwrap_err();
    assert!(
        matches!(&refused, NetworkError::Architecture { problem, .. } if problem.contains("too large")),
        "{refused}"
    );
    let broad: &[Entry] = &[("c.weight", &[1024, 1, 1, 1], Dtype::F32), ("f.weight", &[10, 72], Dtype::F32)];
    for line in ["maxpool2d kernel_size=3 stride=1 padding=1", "avgpool2d kernel_size=1", "relu", "gelu"] {
        let lines = vec![line; 20].join(";");
        let refused = Network::from_safetensors(&file(broad, &format!("conv2d c; {lines}; flatten; linear f")));
        assert!(refused.unwrap_err().to_string().contains("too large"), "{line}");
    }
    let overflowing = Window { size: (usize::MAX, 2), stride: (1, 1), padding: (0, 0), after: (0, 0) };
    assert!(Sequential::new("", vec![Operation::MaxPool(overflowing)]).is_err());
    for value in [f32::NAN, f32::INFINITY] {
        let mut rng = StdRng::seed_from_u64(14);
        let mut linear = layer(PIXELS, LABELS, &mut rng);
        linear.weight[77] = value;
        let refused = Sequential::new("", vec![Operation::Flatten, Operation::Linear(linear)]).unwrap_err();
        assert!(refused.to_string().contains("finite"), "{refused}");
    }
}
