//! The paper's questions, asked of one image and one network at a time: plain arithmetic on slices, for the page and
//! for `lab` alike. Whatever is random here is drawn from the caller's own generator, so that it repeats.

pub mod follow;
pub mod noise;
pub mod path;
pub mod plane;
pub mod rounding;
pub mod spectrum;
pub mod subspace;
pub mod transfer;
pub mod units;

/// The generator of every experiment: small, seeded, the same numbers on every machine (PCG, O'Neill 2014).
pub type Random = rand_pcg::Pcg32;

/// A generator that begins at `seed`.
pub fn random(seed: u64) -> Random {
    rand::SeedableRng::seed_from_u64(seed)
}
