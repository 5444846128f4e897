//! Examples made for one network, shown to another (tables 2 to 4 of the paper).

use crate::{PIXELS, vector::clip};

/// The root mean square of a perturbation over its pixels, `‖r‖₂ / √784`: the paper's distortion.
pub fn distortion(r: &[f32]) -> f32 {
    (r.iter().map(|r| r * r).sum::<f32>() / PIXELS as f32).sqrt()
}

/// `clip(x + s·r)` into `point`, with s such that `s·r` has this distortion. An `r` of zero leaves x as it is.
///
/// The paper amplifies its examples to 0.1 to see whether they transfer better. Clipping comes after, so that what
/// remains is often a little less.
pub fn amplify(image: &[f32], r: &[f32], to: f32, point: &mut [f32]) {
    let size = distortion(r);
    let scale = if size > 0.0 { to / size } else { 0.0 };
    for ((point, x), r) in point.iter_mut().zip(image).zip(r) {
        *point = clip(x + scale * r, 0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amplified_perturbation_has_the_distortion_asked_for_where_the_box_allows() {
        let image = vec![0.5; PIXELS];
        let r: Vec<f32> = (0..PIXELS).map(|i| 1e-3 * ((i % 7) as f32 - 3.0)).collect();
        let mut point = vec![0.0; PIXELS];
        amplify(&image, &r, 0.1, &mut point);
        let change: Vec<f32> = point.iter().zip(&image).map(|(p, x)| p - x).collect();
        assert!((distortion(&change) - 0.1).abs() < 1e-4);
    }

    #[test]
    fn an_amplified_example_stays_in_the_box_and_nothing_amplified_is_nothing() {
        let image: Vec<f32> = (0..PIXELS).map(|i| (i % 2) as f32).collect();
        let mut point = vec![0.0; PIXELS];
        amplify(&image, &[0.01; PIXELS], 0.9, &mut point);
        assert!(point.iter().all(|p| (0.0..=1.0).contains(p)));
        amplify(&image, &[0.0; PIXELS], 0.9, &mut point);
        assert_eq!(point, image);
    }
}
