//! One weight c: its minimiser, and two successive steps of L-BFGS to it.

use super::{moved, search::start};
use crate::{
    PIXELS,
    attack::{Attack, Goal, Reading, Stand},
    engine::{
        message::{Descent, Floats, Tried, Weighed},
        schedule::Work,
        stock::Loaded,
    },
    vector::dot,
};

/// The most weights of one question, and places along a side of a picture.
const WEIGHTS: usize = 1000;
const PLACES: u32 = 400;
/// Places on a cut along the direction, both ends included.
const CUT: usize = 81;
/// A picture and a cut show this much more than what they are about.
const ROOM: f32 = 1.25;
/// The step of the differences that give second derivatives, as ‖·‖₂.
const DIFFERENCE: f32 = 0.01;
/// Two steps whose directions differ by less than this are nearly parallel.
const THIN: f32 = 0.04;

/// The minimiser for each of some weights, each followed from the one before.
pub(super) async fn weights(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    goal: Goal,
    weights: &[f32],
) -> Result<Vec<Weighed>, String> {
    if weights.len() > WEIGHTS {
        return Err("1,000 weights are the most.".into());
    }
    let search = start(network, Reading::Weight, image, goal)?;
    let mut weighed = Vec::new();
    for &c in weights {
        weighed.push(weigh(network, &mut search.borrow_mut(), image, c)?);
        work.rest().await;
    }
    Ok(weighed)
}

#[inline(never)]
fn weigh(network: &Loaded, search: &mut Attack, image: &[f32], c: f32) -> Result<Weighed, String> {
    check(c)?;
    search.descend(c);
    let seen = search.observation().ok_or("The search did not begin.")?;
    let label = network.label(&moved(image, seen.r, 1.0)) as u32;
    let (loss, margin, r) = (seen.loss, seen.margin, seen.r.to_vec());
    Ok(Weighed { c, norm: product(&r, &r).sqrt(), loss, margin, label, r: Floats(r) })
}

/// Two successive steps for one weight, from r = 0. None as for [`Span::chosen`].
pub(super) async fn descent(
    work: &Work,
    network: &Loaded,
    image: &[f32],
    goal: Goal,
    c: f32,
    step: u32,
    side: u32,
) -> Result<Option<Descent>, String> {
    check(c)?;
    let side = (1..=PLACES).contains(&side).then_some(side as usize).ok_or("A picture has 1 to 400 places a side.")?;
    let search = start(network, Reading::Weight, image, goal)?;
    let stands = search.borrow_mut().descend(c);
    work.rest().await;
    let Some(span) = Span::chosen(&stands, step) else { return Ok(None) };
    let mut described = span.described(&mut search.borrow_mut());
    for k in 0..side * side {
        described.heights.0.push(span.height(&mut search.borrow_mut(), place(described.bounds, side, k)));
        work.rest().await;
    }
    Ok(Some(described))
}

/// The middle of the k-th of `side`² places of a picture.
#[inline(never)]
fn place([left, right, bottom, top]: [f32; 4], side: usize, k: usize) -> [f32; 2] {
    let part = |i: usize| (i as f32 + 0.5) / side as f32;
    [left + (right - left) * part(k % side), top + (bottom - top) * part(k / side)]
}

/// `a·b`, once in the module.
#[inline(never)]
fn product(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b)
}

/// `a + t·b`.
#[inline(never)]
fn sum(a: &[f32], t: f32, b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + t * b).collect()
}

fn check(c: f32) -> Result<(), String> {
    if c > 0.0 && c.is_finite() { Ok(()) } else { Err("A weight c is above 0.".into()) }
}

/// The plane of two successive steps through the point between them, with two directions of length one at right angles.
struct Span<'a> {
    steps: u32,
    step: u32,
    stand: &'a Stand,
    /// The first along the step before, the second in the plane at a right angle.
    axes: [Vec<f32>; 2],
    /// The direction's coordinates, and the length of the step before.
    direction: [f32; 2],
    length: f32,
    /// How the gradient changed on the step before.
    change: Vec<f32>,
    /// The longest step length that was tried, or that of the direction itself.
    longest: f32,
}

impl<'a> Span<'a> {
    /// That of a step and the one before, or of the last two. None where there are no two, or where they go the same way.
    #[inline(never)]
    fn chosen(stands: &'a [Stand], step: u32) -> Option<Self> {
        // From the last stand no step is taken.
        let steps = stands.len() - 1;
        let step = (step.max(1) as usize).min(steps.checked_sub(1)?);
        let (before, stand) = (&stands[step.checked_sub(1)?], &stands[step]);
        let (along, length) = normalised(sum(&stand.point, -1.0, &before.point));
        let a = product(&along, &stand.direction);
        let (across, b) = normalised(sum(&stand.direction, -a, &along));
        let change = sum(&stand.gradient, -1.0, &before.gradient);
        let longest = stand.trials.iter().fold(1.0f32, |longest, (step, _)| longest.max(*step));
        let (axes, direction, is_plane) = ([along, across], [a, b], length > 0.0 && b > 0.0);
        let (steps, step) = (steps as u32, step as u32);
        is_plane.then_some(Span { steps, step, stand, axes, direction, length, change, longest })
    }

