//! The live attack, and all nine at once.

use super::{
    super::{
        gallery::{Picture, signed_limit},
        message::{Answer, Attacked, Change, Floats, Found, State, Subject, Target},
        stock::Loaded,
        work::Work,
    },
    pixels, reaches,
    search::{observed, run},
};
use crate::{
    LABELS,
    attack::{Ending, Goal, Reading},
};
use std::mem;

/// The search for the smallest r.
pub(super) async fn attack(
    work: &Work,
    network: &Loaded,
    subject: Subject,
    target: Target,
    reading: Reading,
    steps: bool,
    surfaces: &[String],
) -> Result<Attacked, String> {
    let image = match subject {
        Subject::Strokes(drawing) => work.stock.rasterise(&drawing)?,
        Subject::Image(image) => {
            pixels(&image)?;
            Some(image.0)
        }
    };
    let mut known = Attacked {
        state: State::Blank,
        target,
        digit: image.map(|image| network.see(image)),
        outcome: None,
        distortion: None,
        milliseconds: 0.0,
        perturbation: None,
        adversarial: None,
        steps: Vec::new(),
    };
    let Some(digit) = &known.digit else {
        known.paint(work, surfaces);
        return Ok(known);
    };
    let prediction = digit.label as usize;
    if target.0 == Goal::Target(prediction) {
        known.state = State::Already;
        known.paint(work, surfaces);
        return Ok(known);
    }
    let search = network.attack(reading);
    search.borrow_mut().start(&digit.values.0, target.0).map_err(|error| error.to_string())?;
    work.rest().await;
    let begun = work.spent();
    loop {
        let goes_on = search.borrow_mut().step();
        if steps {
            known.steps.extend(observed(&search.borrow()));
        }
        let is_late = work.rest().await;
        known.milliseconds = work.spent() - begun;
        if !goes_on {
            break;
        }
        if is_late && (steps || known.state != State::Searching) {
            known.state = State::Searching;
            known.paint(work, surfaces);
            let part = Attacked { steps: mem::take(&mut known.steps), ..known.clone() };
            work.tell(Answer::Attack(part)).await;
        }
    }
    let search = search.borrow();
    known.state = State::Failed;
    known.outcome = search.outcome();
    if let Some(outcome) = known.outcome.filter(|outcome| outcome.ending == Ending::Success) {
        // Checked again, by a plain forward pass on x + r as it was evaluated.
        let adversarial = network.see(search.adversarial().to_vec());
        if reaches(target.0, prediction, adversarial.label as usize) {
            let r = search.perturbation();
            known.state = State::Found;
            known.distortion = Some(outcome.distortion());
            known.perturbation = Some(Change { values: Floats(r.to_vec()), limit: signed_limit(r) });
            known.adversarial = Some(adversarial);
        }
    }
    known.paint(work, surfaces);
    Ok(known)
}

impl Attacked {
    /// x, r and x + r, each empty where there is none.
    #[inline(never)]
    fn paint(&self, work: &Work, surfaces: &[String]) {
        let ink = |values: &Floats| Picture::Ink(values.0.clone());
        let signed = |change: &Change| Picture::Signed(change.values.0.clone(), change.limit);
        let pictures = [
            self.digit.as_ref().map(|digit| ink(&digit.values)),
            self.perturbation.as_ref().map(signed),
            self.adversarial.as_ref().map(|adversarial| ink(&adversarial.values)),
        ];
        for (surface, picture) in surfaces.iter().zip(pictures) {
            work.paint(Some(surface), picture.unwrap_or(Picture::Empty));
        }
    }
}

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
