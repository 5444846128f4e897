//! An answer for every question: what is computed, and what is painted beside it.
//!
//! Each is an `async fn` that rests often; whoever drives it sets the pace, and drops it when it is no longer wanted.

mod attack;
mod layers;
mod plane;
mod search;
mod transfer;
mod units;
mod way;

use super::{
    files,
    gallery::{Picture, largest},
    message::{Answer, Floats, Question},
    work::Work,
};
use crate::{
    PIXELS,
    attack::{AttackError, Goal},
    vector::clip,
};
use std::rc::Rc;

/// Works out the answer to a question.
pub(super) async fn answer(work: Rc<Work>, question: Question) -> Result<Answer, String> {
    let work = &*work;
    Ok(match question {
        Question::Digit { strokes } => Answer::Digit(work.stock.rasterise(&strokes)?.map(Floats)),
        Question::Classify { network, image } => Answer::Classify(work.network(&network)?.classify(pixels(&image)?)),
        Question::Attack { network, subject, target, reading, steps, surfaces } => {
            let network = work.network(&network)?;
            Answer::Attack(attack::attack(work, &network, subject, target, reading, steps, &surfaces).await?)
        }
        Question::Targets { network, reading, image, surfaces } => {
            let network = work.network(&network)?;
            Answer::Targets(attack::targets(work, &network, reading, pixels(&image)?, &surfaces).await?)
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
        Question::Plane { network, image, r, a, b, reach, side, seed, surface } => {
            let network = work.network(&network)?;
            let square = plane::Square { a, b, reach, seed };
            let (image, r) = (pixels(&image)?, change(&r)?);
            Answer::Plane(plane::plane(work, &network, image, r, square, side, surface).await?)
        }
        Question::Noise { network, image, norm, tries, seed, surface } => {
            let network = work.network(&network)?;
            Answer::Noise(plane::noise(work, &network, pixels(&image)?, norm, tries, seed, surface).await?)
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
        Question::Transfer { networks, image, r, target, amplify, surfaces } => {
            let (image, r) = (pixels(&image)?, change(&r)?);
            let example = transfer::Example { image, r, goal: target.0, amplify };
            Answer::Transfer(transfer::transfer(work, networks, example, &surfaces).await?)
        }
        Question::Layers { network, image, adversarial, seed } => {
            let network = work.network(&network)?;
            Answer::Layers(layers::layers(work, &network, pixels(&image)?, pixels(&adversarial)?, seed).await?)
        }
        Question::Units { network, image, layer, unit, seed, bins, surfaces } => {
            let network = work.network(&network)?;
            let image = image.as_ref().map(pixels).transpose()?;
            let place = units::Place { layer: layer as usize, unit: unit as usize, seed };
            Answer::Units(units::units(work, &network, image, place, bins as usize, &surfaces).await?)
        }
        Question::Show { surface, image, r, t, limit } => {
            let r = change(&r)?;
            let picture = match &image {
                Some(image) => Picture::Ink(moved(pixels(image)?, r, t)),
                None if limit > 0.0 => Picture::Signed(r.to_vec(), limit),
                None => signed(r),
            };
            work.paint(Some(&surface), picture);
            Answer::Show
        }
    })
}

/// An image: 784 values in [0, 1].
#[inline(never)]
fn pixels(values: &Floats) -> Result<&[f32], String> {
    let wrong = values.0.iter().position(|value| !(0.0..=1.0).contains(value));
    let wrong = wrong.map(|index| AttackError::Pixel { index, value: values.0[index] });
    wrong.map_or_else(|| sized(values), |error| Err(error.to_string()))
}

/// A change: 784 finite values.
#[inline(never)]
fn change(values: &Floats) -> Result<&[f32], String> {
    if values.0.iter().all(|value| value.is_finite()) { sized(values) } else { Err("A change must be finite.".into()) }
}

fn sized(values: &Floats) -> Result<&[f32], String> {
    let count = values.0.len();
    if count == PIXELS { Ok(&values.0) } else { Err(AttackError::Size(count).to_string()) }
}

/// `clip(x + t·r)`.
#[inline(never)]
fn moved(image: &[f32], r: &[f32], t: f32) -> Vec<f32> {
    image.iter().zip(r).map(|(x, r)| clip(x + t * r, 0.0, 1.0)).collect()
}

/// r, shown to its own largest value.
#[inline(never)]
fn signed(r: &[f32]) -> Picture {
    Picture::Signed(r.to_vec(), largest(r).max(f32::MIN_POSITIVE))
}

/// Whether a label is what was to be reached, from `prediction`.
fn reaches(goal: Goal, prediction: usize, label: usize) -> bool {
    match goal {
        Goal::Target(target) => label == target,
        Goal::Any => label != prediction,
    }
}
