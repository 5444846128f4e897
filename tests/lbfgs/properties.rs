//! Properties that hold on every problem: random convex quadratics and Rosenbrock functions in random boxes.

use super::problems;
use num_traits::Float;
use pockets::lbfgs::{Ending, Minimizer, Options};
use proptest::{prelude::*, test_runner::RngSeed};

/// Lower bound, upper bound and start of one variable: free, one-sided, boxed or fixed; the start may lie outside.
fn variable() -> impl Strategy<Value = [f64; 3]> {
    let inf = f64::INFINITY;
    let bounds = prop_oneof![
        Just([-inf, inf]),
        (-2.0..2.0).prop_map(move |lower| [lower, inf]),
        (-2.0..2.0).prop_map(move |upper| [-inf, upper]),
        (-2.0..2.0, 0.0..2.0).prop_map(|(lower, width)| [lower, lower + width]),
        (-2.0..2.0).prop_map(|value| [value, value]),
    ];
    (bounds, -3.0..3.0).prop_map(|([lower, upper], start)| [lower, upper, start])
}

/// `½ xᵀ(MᵀM + δI)x − b·x`.
#[derive(Clone, Debug)]
struct Quadratic {
    matrix: Vec<Vec<f64>>,
    offset: Vec<f64>,
    shift: f64,
}

impl Quadratic {
    fn evaluate(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut value = 0.0;
        for ((g, x), b) in gradient.iter_mut().zip(x).zip(&self.offset) {
            *g = self.shift * x - b;
            value += 0.5 * self.shift * x * x - b * x;
        }
        for row in &self.matrix {
            let along: f64 = row.iter().zip(x).map(|(m, x)| m * x).sum();
            value += 0.5 * along * along;
            for (g, m) in gradient.iter_mut().zip(row) {
                *g += along * m;
            }
        }
        value
    }
}

/// The smallest δ is `least`, as a power of ten.
fn boxed_quadratic(least: f64) -> impl Strategy<Value = (Quadratic, Vec<[f64; 3]>)> {
    (1usize..16).prop_flat_map(move |n| {
        let row = prop::collection::vec(-1.0..1.0, n);
        let quadratic = (prop::collection::vec(row.clone(), 0..=n), row, least..0.0);
        let quadratic = quadratic.prop_map(|(matrix, offset, shift)| {
            let offset = offset.into_iter().map(|b: f64| 5.0 * b).collect();
            Quadratic { matrix, offset, shift: 10f64.powf(shift) }
        });
        (quadratic, prop::collection::vec(variable(), n))
    })
}

fn cast<T: Float>(value: f64) -> T {
    T::from(value).unwrap()
}

/// An objective in f64 as one in T, rounded as T rounds.
fn rounded<T: Float>(f: &impl Fn(&[f64], &mut [f64]) -> f64, x: &[T], gradient: &mut [T]) -> T {
    let x: Vec<f64> = x.iter().map(|x| x.to_f64().unwrap()).collect();
    let mut wide = vec![0.0; x.len()];
    let value = f(&x, &mut wide);
    for (g, wide) in gradient.iter_mut().zip(wide) {
        *g = cast(wide);
    }
    cast(value)
}

