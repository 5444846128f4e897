//! Every tolerance of the search, in one place.

use super::Reading;

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The reading of c.
    pub reading: Reading,
    /// The most loss-and-gradient evaluations to spend before giving up.
    pub max_evaluations: u32,
    /// The tolerances.
    pub tuning: Tuning,
}

impl Options {
    /// The settings for one reading of c.
    pub const fn new(reading: Reading) -> Self {
        Options { reading, max_evaluations: 1000, tuning: Tuning::of(reading) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options::new(Reading::Both)
    }
}

/// The tolerances and limits of the search, in the order of its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    // What counts as a success.
    /// A success exceeds its rivals by this part of the largest logit, so that a forward pass that sums in another
    /// order still agrees.
    pub success_floor: f32,

    // The minimiser for one c.
    /// Curvature pairs that L-BFGS keeps.
    pub memory: usize,
    /// Decreases of F below this part of it are rounding: evaluations are made in f32.
    pub minimise_noise: f32,
    /// A minimiser is found when the projected gradient is within this part of ‖r‖.
    pub minimise_tolerance: f32,
    /// That part grows by so much for each logit by which the margin misses the window that ends the search over c.
    pub minimise_ease: f32,
    /// And is never larger than this.
    pub minimise_loosest: f32,
    /// Evaluations after which L-BFGS's point has to do as the minimiser: where the boundary has kinks the gradient
    /// need not become small anywhere.
    pub minimise_patience: u32,

    // Step 1, estimate.
    /// c is estimated anew at each new point whose margin misses the one wished for by more than this part of the
    /// image's own.
    pub estimate_gap: f32,
    /// How often at most.
    pub estimate_limit: u32,
    /// The least and the most that h is multiplied by.
    pub estimate_change: [f32; 2],

    // Step 2, bracket.
    /// The least change of ln h, the usual one where there is no estimate, and the most.
    pub bracket_strides: [f32; 3],
    /// The least change grows by this factor from one weight to the next.
    pub bracket_growth: f32,
    /// No ln h is tried that exceeds the first by more.
    pub bracket_reach: f32,

    // Step 3, root.
    /// The search over c ends with a success whose margin is at most this, in logits.
    pub root_margin: f32,
    /// Or when ln h is known to this.
    pub root_width: f32,
    /// The tangent's estimate is followed between these parts of the bracket.
    pub root_estimates: [f32; 2],
    /// Regula falsi is held between these.
    pub root_steps: [f32; 2],
    /// One in so many steps halves the bracket.
    pub root_halving: u32,
    /// A search that is not at the boundary after so many evaluations is on difficult ground, where the boundary steps
    /// may lead to a farther point than the minimiser. From then on `minimise_tolerance` and `root_margin` are
    /// `hard_part` of what they were.
    pub hard_after: u32,
    /// See `hard_after`.
    pub hard_part: f32,

    // Step 4, boundary.
    /// The most steps; 0 leaves out step 4.
    pub boundary_steps: u32,
    /// The margin that a step aims at, in logits.
    pub boundary_aim: f32,
    /// The steps end when the best ‖r‖² exceeds what the tangents promise by no more than this part.
    pub boundary_settled: f32,
    /// A tangent is stale where it is off by more than this part of the image's own margin.
    pub boundary_stale: f32,
    /// A point that fails by less than this part of the image's own margin is worth looking beyond, on its ray.
    pub boundary_ray: f32,
    /// How far, in units of r.
    pub boundary_ray_limit: f32,
    /// The most by which Anderson's acceleration extends a step, and shortens it, as parts of the distance between where
    /// it and the step before have led.
    pub anderson_most: [f32; 2],
    /// Smaller parts are left out: they may come of the box's faces alone.
    pub anderson_least: f32,

    // Step 4 where the boundary has kinks.
    /// The search walks where the best ‖r‖² still has more than this many times what the tangents promise.
    pub walk_from: f32,
    /// The most steps of a walk.
    pub walk_steps: u32,
    /// How many of the last tangents it goes by, at most 10.
    pub walk_tangents: usize,
    /// The smallest part of the way to the closest point that it tries.
    pub walk_shortest: f32,
    /// A step has to bring this part of the decrease of ‖r‖² that the tangents promise.
    pub walk_decrease: f32,
    /// The most forward passes that bring a success back to the boundary.
    pub walk_passes: u32,

    // Before step 4, away from a label.
    /// A label is looked at if its margin is less than this many times what the steepest slope so far closes within ‖r‖.
    pub label_reach: f32,
    /// The part of the slope at the boundary that a margin has in the mean on the way there.
    pub label_mean_slope: f32,
    /// How far beyond its tangent a label's ray is followed, in units of r.
    pub label_ray_limit: f32,
    /// By how many forward passes the nearest success on the ray is found.
    pub label_ray_passes: u32,
    /// Another label's boundary is followed if ‖r‖² on its ray is less than this many times the best, on a boundary that
    /// is not bent.
    pub label_close: f32,
    /// On a way that leads nearer the steps go on until one is no longer than this part of ‖r‖, squared.
    pub label_still: f32,

