//! The kernels against candle's autodiff and finite differences, on networks of random shapes.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::ops::{log_softmax, sigmoid};
use pockets::{
    LABELS, PIXELS,
    network::{self, Activation, Layer, Mlp, kernel::Evaluator},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::Arc;

/// Hidden widths; most are no multiple of the kernels' four lanes.
const SHAPES: [&[usize]; 9] = [&[], &[1], &[3], &[4], &[7, 5], &[13, 1, 6], &[33], &[100, 100], &[9, 8, 7, 6, 5]];
const ACTIVATIONS: [Activation; 3] = [Activation::Sigmoid, Activation::Relu, Activation::Tanh];

fn random_network(hidden: &[usize], activation: Activation, rng: &mut StdRng) -> Mlp {
    let mut inputs = PIXELS;
    let layers = hidden.iter().chain([&LABELS]).map(|&outputs| {
        let size = 3.0 / (inputs as f32).sqrt();
        let weight = (0..inputs * outputs).map(|_| rng.random_range(-size..size)).collect();
        let bias = (0..outputs).map(|_| rng.random_range(-0.5..0.5)).collect();
        let layer = Layer { inputs, outputs, weight, bias };
        inputs = outputs;
        layer
    });
    Mlp::new("random", activation, layers.collect()).unwrap()
}

/// Four pixels in five are zero, as in a digit.
fn random_image(rng: &mut StdRng) -> Vec<f32> {
    (0..PIXELS).map(|_| if rng.random_bool(0.2) { rng.random() } else { 0.0 }).collect()
}

/// Cross-entropy to `label` and its gradient over the image, by candle in f64.
fn by_candle(network: &Mlp, image: &[f32], label: usize) -> (Vec<f64>, Vec<f64>) {
    let device = Device::Cpu;
    let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    let x = Var::from_tensor(&Tensor::from_vec(wide(image), (1, PIXELS), &device).unwrap()).unwrap();
    let mut a = x.as_tensor().clone();
    for (k, layer) in network.layers().iter().enumerate() {
        let w = Tensor::from_vec(wide(&layer.weight), (layer.outputs, layer.inputs), &device).unwrap();
        let b = Tensor::from_vec(wide(&layer.bias), layer.outputs, &device).unwrap();
        a = a.matmul(&w.t().unwrap()).unwrap().broadcast_add(&b).unwrap();
        if k + 1 < network.layers().len() {
            a = match network.activation() {
                Activation::Sigmoid => sigmoid(&a).unwrap(),
                Activation::Relu => a.relu().unwrap(),
                Activation::Tanh => a.tanh().unwrap(),
            };
        }
    }
    let loss = log_softmax(&a, 1).unwrap().get(0).unwrap().get(label).unwrap().neg().unwrap();
    assert_eq!(loss.dtype(), DType::F64);
    let gradient = loss.backward().unwrap().get(&x).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    (a.flatten_all().unwrap().to_vec1().unwrap(), gradient)
}

fn by_kernel(evaluator: &mut Evaluator, image: &[f32], label: usize) -> ([f32; LABELS], Vec<f32>) {
    let z = *evaluator.logits(image);
    let mut over_logits = network::probabilities(&z);
    over_logits[label] -= 1.0;
    let mut gradient = vec![0.0; PIXELS];
    evaluator.input_gradient(&over_logits, &mut gradient);
    (z, gradient)
}

#[test]
fn logits_and_gradients_equal_candles_to_f32_rounding() {
    let mut rng = StdRng::seed_from_u64(1);
    for hidden in SHAPES {
        for activation in ACTIVATIONS {
            let network = random_network(hidden, activation, &mut rng);
            let mut evaluator = Evaluator::new(Arc::new(network.clone()));
            for label in [0, 4, 9] {
                let image = random_image(&mut rng);
                let (z, gradient) = by_kernel(&mut evaluator, &image, label);
                let (z_candle, gradient_candle) = by_candle(&network, &image, label);
                let size = z_candle.iter().fold(1.0f64, |m, v| m.max(v.abs()));
                for (a, b) in z.iter().zip(&z_candle) {
                    assert!((f64::from(*a) - b).abs() < 3e-6 * size, "{hidden:?} {activation:?}: logit {a} is not {b}");
                }
                let size = gradient_candle.iter().fold(1e-6f64, |m, v| m.max(v.abs()));
                for (a, b) in gradient.iter().zip(&gradient_candle) {
                    let off = (f64::from(*a) - b).abs();
                    assert!(off < 2e-5 * size, "{hidden:?} {activation:?}: {a} is not {b}, off by {:e}", off / size);
                }
            }
        }
    }
}

#[test]
fn gradients_equal_finite_differences_along_random_directions() {
    let mut rng = StdRng::seed_from_u64(2);
    for hidden in SHAPES {
        // ReLU has kinks: a difference across one is no derivative.
        for activation in [Activation::Sigmoid, Activation::Tanh] {
            let network = random_network(hidden, activation, &mut rng);
            let mut evaluator = Evaluator::new(Arc::new(network.clone()));
            let image = random_image(&mut rng);
            let (_, gradient) = by_kernel(&mut evaluator, &image, 6);
            let direction: Vec<f32> = (0..PIXELS).map(|_| rng.random_range(-1.0..1.0)).collect();
            let loss_at = |t: f32| {
                let moved: Vec<f32> = image.iter().zip(&direction).map(|(x, d)| x + t * d).collect();
                let z = network.logits(&moved).map(f64::from);
                z.iter().map(|v| v.exp()).sum::<f64>().ln() - z[6]
            };
            let step = 2e-3;
            let difference = (loss_at(step) - loss_at(-step)) / (2.0 * f64::from(step));
            let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
            assert!(
                (difference - slope).abs() < 2e-3 * slope.abs().max(1.0),
                "{hidden:?} {activation:?}: slope {slope}, difference {difference}"
            );
        }
    }
}

#[test]
fn the_kernel_agrees_with_the_plain_forward_pass_on_extreme_inputs() {
    let mut rng = StdRng::seed_from_u64(3);
    for activation in ACTIVATIONS {
        let mut network = random_network(&[17, 6], activation, &mut rng);
        for scale in [1e-6, 1.0, 300.0] {
            let layers = network.layers().iter().cloned().map(|mut layer| {
                layer.weight.iter_mut().for_each(|w| *w *= scale);
                layer
            });
            network = Mlp::new("scaled", activation, layers.collect()).unwrap();
            let mut evaluator = Evaluator::new(Arc::new(network.clone()));
            for image in [vec![0.0; PIXELS], vec![1.0; PIXELS], random_image(&mut rng)] {
                let expected = network.logits(&image);
                let size = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
                for (a, b) in evaluator.logits(&image).iter().zip(expected) {
                    assert!((a - b).abs() < 1e-4 * size, "{activation:?} × {scale}: {a} is not {b}");
                }
            }
        }
    }
}

#[test]
fn an_evaluator_gives_the_same_answer_whatever_it_evaluated_before() {
    let mut rng = StdRng::seed_from_u64(4);
    let network = Arc::new(random_network(&[33, 9], Activation::Tanh, &mut rng));
    let image = random_image(&mut rng);
    let fresh = by_kernel(&mut Evaluator::new(network.clone()), &image, 3);
    let mut used = Evaluator::new(network);
    by_kernel(&mut used, &vec![1.0; PIXELS], 8);
    assert_eq!(by_kernel(&mut used, &image, 3), fresh);
}
