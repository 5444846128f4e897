//! How hands differ: every time that a digit is learned from, it is turned, slanted, stretched and bent a little, and a
//! drawing is drawn with another pen, whose position is reported more or less often.

use super::{Drawing, INK, PAD};
use crate::{
    PIXELS, SIDE,
    digit::{BOX, Brush, Point, Rasteriser, Strokes},
};
use rand::Rng;
use std::f32::consts::TAU;

/// The bounds within which digits vary; each value is drawn evenly from below to above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variation {
    /// The share of digits that are deformed at all.
    pub share: f64,
    /// The largest angle by which a digit is turned, in radians.
    pub turn: f32,
    /// The largest tangent of the angle by which upright lines are slanted.
    pub slant: f32,
    /// The largest logarithm of the factor by which width and height are stretched, each by its own.
    pub stretch: f32,
    /// The largest amplitude of the waves that bend a digit, as a share of the 20×20 box.
    pub bend: f32,
}

/// The widths of pen, in image pixels, that drawings are drawn with.
pub const WIDTHS: [f32; 6] = [1.8, 2.2, 2.6, 3.0, 3.4, 3.8];
/// The largest distance that a pen moves, in pad units, before it is reported again: a finger crosses the pad in a fifth of a
/// second, and some screens report it sixty times a second.
const SPARSEST: f32 = 20.0;

/// A map of the plane about a digit's middle, lengths being shares of the box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deformation {
    matrix: [[f32; 2]; 2],
    /// For either coordinate: amplitude, waves in a box, phase; the wave runs along the other one.
    waves: [[f32; 3]; 2],
}

impl Variation {
    /// One deformation of those within the bounds.
    pub fn draw(&self, random: &mut impl Rng) -> Deformation {
        if !random.random_bool(self.share) {
            return Deformation { matrix: [[1.0, 0.0], [0.0, 1.0]], waves: [[0.0; 3]; 2] };
        }
        let (sin, cos) = within(self.turn, random).sin_cos();
        let slant = within(self.slant, random);
        let [wide, tall] = [0, 1].map(|_| within(self.stretch, random).exp());
        let matrix = [[cos * wide, (cos * slant - sin) * tall], [sin * wide, (sin * slant + cos) * tall]];
        let waves =
            [0, 1].map(|_| [within(self.bend, random), random.random_range(0.5..1.2), random.random_range(0.0..TAU)]);
        Deformation { matrix, waves }
    }
}

/// A number at most as large as the bound, of either sign.
fn within(bound: f32, random: &mut impl Rng) -> f32 {
    bound * random.random_range(-1.0..=1.0)
}

impl Deformation {
    /// Where a point goes.
    pub fn at(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let wave = |[amplitude, waves, phase]: [f32; 3], along: f32| amplitude * (TAU * waves * along + phase).sin();
        let bent = [x + wave(self.waves[0], y), y + wave(self.waves[1], x)];
        self.matrix.map(|row| row[0] * bent[0] + row[1] * bent[1])
    }

    /// An image whose pixel at a point is what `image` has where the point goes, between pixels by the mean of the four
    /// around it, weighted by how near they are.
    pub fn image(&self, image: &[f32; PIXELS]) -> [f32; PIXELS] {
        let middle = SIDE as f32 / 2.0;
        let ink = |row: isize, column: isize| {
            let is_inside = (0..SIDE as isize).contains(&row) && (0..SIDE as isize).contains(&column);
            if is_inside { image[row as usize * SIDE + column as usize] } else { 0.0 }
        };
        let mut deformed = [0.0; PIXELS];
        for (place, pixel) in deformed.iter_mut().enumerate() {
            let of = |index: usize| (index as f32 + 0.5 - middle) / BOX;
            let [x, y] = self.at([of(place % SIDE), of(place / SIDE)]).map(|v| v * BOX + middle - 0.5);
            let (column, row) = (x.floor(), y.floor());
            let (right, down) = (x - column, y - row);
            let (column, row) = (column as isize, row as isize);
            let above = (1.0 - right) * ink(row, column) + right * ink(row, column + 1);
            let below = (1.0 - right) * ink(row + 1, column) + right * ink(row + 1, column + 1);
            *pixel = (1.0 - down) * above + down * below;
        }
        deformed
    }

    /// The strokes with every point where it goes; of each stroke's points the first, the last, and of those between only
    /// such as are at least `apart` from the one kept before.
    fn strokes(&self, strokes: &Strokes, apart: f32) -> Strokes {
        let mut deformed = strokes.clone();
        deformed.clear();
        for stroke in strokes.iter() {
            deformed.begin();
            let mut before: Option<Point> = None;
            for (k, p) in stroke.iter().enumerate() {
                let is_near = before.is_some_and(|before| (p.x - before.x).hypot(p.y - before.y) < apart);
                if is_near && k + 1 < stroke.len() {
                    continue;
                }
                before = Some(*p);
                let [x, y] = self.at([p.x, p.y].map(|v| (v - PAD / 2.0) / INK)).map(|v| v * INK + PAD / 2.0);
                deformed.push(Point { x, y, ..*p });
            }
        }
        deformed
    }
}

