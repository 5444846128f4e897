//! The lines less parabolas among which a unit may choose, all about one point.
//!
//! ```text
//! ±φ(z) ≥ ±φ(c) − gap + slope·(z − c) − ½·curvature·(z − c)²   on the whole interval
//! ```
//!
//! The first takes up all of the unit's curvature and touches at c, without a gap. The others take up a part of it; what
//! they leave is paid at once, by the gap. Any of them is sound: which to take is settled where it is known what curvature
//! costs (`shape`).

use super::curve::Curve;

/// Parts of its curvature that a unit may take up.
pub(super) const PARTS: [f64; 7] = [1.0, 0.9, 0.8, 0.65, 0.5, 0.3, 0.1];
/// Points of an interval at which the sigmoid is evaluated.
const GRID: usize = 65;
/// Closer to the centre than this, differences say nothing.
const NEAR: f64 = 1e-3;
/// Slack on what is found by evaluation in f64: differences that are some 3·10⁻¹⁶ off, twice over squares of [`NEAR`], and
/// room to spare.
const SLACK: f64 = 5e-9;
/// How much the divided difference q below changes with z at most: |q′| ≤ max |σ‴| / 3, for
/// q(z) = 2∫₀¹(1 − s)·σ″(c + s(z − c)) ds has q′(z) = 2∫₀¹(1 − s)s·σ‴ ds, and |σ‴| ≤ ⅛.
const CHANGE: f64 = 1.0 / 24.0;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Choice {
    pub curvature: f64,
    pub slope: f64,
    /// About how far below φ(c) the line is at c; 0 for the first choice, exactly.
    pub gap: f64,
}

/// A layer's units, each with its interval, its point of touch and the choices for φ and −φ.
#[derive(Clone, Debug)]
pub(super) struct Table {
    curve: Curve,
    units: Vec<Unit>,
}

#[derive(Clone, Debug)]
struct Unit {
    low: f64,
    high: f64,
    centre: f64,
    sides: [[Choice; PARTS.len()]; 2],
}

impl Table {
    /// For pre-activations in `[low, high]` and touching at `centre`; intervals are widened to hold it.
    pub(super) fn new(curve: Curve, low: &[f64], high: &[f64], centre: &[f64]) -> Self {
        let ends = low.iter().zip(high).zip(centre);
        let unit = |((&low, &high), &centre): ((&f64, &f64), &f64)| {
            let (low, high) = (low.min(centre), high.max(centre));
            let sides = match curve {
                Curve::Sigmoid => sigmoid_sides(low, high, centre),
                Curve::Relu => relu_sides(low, high, centre),
            };
            Unit { low, high, centre, sides }
        };
        Table { curve, units: ends.map(unit).collect() }
    }

    /// The choices of unit `i` where its weight is positive, or where it is negative.
    pub(super) fn choices(&self, i: usize, positive: bool) -> &[Choice; PARTS.len()] {
        &self.units[i].sides[usize::from(!positive)]
    }

    /// How far the line of choice `k` is below φ(c) at c, as exactly as it is used: the largest that is certain.
    pub(super) fn exact_gap(&self, i: usize, positive: bool, k: usize) -> f64 {
        let unit = &self.units[i];
        let choice = unit.sides[usize::from(!positive)][k];
        if choice.gap == 0.0 {
            return 0.0;
        }
        let sign = if positive { 1.0 } else { -1.0 };
        let interval = (unit.low, unit.high);
        let offset = self.curve.offset_below(sign, interval, unit.centre, choice.curvature, choice.slope);
        (sign * self.curve.value(unit.centre) - choice.slope * unit.centre - offset).max(0.0)
    }

    /// Middles and half widths of the slopes of secants from the centre.
    pub(super) fn secants(&self) -> (Vec<f64>, Vec<f64>) {
        let both = self.units.iter().map(|unit| self.curve.secants(unit.centre, unit.low, unit.high));
        both.map(|(least, most)| (0.5 * (least + most), 0.5 * (most - least))).unzip()
    }
}

/// The sigmoid on a grid over one interval.
struct Grid {
    z: [f64; GRID],
    value: [f64; GRID],
    centre: f64,
    at_centre: f64,
    slope: f64,
    /// Between two points of the grid.
    width: f64,
}

impl Grid {
    fn new(low: f64, high: f64, centre: f64) -> Self {
        let width = (high - low) / (GRID - 1) as f64;
        let mut z = [high; GRID];
        z.iter_mut().take(GRID - 1).enumerate().for_each(|(k, z)| *z = low + width * k as f64);
        let curve = Curve::Sigmoid;
        Grid {
            z,
            value: z.map(|z| curve.value(z)),
            centre,
            at_centre: curve.value(centre),
            slope: curve.slope(centre),
            width,
        }
    }

    /// Bounds on the whole interval of `q(z) = 2(σ(z) − σ(c) − σ′(c)(z − c))/(z − c)²`: from the points of the grid, from
    /// which no z is further than half a width, and by how much q changes at most. Where z is near c, q at c itself
    /// stands for it, no further away than `NEAR`.
    fn bends(&self) -> (f64, f64) {
        let (mut least, mut most, mut reach) = (f64::INFINITY, f64::NEG_INFINITY, 0.5 * self.width);
        for (z, value) in self.z.iter().zip(&self.value) {
            let away = z - self.centre;
            let q = if away.abs() < NEAR {
                reach = 0.5 * self.width + NEAR;
                self.slope * (1.0 - 2.0 * self.at_centre)
            } else {
                2.0 * (value - self.at_centre - self.slope * away) / (away * away)
            };
            (least, most) = (least.min(q), most.max(q));
        }
        let change = CHANGE * reach + SLACK;
        (least - change, most + change)
    }

