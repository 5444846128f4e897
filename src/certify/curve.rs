//! One hidden unit: how an activation bends over an interval, and lines below it.
//!
//! For a unit with pre-activation z in `[low, high]` and a weight of either sign,
//!
//! ```text
//! ±φ(z) ≥ slope·z + offset − ½·curvature·(z − centre)²   on the whole interval
//! ```
//!
//! With curvature 0 these are the linear relaxations of CROWN (Zhang et al. 2018, arXiv 1811.00866). A curvature of
//! at least the activation's own makes the right side touch it at the centre, for any width of the interval: what it
//! costs is paid elsewhere, by the curvature of ‖r‖² itself.

use crate::network::Activation;

/// An activation up to affine maps: `tanh z = 2σ(2z) − 1` is a sigmoid with other weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    Sigmoid,
    Relu,
}

/// Where σ″ is largest, and minus where it is smallest: `ln(2 + √3)`.
const STEEPEST_BEND: f64 = 1.316_957_896_924_816_6;
/// Halvings of an interval, enough for all digits that matter.
const HALVINGS: u32 = 40;
/// Halvings of the slope of a line that touches twice.
const TOUCHES: u32 = 22;
/// Slack on what is bounded by evaluation in f64.
const SLACK: f64 = 1e-11;

/// What lies below `sign·φ` on an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Below {
    pub slope: f64,
    pub offset: f64,
    pub curvature: f64,
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn bend(z: f64) -> f64 {
    let s = sigmoid(z);
    s * (1.0 - s) * (1.0 - 2.0 * s)
}

impl Curve {
    pub(super) fn of(activation: Activation) -> Self {
        if activation == Activation::Relu { Curve::Relu } else { Curve::Sigmoid }
    }

    pub(super) fn value(self, z: f64) -> f64 {
        match self {
            Curve::Sigmoid => sigmoid(z),
            Curve::Relu => z.max(0.0),
        }
    }

    /// φ′; at ReLU's kink 0, as everywhere in this project.
    pub(super) fn slope(self, z: f64) -> f64 {
        match self {
            Curve::Sigmoid => {
                let s = sigmoid(z);
                s * (1.0 - s)
            }
            Curve::Relu => f64::from(z > 0.0),
        }
    }

    /// The largest −sign·φ″ on the interval, at least 0. For ReLU's concave kink, which has no bound, the curvature of a
    /// parabola as wide as the interval.
    pub(super) fn downward_bend(self, sign: f64, low: f64, high: f64) -> f64 {
        match self {
            Curve::Sigmoid => {
                let extreme = (sign * STEEPEST_BEND).clamp(low, high);
                let at = |z: f64| -sign * bend(z);
                at(low).max(at(high)).max(at(extreme)).max(0.0) + SLACK
            }
            Curve::Relu if sign < 0.0 && low < 0.0 && high > 0.0 => 2.0 / (high - low),
            Curve::Relu => 0.0,
        }
    }

    /// The least and the largest slope of a secant of φ from `centre` to a point of the interval.
    pub(super) fn secants(self, centre: f64, low: f64, high: f64) -> (f64, f64) {
        let (a, b) = (self.secant(centre, low), self.secant(centre, high));
        let pad = |least: f64, largest: f64| ((least - SLACK).max(0.0), largest + SLACK);
        match self {
            // A convex function's secants from one point grow with the other end.
            Curve::Relu => pad(a.0.min(b.0), a.1.max(b.1)),
            // The mean of φ′ between both ends; φ′ has one peak, so the mean rises once and falls once.
            Curve::Sigmoid => pad(a.0.min(b.0), self.largest_secant(centre, low, high).max(a.1).max(b.1)),
        }
    }

    /// Bounds of `(φ(z) − φ(centre)) / (z − centre)`.
    fn secant(self, centre: f64, z: f64) -> (f64, f64) {
        let width = z - centre;
        if width.abs() > 1e-3 {
            let slope = (self.value(z) - self.value(centre)) / width;
            return (slope, slope);
        }
        // Too near for a difference: the slopes between bound their mean.
        let (a, b) = (self.slope(z), self.slope(centre));
        match self {
            Curve::Relu if z.abs().min(centre.abs()) <= 2e-3 => (0.0, 1.0),
            Curve::Sigmoid if z.min(centre) < 0.0 && z.max(centre) > 0.0 => (a.min(b), 0.25),
            _ => (a.min(b), a.max(b)),
        }
    }

