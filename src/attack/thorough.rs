//! The search from many starts, for those who can wait: the nearest of many nearest points.
//!
//! A boundary that is bent has several points that are nearer than all others around them. The search ends at one; from
//! other starts it ends at others (basin hopping: D. Wales and J. Doye, *Global optimization by basin-hopping*, J. Phys.
//! Chem. A 101, 1997).

use super::{Attack, AttackError, Ending, Goal, Outcome, Phase, problem::Problem, tuning::Tuning};
use crate::{
    PIXELS,
    vector::{clip, dot, zeros},
};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64Mcg;

impl Attack {
    /// Searches for `target` as [`Attack::run`] does, then goes along the boundary from `starts` more points: from x
    /// itself, and from x and the best point so far, moved by noise or along gradients. The result is the smallest of
    /// all, its evaluations are those of all together. Always the same for the same image and target. The largest
    /// number of evaluations that the options allow counts for the first search alone.
    pub fn run_thoroughly(
        &mut self,
        image: &[f32],
        target: usize,
        starts: u32,
    ) -> Result<Option<Outcome>, AttackError> {
        self.start(image, Goal::Target(target))?;
        let first = self.run();
        let Some(first) = first.filter(|first| first.ending != Ending::NotFinite) else { return Ok(first) };
        let tuning = self.options.tuning;
        self.scale.precision = tuning.thorough_precision;
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let mut point = zeros(PIXELS);
        for start in 0..starts {
            place_start(start, &mut self.problem, &tuning, &mut rng, &mut point);
            self.go_down(&point, tuning.thorough_steps);
        }
        if self.problem.best.is_some() {
            point.copy_from_slice(self.problem.nearest());
            self.go_down(&point, tuning.thorough_last_steps);
        }
        self.finish(first.ending);
        Ok(self.outcome)
    }

    /// Steps along the boundary from `start` until they come to rest, or lead nowhere.
    fn go_down(&mut self, start: &[f32], steps: u32) {
        self.phase = Phase::Boundary;
        let Attack { options, problem, boundary, scale, .. } = self;
        let tuning = &options.tuning;
        boundary.begin_at(start);
        for made in 0..steps {
            boundary.renew_all(problem, tuning);
            let step = boundary.step(problem, scale, tuning);
            let promises_little = step.promised > tuning.thorough_hopeless * problem.best_norm_squared();
            let is_hopeless = made >= tuning.thorough_fair && promises_little;
            if is_hopeless || step.moved <= tuning.thorough_still * step.promised {
                return;
            }
        }
    }
}

/// Writes the `start`-th point to go down from: first x; then in turn the best point and x, moved by noise, or by a walk
/// along gradients of random mixtures of the logits, the directions that the network looks at.
fn place_start(start: u32, problem: &mut Problem, tuning: &Tuning, rng: &mut Pcg64Mcg, point: &mut [f32]) {
    let norm = problem.best.map_or(tuning.thorough_first_norm, |best| best.norm_squared.sqrt());
    point.copy_from_slice(if start % 2 == 1 { problem.nearest() } else { &problem.image });
    if start == 0 {
        return;
    }
    if (start / 2).is_multiple_of(2) {
        let scale = norm * rng.random_range(0.3..2.0) / (PIXELS as f32).sqrt();
        point.iter_mut().for_each(|p| *p = clip(*p + scale * rng.sample::<f32, _>(StandardNormal), 0.0, 1.0));
        return;
    }
    let mut slope = zeros(PIXELS);
    for _ in 0..tuning.thorough_walk {
        let mixture = std::array::from_fn(|_| rng.sample(StandardNormal));
        problem.mixture_gradient(&mixture, point, &mut slope);
        let length = dot(&slope, &slope).sqrt();
        let scale = if length > 0.0 { norm * rng.random_range(0.2..1.0) / length } else { 0.0 };
        for (p, slope) in point.iter_mut().zip(&slope) {
            *p = clip(*p + scale * slope, 0.0, 1.0);
        }
    }
}
