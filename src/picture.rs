//! What figures show, as values; and the colours that make pixels of it. Values become RGBA bytes here and nowhere else.

use crate::{
    SIDE,
    vector::clip,
    wire::{Bytes, Floats},
};
use serde::{Deserialize, Serialize};

/// The scales that a change is shown at.
const LIMITS: [f32; 6] = [0.05, 0.1, 0.2, 0.3, 0.5, 1.0];

/// What is to be seen, without its colours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Picture {
    /// 28×28 pixels in [0, 1], from paper to ink.
    Ink(Floats),
    /// A change of 28×28 pixels.
    Change {
        /// 784 values.
        values: Floats,
        /// They are shown from −limit to limit.
        limit: f32,
    },
    /// A map of labels.
    Labels {
        /// Row by row, from the top left.
        labels: Bytes,
        /// Cells along a side.
        side: u32,
    },
    /// The smallest square grid that holds these values: in [0, 1], from paper to ink, or signed, in [−1, 1]. What is left of it shows
    /// none.
    Grid {
        /// Row by row, from the top left.
        values: Floats,
        /// Cells along a side.
        side: u32,
        /// Whether they are signed.
        signed: bool,
    },
}

/// Colours, as RGB triples in bytes. Each is mixed with the next in sRGB, as a CSS gradient mixes them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Palette {
    /// Paper and ink.
    pub ink: Bytes,
    /// Less, none and more ink.
    pub change: Bytes,
    /// The ten labels of a map; empty where there is no map.
    pub labels: Bytes,
}

/// A square of pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Pixels {
    /// Pixels along its side.
    pub side: u32,
    /// Red, green, blue and opacity, row by row.
    pub rgba: Bytes,
}

impl Picture {
    /// A change, shown to its own largest value.
    pub fn of_change(r: &[f32]) -> Self {
        Picture::Change { values: Floats(r.to_vec()), limit: largest(r).max(f32::MIN_POSITIVE) }
    }
}

impl Palette {
    /// Paints a picture. Nothing comes of a picture that a colour is missing for, or that has not as many values as pixels: a
    /// wrong colour would say something wrong.
    pub fn paint(&self, picture: &Picture) -> Option<Pixels> {
        match picture {
            Picture::Ink(Floats(values)) => self.square(SIDE, values, |palette, v| palette.ink(v)),
            Picture::Change { values: Floats(values), limit } => {
                self.square(SIDE, values, |palette, v| palette.change(v / limit))
            }
            Picture::Labels { labels: Bytes(labels), side } => self.square(*side as usize, labels, |palette, label| {
                colour(&palette.labels, label.into()).map(|[r, g, b]| [r, g, b, 255])
            }),
            Picture::Grid { values: Floats(values), side, signed } => {
                let side = *side as usize;
                let is_least = side.checked_sub(1).is_some_and(|less| less.saturating_mul(less) < values.len());
                let cells = side.checked_mul(side).filter(|&cells| is_least && cells >= values.len())?;
                let mut all = values.clone();
                all.resize(cells, 0.0);
                self.square(side, &all, |palette, v| if *signed { palette.change(v) } else { palette.ink(v) })
            }
        }
    }

    /// As many values as a square has pixels, each in its colour.
    fn square<T: Copy>(
        &self,
        side: usize,
        values: &[T],
        colour: impl Fn(&Self, T) -> Option<[u8; 4]>,
    ) -> Option<Pixels> {
        let fits = side.checked_mul(side) == Some(values.len());
        let colours: Vec<[u8; 4]> = values.iter().filter(|_| fits).map(|&v| colour(self, v)).collect::<Option<_>>()?;
        fits.then(|| Pixels { side: side as u32, rgba: Bytes(colours.into_flattened()) })
    }

    /// `share` of the way from paper to ink.
    fn ink(&self, share: f32) -> Option<[u8; 4]> {
        Some(mix(colour(&self.ink, 0)?, colour(&self.ink, 1)?, share))
    }

    /// From less ink at −1 to more at 1.
    fn change(&self, share: f32) -> Option<[u8; 4]> {
        let side = if share < 0.0 { 0 } else { 2 };
        Some(mix(colour(&self.change, 1)?, colour(&self.change, side)?, share.abs()))
    }
}

/// One of some RGB triples.
fn colour(triples: &Bytes, index: usize) -> Option<[u8; 3]> {
    triples.0.as_chunks::<3>().0.get(index).copied()
}

/// The smallest round limit that no value exceeds, so that a picture's scale can be stated.
pub fn round_limit(values: &[f32]) -> f32 {
    let largest = largest(values);
    LIMITS.into_iter().find(|&limit| largest <= limit).unwrap_or(1.0)
}

