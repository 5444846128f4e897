//! The search from many starts, for those who can wait: the nearest of many nearest points.
//!
//! A boundary that is bent has several points that are nearer than all others around them. The search ends at one; from
//! other starts it ends at others (basin hopping: D. Wales and J. Doye, *Global optimization by basin-hopping*, J. Phys.
//! Chem. A 101, 1997).

use super::{Attack, AttackError, Ending, Goal, Outcome};
use crate::{
    LABELS, PIXELS,
    vector::{clip, dot},
};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64Mcg;

/// The most boundary steps from one start, and the part of ‖r‖², squared, below which a step is the last.
const STEPS: u32 = 40;
const STILL: f32 = 1e-7;
/// A start that promises more than this many times the best ‖r‖², after so many steps, is given up.
const HOPELESS: f32 = 1.05;
const FAIR: u32 = 6;
/// The length of r to begin with where none was found, and the steps of a walk.
const FIRST_SIZE: f32 = 3.0;
const WALK: u32 = 3;
/// How precisely the last scale step places s, relatively.
const PRECISION: f32 = 2e-6;
/// The steps from the best point at the end.
const LAST_STEPS: u32 = 60;

impl Attack {
    /// Searches for `target` as [`Attack::run`] does, then goes along the boundary from `starts` more points: from x itself,
    /// and from x and the best point so far, moved by noise or along gradients. The result is the smallest of all, its
    /// evaluations are those of all together. Always the same for the same image and target. The largest number of
    /// evaluations that the options allow counts for the first search alone.
    pub fn run_thoroughly(
        &mut self,
        image: &[f32],
        target: usize,
        starts: u32,
    ) -> Result<Option<Outcome>, AttackError> {
        self.start(image, Goal::Target(target))?;
        let first = self.run();
        if first.is_none_or(|first| first.ending == Ending::NotFinite) {
            return Ok(first);
        }
        self.precision = PRECISION;
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        for start in 0..starts {
            self.place_start(start, &mut rng);
            self.go_down(STEPS);
        }
        if self.problem.has_best() {
            self.candidate.copy_from_slice(&self.problem.best.point);
            self.go_down(LAST_STEPS);
        }
        self.finish(first.map_or(Ending::Unreachable, |first| first.ending));
        Ok(self.outcome)
    }

    /// Puts the candidate where the descent begins: in turn x or the best point, moved by noise, or by a walk along
    /// gradients of random mixtures of the logits, the directions that the network looks at.
    fn place_start(&mut self, start: u32, rng: &mut Pcg64Mcg) {
        let size = if self.problem.has_best() { self.problem.best.norm_squared.sqrt() } else { FIRST_SIZE };
        let from = if start % 2 == 1 { self.problem.nearest() } else { &self.problem.image };
        self.candidate.copy_from_slice(from);
        if start == 0 {
            return;
        }
        if (start / 2).is_multiple_of(2) {
            let scale = size * rng.random_range(0.3..2.0) / (PIXELS as f32).sqrt();
            self.candidate
                .iter_mut()
                .for_each(|c| *c = clip(*c + scale * rng.sample::<f32, _>(StandardNormal), 0.0, 1.0));
            return;
        }
        for _ in 0..WALK {
            let mixture = std::array::from_fn(|_| rng.sample(StandardNormal));
            self.problem.gradient_of(&mixture, &self.candidate, &mut self.slope);
            let length = dot(&self.slope, &self.slope).sqrt();
            let scale = if length > 0.0 { size * rng.random_range(0.2..1.0) / length } else { 0.0 };
            for (c, slope) in self.candidate.iter_mut().zip(&self.slope) {
                *c = clip(*c + scale * slope, 0.0, 1.0);
            }
        }
    }

    /// Steps along the boundary from the candidate until they come to rest, or lead nowhere.
    fn go_down(&mut self, steps: u32) {
        self.tangents.clear();
        self.mixer.clear();
        for made in 0..steps {
            for rival in 0..LABELS {
                if self.tangents.holds(rival) {
                    self.renew_tangent(rival);
                }
            }
            let (promised, moved) = self.move_along_boundary();
            let hopeless = made >= FAIR && promised > HOPELESS * self.problem.best.norm_squared;
            if hopeless || moved <= STILL * promised {
                return;
            }
        }
    }
}
