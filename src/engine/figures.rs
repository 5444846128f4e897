//! An answer for every question: what is computed, and what is painted beside it.
//!
//! Each is an `async fn` that rests often; whoever drives it sets the pace, and drops it when it is no longer wanted.

mod attack;
#[cfg(feature = "sections")]
mod sections;

use super::{
    message::{Answer, Floats, Question},
    schedule::Work,
};
use crate::{
    PIXELS,
    attack::{AttackError, Goal},
};
use std::rc::Rc;

/// Works out the answer to a question.
pub(super) async fn answer(work: Rc<Work>, question: Question) -> Result<Answer, String> {
    let work = &*work;
    Ok(match question {
        Question::Digit { strokes } => Answer::Digit(work.stock.rasterise(&strokes)?.map(Floats)),
        Question::Classify { network, image } => Answer::Classify(work.network(&network)?.classify(pixels(&image)?)),
        Question::Attack { network, subject, target, reading, steps } => {
            let network = work.network(&network)?;
            Answer::Attack(attack::attack(work, &network, subject, target, reading, steps).await?)
        }
        #[cfg(feature = "sections")]
        question => sections::answer(work, question).await?,
    })
}

/// An image: 784 values in [0, 1].
#[inline(never)]
fn pixels(values: &Floats) -> Result<&[f32], String> {
    let wrong = values.0.iter().position(|value| !(0.0..=1.0).contains(value));
    let wrong = wrong.map(|index| AttackError::Pixel { index, value: values.0[index] });
    wrong.map_or_else(|| sized(values), |error| Err(error.to_string()))
}

fn sized(values: &Floats) -> Result<&[f32], String> {
    let count = values.0.len();
    if count == PIXELS { Ok(&values.0) } else { Err(AttackError::Size(count).to_string()) }
}

/// Whether a label is what was to be reached, from `prediction`.
fn reaches(goal: Goal, prediction: usize, label: usize) -> bool {
    match goal {
        Goal::Target(target) => label == target,
        Goal::Any => label != prediction,
    }
}
