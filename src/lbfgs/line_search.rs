//! How far to go along a direction: numbers only, no vectors.

use super::real;
use num_traits::Float;

/// The part of the decrease that the slope promises, which an acceptable step must bring (Armijo). Large enough that
/// a step to the far side of the valley, which gains next to nothing, does not pass for convergence.
const SUFFICIENT: f64 = 0.05;
/// A step that leaves more than this part of the slope is still steep, and is stretched (Wolfe).
const STEEP: f64 = 0.9;
/// Among values that differ by noise alone, a slope that has turned up to this part of the first one tells a step
/// that went too far (Hager and Zhang's approximate Wolfe condition with δ = 0.1).
const TURNED: f64 = 0.8;
/// One stretch goes on by this many times the last one, at least and at most.
const STRETCH: [f64; 2] = [1.0, 10.0];
/// Where a shorter step may lie between the two that enclose it.
const WITHIN: [f64; 2] = [0.1, 0.9];
/// The most trials of one search.
const TRIALS: u32 = 20;

/// The objective at one step length: its value, and its slope along the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe<T> {
    pub step: T,
    pub value: T,
    pub slope: T,
}

/// What to do after a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict<T> {
    /// Take the point.
    Accept,
    /// Evaluate this step.
    Try(T),
    /// No step brings a decrease.
    GiveUp,
}

/// A search for a step with sufficient decrease that is not too short.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineSearch<T> {
    /// The slope at step 0.
    slope: T,
    /// The value at step 0, and by how much rounding may change it.
    value: T,
    noise: T,
    /// The longest step known to be too short, and the shortest known to be too long.
    low: Probe<T>,
    high: Option<Probe<T>>,
    trials: u32,
}

impl<T: Float> LineSearch<T> {
    /// From a point with this value and slope; values are exact to ±`noise`.
    pub(super) fn new(value: T, slope: T, noise: T) -> Self {
        let low = Probe { step: T::zero(), value, slope };
        LineSearch { slope, value, noise, low, high: None, trials: 0 }
    }

    /// Judges a trial. `promised` is `∇f·(x(t) − x)`, which is slope·step as long as no bound bends the path.
    pub(super) fn judge(&mut self, trial: Probe<T>, promised: T) -> Verdict<T> {
        self.trials += 1;
        let last = self.trials >= TRIALS;
        if !self.decreases(&trial, promised) {
            self.high = Some(trial);
            return if last { Verdict::GiveUp } else { Verdict::Try(self.between(self.low, trial)) };
        }
        if trial.slope < real::<T>(STEEP) * self.slope && self.high.is_none() && !last {
            let step = self.beyond(self.low, trial);
            self.low = trial;
            return Verdict::Try(step);
        }
        Verdict::Accept
    }

    fn decreases(&self, trial: &Probe<T>, promised: T) -> bool {
        let bar = self.value + real::<T>(SUFFICIENT) * promised.min(T::zero());
        trial.value <= bar || (trial.value <= bar + self.noise && trial.slope <= -real::<T>(TURNED) * self.slope)
    }

    /// Where the slopes at `low` and `trial` lead to zero (the secant), a few extensions further on at most.
    fn beyond(&self, low: Probe<T>, trial: Probe<T>) -> T {
        let [least, most] = STRETCH.map(real::<T>);
        let secant = trial.slope / (low.slope - trial.slope);
        let stretch = if secant > T::zero() { secant.max(least).min(most) } else { most };
        trial.step + stretch * (trial.step - low.step)
    }