    /// The slope of a line below `sign·σ + ½·curvature·(z − c)²`, as high as can be at c on the grid, and its gap there.
    /// Estimates: [`Table::exact_gap`] makes the gap certain.
    fn support(&self, sign: f64, curvature: f64) -> (f64, f64) {
        let mut f = [0.0; GRID];
        for ((f, value), z) in f.iter_mut().zip(&self.value).zip(&self.z) {
            *f = sign * value + 0.5 * curvature * (z - self.centre) * (z - self.centre);
        }
        let lowest = |slope: f64| {
            let (mut best, mut at) = (f64::INFINITY, 0);
            for (k, (f, z)) in f.iter().zip(&self.z).enumerate() {
                let v = f - slope * (z - self.centre);
                if v < best {
                    (best, at) = (v, k);
                }
            }
            (best, at)
        };
        let height = sign * self.at_centre;
        let tangent = sign * self.slope;
        let (best, _) = lowest(tangent);
        if best >= height - 1e-12 {
            return (tangent, 1e-9);
        }
        // The edge of the lower hull above c: chords, each from where the last left most room.
        let (mut left, mut right) = (0, GRID - 1);
        let mut slope = (f[right] - f[left]) / (self.z[right] - self.z[left]);
        let (mut best, mut at) = lowest(slope);
        for _ in 0..GRID {
            if best >= f[left] - slope * (self.z[left] - self.centre) - 1e-13 || at == left || at == right {
                break;
            }
            if self.z[at] <= self.centre {
                left = at
            } else {
                right = at
            }
            slope = (f[right] - f[left]) / (self.z[right] - self.z[left]);
            (best, at) = lowest(slope);
        }
        let missed = self.width * self.width / 8.0 * (0.0963 + curvature);
        (slope, (height - best + missed).max(1e-9))
    }
}

fn sigmoid_sides(low: f64, high: f64, centre: f64) -> [[Choice; PARTS.len()]; 2] {
    let grid = Grid::new(low, high, centre);
    let (least, most) = grid.bends();
    [(1.0, -least), (-1.0, most)].map(|(sign, needed)| {
        PARTS.map(|part| {
            // A unit that bends upwards everywhere helps, and gives nothing up.
            if part == 1.0 || needed <= 0.0 {
                return Choice { curvature: needed, slope: sign * grid.slope, gap: 0.0 };
            }
            let curvature = part * needed;
            let (slope, gap) = grid.support(sign, curvature);
            Choice { curvature, slope, gap }
        })
    })
}

/// ReLU is convex: φ itself lies above its tangent. −φ has a kink; where c is near it, it would need any amount of
/// curvature, and takes no more than twice that of a parabola as wide as the interval.
fn relu_sides(low: f64, high: f64, centre: f64) -> [[Choice; PARTS.len()]; 2] {
    let curve = Curve::Relu;
    let upward = Choice { curvature: 0.0, slope: curve.slope(centre), gap: 0.0 };
    // Beyond the kink q = 2y/(y + |c|)², y the distance from the kink: largest at y = |c|.
    let beyond = if centre > 0.0 { -low } else { high };
    if beyond <= 0.0 {
        let line = Choice { slope: -upward.slope, ..upward };
        return [[upward; PARTS.len()], [line; PARTS.len()]];
    }
    let y = centre.abs().min(beyond);
    let most = 4.0 / (high - low);
    let needed = if y > 0.0 { 2.0 * y / ((y + centre.abs()) * (y + centre.abs())) } else { f64::INFINITY };
    let needed = needed * (1.0 + 1e-12) + SLACK;
    let downward = PARTS.map(|part| {
        if part == 1.0 && needed <= most {
            return Choice { curvature: needed, slope: -upward.slope, gap: 0.0 };
        }
        let curvature = part * needed.min(most);
        let below = curve.below(-1.0, (low, high), centre, curvature);
        let gap = -curve.value(centre) - below.slope * centre - below.offset;
        Choice { curvature, slope: below.slope, gap: gap.max(1e-9) }
    });
    [[upward; PARTS.len()], downward]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::random;
    use rand::Rng;

    #[test]
    fn every_choice_lies_below_the_activation_on_the_whole_interval() {
        let mut rng = random(8);
        for curve in [Curve::Sigmoid, Curve::Relu] {
            for round in 0..600 {
                let place = [1.0, 4.0, 40.0][round % 3];
                let low: f64 = place * rng.random_range(-1.0..1.0);
                let high = low + [0.0, 1e-9, 1e-3, 1.0, 10.0, 60.0][round / 3 % 6] * rng.random::<f64>();
                let centre = low + (high - low) * rng.random_range(-0.3..1.3);
                let table = Table::new(curve, &[low], &[high], &[centre]);
                for (positive, sign) in [(true, 1.0), (false, -1.0)] {
                    for (k, choice) in table.choices(0, positive).iter().enumerate() {
                        let gap = table.exact_gap(0, positive, k);
                        // The estimate looks at the grid alone, and misses this much between its points.
                        let missed = ((high.max(centre) - low.min(centre)) / 64.0).powi(2) / 8.0
                            * (0.0963 + choice.curvature.abs());
                        assert!(gap <= choice.gap + missed + 1e-8, "{curve:?} {k}: {gap}, not {}", choice.gap);
                        for step in 0..=400 {
                            let z = low + (high - low) * f64::from(step) / 400.0;
                            let away = z - centre;
                            let line = sign * curve.value(centre) - gap + choice.slope * away
                                - 0.5 * choice.curvature * away * away;
                            let over = line - sign * curve.value(z);
                            assert!(over <= 1e-10, "{curve:?} {sign} [{low}, {high}] about {centre} at {z}: {over}");
                        }
                    }
                }
            }
        }
    }
}
