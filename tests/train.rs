//! Training learns, is seeded, and adds the paper's weight decay.
#![cfg(feature = "lab")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use pockets::{
    attack::{Attack, Options},
    idx::{Digits, Labels},
    lab::{
        convolutional,
        recipe::{Autoencoder, BackFeeding, Convolutional, Method, Recipe, convolutional, recipes},
        train::{Epoch, error, part, train},
    },
    network::{Activation, Mlp, Network, label},
};
use std::sync::Arc;

fn digits() -> Digits {
    let images = include_bytes!("fixtures/mnist-300-images-idx3-ubyte");
    let labels = include_bytes!("fixtures/mnist-300-labels-idx1-ubyte");
    Digits::parse(images, labels).unwrap()
}

/// A recipe that takes a second.
fn small(name: &str) -> Recipe {
    let recipe = recipes().into_iter().find(|r| r.name == name).unwrap();
    Recipe { epochs: 30, batch: 20, ..recipe }
}

fn weights(network: &Mlp) -> Vec<f32> {
    network.layers().iter().flat_map(|l| l.weight.iter().chain(&l.bias).copied()).collect()
}

#[test]
fn every_recipe_trains_into_a_network_of_its_shape() {
    let digits = digits();
    for recipe in recipes() {
        let network = train(&Recipe { epochs: 1, ..recipe.clone() }, &digits, &digits, |_| {}).unwrap();
        let widths: Vec<usize> = network.layers().iter().map(|l| l.outputs).collect();
        assert_eq!(widths, [recipe.hidden.as_slice(), &[10]].concat(), "{}", recipe.name);
        assert_eq!((network.name(), network.activation()), (recipe.title, recipe.activation));
    }
}

