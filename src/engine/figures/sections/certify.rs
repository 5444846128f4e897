//! How small a change could be at all: two proofs side by side, for the target and for any other label.

use crate::{
    attack::Goal,
    certify::Certifier,
    engine::{
        message::{Answer, Certified},
        schedule::Work,
        stock::Loaded,
    },
};

/// What is proved so far is told this often, in milliseconds of work.
const PACE: f64 = 60.0;

/// Bounds ‖r‖₂ from below, for so many milliseconds of work or until nothing more can be proved.
pub(super) async fn certify(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    goal: Goal,
    norm: f32,
    milliseconds: f64,
) -> Result<Certified, String> {
    let mlp = network.mlp()?;
    let mut proofs = [goal, Goal::Any].map(|goal| (goal, Certifier::new(mlp.clone())));
    for (goal, proof) in &mut proofs {
        proof.start(image, *goal).map_err(|error| error.to_string())?;
    }
    let [(_, target), (_, any)] = &mut proofs;
    let mut known = Certified { target: 0.0, any: 0.0, is_smallest: false };
    let mut told = (known, 0.0);
    let mut goes_on = (true, goal != Goal::Any);
    while (goes_on.0 || goes_on.1) && work.spent() < milliseconds {
        goes_on.0 = goes_on.0 && target.step();
        work.rest().await;
        goes_on.1 = goes_on.1 && any.step();
        // What no other label is reached by, the target is not reached by either.
        let both = if goal == Goal::Any { target.bound() } else { any.bound() };
        known = Certified { target: target.bound().max(both), any: both, is_smallest: target.meets(norm) };
        let is_late = work.rest().await;
        if is_late && known != told.0 && work.spent() - told.1 >= PACE {
            told = (known, work.spent());
            work.tell(Answer::Certify(known)).await;
        }
        goes_on.0 &= !known.is_smallest;
    }
    Ok(known)
}
