//! Reads tests/fixtures/lbfgs/problems.json; the README there says what each field is.

use crate::problems::{self, Objective};
use serde_json::Value;

/// How all implementations are measured.
pub struct Rules {
    pub memory: usize,
    /// Stops when no entry of the projected gradient is larger.
    pub gradient_tolerance: f64,
    /// "Reached" is `f ≤ f* + value_tolerance·max(1, |f*|)`.
    pub value_tolerance: f64,
}

/// A problem, and what SciPy makes of it.
pub struct Problem {
    pub name: String,
    pub objective: Objective,
    pub parameter: f64,
    pub start: Vec<f64>,
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
    pub start_value: f64,
    pub start_gradient: Vec<f64>,
    /// The optimum.
    pub x: Vec<f64>,
    pub value: f64,
    /// SciPy's evaluations until the gradient tolerance, and until the value is reached.
    pub evaluations: f64,
    pub evaluations_to_value: f64,
}

impl Problem {
    pub fn n(&self) -> usize {
        self.start.len()
    }

    pub fn evaluate(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        (self.objective)(self.parameter, x, gradient)
    }

    /// The value that counts as reached.
    pub fn bar(&self, tolerance: f64) -> f64 {
        self.value + tolerance * self.value.abs().max(1.0)
    }
}

pub fn load() -> (Rules, Vec<Problem>) {
    let file: Value = serde_json::from_str(include_str!("../fixtures/lbfgs/problems.json")).unwrap();
    let number = |key: &str| file[key].as_f64().unwrap();
    let rules = Rules {
        memory: number("memory") as usize,
        gradient_tolerance: number("gradient_tolerance"),
        value_tolerance: number("value_tolerance"),
    };
    (rules, file["problems"].as_array().unwrap().iter().map(problem).collect())
}

fn problem(row: &Value) -> Problem {
    let number = |key: &str| row[key].as_f64().unwrap();
    // One number stands for a vector of equal ones, null for an infinite bound.
    let vector = |key: &str, infinity: f64| match &row[key] {
        Value::Array(entries) => entries.iter().map(|v| v.as_f64().unwrap_or(infinity)).collect(),
        value => vec![value.as_f64().unwrap_or(infinity); number("n") as usize],
    };
    Problem {
        name: row["name"].as_str().unwrap().to_owned(),
        objective: problems::family(row["family"].as_str().unwrap()).unwrap(),
        parameter: number("parameter"),
        start: vector("start", f64::NAN),
        lower: vector("lower", f64::NEG_INFINITY),
        upper: vector("upper", f64::INFINITY),
        start_value: number("start_value"),
        start_gradient: vector("start_gradient", f64::NAN),
        x: vector("x", f64::NAN),
        value: number("value"),
        evaluations: number("evaluations"),
        evaluations_to_value: number("evaluations_to_value"),
    }
}
