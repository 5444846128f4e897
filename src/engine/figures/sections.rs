//! What the sections below the demo ask.

mod certify;
mod files;
mod follow;
mod layers;
mod map;
mod plane;
mod search;
mod subspace;
mod targets;
mod transfer;
mod units;
mod way;
mod weights;

use super::{
    super::{
        message::{Answer, Floats, Question},
        schedule::Work,
    },
    pixels, reaches, sized,
};
use crate::{picture::Picture, vector::clip};

/// Works out the answer to a question that only sections ask.
pub(super) async fn answer(work: &Work, question: Question) -> Result<Answer, String> {
    Ok(match question {
        Question::Targets { network, reading, image } => {
            let network = work.network(&network)?;
            Answer::Targets(targets::targets(work, &network, reading, pixels(&image)?).await?)
        }
        Question::Way { network, image, r, until, count } => {
            let network = work.network(&network)?;
            Answer::Way(way::way(work, &network, pixels(&image)?, change(&r)?, until, count).await?)
        }
        Question::Trace { network, reading, image, target } => {
            let network = work.network(&network)?;
            Answer::Trace(search::trace(work, &network, reading, pixels(&image)?, target.0, true).await?)
        }
        Question::Readings { network, image, targets } => {
            let network = work.network(&network)?;
            Answer::Readings(search::readings(work, &network, pixels(&image)?, &targets).await?)
        }
        Question::Plane { network, image, r, a, b, reach, side, seed } => {
            let network = work.network(&network)?;
            let square = plane::Square { a, b, reach, seed };
            let (image, r) = (pixels(&image)?, change(&r)?);
            Answer::Plane(plane::plane(work, &network, image, r, square, side).await?)
        }
        Question::Noise { network, image, norm, tries, seed, clipped } => {
            let network = work.network(&network)?;
            let noise = plane::noise_of(seed, clipped);
            Answer::Noise(plane::noise(work, &network, pixels(&image)?, norm, tries, noise).await?)
        }
        Question::Crossing { network, image, deviations, tries, seed } => {
            let network = work.network(&network)?;
            Answer::Crossing(plane::crossing(work, &network, pixels(&image)?, &deviations.0, tries, seed).await?)
        }
        Question::Apart { network, image, r, norm, shown } => {
            let network = work.network(&network)?;
            Answer::Apart(subspace::apart(work, &network, pixels(&image)?, change(&r)?, norm, shown as usize).await?)
        }
        Question::Weights { network, image, target, weights } => {
            let network = work.network(&network)?;
            Answer::Weights(weights::weights(work, &network, pixels(&image)?, target.0, &weights.0).await?)
        }
        Question::Descent { network, image, target, c, step, side } => {
            let network = work.network(&network)?;
            Answer::Descent(weights::descent(work, &network, pixels(&image)?, target.0, c, step, side).await?)
        }
        Question::Certify { network, image, target, norm, milliseconds } => {
            let network = work.network(&network)?;
            Answer::Certify(certify::certify(work, &network, pixels(&image)?, target.0, norm, milliseconds).await?)
        }
        Question::Rounded { network, image, r, target } => {
            let network = work.network(&network)?;
            Answer::Rounded(way::rounded(&network, pixels(&image)?, change(&r)?, target.0))
        }
        Question::Npy { values } => Answer::Npy(files::npy(sized(&values)?)),
        Question::Csv { network, reading, image, target } => {
            let network = work.network(&network)?;
            let trace = search::trace(work, &network, reading, pixels(&image)?, target.0, false).await?;
            Answer::Csv(files::csv(&trace.steps))
        }
        Question::Transfer { networks, image, r, target, amplify } => {
            let (image, r) = (pixels(&image)?, change(&r)?);
            let example = transfer::Example { image, r, goal: target.0, amplify };
            Answer::Transfer(transfer::transfer(work, networks, example).await?)
        }
        Question::Layers { network, image, adversarial, seed } => {
            let network = work.network(&network)?;
            Answer::Layers(layers::layers(work, &network, pixels(&image)?, pixels(&adversarial)?, seed).await?)
        }
        Question::Follow { network, image, adversarial } => {
            let network = work.network(&network)?;
            Answer::Follow(follow::follow(work, &network, pixels(&image)?, pixels(&adversarial)?).await?)
        }
        Question::Units { network, image, layer, unit, seed, bins, shown } => {
            let network = work.network(&network)?;
            let image = image.as_ref().map(pixels).transpose()?;
            let place = units::Place { layer: layer as usize, unit: unit as usize, seed };
            Answer::Units(units::units(work, &network, image, place, [bins, shown].map(|count| count as usize)).await?)
        }
        Question::Show { image, r, t, limit } => {
            let r = change(&r)?;
            let picture = match &image {
                Some(image) => Picture::Ink(Floats(moved(pixels(image)?, r, t))),
                None if limit > 0.0 => Picture::Change { values: Floats(r.to_vec()), limit },
                None => Picture::of_change(r),
            };
            work.show(vec![Some(picture)]);
            Answer::Show
        }
        Question::Digit { .. } | Question::Classify { .. } | Question::Attack { .. } => {
            return Err("This is answered with the demo's figures.".into());
        }
    })
}

/// A change: 784 finite values.
#[inline(never)]
fn change(values: &Floats) -> Result<&[f32], String> {
    if values.0.iter().all(|value| value.is_finite()) { sized(values) } else { Err("A change must be finite.".into()) }
}

/// `clip(x + t·r)`.
#[inline(never)]
fn moved(image: &[f32], r: &[f32], t: f32) -> Vec<f32> {
    image.iter().zip(r).map(|(x, r)| clip(x + t * r, 0.0, 1.0)).collect()
}
