//! The digits with the largest projections on a unit, and on a random direction of its layer.

use crate::{
    engine::{
        message::{Floats, Ranked},
        schedule::Work,
        stock::{Digits, Loaded},
    },
    experiment::{self, spectrum::activations, units},
    network::Mlp,
    picture::Picture,
};
use std::rc::Rc;

/// The most bars of a histogram.
const BINS: usize = 1000;

/// Which unit, and what chooses the direction beside it.
pub(super) struct Place {
    pub(super) layer: usize,
    pub(super) unit: usize,
    /// None: no direction.
    pub(super) seed: Option<u32>,
}

/// The unit's ranking, then the direction's, where one is wanted.
pub(super) async fn units(
    work: &Work,
    network: &Loaded,
    image: Option<&[f32]>,
    place: Place,
    [bins, shown]: [usize; 2],
) -> Result<Vec<Ranked>, String> {
    let digits = work.stock.digits();
    if digits.count() == 0 {
        return Err("The digits have not been loaded.".into());
    }
    let mlp = network.mlp()?;
    let width = mlp.layers().get(place.layer).map_or(0, |layer| layer.outputs);
    if place.unit >= width || !(1..=BINS).contains(&bins) {
        return Err("The network has no such unit, or the histogram no such bars.".into());
    }
    let layers = projected(work, network, mlp, &digits).await;
    let phis = &layers[place.layer];
    let own = image.map(|image| projection(mlp, image, place.layer));
    let mut axis = vec![0.0; width];
    axis[place.unit] = 1.0;
    let random = place.seed.map(|seed| units::direction(width, &mut experiment::random(seed.into())));
    let directions: Vec<Vec<f32>> = [axis].into_iter().chain(random).collect();
    let (mut ranked, mut pictures) = (Vec::new(), Vec::new());
    for direction in &directions {
        let scores = units::scores(phis, direction);
        let shown = units::top(&scores, shown);
        pictures.extend(shown.into_iter().map(|index| Some(Picture::Ink(Floats(digits.image(index))))));
        ranked.push(rank(&scores, own.as_deref().map(|own| units::scores(own, direction)[0]), bins));
    }
    work.show(pictures);
    Ok(ranked)
}

/// What every layer makes of all digits.
async fn projected(work: &Work, network: &Loaded, mlp: &Mlp, digits: &Rc<Digits>) -> Rc<Vec<Vec<f32>>> {
    if let Some(known) = network.projected(digits) {
        return known;
    }
    let mut all = vec![Vec::new(); mlp.layers().len()];
    for index in 0..digits.count() {
        for (all, layer) in all.iter_mut().zip(activations(mlp, &digits.image(index))) {
            all.extend(layer.iter().map(|&a| a as f32));
        }
        work.rest().await;
    }
    let all = Rc::new(all);
    network.keep_projected(digits.clone(), all.clone());
    all
}

/// What a layer makes of an image.
fn projection(mlp: &Mlp, image: &[f32], layer: usize) -> Vec<f32> {
    activations(mlp, image)[layer].iter().map(|&a| a as f32).collect()
}

/// The projections of all digits in equal parts of their range, and x's among them.
fn rank(scores: &[f32], own: Option<f32>, bins: usize) -> Ranked {
    let all = || scores.iter().chain(&own).copied();
    let (low, high) = (all().fold(f32::INFINITY, f32::min), all().fold(f32::NEG_INFINITY, f32::max));
    let size = if high > low { (high - low) / bins as f32 } else { 1.0 };
    let mut counts = vec![0; bins];
    for score in scores {
        counts[(((score - low) / size) as usize).min(bins - 1)] += 1;
    }
    let larger = own.map_or(0, |own| scores.iter().filter(|score| **score > own).count());
    Ranked { range: [low, high], counts, digits: scores.len() as u32, own, larger: larger as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_holds_every_digit_and_reaches_to_x() {
        let ranked = rank(&[0.0, 0.1, 0.5, 0.9], Some(1.0), 4);
        assert_eq!((ranked.range, ranked.counts), ([0.0, 1.0], vec![2, 0, 1, 1]));
        assert_eq!((ranked.digits, ranked.larger), (4, 0));
        let ranked = rank(&[0.0, 0.1, 0.5, 0.9], Some(0.1), 2);
        assert_eq!((ranked.range, ranked.counts, ranked.larger), ([0.0, 0.9], vec![2, 2], 2));
    }

    #[test]
    fn a_histogram_begins_at_the_lowest_projection() {
        let ranked = rank(&[-1.0, 0.25, 0.75, 1.0], Some(-3.0), 4);
        assert_eq!((ranked.range, ranked.counts, ranked.larger), ([-3.0, 1.0], vec![0, 0, 1, 3], 4));
    }

    #[test]
    fn digits_that_are_all_the_same_fill_one_bar() {
        assert_eq!(rank(&[0.5; 3], None, 5).counts, [3, 0, 0, 0, 0]);
    }
}
