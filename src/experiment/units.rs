//! Units or directions (section 3 of the paper): the images that activate one unit most, and those with the
//! largest projection on a random direction of the same layer.

use super::Random;
use crate::LABELS;
use rand::Rng;
use rand_distr::StandardNormal;

/// A random direction of length one in a layer of that many units.
pub fn direction(width: usize, random: &mut Random) -> Vec<f32> {
    let mut v: Vec<f32> = (0..width).map(|_| random.sample(StandardNormal)).collect();
    let length = v.iter().map(|v| v * v).sum::<f32>().sqrt();
    v.iter_mut().for_each(|v| *v /= length);
    v
}

/// The projections `⟨φ(x), v⟩` for each of the activation vectors that follow one another in `activations`.
pub fn scores(activations: &[f32], v: &[f32]) -> Vec<f32> {
    activations.chunks_exact(v.len()).map(|phi| phi.iter().zip(v).map(|(a, v)| a * v).sum()).collect()
}

/// Which images have the `count` largest scores, the largest first.
pub fn top(scores: &[f32], count: usize) -> Vec<usize> {
    // By insertion: few are wanted, and a sort is four kilobytes of the page's module.
    let mut best: Vec<usize> = Vec::new();
    for (i, score) in scores.iter().enumerate() {
        let place = best.iter().rposition(|&b| scores[b].total_cmp(score).is_ge()).map_or(0, |before| before + 1);
        if place < count {
            best.truncate(count - 1);
            best.insert(place, i);
        }
    }
    best
}

/// The share of the most frequent label: 1 if all are the same digit. 0 of nothing.
pub fn purity(labels: impl IntoIterator<Item = u8>) -> f64 {
    let mut counts = [0u32; LABELS];
    for label in labels {
        if let Some(count) = counts.get_mut(usize::from(label)) {
            *count += 1;
        }
    }
    let all: u32 = counts.iter().sum();
    let most = counts.into_iter().max().unwrap_or(0);
    f64::from(most) / f64::from(all.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_unit_are_the_images_that_activate_it_most() {
        // Four images, three units.
        let activations = [0.1, 0.9, 0.0, 0.8, 0.2, 0.0, 0.3, 0.3, 0.0, 0.9, 0.1, 0.0];
        assert_eq!(top(&scores(&activations, &[1.0, 0.0, 0.0]), 2), [3, 1]);
        assert_eq!(top(&scores(&activations, &[0.0, 1.0, 0.0]), 9), [0, 2, 1, 3]);
    }

    #[test]
    fn purity_is_the_share_of_the_most_frequent_label() {
        assert_eq!(purity([3, 3, 3, 8]), 0.75);
        assert_eq!(purity([]), 0.0);
    }

    #[test]
    fn a_direction_has_length_one() {
        let v = direction(100, &mut crate::experiment::random(1));
        assert!((v.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