    /// An upper bound of the sigmoid's secants inside the interval, beyond those of its ends.
    fn largest_secant(self, centre: f64, low: f64, high: f64) -> f64 {
        // Mirrored so that the centre is not positive: φ′ is even.
        let (centre, high) = if centre > 0.0 { (-centre, -low) } else { (centre, high) };
        if high <= 0.0 || centre > -1e-3 {
            // φ′ grows all the way to `high`, or falls all the way from a centre next to the peak.
            return if high <= 0.0 { 0.0 } else { 0.25 };
        }
        let (mut a, mut b) = (0.0, high);
        if self.slope(b) >= self.secant(centre, b).0 {
            return 0.0; // still growing at the end of the interval
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (a + b);
            if self.slope(middle) >= self.secant(centre, middle).0 { a = middle } else { b = middle }
        }
        self.slope(a)
    }

    /// The best of what lies below `sign·φ` with the given curvature about `centre`: highest at the centre, or at the
    /// end of the interval that is nearest to it.
    pub(super) fn below(self, sign: f64, (low, high): (f64, f64), centre: f64, curvature: f64) -> Below {
        let touch = centre.clamp(low, high);
        let lifted = Lifted { curve: self, sign, curvature, centre, bent: self.bent(sign, curvature) };
        let tangent = lifted.slope(touch);
        let (offset, _) = lifted.support(tangent, low, high);
        let height = lifted.value(touch);
        if offset + tangent * touch >= height - 1e-9 * (1.0 + height.abs()) {
            return Below { slope: tangent, offset, curvature };
        }
        // The tangent dives below: the line that touches on both sides of `touch`. A steeper line touches further up.
        let (a, b) = lifted.bracket(tangent, low, high, touch);
        let (slope, offset) = lifted.highest_between(a, b, low, high, touch);
        Below { slope, offset, curvature }
    }

    /// The largest offset that is certain for a line of this slope below `sign·φ + ½·curvature·(z − centre)²`.
    pub(super) fn offset_below(
        self,
        sign: f64,
        (low, high): (f64, f64),
        centre: f64,
        curvature: f64,
        slope: f64,
    ) -> f64 {
        Lifted { curve: self, sign, curvature, centre, bent: self.bent(sign, curvature) }.support(slope, low, high).0
    }

    /// Where `sign·φ + ½·curvature·z²` bends downwards: an open interval, empty if nowhere.
    fn bent(self, sign: f64, curvature: f64) -> (f64, f64) {
        match self {
            Curve::Relu => (0.0, 0.0),
            Curve::Sigmoid => {
                let downward = |z: f64| bend(z) + curvature; // for sign −, mirrored
                if downward(STEEPEST_BEND) >= 0.0 {
                    return (0.0, 0.0);
                }
                let root = |mut bent: f64, mut level: f64| {
                    for _ in 0..HALVINGS {
                        let middle = 0.5 * (bent + level);
                        if downward(middle) < 0.0 { bent = middle } else { level = middle }
                    }
                    level
                };
                let (p, q) = (root(STEEPEST_BEND, 0.0), root(STEEPEST_BEND, 60.0));
                if sign > 0.0 { (p, q) } else { (-q, -p) }
            }
        }
    }
}

/// `f(z) = sign·φ(z) + ½·curvature·(z − centre)²`: convex but on `bent`, concave there.
struct Lifted {
    curve: Curve,
    sign: f64,
    curvature: f64,
    centre: f64,
    bent: (f64, f64),
}

impl Lifted {
    fn value(&self, z: f64) -> f64 {
        self.sign * self.curve.value(z) + 0.5 * self.curvature * (z - self.centre) * (z - self.centre)
    }

    fn slope(&self, z: f64) -> f64 {
        self.sign * self.curve.slope(z) + self.curvature * (z - self.centre)
    }

    /// Slopes of a line that touches not above `touch` and of one that touches not below, the tangent's among them.
    fn bracket(&self, tangent: f64, low: f64, high: f64, touch: f64) -> (f64, f64) {
        let (mut a, mut b) = (tangent, tangent);
        let mut stretch = 0.25 + self.curvature * (high - low);
        while self.support(a, low, high).1 > touch && stretch < 1e12 {
            a = tangent - stretch;
            stretch *= 4.0;
        }
        while self.support(b, low, high).1 < touch && stretch < 1e12 {
            b = tangent + stretch;
            stretch *= 4.0;
        }
        (a, b)
    }