/// The largest |v|.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0f32, |m, v| m.max(v.abs()))
}

/// `share` of the way from one colour to another, opaque.
pub fn mix(from: [u8; 3], to: [u8; 3], share: f32) -> [u8; 4] {
    let share = clip(share, 0.0, 1.0);
    let channel = |i: usize| (f32::from(from[i]) + share * (f32::from(to[i]) - f32::from(from[i]))).round() as u8;
    [channel(0), channel(1), channel(2), 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette() -> Palette {
        Palette {
            ink: Bytes(vec![255, 255, 255, 0, 55, 155]),
            change: Bytes(vec![0, 0, 200, 100, 100, 100, 200, 0, 0]),
            labels: Bytes((0..30).collect()),
        }
    }

    /// The first pixels of a picture.
    fn colours(picture: &Picture) -> Vec<[u8; 4]> {
        palette().paint(picture).unwrap().rgba.0.as_chunks::<4>().0.to_vec()
    }

    /// 784 values that begin with these.
    fn image(begin: &[f32]) -> Floats {
        let mut values = begin.to_vec();
        values.resize(SIDE * SIDE, 0.0);
        Floats(values)
    }

    #[test]
    fn ink_is_mixed_from_paper_to_ink() {
        let found = colours(&Picture::Ink(image(&[0.0, 0.5, 1.0])));
        assert_eq!(found[..3], [[255, 255, 255, 255], [128, 155, 205, 255], [0, 55, 155, 255]]);
        assert_eq!(found.len(), SIDE * SIDE);
    }

    #[test]
    fn changes_are_mixed_to_both_sides_and_stop_at_the_limit() {
        let values = image(&[-0.5, -0.25, 0.0, 0.25, 0.5, 9.0]);
        let found = colours(&Picture::Change { values, limit: 0.5 });
        let rgb = [[0, 0, 200], [50, 50, 150], [100, 100, 100], [150, 50, 50], [200, 0, 0], [200, 0, 0]];
        assert_eq!(found[..6], rgb.map(|[r, g, b]| [r, g, b, 255]));
    }

    #[test]
    fn labels_have_their_colours_and_what_is_no_label_is_not_painted() {
        let map = |labels: [u8; 4]| Picture::Labels { labels: Bytes(labels.to_vec()), side: 2 };
        assert_eq!(colours(&map([0, 9, 1, 1])), [[0, 1, 2, 255], [27, 28, 29, 255], [3, 4, 5, 255], [3, 4, 5, 255]]);
        assert_eq!(palette().paint(&map([0, 9, 1, 10])), None);
    }

    #[test]
    fn a_grid_that_is_not_full_ends_in_paper() {
        let grid = |signed| Picture::Grid { values: Floats(vec![1.0, -1.0, 0.5]), side: 2, signed };
        let paper = [255; 4];
        assert_eq!(colours(&grid(false)), [[0, 55, 155, 255], paper, [128, 155, 205, 255], paper]);
        let none = [100, 100, 100, 255];
        assert_eq!(colours(&grid(true)), [[200, 0, 0, 255], [0, 0, 200, 255], [150, 50, 50, 255], none]);
    }

    #[test]
    fn without_colours_nothing_is_painted() {
        let blank = Palette::default();
        assert_eq!(blank.paint(&Picture::Ink(image(&[]))), None);
        assert_eq!(blank.paint(&Picture::of_change(&image(&[0.5]).0)), None);
        let half = Palette { ink: Bytes(vec![255, 255, 255]), ..palette() };
        assert_eq!(half.paint(&Picture::Ink(image(&[]))), None);
    }

    #[test]
    fn a_picture_without_enough_values_is_not_painted() {
        let ink = |count| Picture::Ink(Floats(vec![0.0; count]));
        assert!([0, 783, 785].into_iter().all(|count| palette().paint(&ink(count)).is_none()));
        let grid = |side| palette().paint(&Picture::Grid { values: Floats(vec![0.0; 5]), side, signed: false });
        assert!(grid(3).is_some() && [0, 2, 4, u32::MAX].into_iter().all(|side| grid(side).is_none()));
        let overflowing = Picture::Labels { labels: Bytes(vec![]), side: u32::MAX };
        assert_eq!(palette().paint(&overflowing), None);
    }

    #[test]
    fn the_stated_limit_covers_every_change() {
        assert_eq!(round_limit(&[0.0; 784]), 0.05);
        assert_eq!(round_limit(&[0.04, -0.21]), 0.3);
        assert_eq!(round_limit(&[-1.0]), 1.0);
    }
}
