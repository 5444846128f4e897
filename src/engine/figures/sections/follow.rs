//! A change followed through the hidden layers.

use super::moved;
use crate::{
    engine::{
        message::{Floats, Followed, FollowedLayer},
        stock::Loaded,
        work::Work,
    },
    experiment::follow::Follow,
};

/// Places on the way from x to x + r.
const PLACES: u32 = 24;

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
    let layers = layers.map(|((before, after), shares)| FollowedLayer { before, after, shares });
    Ok(Followed { from: from as u32, to: to as u32, lead, layers: layers.collect() })
}

#[inline(never)]
fn floats(layers: &[Vec<f64>]) -> Vec<Floats> {
    layers.iter().map(|layer| Floats(layer.iter().map(|&v| v as f32).collect())).collect()
}
