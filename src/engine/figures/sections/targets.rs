//! All nine attacks at once.

use super::search::run;
use crate::{
    LABELS,
    attack::{Ending, Goal, Reading},
    engine::{gallery::Picture, message::Found, stock::Loaded, work::Work},
};

/// The nine other labels, each attacked.
pub(super) async fn targets(
    work: &Work,
    network: &Loaded,
    reading: Reading,
    image: &[f32],
    surfaces: &[String],
) -> Result<Vec<Found>, String> {
    let prediction = network.label(image);
    let mut found = Vec::new();
    for target in 0..LABELS {
        let mut picture = Picture::Ink(image.to_vec());
        if target != prediction {
            let (search, outcome) = run(work, network, reading, image, Goal::Target(target)).await?;
            let is_found = outcome.ending == Ending::Success;
            picture = if is_found { Picture::Ink(search.borrow().adversarial().to_vec()) } else { Picture::Empty };
            let norm = is_found.then_some(outcome.norm);
            found.push(Found { target: target as u32, norm, nearest: false });
        }
        work.paint(surfaces.get(target), picture);
    }
    let nearest = found.iter().filter_map(|found| found.norm).fold(f32::INFINITY, f32::min);
    for found in &mut found {
        found.nearest = found.norm == Some(nearest);
    }
    Ok(found)
}
