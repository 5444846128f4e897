//! Pocket or half-space: changes that share no pixel and each reach the label of x + r.

use crate::{
    engine::{
        gallery::{Picture, largest},
        message::Apart,
        stock::Loaded,
        work::Work,
    },
    experiment::subspace::Subspace,
    vector::dot,
};

/// As many as are found of one norm; the first of them are shown, on one scale.
pub(super) async fn apart(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    r: &[f32],
    norm: f32,
    surfaces: &[String],
) -> Result<Apart, String> {
    if !norm.is_finite() || dot(r, r) <= 0.0 {
        return Err("Without a perturbation there is no direction to begin with.".into());
    }
    let adversarial: Vec<f32> = image.iter().zip(r).map(|(x, r)| x + r).collect();
    let mut subspace = Subspace::new(image, r, network.label(&adversarial), norm);
    while look(network, &mut subspace) {
        work.rest().await;
    }
    show(work, image, &subspace, surfaces);
    Ok(Apart { found: subspace.found().len() as u32, half_space: subspace.half_space() as u32 })
}

#[inline(never)]
fn look(network: &Loaded, subspace: &mut Subspace) -> bool {
    subspace.step(&mut network.evaluator.borrow_mut())
}

#[inline(never)]
fn show(work: &Work, image: &[f32], subspace: &Subspace, surfaces: &[String]) {
    let change = |point: &Vec<f32>| -> Vec<f32> { point.iter().zip(image).map(|(p, x)| p - x).collect() };
    let changes: Vec<Vec<f32>> = subspace.found().iter().take(surfaces.len()).map(change).collect();
    let limit = changes.iter().map(|change| largest(change)).fold(f32::MIN_POSITIVE, f32::max);
    for (surface, change) in surfaces.iter().zip(changes) {
        work.paint(Some(surface), Picture::Signed(change, limit));
    }
}
