//! The live attack.

use super::{
    super::{
        message::{Answer, Attacked, Change, Floats, Seen, State, Step, Subject, Target},
        schedule::Work,
        stock::Loaded,
    },
    pixels, reaches,
};
use crate::{
    attack::{Attack, Ending, Goal, Reading},
    picture::{Picture, round_limit},
    vector::dot,
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
        work.show(known.pictures());
        return Ok(known);
    };
    let prediction = digit.label as usize;
    if target.0 == Goal::Target(prediction) {
        known.state = State::Already;
        work.show(known.pictures());
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
            work.show(known.pictures());
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
            known.perturbation = Some(Change { values: Floats(r.to_vec()), limit: round_limit(r) });
            known.adversarial = Some(adversarial);
        }
    }
    work.show(known.pictures());
    Ok(known)
}

impl Attacked {
    /// Of x, r and x + r.
    fn pictures(&self) -> Vec<Option<Picture>> {
        let ink = |seen: &Seen| Picture::Ink(seen.values.clone());
        let change = |change: &Change| Picture::Change { values: change.values.clone(), limit: change.limit };
        vec![self.digit.as_ref().map(ink), self.perturbation.as_ref().map(change), self.adversarial.as_ref().map(ink)]
    }
}

/// The evaluation made last, and after the end the result, in numbers.
#[inline(never)]
pub(super) fn observed(search: &Attack) -> Option<Step> {
    let seen = search.observation()?;
    let square = dot(seen.r, seen.r);
    Some(Step {
        evaluations: seen.evaluations,
        phase: seen.phase,
        loss: seen.loss,
        norm: square.sqrt(),
        margin: seen.margin,
        c: seen.c,
        objective: seen.c * square + seen.loss,
        succeeds: seen.bracket.0,
        fails: seen.bracket.1,
    })
}