#[test]
fn three_hundred_digits_are_learned_by_heart() {
    let digits = digits();
    let mut epochs: Vec<Epoch> = Vec::new();
    let network = train(&small("fc100-100-10"), &digits, &digits, |epoch| epochs.push(epoch)).unwrap();
    assert_eq!(epochs.len(), 30);
    assert!(epochs[29].loss < epochs[0].loss / 4.0, "{epochs:?}");
    // Guessing misclassifies nine of ten.
    assert!(epochs[29].error < 0.02, "{epochs:?}");
    // A plain forward pass counts the same errors.
    let wrong = digits.iter().filter(|(image, l)| label(&network.logits(image)) != *l).count();
    assert_eq!(wrong as f64 / 300.0, epochs[29].error);
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_seed_others() {
    let digits = digits();
    let recipe = Recipe { epochs: 3, ..small("fc100-100-10") };
    let [once, again] = [0, 1].map(|_| train(&recipe, &digits, &digits, |_| {}).unwrap());
    assert_eq!(weights(&once), weights(&again));
    let other = train(&Recipe { seed: recipe.seed + 1, ..recipe }, &digits, &digits, |_| {}).unwrap();
    assert_ne!(weights(&once), weights(&other));
}

/// At a minimum of `mean loss + λ·Σw²/k` over the softmax classifier the gradient is zero, so
/// `2λ/k · W` equals the mean of `(onehot − p) xᵀ`: this finds λ/k from the weights alone.
#[test]
fn the_decay_that_is_added_is_the_papers_lambda_over_units() {
    let digits = digits();
    let recipe = Recipe { epochs: 400, batch: 300, rate: 2e-2, ..small("fc10-1") };
    let network = train(&recipe, &digits, &digits, |_| {}).unwrap();
    let layer = &network.layers()[0];
    let mut force = vec![0.0f64; layer.weight.len()];
    for (image, label) in digits.iter() {
        let p = pockets::network::probabilities(&network.logits(&image));
        for (o, row) in force.chunks_exact_mut(image.len()).enumerate() {
            let residual = f64::from(u8::from(o == label)) - f64::from(p[o]);
            row.iter_mut().zip(&image).for_each(|(f, &x)| *f += residual * f64::from(x) / digits.len() as f64);
        }
    }
    let product: f64 = force.iter().zip(&layer.weight).map(|(f, &w)| f * f64::from(w)).sum();
    let square: f64 = layer.weight.iter().map(|&w| f64::from(w).powi(2)).sum();
    // λ = 1 on k = 10 units: 2λ/k = 0.2.
    assert!((product / square - 0.2).abs() < 0.002, "{}", product / square);
}

#[test]
fn the_two_halves_share_no_digit() {
    let of = |name: &str| part(small(name).part, digits());
    let (first, second) = (of("fc100-100-10-p1"), of("fc100-100-10-p2"));
    assert!(first.iter().chain(second.iter()).eq(digits().iter()));
    assert_eq!(first.len(), 150);
}

#[test]
fn network_files_have_names_that_a_shell_takes_as_they_are() {
    let names: Vec<String> = recipes().iter().map(Recipe::file_name).collect();
    assert!(["FC10_1e-4.safetensors", "FC100-100-10_P1.safetensors"].iter().all(|n| names.contains(&n.to_string())));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    assert!(names.iter().all(|name| name.chars().all(plain)), "{names:?}");
}

#[test]
fn a_recipe_with_a_wrong_number_of_lambdas_is_refused() {
    let recipe = Recipe { decay: vec![1e-3], activation: Activation::Tanh, ..small("fc100-100-10") };
    let refused = train(&recipe, &digits(), &digits(), |_| {}).unwrap_err();
    assert_eq!(refused.to_string(), "FC100-100-10 needs one λ for each layer, 3 in all; 1 were given");
}

#[test]
fn adversarial_examples_of_a_layer_that_is_not_there_are_refused() {
    let recipe = small("fc100-100-10-hardened");
    let of = |norms: &[f64], activation| {
        let method = with_norms(&recipe, norms).method;
        train(&Recipe { method, activation, ..recipe.clone() }, &digits(), &digits(), |_| {}).unwrap_err().to_string()
    };
    let refused = of(&[0.0, 0.0, 0.0, 1.0], Activation::Sigmoid);
    assert!(refused.contains("has no layer 4"), "{refused}");
    assert!(
        of(&[1.0, 1.0], Activation::Relu).contains("has no layer 2"),
        "a hidden layer's box is that of the sigmoid"
    );
}

#[test]
fn a_share_to_drop_that_is_no_share_is_refused() {
    for dropout in [vec![1.0], vec![-0.1], vec![0.1; 4]] {
        let refused = train(&Recipe { dropout, ..small("fc100-100-10") }, &digits(), &digits(), |_| {}).unwrap_err();
        assert!(
            refused.to_string().contains("can drop a share from 0 to below 1 of the inputs of 3 layers"),
            "{refused}"
        );
    }
}

#[test]
fn dropout_changes_what_is_learned_repeats_exactly_and_leaves_nothing_out_in_the_end() {
    let digits = digits();
    let recipe = Recipe { dropout: vec![0.1, 0.2, 0.2], sharpness: 0.0, ..small("fc100-100-10") };
    let mut loss = 0.0;
    let network = train(&recipe, &digits, &digits, |epoch| loss = epoch.loss).unwrap();
    assert_eq!(weights(&network), weights(&train(&recipe, &digits, &digits, |_| {}).unwrap()));
    let mut whole_loss = 0.0;
    let whole =
        train(&Recipe { dropout: vec![], ..recipe }, &digits, &digits, |epoch| whole_loss = epoch.loss).unwrap();
    assert_ne!(weights(&network), weights(&whole));
    // What is left out makes learning harder, and is there again when the network is used.
    assert!(loss > 1.2 * whole_loss, "{loss} against {whole_loss}");
    assert!(error(network.clone(), &digits) < 0.02, "{}", error(network.clone(), &digits));
}

#[test]
fn a_rate_that_makes_the_loss_infinite_is_refused_in_its_epoch() {
    let recipe = Recipe { rate: f64::INFINITY, ..small("fc10-1") };
    let refused = train(&recipe, &digits(), &digits(), |_| {}).unwrap_err();
    assert!(refused.to_string().contains("a smaller --rate may help"), "{refused}");
}

#[test]
fn an_encoder_learns_features_without_labels_that_a_softmax_can_read() {
    let digits = digits();
    let recipe = small("ae400-10");
    let Method::Autoencoder(settings) = recipe.method else { panic!("{:?}", recipe.method) };
    let encoder = |epochs| {
        let method = Method::Autoencoder(Autoencoder { epochs, ..settings });
        train(&Recipe { method, epochs: 10, ..recipe.clone() }, &digits, &digits, |_| {}).unwrap()
    };
    let (blank, learned) = (encoder(0), encoder(10));
    assert_ne!(blank.layers()[0], learned.layers()[0]);
    // The softmax changes nothing below it: with other labels the encoder is the same.
    let shuffled = (digits.labels().as_slice().iter().map(|l| (l + 1) % 10).collect::<Vec<u8>>(), digits.images());
    let relabelled = Digits::new(shuffled.1.clone(), Labels::parse(&idx_labels(&shuffled.0)).unwrap()).unwrap();
    let method = Method::Autoencoder(Autoencoder { epochs: 10, ..settings });
    let other = train(&Recipe { method, epochs: 10, ..recipe }, &relabelled, &relabelled, |_| {}).unwrap();
    assert_eq!(other.layers()[0], learned.layers()[0]);
    // Few units speak for one digit, and none for none.
    let layer = &learned.layers()[0];
    for (row, &bias) in layer.weight.chunks_exact(layer.inputs).zip(&layer.bias) {
        let excited = |image: &[f32]| image.iter().zip(row).map(|(x, w)| x * w).sum::<f32>() + bias;
        let active: f64 = digits.iter().map(|(image, _)| Activation::Sigmoid.apply(excited(&image).into())).sum();
        let mean = active / digits.len() as f64;
        assert!(mean > 0.005 && mean < 0.15, "{mean}");
    }
    assert_ne!(other.layers()[1], learned.layers()[1]);
    // Guessing misclassifies nine of ten.
    assert!(error(learned.clone(), &digits) < 0.1, "{}", error(learned.clone(), &digits));
}

/// An IDX1 file of these labels.
fn idx_labels(labels: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 1], (labels.len() as u32).to_be_bytes().as_slice(), labels].concat()
}