    // Step 5, scale.
    /// The most forward passes between a point that fails and one that succeeds.
    pub scale_passes: u32,
    /// How precisely s is placed, as a part of it; or by a margin that is this part of the image's own.
    pub scale_precision: f32,
    /// Where s = 1 fails, the first longer s exceeds it by this.
    pub scale_stride: f32,
    /// And each next one by this many times as much as the one before.
    pub scale_growth: f32,
    /// Regula falsi is held between these parts of the bracket.
    pub scale_steps: [f32; 2],
    /// It aims at a success by this part of the last one's margin.
    pub scale_beyond: f32,

    // The search from many starts.
    /// The most boundary steps from one start.
    pub thorough_steps: u32,
    /// A step that is no longer than this part of ‖r‖, squared, is the last.
    pub thorough_still: f32,
    /// A start is given up where the tangents promise more than this many times the best ‖r‖².
    pub thorough_hopeless: f32,
    /// But not before so many steps.
    pub thorough_fair: u32,
    /// The length of r to begin with where no success is known.
    pub thorough_first_norm: f32,
    /// The steps along gradients to a start.
    pub thorough_walk: u32,
    /// How precisely the scale step places s in the end.
    pub thorough_precision: f32,
    /// The boundary steps from the best point at the end.
    pub thorough_last_steps: u32,

    // One c by itself, for the page.
    /// Its minimiser is found when the projected gradient is within this part of ‖r‖.
    pub descent_tolerance: f32,
    /// Or after so many evaluations.
    pub descent_limit: u32,
}

impl Tuning {
    /// Those for one reading of c. The weight alone has to be found finely, as nothing follows. A scale fixes its c so
    /// that the margin is about one logit. Only both together also step along the boundary.
    pub const fn of(reading: Reading) -> Self {
        let (minimise_tolerance, root_margin, boundary_steps) = match reading {
            Reading::Weight => (0.02, 0.03, 0),
            Reading::Scale => (0.02, 2.0, 0),
            Reading::Both => (0.2, 0.35, 8),
        };
        Tuning {
            success_floor: 4e-6,
            memory: 8,
            minimise_noise: 1e-6,
            minimise_tolerance,
            minimise_ease: 0.2,
            minimise_loosest: 1.0,
            minimise_patience: 30,
            estimate_gap: 0.05,
            estimate_limit: 6,
            estimate_change: [0.1, 10.0],
            bracket_strides: [0.1, 1.0, 3.0],
            bracket_growth: 1.5,
            bracket_reach: 10.0,
            root_margin,
            root_width: 0.01,
            root_estimates: [0.1, 0.9],
            root_steps: [0.05, 0.95],
            root_halving: 4,
            hard_after: 16,
            hard_part: 0.5,
            boundary_steps,
            boundary_aim: 1e-3,
            boundary_settled: 3e-3,
            boundary_stale: 3e-3,
            boundary_ray: 0.02,
            boundary_ray_limit: 1.1,
            anderson_most: [1.5, 0.9],
            anderson_least: 0.3,
            walk_from: 1.5,
            walk_steps: 30,
            walk_tangents: 6,
            walk_shortest: 0.02,
            walk_decrease: 0.1,
            walk_passes: 4,
            label_reach: 1.35,
            label_mean_slope: 0.67,
            label_ray_limit: 2.0,
            label_ray_passes: 4,
            label_close: 1.05,
            label_still: 1.2e-2,
            scale_passes: 12,
            scale_precision: 1e-4,
            scale_stride: 0.01,
            scale_growth: 4.0,
            scale_steps: [0.1, 0.98],
            scale_beyond: 0.01,
            thorough_steps: 40,
            thorough_still: 1e-7,
            thorough_hopeless: 1.05,
            thorough_fair: 6,
            thorough_first_norm: 3.0,
            thorough_walk: 3,
            thorough_precision: 2e-6,
            thorough_last_steps: 60,
            descent_tolerance: 2e-3,
            descent_limit: 60,
        }
    }

    /// The part of `minimise_tolerance` and `root_margin` that a search is held to after so many evaluations.
    pub(super) fn strictness(&self, evaluations: u32) -> f32 {
        if self.boundary_steps > 0 && evaluations > self.hard_after { self.hard_part } else { 1.0 }
    }

    /// The largest margin of a success that ends the search over c after so many evaluations, in logits.
    pub(super) fn root_window(&self, evaluations: u32) -> f32 {
        self.strictness(evaluations) * self.root_margin
    }
}
