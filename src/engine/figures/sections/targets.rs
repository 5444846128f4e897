//! All nine attacks at once.

use super::search::run;
use crate::{
    LABELS,
    attack::{Ending, Goal, Reading},
    engine::{
        message::{Floats, Found},
        schedule::Work,
        stock::Loaded,
    },
    picture::Picture,
};

/// The nine other labels, each attacked.
pub(super) async fn targets(
    work: &Work,
    network: &Loaded,
    reading: Reading,
    image: &[f32],
) -> Result<Vec<Found>, String> {
    let prediction = network.label(image);
    let ink = |image: &[f32]| Picture::Ink(Floats(image.to_vec()));
    let (mut found, mut pictures) = (Vec::new(), Vec::new());
    for target in 0..LABELS {
        let mut picture = Some(ink(image));
        if target != prediction {
            let (search, outcome) = run(work, network, reading, image, Goal::Target(target)).await?;
            let is_found = outcome.ending == Ending::Success;
            picture = is_found.then(|| ink(search.borrow().adversarial()));
            let norm = is_found.then_some(outcome.norm);
            found.push(Found { target: target as u32, norm, nearest: false });
        }
        pictures.push(picture);
    }
    work.show(pictures);
    let nearest = found.iter().filter_map(|found| found.norm).fold(f32::INFINITY, f32::min);
    for found in &mut found {
        found.nearest = found.norm == Some(nearest);
    }
    Ok(found)
}