/// A recipe with other norms of adversarial examples, made of few digits.
fn with_norms(recipe: &Recipe, norms: &[f64]) -> Recipe {
    let method = Method::BackFeeding(BackFeeding { norms: norms.to_vec(), below: false, pool: 200, fresh: 20 });
    Recipe { method, ..recipe.clone() }
}

/// The mean of the smallest ‖r‖₂ of nine searches, of 50 digits.
fn norm(network: &Mlp) -> f64 {
    let mut attack = Attack::new(Arc::new(network.clone()), Options::default());
    let digits = digits();
    let norms = digits.iter().take(50).map(|(image, _)| {
        let mut smallest = f32::INFINITY;
        attack.run_all(&image, |_, outcome, _| smallest = smallest.min(outcome.norm)).unwrap();
        f64::from(smallest)
    });
    norms.sum::<f64>() / 50.0
}

#[test]
fn back_feeding_makes_the_minimal_distortions_larger_and_repeats_exactly() {
    let digits = digits();
    let recipe = Recipe { epochs: 15, ..small("fc100-100-10-hardened") };
    let without = train(&Recipe { method: Method::Labels, ..recipe.clone() }, &digits, &digits, |_| {}).unwrap();
    for norms in [&[2.0][..], &[2.0, 0.5, 0.5]] {
        let recipe = with_norms(&recipe, norms);
        let hardened = train(&recipe, &digits, &digits, |_| {}).unwrap();
        assert!(norm(&hardened) > 1.15 * norm(&without), "{} against {}", norm(&hardened), norm(&without));
        assert_eq!(weights(&hardened), weights(&train(&recipe, &digits, &digits, |_| {}).unwrap()));
    }
}

#[test]
fn examples_of_a_hidden_layers_output_teach_the_layers_above_alone() {
    let digits = digits();
    // One step without weight decay, in which every pool but one is empty.
    let recipe =
        Recipe { epochs: 1, batch: 300, decay: vec![0.0; 3], sharpness: 0.0, ..small("fc100-100-10-hardened") };
    let first = |norms: &[f64]| train(&with_norms(&recipe, norms), &digits, &digits, |_| {}).unwrap().layers().to_vec();
    let (none, second, last) = (first(&[]), first(&[0.0, 0.5]), first(&[0.0, 0.0, 0.5]));
    assert_eq!(second[0], none[0]);
    assert_ne!(second[1], none[1]);
    assert_eq!(last[..2], none[..2]);
    assert_ne!(last[2], none[2]);
    assert_ne!(first(&[0.5])[0], none[0]);
}

#[test]
fn a_network_files_settings_name_every_pool() {
    let settings = with_norms(&small("fc100-100-10-hardened"), &[1.4, 0.5, 0.25]).settings();
    let expected = "as many adversarial examples of the inputs of layers 1 2 3, in turn, each from a pool of 200, 20 new for \
                    every batch, x + s·r with ‖s·r‖ up to 1.4 0.5 0.25";
    assert!(settings.ends_with(expected), "{settings}");
}

#[test]
fn a_convolutional_network_learns_digits_repeats_exactly_and_survives_its_file() {
    let digits = digits();
    let recipe = Convolutional { epochs: 12, batch: 30, ..convolutional() };
    let mut loss = f64::INFINITY;
    let network = convolutional::train(&recipe, &digits, &digits, |epoch| loss = epoch.loss).unwrap();
    assert_eq!(network, convolutional::train(&recipe, &digits, &digits, |_| {}).unwrap());
    assert!(loss < 0.3, "{loss}; guessing is {}", 10f64.ln());
    // Images were moved when they were learned from, and are not when they are judged.
    let network = Network::from(network);
    let file = Network::from_safetensors(&network.to_safetensors_i8(&[]).unwrap()).unwrap();
    for network in [network, file] {
        assert!(error(network.clone(), &digits) < 0.05, "{}", error(network, &digits));
    }
}
