//! Searches on an image that is already there: run to the end, traced, and compared.

use crate::{
    attack::{Attack, Goal, Outcome, Reading},
    engine::{
        figures::attack::observed,
        message::{Compared, Floats, Target, Trace},
        schedule::Work,
        stock::Loaded,
    },
    picture::largest,
};
use std::{cell::RefCell, pin::Pin, rc::Rc};

/// A change is never shown at a finer scale than this.
const FINEST: f32 = 1e-3;

/// A search that has ended.
type Searched = (Rc<RefCell<Attack>>, Outcome);

/// Searches, resting after every evaluation. Several figures do; boxed, it is once in the module.
pub(super) fn run<'a>(
    work: &'a Work,
    network: &'a Loaded,
    reading: Reading,
    image: &'a [f32],
    goal: Goal,
) -> Pin<Box<dyn Future<Output = Result<Searched, String>> + 'a>> {
    Box::pin(async move {
        let search = start(network, reading, image, goal)?;
        while search.borrow_mut().step() {
            work.rest().await;
        }
        work.rest().await;
        let outcome = ended(&search)?;
        Ok((search, outcome))
    })
}

/// Every evaluation of a search; without the changes where they are not wanted.
pub(super) async fn trace(
    work: &Work,
    network: &Loaded,
    reading: Reading,
    image: &[f32],
    goal: Goal,
    changes: bool,
) -> Result<Trace, String> {
    let search = start(network, reading, image, goal)?;
    let (mut steps, mut all) = (Vec::new(), Vec::new());
    let mut goes_on = true;
    while goes_on {
        goes_on = search.borrow_mut().step();
        steps.extend(observed(&search.borrow()));
        if changes {
            all.extend_from_slice(search.borrow().perturbation());
        }
        work.rest().await;
    }
    let limit = largest(search.borrow().perturbation()).max(FINEST);
    Ok(Trace { steps, changes: Floats(all), limit, outcome: ended(&search)? })
}

/// Each reading of c, for each target.
pub(super) async fn readings(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    targets: &[Target],
) -> Result<Vec<Compared>, String> {
    let prediction = Goal::Target(network.label(image));
    let mut compared = Vec::new();
    for reading in [Reading::Weight, Reading::Scale, Reading::Both] {
        for &target in targets {
            let mut outcome = None;
            if target.0 != prediction {
                outcome = Some(run(work, network, reading, image, target.0).await?.1);
            }
            compared.push(Compared { reading, target, outcome });
        }
    }
    Ok(compared)
}

/// A search that has been started, room for it taken from the stock.
#[inline(never)]
pub(super) fn start(
    network: &Loaded,
    reading: Reading,
    image: &[f32],
    goal: Goal,
) -> Result<Rc<RefCell<Attack>>, String> {
    let search = network.attack(reading);
    search.borrow_mut().start(image, goal).map_err(|error| error.to_string())?;
    Ok(search)
}

#[inline(never)]
fn ended(search: &RefCell<Attack>) -> Result<Outcome, String> {
    search.borrow().outcome().ok_or_else(|| "The search did not begin.".into())
}
