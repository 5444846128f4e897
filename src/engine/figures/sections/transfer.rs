//! One network's example, shown to others.

use super::{moved, search::run};
use crate::{
    PIXELS,
    attack::{Ending, Goal, Reading},
    engine::{
        message::{Floats, Judged, Own, Transferred},
        schedule::Work,
        stock::Loaded,
    },
    experiment::transfer::amplify,
    network::{label, probabilities},
    picture::{Picture, round_limit},
    vector::dot,
};

/// An example, and what it is amplified to.
pub(super) struct Example<'a> {
    pub(super) image: &'a [f32],
    pub(super) r: &'a [f32],
    pub(super) goal: Goal,
    pub(super) amplify: f32,
}

/// What several networks predict of an example, and the smallest r of their own for the same target.
pub(super) async fn transfer(work: &Work, keys: Vec<String>, example: Example<'_>) -> Result<Vec<Transferred>, String> {
    let networks: Vec<_> = keys.iter().map(|key| work.network(key)).collect::<Result<_, _>>()?;
    let Example { image, r, goal, amplify: to } = example;
    let sum = moved(image, r, 1.0);
    let mut amplified = vec![0.0; PIXELS];
    amplify(image, r, to, &mut amplified);
    let (mut rows, mut pictures) = (Vec::new(), Vec::new());
    for (key, network) in keys.into_iter().zip(&networks) {
        let digit = judge(network, image);
        let own =
            if goal == Goal::Target(digit.label as usize) { None } else { own(work, network, image, r, goal).await? };
        pictures.push(own.as_ref().map(|own| Picture::of_change(&own.r.0)));
        let (example, amplified) = (judge(network, &sum), judge(network, &amplified));
        rows.push(Transferred { network: key, digit, example, amplified, own });
        work.rest().await;
    }
    work.show(pictures);
    Ok(rows)
}

/// The network's own smallest change.
async fn own(work: &Work, network: &Loaded, image: &[f32], r: &[f32], goal: Goal) -> Result<Option<Own>, String> {
    let (search, outcome) = run(work, network, Reading::Both, image, goal).await?;
    let own = search.borrow().perturbation().to_vec();
    let (limit, cosine) = (round_limit(&own), cosine(r, &own));
    Ok((outcome.ending == Ending::Success).then_some(Own { norm: outcome.norm, r: Floats(own), limit, cosine }))
}

fn judge(network: &Loaded, image: &[f32]) -> Judged {
    let logits = network.logits(image);
    let label = label(&logits);
    Judged { label: label as u32, share: probabilities(&logits)[label] }
}

/// The cosine of the angle between two changes; 0 where one is nothing.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_1_along_0_across_and_0_of_nothing() {
        assert_eq!(cosine(&[3.0, 4.0], &[6.0, 8.0]), 1.0);
        assert_eq!(cosine(&[3.0, 4.0], &[-4.0, 3.0]), 0.0);
        assert_eq!(cosine(&[3.0, 4.0], &[0.0, 0.0]), 0.0);
    }
}