    /// Everything but the heights.
    #[inline(never)]
    fn described(&self, search: &mut Attack) -> Descent {
        let until = ROOM * self.longest;
        let along = |k: usize| self.direction.map(|d| d * until * k as f32 / (CUT - 1) as f32);
        Descent {
            steps: self.steps,
            step: self.step,
            bounds: self.bounds(),
            heights: Floats(Vec::new()),
            from: -self.length,
            direction: self.direction,
            trials: self.stand.trials.iter().map(|&(step, height)| Tried { step, height }).collect(),
            slope: product(&self.stand.gradient, &self.stand.direction),
            height: self.stand.height,
            cut: Floats((0..CUT).map(|k| self.height(search, along(k))).collect()),
            until,
            curvature: self.curvature(search),
            learnt: self.learnt(),
        }
    }

    /// The objective at `clip(B + a·u + b·v)`.
    #[inline(never)]
    fn height(&self, search: &mut Attack, [a, b]: [f32; 2]) -> f32 {
        let point = moved(&sum(&self.stand.point, a, &self.axes[0]), &self.axes[1], b);
        search.objective(&point, &mut [0.0; PIXELS])
    }

    /// A square that shows both steps and the longest of the trials.
    fn bounds(&self) -> [f32; 4] {
        let [a, b] = self.direction.map(|d| self.longest * d);
        let (left, right, bottom, top) = (a.min(-self.length), a.max(0.0), b.min(0.0), b.max(0.0));
        let half = 0.5 * ROOM * (right - left).max(top - bottom);
        let (x, y) = (0.5 * (left + right), 0.5 * (bottom + top));
        [x - half, x + half, y - half, y + half]
    }

    /// An axis without the pixels that a bound holds.
    #[inline(never)]
    fn free(&self, axis: usize) -> Vec<f32> {
        let free = self.axes[axis].iter().zip(&self.stand.is_free);
        free.map(|(&v, &is_free)| if is_free { v } else { 0.0 }).collect()
    }

    /// The second derivatives over the free pixels, by central differences of the gradient.
    #[inline(never)]
    fn curvature(&self, search: &mut Attack) -> [f32; 3] {
        let axes = [0, 1].map(|axis| self.free(axis));
        let mut slopes = |axis: &[f32], t: f32| {
            let mut gradient = [0.0; PIXELS];
            search.objective(&sum(&self.stand.point, t, axis), &mut gradient);
            axes.each_ref().map(|axis| product(axis, &gradient) / (2.0 * t))
        };
        let [[a, b], [c, d]] = [0, 1].map(|axis| slopes(&axes[axis], DIFFERENCE));
        let [[e, f], [g, h]] = [0, 1].map(|axis| slopes(&axes[axis], -DIFFERENCE));
        [a + e, 0.5 * (b + c + f + g), d + h]
    }

    /// The same of the matrix B that the curvature pairs stand for, over the free pixels: by the newest pair (s, y) `B s = y`, and of
    /// the direction d `B d = −g`. None where that pair was left out, or where the two are so nearly parallel that they say nothing of
    /// the second axis.
    #[inline(never)]
    fn learnt(&self) -> Option<[f32; 3]> {
        let along = self.free(0);
        let [a, b] = self.direction;
        let ss = product(&along, &self.change) / self.length;
        let sd = -product(&along, &self.stand.gradient);
        let dd = -product(&self.stand.direction, &self.stand.gradient);
        // The second axis is (d − a·s)/b.
        let learnt = [ss, (sd - a * ss) / b, (dd - 2.0 * a * sd + a * a * ss) / (b * b)];
        (ss > 0.0 && b > THIN * a.abs()).then_some(learnt)
    }
}

/// A vector of length one, and the length that it had.
#[inline(never)]
fn normalised(mut v: Vec<f32>) -> (Vec<f32>, f32) {
    let length = product(&v, &v).sqrt();
    v.iter_mut().for_each(|v| *v /= length);
    (v, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_middle_of_their_cells_from_the_upper_left() {
        let bounds = [1.0, 5.0, -2.0, 6.0];
        assert_eq!([0, 3, 5, 15].map(|k| place(bounds, 4, k)), [[1.5, 5.0], [4.5, 5.0], [2.5, 3.0], [4.5, -1.0]]);
    }
}