/// Draws what people wrote, each time a little differently.
pub struct Pens {
    rasterisers: Vec<Rasteriser>,
}

impl Default for Pens {
    fn default() -> Self {
        let rasteriser = |width| Rasteriser::new(Brush { width, ..Brush::default() });
        Pens { rasterisers: WIDTHS.map(rasteriser).into() }
    }
}

impl Pens {
    /// A drawing as a pen of one of the [`WIDTHS`] would have left it, in another hand; blank if nothing in it is ink.
    pub fn image(&mut self, drawing: &Drawing, variation: &Variation, random: &mut impl Rng) -> [f32; PIXELS] {
        let deformation = variation.draw(random);
        let strokes = deformation.strokes(&drawing.strokes, random.random_range(0.0..SPARSEST));
        let rasteriser = random.random_range(0..self.rasterisers.len());
        self.rasterisers[rasteriser].rasterise(&strokes).map_or([0.0; PIXELS], |digit| *digit.pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    const NONE: Variation = Variation { share: 1.0, turn: 0.0, slant: 0.0, stretch: 0.0, bend: 0.0 };

    fn near(a: [f32; 2], b: [f32; 2]) -> bool {
        (a[0] - b[0]).abs() < 1e-5 && (a[1] - b[1]).abs() < 1e-5
    }

    #[test]
    fn bounds_of_nothing_change_nothing() {
        let mut random = StdRng::seed_from_u64(1);
        let mut image = [0.0; PIXELS];
        image.iter_mut().for_each(|pixel| *pixel = random.random());
        for variation in [NONE, Variation { share: 0.0, turn: 1.0, ..NONE }] {
            let deformation = variation.draw(&mut random);
            assert!(near(deformation.at([0.3, -0.4]), [0.3, -0.4]));
            let deformed = deformation.image(&image);
            assert!(image.iter().zip(&deformed).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn a_turn_keeps_lengths_a_slant_heights_and_each_stays_within_its_bound() {
        let mut random = StdRng::seed_from_u64(2);
        let (mut steepest, mut widest) = (0.0f32, 0.0f32);
        for _ in 0..1000 {
            let [x, y] = Variation { turn: 0.2, ..NONE }.draw(&mut random).at([0.5, 0.0]);
            assert!((x.hypot(y) - 0.5).abs() < 1e-5 && y.atan2(x).abs() <= 0.2 + 1e-5);
            let [x, y] = Variation { slant: 0.25, ..NONE }.draw(&mut random).at([0.0, 0.5]);
            assert!((y - 0.5).abs() < 1e-6 && x.abs() <= 0.125 + 1e-6);
            steepest = steepest.max(x.abs());
            let [x, _] = Variation { stretch: 0.1, ..NONE }.draw(&mut random).at([0.5, 0.0]);
            assert!((x / 0.5).ln().abs() <= 0.1 + 1e-5);
            widest = widest.max((x / 0.5).ln().abs());
            let [x, y] = Variation { bend: 0.03, ..NONE }.draw(&mut random).at([0.2, 0.3]);
            assert!((x - 0.2).abs() <= 0.03 + 1e-6 && (y - 0.3).abs() <= 0.03 + 1e-6);
        }
        // A thousand draws come within a hundredth of the bounds.
        assert!(steepest > 0.12 && widest > 0.095, "{steepest} {widest}");
    }

    #[test]
    fn an_image_is_taken_from_where_its_pixels_go() {
        // A quarter turn takes the point to the right of the middle to the one below it, y being downwards.
        let quarter = Deformation { matrix: [[0.0, -1.0], [1.0, 0.0]], waves: [[0.0; 3]; 2] };
        let mut image = [0.0; PIXELS];
        image[20 * SIDE + 13] = 1.0;
        let deformed = quarter.image(&image);
        // Seven rows below the middle line between pixels 13 and 14 is seven columns to the right of it.
        assert!((deformed[14 * SIDE + 20] - 1.0).abs() < 1e-4, "{:?}", deformed.iter().position(|&v| v > 0.5));
        assert!((deformed.iter().sum::<f32>() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn fewer_reports_keep_the_ends_of_a_stroke_and_stay_apart() {
        let mut strokes = Strokes::new(PAD).unwrap();
        (0..=100).for_each(|k| strokes.push(Point { x: 40.0 + 2.0 * k as f32, y: 140.0, t: 0.0 }));
        let still = NONE.draw(&mut StdRng::seed_from_u64(3));
        let sparse = still.strokes(&strokes, 15.0);
        let xs: Vec<f32> = sparse.iter().flatten().map(|p| p.x).collect();
        assert!((xs[0] - 40.0).abs() < 1e-3 && (xs[xs.len() - 1] - 240.0).abs() < 1e-3, "{xs:?}");
        assert_eq!(xs.len(), 14, "every eighth point, and the last: {xs:?}");
        assert_eq!(still.strokes(&strokes, 0.0).iter().flatten().count(), 101);
    }
}
