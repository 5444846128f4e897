//! The reproduction, end to end and small: the committed networks, the committed 300 digits, no MNIST on disk.
#![cfg(feature = "lab")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use pockets::{
    idx::Digits,
    lab::{
        recipe::recipes,
        reproduce::{
            MAIN, Progress, Reproduction, Results, Sizes,
            data::data,
            document::{Run, document},
            figures,
        },
    },
    network::{Mlp, Network},
};
use std::{
    fs,
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};
use support::{digits, network, path};

const SIZES: Sizes = Sizes::BRIEF;

/// Every network of the paper that is committed.
fn networks() -> Vec<Arc<Mlp>> {
    let folders = ["www/networks", "networks"];
    let files = recipes().into_iter().map(|recipe| recipe.file_name());
    files
        .filter_map(|file| folders.iter().map(|f| format!("{f}/{file}")).find(|file| path(file).is_file()))
        .map(|file| network(&file))
        .collect()
}

/// As if MNIST were 200 training digits and 100 test digits; counts how often progress is told.
fn measure(networks: Vec<Arc<Mlp>>, parts: Option<&Path>, told: &AtomicUsize) -> Results {
    let (train, test): (Digits, Digits) = digits().split_at(200);
    let reproduction =
        Reproduction { networks, train: &train, test: &test, sizes: SIZES, parts: parts.map(Path::to_path_buf) };
    let report = |progress: Progress| {
        told.fetch_add(1, Ordering::Relaxed);
        assert!(progress.done <= progress.total * 1.0001, "{progress:?}");
    };
    reproduction.run(&report).unwrap()
}

static RESULTS: LazyLock<Results> = LazyLock::new(|| measure(networks(), None, &AtomicUsize::new(0)));

fn run() -> Run {
    let settings = RESULTS.networks.iter().map(|_| "Adam".to_string()).collect();
    Run { commit: "0123abc".into(), command: "pockets reproduce".into(), took: ", in 1 min 2 s.".into(), settings }
}

#[test]
fn every_network_misclassifies_all_of_its_own_examples_and_little_of_the_noise() {
    let noise = RESULTS.gaussian.iter().find(|n| n.deviation == 0.06).unwrap();
    for (k, (name, row)) in RESULTS.networks.iter().zip(&RESULTS.rows).enumerate() {
        assert_eq!((row.images, row.failed, row.errors[k]), (60, 0, 1.0), "{name}");
        // The noise has about the examples' distortion.
        for seen in [&noise.unclipped, &noise.clipped] {
            assert!(seen.errors[k] < 0.5 * row.errors[k], "{name}: {}", seen.errors[k]);
        }
        assert!(row.distortion > 0.01 && row.distortion < 0.2, "{name}: {}", row.distortion);
    }
}

#[test]
fn noise_on_a_black_background_loses_by_clipping_and_harms_the_more() {
    let noise = RESULTS.gaussian.iter().find(|n| n.deviation == 0.3).unwrap();
    assert!((noise.unclipped.distortion - 0.3).abs() < 0.01, "{}", noise.unclipped.distortion);
    assert!(noise.clipped.distortion < 0.75 * noise.unclipped.distortion, "{}", noise.clipped.distortion);
    let main = RESULTS.position(MAIN).unwrap();
    assert!(noise.clipped.errors[main] > 2.0 * noise.unclipped.errors[main], "{noise:?}");
}

#[test]
fn random_perturbations_of_the_same_norm_stay_far_below() {
    for steps in [&RESULTS.sampling.steps, &RESULTS.sampling.unclipped] {
        let first = steps[0];
        assert_eq!((first.multiple, first.counts.tried), (1.0, 20 * 50));
        assert!(first.counts.changed * 50 < first.counts.tried, "{first:?}");
        assert!(first.counts.to_target <= first.counts.changed);
        // Much larger noise is another matter; the measurement can tell.
        let last = steps.last().unwrap();
        assert!(2 * last.counts.changed > last.counts.tried, "{last:?}");
    }
}

#[test]
fn noise_crosses_the_boundary_about_as_often_as_its_distance_says() {
    for (name, crossing) in RESULTS.networks.iter().zip(&RESULTS.crossing) {
        assert!(crossing.images == 20 && crossing.distance > 0.1 && crossing.distance < 3.0, "{name}: {crossing:?}");
        assert_eq!(crossing.classes.iter().map(|c| c.pairs).sum::<usize>(), 6 * crossing.images);
        for steps in crossing.steps.windows(2) {
            assert!(steps[0].expected < steps[1].expected, "{name}: more noise, more crossings");
        }
        let near = crossing.classes.iter().find(|class| class.pairs > 0).unwrap();
        let far = crossing.classes.last().unwrap();
        assert!(near.measured > far.measured, "{name}: {crossing:?}");
    }
}

