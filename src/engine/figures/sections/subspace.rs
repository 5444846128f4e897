//! Pocket or half-space: changes that share no pixel and each reach the label of x + r.

use crate::{
    engine::{
        message::{Apart, Floats},
        schedule::Work,
        stock::Loaded,
    },
    experiment::subspace::Subspace,
    picture::{Picture, largest},
    vector::dot,
};

/// As many as are found of one norm; the first of them are shown, on one scale.
pub(super) async fn apart(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    r: &[f32],
    norm: f32,
    shown: usize,
) -> Result<Apart, String> {
    if !norm.is_finite() || dot(r, r) <= 0.0 {
        return Err("Without a perturbation there is no direction to begin with.".into());
    }
    let adversarial: Vec<f32> = image.iter().zip(r).map(|(x, r)| x + r).collect();
    let mut subspace = Subspace::new(image, r, network.label(&adversarial), norm);
    while look(network, &mut subspace) {
        work.rest().await;
    }
    work.show(pictures(image, &subspace, shown));
    Ok(Apart { found: subspace.found().len() as u32, half_space: subspace.half_space() as u32 })
}

#[inline(never)]
fn look(network: &Loaded, subspace: &mut Subspace) -> bool {
    subspace.step(&mut network.evaluator.borrow_mut())
}

/// The first of the changes, on one scale.
fn pictures(image: &[f32], subspace: &Subspace, shown: usize) -> Vec<Option<Picture>> {
    let change = |point: &Vec<f32>| -> Vec<f32> { point.iter().zip(image).map(|(p, x)| p - x).collect() };
    let changes: Vec<Vec<f32>> = subspace.found().iter().take(shown).map(change).collect();
    let limit = changes.iter().map(|change| largest(change)).fold(f32::MIN_POSITIVE, f32::max);
    changes.into_iter().map(|values| Some(Picture::Change { values: Floats(values), limit })).collect()
}
