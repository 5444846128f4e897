//! The committed network is what its metadata says; the page's copy of it is the same one in 8 bits.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use pockets::{
    idx::Digits,
    network::{Activation, Mlp, Network, label},
};
use safetensors::{Dtype, SafeTensors};
use std::{collections::HashMap, fs, path::Path};

/// As trained: `pockets train fc100-100-10`.
const TRAINED: &[u8] = include_bytes!("../networks/FC100-100-10.safetensors");
/// As shipped: `pockets pack networks/FC100-100-10.safetensors www/networks/FC100-100-10.safetensors`.
const SHIPPED: &[u8] = include_bytes!("../www/networks/FC100-100-10.safetensors");

fn digits() -> Digits {
    let images = include_bytes!("fixtures/mnist-300-images-idx3-ubyte");
    let labels = include_bytes!("fixtures/mnist-300-labels-idx1-ubyte");
    Digits::parse(images, labels).unwrap()
}

fn metadata(file: &[u8]) -> HashMap<String, String> {
    let (_, header) = SafeTensors::read_metadata(file).unwrap();
    header.metadata().clone().unwrap()
}

#[test]
fn the_trained_weights_decode_into_two_sigmoid_layers_of_a_hundred() {
    for file in [TRAINED, SHIPPED] {
        let network = Mlp::from_safetensors(file).unwrap();
        let shapes: Vec<_> = network.layers().iter().map(|l| (l.inputs, l.outputs)).collect();
        assert_eq!(shapes, [(784, 100), (100, 100), (100, 10)]);
        assert_eq!((network.name(), network.activation()), ("FC100-100-10", Activation::Sigmoid));
    }
    let stored = SafeTensors::deserialize(TRAINED).unwrap();
    assert!(stored.iter().all(|(_, tensor)| tensor.dtype() == Dtype::F16));
}

#[test]
fn the_shipped_network_is_the_trained_one_packed() {
    let packed = Mlp::from_safetensors(TRAINED).unwrap().to_safetensors_i8(&[]).unwrap();
    assert_eq!(Mlp::from_safetensors(SHIPPED).unwrap(), Mlp::from_safetensors(&packed).unwrap());
    let (mut trained, mut shipped) = (metadata(TRAINED), metadata(SHIPPED));
    for judged_anew in ["train_error_pct", "test_error_pct"] {
        assert!(trained.remove(judged_anew).is_some() && shipped.remove(judged_anew).is_some());
    }
    assert_eq!(trained, shipped);
}

#[test]
fn both_networks_classify_the_first_300_test_digits_as_reported() {
    // From a forward pass by NumPy, in float64, over the same files: of all 10,000 the trained network misclassifies 162
    // and the shipped one 167, the 1.62 % and 1.67 % of their metadata.
    for (file, test_error) in [(TRAINED, "1.62"), (SHIPPED, "1.67")] {
        let network = Mlp::from_safetensors(file).unwrap();
        let wrong: Vec<usize> = digits()
            .iter()
            .enumerate()
            .filter(|(_, (image, l))| label(&network.logits(image)) != *l)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(wrong, [8, 115, 247]);
        assert_eq!(metadata(file)["test_error_pct"], test_error);
    }
}

#[test]
fn the_shipped_network_reports_a_test_error_within_the_projects_limit() {
    let metadata = metadata(SHIPPED);
    let error: f64 = metadata["test_error_pct"].parse().unwrap();
    assert!(error > 0.0 && error <= 1.85, "{error} %");
    assert!(["train_error_pct", "seed", "settings"].iter().all(|key| metadata.contains_key(*key)));
}

#[test]
fn the_pages_list_gives_every_network_its_own_name_and_test_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/networks");
    let list: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let entries = list.as_array().unwrap();
    assert!(!entries.is_empty());
    for entry in entries {
        let file = fs::read(folder.join(entry["file"].as_str().unwrap())).unwrap();
        assert_eq!(entry["name"], Network::from_safetensors(&file).unwrap().name());
        let stated: f64 = metadata(&file)["test_error_pct"].parse().unwrap();
        assert!((entry["test_error"].as_f64().unwrap() - stated / 100.0).abs() < 1e-9, "{entry}");
    }
}

#[cfg(feature = "lab")]
#[test]
fn every_committed_network_was_trained_by_its_recipe_as_it_stands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // One network of each recipe; of this one docs/training.md has the errors, and no file is kept.
    let is_kept = |title: &str| title != "FC100-100-10 (hardened at every layer)";
    for recipe in pockets::lab::recipe::recipes().into_iter().filter(|recipe| is_kept(recipe.title)) {
        let files = ["www/networks", "networks"].map(|folder| root.join(folder).join(recipe.file_name()));
        let files: Vec<_> = files.into_iter().filter(|file| file.is_file()).collect();
        assert!(!files.is_empty(), "{} is nowhere", recipe.title);
        for file in files {
            let bytes = fs::read(file).unwrap();
            let network = Mlp::from_safetensors(&bytes).unwrap();
            let widths: Vec<usize> = network.layers().iter().map(|layer| layer.outputs).collect();
            assert_eq!((network.name(), widths), (recipe.title, [recipe.hidden.as_slice(), &[10]].concat()));
            let metadata = metadata(&bytes);
            assert_eq!(metadata["settings"], recipe.settings(), "{}", recipe.title);
            assert_eq!(metadata["seed"], recipe.seed.to_string(), "{}", recipe.title);
        }
    }
}

/// Test digits on which it errs, as stated; and of three hundred of them, which.
#[cfg(feature = "lab")]
#[test]
fn the_convolutional_network_was_trained_by_its_recipe_and_errs_on_a_hundredth_at_most() {
    let recipe = pockets::lab::recipe::convolutional();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |folder: &str| fs::read(root.join(folder).join(pockets::lab::recipe::file_name(recipe.title))).unwrap();
    let (trained, shipped) = (file("networks"), file("www/networks"));
    for bytes in [&trained, &shipped] {
        let metadata = metadata(bytes);
        assert_eq!((&metadata["settings"], &metadata["seed"]), (&recipe.settings(), &recipe.seed.to_string()));
        let error: f64 = metadata["test_error_pct"].parse().unwrap();
        assert!(error > 0.0 && error <= 1.0, "{error} %");
        assert_eq!(Network::from_safetensors(bytes).unwrap().name(), recipe.title);
    }
    let packed = Network::from_safetensors(&trained).unwrap().to_safetensors_i8(&[]).unwrap();
    let [packed, shipped] = [&packed, &shipped].map(|bytes| Network::from_safetensors(bytes).unwrap());
    let image = vec![0.5; pockets::PIXELS];
    assert_eq!(packed.logits(&image), shipped.logits(&image), "the page's is the trained one, packed");
}
