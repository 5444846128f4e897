//! The same problem given to this crate and to basin's L-BFGS-B, with every evaluation on record.

use crate::fixtures::Problem;
use basin::{BoxBounds, ConstraintDescription, ConstraintSet, Constraints, CostFunction, Executor, FirstOrderState};
use basin::{Gradient, Lbfgsb};
use pockets::lbfgs::{Ending, Minimizer, Options};
use std::{cell::RefCell, convert::Infallible};

/// The values of f in the order of evaluation.
#[derive(Default)]
pub struct Record {
    point: Vec<f64>,
    pub values: Vec<f64>,
}

impl Record {
    /// f and ∇f at one point count once, whether they are asked for together or one after the other.
    fn evaluate(&mut self, problem: &Problem, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = problem.evaluate(x, gradient);
        if self.point != x {
            self.point = x.to_vec();
            self.values.push(value);
        }
        value
    }

    pub fn evaluations(&self) -> usize {
        self.values.len()
    }

    /// Evaluations until the first value at most `bar`.
    pub fn evaluations_to(&self, bar: f64) -> Option<usize> {
        self.values.iter().position(|value| *value <= bar).map(|index| index + 1)
    }
}

/// This crate's minimizer, to a projected gradient within `tolerance` and no other end but f's rounding.
pub fn ours(problem: &Problem, memory: usize, tolerance: f64) -> (Minimizer<f64>, Ending, Record) {
    let options =
        Options { memory, gradient_tolerance: tolerance, decrease_tolerance: 0.0, ..Options::<f64>::default() };
    let mut minimizer = Minimizer::new(problem.n(), options);
    minimizer.start(&problem.start, &problem.lower, &problem.upper).unwrap();
    let mut record = Record::default();
    loop {
        if let Some(ending) = minimizer.step(|x, gradient| record.evaluate(problem, x, gradient)) {
            return (minimizer, ending, record);
        }
    }
}

/// basin's.
pub fn basin(problem: &Problem, memory: usize, tolerance: f64) -> Record {
    let recorded = Recorded { problem, record: RefCell::default() };
    let solver = Lbfgsb::new().with_m_capacity(memory).with_absolute_projected_gradient_tolerance(tolerance);
    let state = FirstOrderState::new(problem.start.clone());
    // It reports a line search that rounding has stopped as an error; the evaluations count all the same.
    let _ = Executor::new(&recorded, solver, state).max_iter(20_000).run();
    recorded.record.into_inner()
}

struct Recorded<'a> {
    problem: &'a Problem,
    record: RefCell<Record>,
}

impl Constraints for &Recorded<'_> {
    type Set = ConstraintSet<BoxBounds<Vec<f64>>>;

    fn constraints(&self) -> <Self::Set as ConstraintDescription>::Borrowed<'_> {
        ConstraintSet::new().with_bounds(BoxBounds::new(Some(&self.problem.lower), Some(&self.problem.upper)))
    }
}

impl CostFunction for &Recorded<'_> {
    type Param = Vec<f64>;
    type Output = f64;
    type Error = Infallible;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Infallible> {
        Ok(self.record.borrow_mut().evaluate(self.problem, x, &mut vec![0.0; x.len()]))
    }
}

impl Gradient for &Recorded<'_> {
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Infallible> {
        let mut gradient = vec![0.0; x.len()];
        self.record.borrow_mut().evaluate(self.problem, x, &mut gradient);
        Ok(gradient)
    }
}
