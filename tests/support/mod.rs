//! What several test files share.
#![allow(dead_code, reason = "no file uses all of it")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests and examples fail by a panic")]

use pockets::{idx::Digits, network::Mlp};
use serde_json::Value;
use std::{fs, path::PathBuf, sync::Arc};

pub fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

pub fn bytes(relative: &str) -> Vec<u8> {
    fs::read(path(relative)).unwrap_or_else(|e| panic!("{relative}: {e}"))
}

pub fn network(relative: &str) -> Arc<Mlp> {
    Arc::new(Mlp::from_safetensors(&bytes(relative)).unwrap())
}

/// The first 300 images and labels of MNIST's test set.
pub fn digits() -> Digits {
    Digits::parse(
        &bytes("tests/fixtures/mnist-300-images-idx3-ubyte"),
        &bytes("tests/fixtures/mnist-300-labels-idx1-ubyte"),
    )
    .unwrap()
}

/// One of the two networks of tests/fixtures/reference, with what another implementation found on it.
pub struct Reference {
    pub network: Arc<Mlp>,
    pub rows: Vec<Row>,
    /// Per image and target; NaN for its own label.
    pub all_targets: Vec<Vec<f64>>,
}

pub struct Row {
    pub index: usize,
    pub label: usize,
    pub target: usize,
    pub norm: f64,
    pub smallest: f64,
}

pub fn reference(name: &str) -> Reference {
    let json: Value = serde_json::from_slice(&bytes(&format!("tests/fixtures/reference/{name}.json"))).unwrap();
    let whole = |row: &Value, key: &str| row[key].as_u64().unwrap() as usize;
    let rows = json["next"].as_array().unwrap().iter().map(|row| Row {
        index: whole(row, "index"),
        label: whole(row, "label"),
        target: whole(row, "target"),
        norm: row["norm"].as_f64().unwrap(),
        smallest: row["smallest"].as_f64().unwrap(),
    });
    let table = json["all_targets_norm"].as_array().unwrap().iter();
    let all_targets = table.map(|row| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect());
    Reference {
        network: network(&format!("tests/fixtures/reference/{name}.safetensors")),
        rows: rows.collect(),
        all_targets: all_targets.collect(),
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
