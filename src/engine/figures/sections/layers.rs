//! How a difference grows or fades from layer to layer.

use crate::{
    engine::{message::Amplified, schedule::Work, stock::Loaded},
    experiment::{noise::Noise, spectrum::amplification},
    vector::squared_distance,
};

/// How much each layer amplifies r, a random change of the same size, and how much it could.
pub(super) async fn layers(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    adversarial: &[f32],
    seed: u32,
) -> Result<Amplified, String> {
    let mlp = network.mlp()?;
    let norm = squared_distance(adversarial, image).sqrt();
    let bounds = network.bounds(mlp);
    work.rest().await;
    let mut noise = Noise::new(seed.into());
    noise.draw();
    let random = amplification(mlp, image, noise.at_norm(image, norm));
    let searched = amplification(mlp, image, adversarial);
    let factors = [&bounds, &searched, &random];
    Ok(Amplified {
        sizes: factors.map(|factors| sizes(norm.into(), factors)),
        total: factors.map(|factors| factors.iter().product()),
        bounds,
        searched,
        random,
    })
}

/// How large a difference is before the first layer, and after each.
fn sizes(norm: f64, factors: &[f64]) -> Vec<f64> {
    let mut sizes = vec![norm];
    for (k, factor) in factors.iter().enumerate() {
        sizes.push(sizes[k] * factor);
    }
    sizes
}
