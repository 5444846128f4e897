//! `pockets attack` as other programs call it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use safetensors::{Dtype, tensor::TensorView};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use support::path;

const IMAGES: &str = "tests/fixtures/mnist-300-images-idx3-ubyte";
const LABELS: &str = "tests/fixtures/mnist-300-labels-idx1-ubyte";
const NETWORK: &str = "tests/fixtures/reference/FC10_1e-4.safetensors";

fn attack(network: &Path, images: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pockets"));
    command.arg("attack").arg("--network").arg(network).arg("--images").arg(images);
    command.arg("--labels").arg(path(LABELS)).args(more).output().unwrap()
}

/// The JSON of an attack on the convex network that must go well.
fn report(more: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.json");
    let output = attack(&path(NETWORK), &path(IMAGES), &[more, &["--json", out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&fs::read(out).unwrap()).unwrap()
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn the_report_has_the_fields_of_the_contract() {
    let report = report(&["--count", "5"]);
    assert_eq!((&report["network"], &report["target"]), (&Value::from("FC10_1e-4"), &Value::from("next")));
    let images = report["images"].as_array().unwrap();
    assert_eq!(images.len(), 5);
    for image in images {
        let mut fields: Vec<&str> = image.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let contract = [
            "c",
            "distortion",
            "evaluations",
            "index",
            "label",
            "margin",
            "ms",
            "norm",
            "norm_c",
            "scale",
            "success",
            "target",
        ];
        assert_eq!(fields, contract);
        assert_eq!(image["success"], true);
        assert_eq!(image["target"].as_u64(), Some((image["label"].as_u64().unwrap() + 1) % 10));
        let number = |field: &str| image[field].as_f64().unwrap();
        assert!((number("distortion") - number("norm") / 28.0).abs() < 1e-6);
        assert!((number("norm") - number("scale") * number("norm_c")).abs() < 1e-5);
        assert!(number("c") > 0.0 && number("evaluations") >= 1.0 && number("ms") > 0.0 && number("margin") > 0.0);
    }
}

#[test]
fn each_kind_of_target_asks_for_its_searches() {
    let rows = |target: &str| report(&["--count", "4", "--target", target])["images"].as_array().unwrap().clone();
    let (all, best) = (rows("all"), rows("best"));
    assert_eq!((all.len(), best.len(), rows("any").len()), (36, 4, 4));
    for (nine, best) in all.chunks_exact(9).zip(&best) {
        let norms = nine.iter().map(|row| row["norm"].as_f64().unwrap());
        assert_eq!(best["norm"].as_f64(), Some(norms.fold(f64::INFINITY, f64::min)));
        let evaluations: u64 = nine.iter().map(|row| row["evaluations"].as_u64().unwrap()).sum();
        assert_eq!(best["evaluations"].as_u64(), Some(evaluations), "the best of nine costs all nine");
    }
    // The first four digits are 7, 2, 1 and 0.
    assert_eq!(rows("7").len(), 3, "a digit's own label asks for no search");
    assert!(rows("7").iter().all(|row| row["target"] == 7));
}

#[test]
fn every_reading_of_c_is_accepted() {
    for reading in ["weight", "scale", "both"] {
        let report = report(&["--count", "3", "--reading", reading]);
        assert!(report["images"].as_array().unwrap().iter().all(|row| row["success"] == true), "{reading}");
        if reading == "weight" {
            assert!(report["images"].as_array().unwrap().iter().all(|row| row["scale"] == 1.0));
        }
    }
}

#[test]
fn a_thorough_search_finds_no_larger_norms() {
    for target in ["next", "best", "all", "any"] {
        let rows = |more: &[&str]| {
            let report = report(&[&["--count", "2", "--target", target], more].concat());
            report["images"].as_array().unwrap().clone()
        };
        let (plain, thorough) = (rows(&[]), rows(&["--thorough"]));
        assert_eq!(plain.len(), thorough.len());
        for (plain, thorough) in plain.iter().zip(&thorough) {
            let number = |row: &Value, field: &str| row[field].as_f64().unwrap();
            assert_eq!((&thorough["success"], &thorough["target"]), (&Value::from(true), &plain["target"]));
            assert!(number(thorough, "norm") <= number(plain, "norm"), "{target}: {thorough}, not {plain}");
            assert!(number(thorough, "evaluations") > number(plain, "evaluations"), "{target}: {thorough}");
        }
    }
}

#[test]
fn certificates_are_lower_bounds_of_the_norms_and_only_there_when_asked_for() {
    // It ends when there is nothing left to prove, within milliseconds: the time is for a machine that does much else.
    for target in ["next", "best", "all", "any"] {
        let report = report(&["--count", "3", "--target", target, "--certify", "20000"]);
        for row in report["images"].as_array().unwrap() {
            let number = |field: &str| row[field].as_f64().unwrap();
            assert!(0.0 < number("certified_any") && number("certified_any") <= number("certified"), "{row}");
            assert!(number("certified") <= number("norm"), "{row}");
            // A convex network: the smallest norm itself is proved, and for the nearest target that of any.
            assert!(target == "any" || number("certified") > 0.999 * number("norm"), "{row}");
            assert!(target != "best" || number("certified_any") > 0.999 * number("norm"), "{row}");
        }
    }
    let without = report(&["--count", "1"]);
    assert_eq!(without["images"][0].get("certified"), None);
    let said = refusal(&attack(&path(NETWORK), &path(IMAGES), &["--certify", "soon"]));
    assert!(said.contains("soon"), "{said}");
}

#[test]
fn nothing_found_is_said_and_not_a_number() {
    // Its logits do not depend on the image: it predicts 7 of everything, and no change makes it predict anything else.
    let (weights, biases) = ([0.0f32; 10 * 784], [0.0f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (weights, biases) = (bytes(&weights), bytes(&biases));
    let tensor = |shape: &[usize], bytes| TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
    let tensors = [("fc1.weight", tensor(&[10, 784], &weights)), ("fc1.bias", tensor(&[10], &biases))];
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, safetensors::serialize(tensors, None).unwrap()).unwrap();

    let said = |more: &[&str]| {
        let output = attack(file.path(), &path(IMAGES), more);
        assert!(output.status.success(), "every search that was asked for ran");
        String::from_utf8(output.stdout).unwrap()
    };
    let nothing = said(&["--count", "2"]);
    assert!(nothing.contains("0 of 2 searches succeeded\nnothing was found"), "{nothing}");
    let none = said(&["--count", "2", "--target", "7"]);
    assert!(none.contains("0 of 0 searches succeeded\nnothing was searched for"), "{none}");
    assert!(!nothing.contains("NaN") && !none.contains("NaN"), "{nothing}{none}");
}

#[test]
fn bad_input_ends_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        file
    };
    let network = support::bytes(NETWORK);
    let truncated = write("truncated.safetensors", &network[..network.len() / 2]);
    let said = refusal(&attack(&truncated, &path(IMAGES), &[]));
    assert!(said.contains("truncated.safetensors") && said.contains("is not whole"), "{said}");

    let mut broken = network.clone();
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let said = refusal(&attack(&write("nan.safetensors", &broken), &path(IMAGES), &[]));
    assert!(said.contains("NaN"), "{said}");

    let images = support::bytes(IMAGES);
    let said = refusal(&attack(&path(NETWORK), &write("short", &images[..images.len() - 1]), &[]));
    assert!(!said.is_empty());

    assert!(refusal(&attack(Path::new("no-such-file"), &path(IMAGES), &[])).contains("no-such-file"));
    assert!(refusal(&attack(&path(NETWORK), &path(IMAGES), &["--target", "10"])).contains("digit from 0 to 9"));
    assert!(refusal(&attack(&path(NETWORK), &path(IMAGES), &["--reading", "sideways"])).contains("weight"));
}

#[test]
fn a_network_of_another_format_is_inspected_converted_and_attacked() {
    let keras = path("tests/fixtures/imports/functional.h5");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pockets")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let judges = ["--images", IMAGES, "--labels", LABELS]
        .map(|name| if name.starts_with("--") { name.into() } else { path(name) });
    let judges = judges.each_ref().map(|part: &std::path::PathBuf| part.to_str().unwrap());
    let said = run(&[&["inspect", keras.to_str().unwrap()][..], &judges].concat());
    assert!(said.contains("Keras file (HDF5)") && said.contains("dense"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("converted.safetensors");
    run(&[&["convert", keras.to_str().unwrap(), converted.to_str().unwrap()][..], &judges].concat());
    let bytes = fs::read(&converted).unwrap();
    assert!(pockets::network::Network::from_safetensors(&bytes).is_ok());
}