#[test]
fn the_nearest_of_nine_targets_is_nearer_than_the_mean_and_the_mean_nearer_than_the_furthest() {
    for nine in &RESULTS.nine {
        assert!(nine.smallest < nine.distortion && nine.distortion < nine.largest, "{nine:?}");
    }
}

#[test]
fn measured_amplification_lies_between_that_of_noise_and_the_bound() {
    for (name, spectrum) in RESULTS.networks.iter().zip(&RESULTS.spectrum) {
        let bound: f64 = spectrum.bounds.iter().map(|b| b.product()).product();
        assert!(spectrum.whole.1 < spectrum.whole.0 && spectrum.whole.0 < bound, "{name}: {spectrum:?}");
    }
}

#[test]
fn every_reading_succeeds_and_both_together_give_the_smallest_norm() {
    let norm = |name: &str| RESULTS.readings.iter().find(|r| r.reading == name).unwrap();
    for row in &RESULTS.readings {
        assert_eq!(row.succeeded, row.searches, "{row:?}");
    }
    assert!(norm("both").norm <= norm("weight").norm && norm("both").norm <= norm("scale").norm);
    assert!(norm("any").norm < norm("both").norm, "any label is nearer than a random one");
}

#[test]
fn the_document_shows_every_network_and_judges_by_the_numbers() {
    let text = document(&RESULTS, &run());
    for name in &RESULTS.networks {
        assert!(text.contains(&format!("| {name} |")), "{name}");
    }
    assert!(
        text.contains("`0123abc`") && text.contains("Every network misclassifies all of its own examples: **holds**")
    );
    let mut worse = RESULTS.clone();
    worse.rows[0].errors[0] = 0.9;
    let text = document(&worse, &run());
    assert!(text.contains("Every network misclassifies all of its own examples: **does not hold here**"));
}

#[test]
fn the_data_for_the_page_has_a_number_for_every_pair_and_the_papers_beside_it() {
    let data = data(&RESULTS, &run());
    let count = RESULTS.networks.len();
    for (k, row) in data["made_for"].as_array().unwrap().iter().enumerate() {
        assert_eq!(row["errors"].as_array().unwrap().len(), count);
        assert_eq!(row["errors"][k], 1.0);
    }
    let main = RESULTS.position(MAIN).unwrap();
    assert_eq!(data["networks"][main]["paper"]["distortion"]["value"], 0.058);
    assert_eq!(data["made_for"][main]["paper"][main]["confirmed"], true);
}

#[test]
fn figures_are_svg_that_follows_the_readers_theme() {
    for figure in figures::draw(&RESULTS, &digits().split_at(200).1).unwrap() {
        assert!(figure.svg.starts_with("<svg") && figure.svg.contains("prefers-color-scheme:dark"), "{}", figure.name);
        assert!(!figure.svg.contains("NaN") && figure.svg.trim_end().ends_with("</svg>"), "{}", figure.name);
    }
}

#[test]
fn a_second_run_goes_on_where_the_first_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let main = || vec![network("www/networks/FC100-100-10.safetensors")];
    let told = AtomicUsize::new(0);
    let first = measure(main(), Some(folder.path()), &told);
    assert!(told.swap(0, Ordering::Relaxed) > 0);
    let again = measure(main(), Some(folder.path()), &told);
    assert_eq!(told.swap(0, Ordering::Relaxed), 0, "nothing was left to do");
    assert_eq!(document(&first, &run()), document(&again, &run()));
    // A part that was lost, or cut off, is measured again, the others are not.
    let row = fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path());
    let row = row.into_iter().find(|f| f.to_string_lossy().contains("readings")).unwrap();
    fs::write(&row, "{").unwrap();
    let restored = measure(main(), Some(folder.path()), &told);
    assert!(told.swap(0, Ordering::Relaxed) > 0);
    assert_eq!(document(&first, &run()), document(&restored, &run()));
}

#[test]
fn every_network_that_the_page_offers_has_the_name_and_test_error_that_its_list_gives() {
    let list: serde_json::Value = serde_json::from_slice(&support::bytes("www/networks/index.json")).unwrap();
    let entries = list.as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["name"] == MAIN));
    for entry in entries {
        let file = format!("www/networks/{}", entry["file"].as_str().unwrap());
        let bytes = support::bytes(&file);
        let network = Network::from_safetensors(&bytes).unwrap();
        assert_eq!(entry["name"], network.name());
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let percent: f64 = header.metadata().as_ref().unwrap()["test_error_pct"].parse().unwrap();
        let error = entry["test_error"].as_f64().unwrap();
        assert!((100.0 * error - percent).abs() < 1e-6, "{file}: {error} in the list, {percent} % in the file");
        // The first 300 digits, within three standard errors.
        let wrong = pockets::lab::train::error(network, &digits());
        assert!((wrong - error).abs() < 0.01 + 3.0 * (error / 300.0).sqrt(), "{file}: {wrong}");
    }
}
