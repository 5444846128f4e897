//! `reproduction.json`: the same numbers for programs, the page among them.
//!
//! Errors of ours are shares from 0 to 1, in the order of `networks`; the paper's are in per cent, each with whether
//! a second source confirms it.

use super::{
    Results,
    document::{Run, TABLE2, TABLE4},
    paper::{self, Cell},
};
use serde_json::{Value, json};

/// The whole object.
pub fn data(results: &Results, run: &Run) -> Value {
    json!({
        "commit": run.commit,
        "command": run.command,
        "took": run.took,
        "sizes": results.sizes,
        "amplified_to": super::measure::AMPLIFIED,
        "networks": (0..results.networks.len()).map(|k| network(results, run, k)).collect::<Vec<_>>(),
        "made_for": (0..results.networks.len()).map(|k| made_for(results, k)).collect::<Vec<_>>(),
        "noise": results.gaussian.iter().map(|row| noise(results, row)).collect::<Vec<_>>(),
        "sampling": results.sampling,
        "crossing": results.crossing,
        "units": results.units,
        "readings": results.readings,
    })
}

fn network(results: &Results, run: &Run, k: usize) -> Value {
    let name = &results.networks[k];
    let paper = paper::TABLE1
        .iter()
        .find(|t| t.network == name)
        .map(|t| json!({ "train_error": t.train_error, "test_error": t.test_error, "distortion": t.distortion }));
    json!({
        "name": name,
        "settings": run.settings.get(k),
        "errors": results.errors[k],
        "distortion": results.rows[k].distortion,
        "nine": results.nine[k],
        "spectrum": results.spectrum[k],
        "paper": paper,
    })
}

/// A row of tables 2 and 4.
fn made_for(results: &Results, k: usize) -> Value {
    let (name, row) = (&results.networks[k], &results.rows[k]);
    let cells = |find: &dyn Fn(&str, &str) -> Option<Cell>| {
        results.networks.iter().map(|column| find(name, column)).collect::<Vec<Option<Cell>>>()
    };
    let at = |names: &[&str], name: &str| names.iter().position(|n| *n == name);
    json!({
        "network": name,
        "images": row.images,
        "failed": row.failed,
        "distortion": row.distortion,
        "evaluations": row.evaluations,
        "errors": row.errors,
        "amplified": row.amplified,
        "amplified_distortion": row.amplified_distortion,
        "paper": cells(&|row, column| {
            let table2 = at(&TABLE2, row).zip(at(&TABLE2, column)).map(|(r, c)| paper::TABLE2[r][c]);
            table2.or_else(|| at(&TABLE4, row).zip(at(&TABLE4, column)).map(|(r, c)| paper::TABLE4[r][c]))
        }),
        "paper_amplified": cells(&|row, column| {
            at(&TABLE4, row).zip(at(&TABLE4, column)).map(|(r, c)| paper::TABLE4_AMPLIFIED[r][c])
        }),
    })
}

/// A row of Gaussian noise: as it is, beside the paper's, and clipped.
fn noise(results: &Results, row: &super::measure::NoiseRow) -> Value {
    let is_this = |deviation: f64| (deviation - f64::from(row.deviation)).abs() < 1e-6;
    let in_table2 = paper::TABLE2_NOISE.iter().find(|(d, _)| is_this(*d));
    let in_table4 = paper::TABLE4_NOISE.iter().find(|(d, _)| is_this(*d));
    let cell = |name: &String| {
        let second = TABLE2.iter().position(|n| n == name).zip(in_table2).map(|(c, (_, cells))| cells[c]);
        second.or_else(|| TABLE4.iter().position(|n| n == name).zip(in_table4).map(|(c, (_, cells))| cells[c]))
    };
    json!({
        "deviation": row.deviation,
        "distortion": row.unclipped.distortion,
        "errors": row.unclipped.errors,
        "clipped": row.clipped,
        "paper": results.networks.iter().map(cell).collect::<Vec<Option<Cell>>>(),
    })
}
