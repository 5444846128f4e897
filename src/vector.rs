//! Sums over slices, in eight independent parts.
//!
//! A plain loop over floats must add in order, one after another; eight partial
//! sums become vector code. The order is fixed, so results repeat exactly; and exponentials and logarithms, wherever a result depends
//! on them, are those of the crate `libm`, so that a search ends in the same bits in every browser and on every machine.

use num_traits::Float;

/// Partial sums.
const PARTS: usize = 8;

/// `Σ_i f([a_i, b_i, …])`, several sums at once: `K` slices of one length in, `S` sums out.
#[inline(always)]
pub(crate) fn sums<T: Float, const K: usize, const S: usize>(
    slices: [&[T]; K],
    f: impl Fn([T; K]) -> [T; S],
) -> [T; S] {
    let chunks = slices.map(|s| s.as_chunks::<PARTS>());
    let mut parts = [[T::zero(); PARTS]; S];
    for c in 0..chunks[0].0.len() {
        let blocks: [&[T; PARTS]; K] = chunks.map(|(blocks, _)| &blocks[c]);
        for p in 0..PARTS {
            let terms = f(blocks.map(|block| block[p]));
            for s in 0..S {
                parts[s][p] = parts[s][p] + terms[s];
            }
        }
    }
    for i in 0..chunks[0].1.len() {
        let terms = f(chunks.map(|(_, rest)| rest[i]));
        for s in 0..S {
            parts[s][i] = parts[s][i] + terms[s];
        }
    }
    parts.map(|p| ((p[0] + p[4]) + (p[1] + p[5])) + ((p[2] + p[6]) + (p[3] + p[7])))
}

/// So many zeros. Not inlined: the page's module allocates in many places.
#[inline(never)]
pub(crate) fn zeros(count: usize) -> Vec<f32> {
    vec![0.0; count]
}

/// `a·b`.
pub(crate) fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    let [sum] = sums([a, b], |[a, b]| [a * b]);
    sum
}

/// `‖a − b‖²`.
pub(crate) fn squared_distance<T: Float>(a: &[T], b: &[T]) -> T {
    let [sum] = sums([a, b], |[a, b]| [(a - b) * (a - b)]);
    sum
}

/// `value` moved into `[lower, upper]`. Comparisons, unlike `max` and `min`, become vector code everywhere; and unlike `clamp` this
/// cannot panic, which would bring all code that prints numbers into the page's module.
#[inline(always)]
pub(crate) fn clip<T: Float>(value: T, lower: T, upper: T) -> T {
    let above = if value < lower { lower } else { value };
    if above > upper { upper } else { above }
}

/// `y ← y + t·x`.
pub(crate) fn add_scaled<T: Float>(y: &mut [T], t: T, x: &[T]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = *y + t * *x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_any_length_equal_those_in_order() {
        for n in 0..40 {
            let a: Vec<f64> = (0..n).map(|i| f64::from(i) - 7.0).collect();
            let b: Vec<f64> = (0..n).map(|i| f64::from(i * i % 11)).collect();
            let expected: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&a, &b), expected, "whole numbers add exactly, n = {n}");
            let expected: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
            assert_eq!(squared_distance(&a, &b), expected, "n = {n}");
        }
    }
}
