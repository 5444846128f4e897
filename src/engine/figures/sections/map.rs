//! What a map of labels shows: where each label has most room, and how much of the map it has.

use crate::engine::message::{Place, Share};
use crate::{LABELS, experiment::units::top};

/// For each label in view the largest square that it fills; `labels` has `side` cells in a row.
pub(super) fn largest_squares(labels: &[u8], side: usize) -> Vec<Place> {
    let mut best: [Option<Place>; LABELS] = [None; LABELS];
    // The side of the largest square of one label that ends in each cell.
    let mut widths = vec![0u32; labels.len()];
    for (k, &label) in labels.iter().enumerate() {
        let (x, y) = (k % side, k / side);
        let grows = x > 0 && y > 0 && [k - 1, k - side, k - side - 1].into_iter().all(|other| labels[other] == label);
        let width = if grows { widths[k - 1].min(widths[k - side]).min(widths[k - side - 1]) + 1 } else { 1 };
        widths[k] = width;
        let Some(best) = best.get_mut(usize::from(label)) else { continue };
        if best.is_none_or(|best| best.width < width) {
            let middle = |end: usize| end as f32 + 1.0 - width as f32 / 2.0;
            *best = Some(Place { label: label.into(), x: middle(x), y: middle(y), width });
        }
    }
    best.into_iter().flatten().collect()
}

/// How much of the map each label in view has, the largest share first.
pub(super) fn shares(labels: &[u8]) -> Vec<Share> {
    let mut counts = [0.0; LABELS];
    for &label in labels {
        if let Some(count) = counts.get_mut(usize::from(label)) {
            *count += 1.0;
        }
    }
    let share = |label: usize| Share { label: label as u32, share: counts[label] / labels.len() as f32 };
    top(&counts, LABELS).into_iter().map(share).filter(|share| share.share > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_placed_in_the_middle_of_its_largest_square() {
        #[rustfmt::skip]
        let labels = [
            1, 1, 1, 4,
            1, 1, 1, 4,
            1, 1, 4, 4,
            7, 1, 4, 4,
        ];
        let places = largest_squares(&labels, 4);
        let place = |label, x, y, width| Place { label, x, y, width };
        assert_eq!(places, [place(1, 1.0, 1.0, 2), place(4, 3.0, 3.0, 2), place(7, 0.5, 3.5, 1)]);
        assert_eq!(largest_squares(&[5; 16], 4), [place(5, 2.0, 2.0, 4)]);
    }

    #[test]
    fn no_square_of_a_label_is_larger_than_the_one_that_is_found() {
        let is_one = |labels: &[u8], side: usize, [x, y, width]: [usize; 3]| {
            x + width <= side
                && y + width <= side
                && (0..width * width).all(|k| labels[(y + k / width) * side + x + k % width] == 1)
        };
        for seed in 0..300u32 {
            let side = 2 + seed as usize % 5;
            let labels: Vec<u8> = (0..side * side)
                .map(|k| u8::from((seed * 64 + k as u32).wrapping_mul(2_654_435_761) >> 30 != 0))
                .collect();
            let places = (0..side * side).flat_map(|k| (1..=side).map(move |width| [k % side, k / side, width]));
            let largest = places.filter(|place| is_one(&labels, side, *place)).map(|[.., width]| width).max();
            let found = largest_squares(&labels, side).into_iter().find(|place| place.label == 1);
            assert_eq!(found.map(|place| place.width as usize), largest, "{labels:?}");
            let Some(Place { x, y, width, .. }) = found else { continue };
            let corner = |middle: f32| (middle - width as f32 / 2.0) as usize;
            assert!(is_one(&labels, side, [corner(x), corner(y), width as usize]), "{found:?} in {labels:?}");
        }
    }

    #[test]
    fn a_square_needs_its_corner_too() {
        #[rustfmt::skip]
        let labels = [
            1, 7, 1,
            1, 1, 7,
            1, 7, 7,
        ];
        let places = largest_squares(&labels, 3);
        assert!(places.iter().all(|place| place.width == 1), "{places:?}");
    }

    #[test]
    fn shares_are_of_all_cells_and_the_largest_comes_first() {
        let share = |label, share| Share { label, share };
        assert_eq!(shares(&[3, 8, 8, 3, 8, 8, 8, 0]), [share(8, 0.625), share(3, 0.25), share(0, 0.125)]);
        assert!(shares(&[]).is_empty() && largest_squares(&[], 0).is_empty());
    }
}