    /// The slope and offset of a line below f with a slope between these, highest at `touch`: by the slope of the chord
    /// between where the two touch, and by halving.
    fn highest_between(&self, mut a: f64, mut b: f64, low: f64, high: f64, touch: f64) -> (f64, f64) {
        let (mut at_a, mut at_b) = (self.support(a, low, high), self.support(b, low, high));
        let height = |slope: f64, (offset, _): (f64, f64)| offset + slope * touch;
        for round in 0..TOUCHES {
            let chord = (self.value(at_b.1) - self.value(at_a.1)) / (at_b.1 - at_a.1);
            let slope = if round % 3 < 2 && chord > a && chord < b { chord } else { 0.5 * (a + b) };
            let at = self.support(slope, low, high);
            if at.1 > touch {
                (b, at_b) = (slope, at)
            } else {
                (a, at_a) = (slope, at)
            }
            if b - a <= 1e-9 * (a.abs() + b.abs()) {
                break;
            }
        }
        if height(a, at_a) >= height(b, at_b) { (a, at_a.0) } else { (b, at_b.0) }
    }

    /// A lower bound of `f(z) − slope·z` on the interval, and about where it is attained.
    fn support(&self, slope: f64, low: f64, high: f64) -> (f64, f64) {
        let (p, q) = (self.bent.0.clamp(low, high), self.bent.1.clamp(low, high));
        let (left, right) = match self.curve {
            Curve::Sigmoid => (self.convex_minimum(slope, low, p), self.convex_minimum(slope, q, high)),
            Curve::Relu => {
                let kink = 0.0f64.clamp(low, high);
                (self.piece_minimum(slope, low, kink), self.piece_minimum(slope, kink, high))
            }
        };
        if left.0 <= right.0 { left } else { right }
    }

    /// The minimum of `f(z) − slope·z` on `[low, high]`, where that is convex: Newton's method on its derivative, with
    /// halvings where that leaves the bracket. The tangent at any point bounds the whole bracket from below.
    fn convex_minimum(&self, slope: f64, low: f64, high: f64) -> (f64, f64) {
        let at = |z: f64| {
            let s = sigmoid(z);
            let d = s * (1.0 - s);
            let away = z - self.centre;
            let value = self.sign * s + 0.5 * self.curvature * away * away - slope * z;
            (value, self.sign * d + self.curvature * away - slope, self.sign * d * (1.0 - 2.0 * s) + self.curvature)
        };
        let slack = |v: f64| v - SLACK * (1.0 + v.abs());
        let (value, steep, _) = at(low);
        if steep >= 0.0 {
            return (slack(value), low);
        }
        let (value, steep, _) = at(high);
        if steep <= 0.0 {
            return (slack(value), high);
        }
        let (mut a, mut b, mut z) = (low, high, 0.5 * (low + high));
        let mut best = (f64::NEG_INFINITY, z);
        for _ in 0..HALVINGS {
            let (value, steep, bend) = at(z);
            let bound = value + if steep < 0.0 { steep * (b - z) } else { steep * (a - z) };
            if bound > best.0 {
                best = (bound, z);
            }
            if value - bound <= SLACK {
                break;
            }
            if steep < 0.0 {
                a = z
            } else {
                b = z
            }
            let newton = z - steep / bend;
            z = if newton > a && newton < b { newton } else { 0.5 * (a + b) };
        }
        (slack(best.0), best.1)
    }