    /// The minimum of the cubic through both values and slopes (Nocedal and Wright, equation 3.59).
    fn between(&self, low: Probe<T>, high: Probe<T>) -> T {
        let [least, most] = WITHIN.map(real::<T>);
        let width = high.step - low.step;
        let d1 = low.slope + high.slope - real::<T>(3.0) * (high.value - low.value) / width;
        let d2 = (d1 * d1 - low.slope * high.slope).max(T::zero()).sqrt();
        let part = T::one() - (high.slope + d2 - d1) / (high.slope - low.slope + d2 + d2);
        let part = if part.is_finite() { part.max(least).min(most) } else { real(0.5) };
        low.step + part * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(f: impl Fn(f64) -> (f64, f64), step: f64) -> Probe<f64> {
        let (value, slope) = f(step);
        Probe { step, value, slope }
    }

    #[test]
    fn the_minimum_of_a_cubic_is_found_in_one_trial() {
        // (t − 0.6)²(t + 2): its minimum is at 0.6, and t = 3 is far too long.
        let f = |t: f64| ((t - 0.6).powi(2) * (t + 2.0), 2.0 * (t - 0.6) * (t + 2.0) + (t - 0.6).powi(2));
        let (value, slope) = f(0.0);
        let mut search = LineSearch::new(value, slope, 0.0);
        let Verdict::Try(step) = search.judge(probe(f, 3.0), 3.0 * slope) else { panic!("3 is no decrease") };
        assert!((step - 0.6).abs() < 1e-12, "{step}");
        assert_eq!(search.judge(probe(f, step), step * slope), Verdict::Accept);
    }

    #[test]
    fn a_step_that_is_still_steep_is_stretched_to_where_the_secant_leads() {
        let f = |t: f64| ((t - 5.0).powi(2), 2.0 * (t - 5.0));
        let mut search = LineSearch::new(25.0, -10.0, 0.0);
        let Verdict::Try(step) = search.judge(probe(f, 0.48), -4.8) else { panic!("0.48 is steep") };
        assert!((step - 5.0).abs() < 1e-12, "{step}");
    }

    #[test]
    fn a_second_stretch_goes_on_from_the_first() {
        // Nearly straight: the secant leads beyond ten times the last stretch, which is the most.
        let f = |t: f64| ((t - 1e3).powi(2), 2.0 * (t - 1e3));
        let mut search = LineSearch::new(1e6, -2e3, 0.0);
        assert_eq!(search.judge(probe(f, 1.0), -2e3), Verdict::Try(11.0));
        assert_eq!(search.judge(probe(f, 11.0), -2.2e4), Verdict::Try(111.0));
    }

    #[test]
    fn a_step_must_bring_its_part_of_what_the_slope_promises() {
        let search = LineSearch::new(1.0, -1.0, 0.0);
        let at = |value| search.decreases(&Probe { step: 1.0, value, slope: 0.0 }, -1.0);
        assert!(at(1.0 - SUFFICIENT) && !at(1.0 - 0.9 * SUFFICIENT));
        assert!(
            !search.decreases(&Probe { step: 1.0, value: 1.01, slope: 0.0 }, 1.0),
            "a bent path may promise a rise"
        );
    }

    #[test]
    fn a_value_that_never_decreases_is_given_up() {
        let mut search = LineSearch::new(1.0, -1.0, 0.0);
        let mut step = 1.0;
        for trial in 1..=TRIALS {
            match search.judge(Probe { step, value: 2.0, slope: 1.0 }, -step) {
                Verdict::Try(shorter) if trial < TRIALS => {
                    assert!(shorter > 0.0 && shorter < step);
                    step = shorter;
                }
                verdict => assert_eq!((verdict, trial), (Verdict::GiveUp, TRIALS)),
            }
        }
    }

    #[test]
    fn within_noise_the_slope_decides() {
        // The slope promises 0.001, which is no more than the noise.
        let search = LineSearch::new(1.0, -1e-3, 1e-3);
        let at = |value, slope| search.decreases(&Probe { step: 1.0, value, slope }, -1e-3);
        assert!(at(1.0005, -0.5e-3) && at(1.0005, 0.5e-3), "the values are equal but for noise");
        assert!(!at(1.0005, 3e-3), "the slope has turned: the minimum was passed");
        assert!(!at(1.002, 0.0), "a rise beyond the noise is one");
    }
}