/// Minimises, checking at each step what must hold there; the KKT conditions at the end hold to `tolerance` times
/// the largest entry of the first gradient, or 1.
fn check<T: Float + std::fmt::Debug>(
    f: impl Fn(&[f64], &mut [f64]) -> f64,
    variables: &[[f64; 3]],
    tolerance: f64,
) -> Result<(), TestCaseError> {
    let column = |k: usize| variables.iter().map(|v| cast::<T>(v[k])).collect::<Vec<T>>();
    let (lower, upper) = (column(0), column(1));
    let options = Options::<T> { decrease_tolerance: T::zero(), ..Options::default() };
    let mut minimizer = Minimizer::new(variables.len(), options);
    minimizer.start(&column(2), &lower, &upper).unwrap();
    let (mut last, mut first_gradient) = (T::infinity(), 1.0f64);
    let ending = loop {
        let inside = minimizer.trial().iter().zip(&lower).zip(&upper).all(|((x, l), u)| l <= x && x <= u);
        prop_assert!(inside, "left the box at {:?}", minimizer.trial());
        let ending = minimizer.step(|x, gradient| rounded(&f, x, gradient));
        let noise = if last.is_finite() { options.noise * last.abs() } else { T::zero() };
        prop_assert!(minimizer.value() <= last + noise, "{:?} exceeds {last:?}", minimizer.value());
        last = minimizer.value();
        if minimizer.evaluations() == 1 {
            let largest = minimizer.gradient().iter().fold(0.0, |m, g| g.to_f64().unwrap().abs().max(m));
            first_gradient = first_gradient.max(largest);
        }
        if let Some(ending) = ending {
            break ending;
        }
    };
    prop_assert!(matches!(ending, Ending::Gradient | Ending::Decrease | Ending::Noise), "{ending:?}");
    let mut gradient = vec![T::zero(); variables.len()];
    rounded(&f, minimizer.x(), &mut gradient);
    let slack = cast::<T>(tolerance * first_gradient);
    for (i, (x, g)) in minimizer.x().iter().zip(gradient).enumerate() {
        // As in every measure of the projected gradient, what is within its tolerance of a bound is on it.
        let near =
            |bound: T| (bound - *x).abs() <= options.gradient_tolerance + cast::<T>(4.0) * T::epsilon() * x.abs();
        let low = g < -slack && !near(upper[i]);
        let high = g > slack && !near(lower[i]);
        prop_assert!(!low && !high, "variable {i}: {x:?} in [{:?}, {:?}], ∂f {g:?}, {ending:?}", lower[i], upper[i]);
    }
    Ok(())
}

proptest! {
    // The same cases at each run. PROPTEST_CASES asks for more of them.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn quadratics_end_in_the_box_at_kkt_points((quadratic, variables) in boxed_quadratic(-3.0)) {
        check::<f64>(|x, gradient| quadratic.evaluate(x, gradient), &variables, 1e-5)?;
    }

    #[test]
    fn quadratics_in_f32_end_at_kkt_points_to_their_rounding((quadratic, variables) in boxed_quadratic(-2.0)) {
        check::<f32>(|x, gradient| quadratic.evaluate(x, gradient), &variables, 1e-2)?;
    }

    #[test]
    fn rosenbrock_functions_end_in_the_box_at_kkt_points(variables in prop::collection::vec(variable(), 2..12)) {
        check::<f64>(|x, gradient| problems::rosenbrock(0.0, x, gradient), &variables, 1e-6)?;
    }

    #[test]
    fn rosenbrock_functions_in_f32_end_at_kkt_points_to_their_rounding(
        variables in prop::collection::vec(variable(), 2..12)
    ) {
        check::<f32>(|x, gradient| problems::rosenbrock(0.0, x, gradient), &variables, 1e-2)?;
    }

    #[test]
    fn a_value_or_gradient_that_is_not_finite_ends_the_search_there(
        (quadratic, variables) in boxed_quadratic(-4.0),
        at in 1u32..8,
        poison in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
        entry in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let column = |k: usize| variables.iter().map(|v| v[k]).collect::<Vec<_>>();
        let mut minimizer = Minimizer::new(variables.len(), Options::<f64>::default());
        minimizer.start(&column(2), &column(0), &column(1)).unwrap();
        let mut evaluations = 0;
        while minimizer.ending().is_none() {
            minimizer.step(|x, gradient| {
                evaluations += 1;
                let value = quadratic.evaluate(x, gradient);
                match entry {
                    _ if evaluations != at => value,
                    Some(entry) => {
                        gradient[entry.index(x.len())] = poison;
                        value
                    }
                    None => poison,
                }
            });
            prop_assert!(evaluations <= at);
            prop_assert!(minimizer.value().is_finite() && minimizer.x().iter().all(|x| x.is_finite()));
        }
        prop_assert_eq!(minimizer.ending() == Some(Ending::NotFinite), evaluations == at);
    }
}