    /// The same on one side of ReLU's kink, where f is a parabola or a line.
    fn piece_minimum(&self, slope: f64, a: f64, b: f64) -> (f64, f64) {
        let at = |z: f64| self.value(z) - slope * z;
        let steepness = if 0.5 * (a + b) > 0.0 { self.sign } else { 0.0 };
        let mut candidates = [a, b, a];
        if self.curvature > 0.0 {
            candidates[2] = (self.centre + (slope - steepness) / self.curvature).clamp(a, b);
        }
        let best = candidates.into_iter().min_by(|&y, &z| at(y).total_cmp(&at(z))).unwrap_or(a);
        (at(best) - SLACK * (1.0 + at(best).abs()), best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::random;
    use rand::Rng;

    const CURVES: [Curve; 2] = [Curve::Sigmoid, Curve::Relu];

    /// Intervals of every width and place, of width zero too, each with a centre in or near it.
    fn intervals() -> impl Iterator<Item = (f64, f64, f64)> {
        let mut rng = random(3);
        (0..4000).map(move |round| {
            let place = [1.0, 4.0, 40.0, 1e4][round % 4];
            let width = [0.0, 1e-9, 1e-3, 1.0, 10.0, 1e3][round / 4 % 6];
            let low = place * rng.random_range(-1.0..1.0);
            let high = low + width * rng.random::<f64>();
            let centre = low + (high - low) * rng.random_range(-0.2..1.2);
            (low, high, centre)
        })
    }

    fn points(low: f64, high: f64) -> impl Iterator<Item = f64> {
        let special = [0.0, STEEPEST_BEND, -STEEPEST_BEND, 1e-9, -1e-9];
        let grid = (0..=200).map(move |k| low + (high - low) * f64::from(k) / 200.0);
        grid.chain(special.into_iter().filter(move |z| (low..=high).contains(z)))
    }

    #[test]
    fn a_line_less_a_parabola_lies_below_the_activation_on_the_whole_interval() {
        for curve in CURVES {
            for (low, high, centre) in intervals() {
                for (sign, part) in [(1.0, 0.0), (-1.0, 0.0), (1.0, 0.6), (-1.0, 0.6), (1.0, 1.0), (-1.0, 1.0)] {
                    let curvature = part * curve.downward_bend(sign, low, high);
                    let below = curve.below(sign, (low, high), centre, curvature);
                    for z in points(low, high) {
                        let line = below.slope * z + below.offset - 0.5 * curvature * (z - centre) * (z - centre);
                        let over = line - sign * curve.value(z);
                        assert!(
                            over <= 1e-9 * (1.0 + z.abs()),
                            "{curve:?} {sign} {part} [{low}, {high}] at {z}: {over}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn with_all_its_curvature_absorbed_a_sigmoid_is_met_at_the_centre() {
        for (low, high, centre) in intervals() {
            let centre = centre.clamp(low, high);
            for sign in [1.0, -1.0] {
                let curvature = Curve::Sigmoid.downward_bend(sign, low, high);
                let below = Curve::Sigmoid.below(sign, (low, high), centre, curvature);
                let gap = sign * sigmoid(centre) - below.slope * centre - below.offset;
                assert!(gap.abs() <= 1e-8 * (1.0 + centre.abs()), "[{low}, {high}] at {centre}: {gap}");
            }
        }
    }

    #[test]
    fn no_tangent_or_chord_lies_higher_at_the_centre_than_the_line_chosen() {
        for (low, high, centre) in intervals().filter(|(low, high, _)| high - low > 1e-3 && low.abs() < 50.0) {
            let centre = centre.clamp(low, high);
            for curve in CURVES {
                let chosen = curve.below(-1.0, (low, high), centre, 0.0);
                let height = chosen.slope * centre + chosen.offset;
                for k in 0..=20 {
                    let other = -curve.slope(low + (high - low) * f64::from(k) / 20.0);
                    let offset = points(low, high).map(|z| -curve.value(z) - other * z).fold(f64::INFINITY, f64::min);
                    // The grid misses minima between its points by this much at most.
                    let missed =
                        0.1 * ((high - low) / 200.0).powi(2) + 1e-4 * f64::from(u8::from(curve == Curve::Relu));
                    let rival = other * centre + offset - missed;
                    assert!(rival <= height + 1e-6, "{curve:?} [{low}, {high}] at {centre}: {rival} over {height}");
                }
            }
        }
    }

    #[test]
    fn every_secant_lies_between_its_bounds() {
        for curve in CURVES {
            for (low, high, centre) in intervals() {
                let (least, largest) = curve.secants(centre, low, high);
                for z in points(low, high).filter(|z| (z - centre).abs() > 1e-6) {
                    let secant = (curve.value(z) - curve.value(centre)) / (z - centre);
                    let rounding = 1e-15 * (1.0 + z.abs()) / (z - centre).abs();
                    assert!(
                        (least - rounding..=largest + rounding).contains(&secant),
                        "{curve:?} [{low}, {high}] from {centre} to {z}: {secant} is not in [{least}, {largest}]"
                    );
                }
            }
        }
    }
}
