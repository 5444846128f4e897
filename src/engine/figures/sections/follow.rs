//! A change followed through the hidden layers.

use super::moved;
use crate::{
    engine::{
        message::{Floats, Followed, FollowedLayer},
        schedule::Work,
        stock::Loaded,
    },
    experiment::{follow::Follow, units::top},
    picture::{Picture, largest},
};

/// Places on the way from x to x + r.
const PLACES: u32 = 24;
/// An activation is never shown at a finer scale than this.
const FAINTEST: f32 = 1e-6;

/// Every hidden unit at both ends, and its share of how the lead of one label over the other changes.
pub(super) async fn follow(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    adversarial: &[f32],
) -> Result<Followed, String> {
    let mlp = network.mlp()?;
    let [from, to] = [image, adversarial].map(|image| network.label(image));
    let r: Vec<f32> = adversarial.iter().zip(image).map(|(sum, x)| sum - x).collect();
    let mut follow = Follow::new(mlp, [to, from], image);
    let before = floats(follow.activations());
    let mut lead = [follow.lead(); 2];
    for k in 1..=PLACES {
        work.rest().await;
        follow.go(&moved(image, &r, k as f32 / PLACES as f32));
    }
    lead[1] = follow.lead();
    let layers = before.into_iter().zip(floats(follow.activations())).zip(floats(&follow.shares));
    let layers = layers.map(|((before, after), shares)| {
        let order = top(&shares.0, shares.0.len()).into_iter().map(|unit| unit as u32).collect();
        FollowedLayer { before, after, shares, order }
    });
    let layers: Vec<FollowedLayer> = layers.collect();
    work.show(layers.iter().flat_map(pictures).map(Some).collect());
    Ok(Followed { from: from as u32, to: to as u32, lead, layers })
}

/// The units of a layer in its order: at x and at x + r, on one scale, and the differences, on their own.
fn pictures(layer: &FollowedLayer) -> [Picture; 3] {
    let FollowedLayer { before: Floats(before), after: Floats(after), order, .. } = layer;
    let side = (order.len() as f32).sqrt().ceil() as u32;
    let grid = |of: &dyn Fn(usize) -> f32, signed| {
        let values = order.iter().map(|&unit| of(unit as usize)).collect();
        Picture::Grid { values: Floats(values), side, signed }
    };
    let most = largest(before).max(largest(after)).max(FAINTEST);
    let change: Vec<f32> = after.iter().zip(before).map(|(after, before)| after - before).collect();
    let strongest = largest(&change).max(FAINTEST);
    [
        grid(&|unit| before[unit].abs() / most, false),
        grid(&|unit| after[unit].abs() / most, false),
        grid(&|unit| change[unit] / strongest, true),
    ]
}

#[inline(never)]
fn floats(layers: &[Vec<f64>]) -> Vec<Floats> {
    layers.iter().map(|layer| Floats(layer.iter().map(|&v| v as f32).collect())).collect()
}
