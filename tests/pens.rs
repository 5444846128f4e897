//! Training on images and pen strokes together.
#![cfg(feature = "lab")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use pockets::{
    PIXELS,
    digit::Brush,
    lab::{
        pens::{Material, PenRecipe, Shape, hold_out, recipes, train},
        train::error,
    },
    network::Network,
    pen::{self, Drawing, score::Score},
};
use safetensors::SafeTensors;
use std::{collections::BTreeSet, process::Command};
use support::{digits, path};

fn forms() -> Vec<Drawing> {
    pen::read(&path("tests/fixtures/forms/forms.jsonl")).unwrap()
}

/// A recipe that takes seconds.
fn small(name: &str) -> PenRecipe {
    let recipe = recipes().into_iter().find(|recipe| recipe.name == name).unwrap();
    PenRecipe { epochs: 8, batch: 20, times: 4, ..recipe }
}

fn learn(recipe: &PenRecipe) -> Network {
    let (digits, drawings) = (digits(), forms());
    train(recipe, Material { digits: &digits, drawings: &drawings }, &digits, |_| {}).unwrap()
}

/// The logits of one image tell networks apart.
fn logits(network: &Network) -> [f32; 10] {
    network.logits(&[0.5; PIXELS])
}

#[test]
fn images_and_strokes_are_learned_and_the_same_seed_gives_the_same_weights() {
    let recipe = PenRecipe { epochs: 25, ..small("fc100-100-10-pens") };
    let network = learn(&recipe);
    // Of 27 forms; guessing classifies a tenth.
    let score = Score::of(network.clone(), &forms(), Brush::default());
    assert!(score.all.right >= 24, "{:?}", score.missed);
    assert!(error(network.clone(), &digits()) < 0.1, "{}", error(network, &digits()));
    let short = small("fc100-100-10-pens");
    assert_eq!(logits(&learn(&short)), logits(&learn(&short)));
    let other = PenRecipe { seed: short.seed + 1, ..short.clone() };
    assert_ne!(logits(&learn(&short)), logits(&learn(&other)));
}

#[test]
fn the_convolutional_network_learns_from_pens_too() {
    let network = learn(&small("cnn8-16-10-pens"));
    let score = Score::of(network.clone(), &forms(), Brush::default());
    assert!(score.all.right >= 22, "{:?}", score.missed);
    assert!(matches!(network, Network::Sequential(_)));
}

#[test]
fn a_recipe_without_strokes_is_refused() {
    let (digits, drawings) = (digits(), forms());
    let alone = small("fc100-100-10-pens");
    let material = Material { digits: &digits, drawings: &drawings };
    for (recipe, material, expected) in [
        (&alone, Material { drawings: &[], ..material }, "digits and strokes to learn from"),
        (&PenRecipe { batch: 0, ..alone.clone() }, material, "at least one in each batch"),
    ] {
        let refused = train(recipe, material, &digits, |_| {}).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_fifth_of_the_writers_is_held_out_whole() {
    let drawing = forms()[0].clone();
    let by = |writer: usize| Drawing { writer: format!("{:02}", writer / 3), ..drawing.clone() };
    let (held_out, others) = hold_out((0..60).map(by).collect());
    let writers = |drawings: &[Drawing]| drawings.iter().map(|d| d.writer.clone()).collect::<BTreeSet<_>>();
    assert_eq!(writers(&held_out), ["04", "09", "14", "19"].map(String::from).into());
    assert_eq!((held_out.len(), others.len()), (12, 48));
    assert!(writers(&held_out).is_disjoint(&writers(&others)));
}

#[test]
fn the_settings_name_what_is_learned_from() {
    for recipe in recipes() {
        let settings = recipe.settings();
        assert!(settings.contains(&format!("pen strokes {} times an epoch", recipe.times)), "{settings}");
        assert_eq!(settings.contains("decay"), matches!(recipe.shape, Shape::Perceptron { .. }), "{settings}");
    }
}

#[test]
fn the_command_asks_for_the_strokes_and_refuses_them_where_they_are_of_no_use() {
    for (arguments, expected) in [
        (&["fc100-100-10-pens"][..], "name their folder with --pen"),
        (&["fc100-100-10", "--pen", "."], "learns from MNIST alone"),
        (&["fc100-100-10-pens", "--pen", "none"], "none: "),
        (
            &["fc100-100-10-pens", "--pen", ".", "--sharpness", "1"],
            "--epochs, --batch, --rate, --decay and --seed alone",
        ),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pockets"));
        let output = command.arg("train").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected) && !said.contains("panicked"), "{said}");
    }
}

#[test]
fn the_committed_network_was_trained_by_its_recipe_and_knows_the_forms_that_mnist_hardly_has() {
    let recipe = recipes().into_iter().find(|recipe| recipe.name == "fc100-100-10-pens").unwrap();
    let bytes = support::bytes("networks/FC100-100-10_pens.safetensors");
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!((&metadata["settings"], &metadata["seed"]), (&recipe.settings(), &recipe.seed.to_string()));
    let network = Network::from_safetensors(&bytes).unwrap();
    assert_eq!(network.name(), recipe.title);
    let score = Score::of(network, &forms(), Brush::default());
    // One of the slashed zeros is taken for an 8.
    assert_eq!((score.all.drawings, score.all.right, score.confusion[0][8]), (27, 26, 1));
}
