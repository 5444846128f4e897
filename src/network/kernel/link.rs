//! What flows from one step to another than the next: the other way around a residual block.

use super::grid::Grid;
use crate::network::Operation;

/// Where each mark was set, and where what it kept is added.
#[derive(Default)]
pub(super) struct Links {
    /// Label, step, and where its numbers lie.
    marks: Vec<(usize, usize, Grid)>,
    links: Vec<Link>,
}

struct Link {
    from: usize,
    to: usize,
    /// How far apart places are at either end, and how many channels there are.
    strides: (usize, usize),
    channels: usize,
}

impl Links {
    /// Takes note of `operation`, the step at this place, which finds numbers in `grid`; where it looks for them.
    pub(super) fn follow(&mut self, operation: &Operation, place: usize, grid: Grid) -> Grid {
        match operation {
            Operation::Mark(label) => {
                self.marks.retain(|(known, ..)| known != label);
                self.marks.push((*label, place, grid));
                grid
            }
            Operation::Add(label) | Operation::Recall(label) => {
                let Some((_, from, kept)) = self.marks.iter().find(|(known, ..)| known == label) else { return grid };
                let grid = if matches!(operation, Operation::Add(_)) { grid } else { *kept };
                let strides = (kept.stride, grid.stride);
                self.links.push(Link { from: *from, to: place, strides, channels: grid.channels });
                grid
            }
            _ => grid,
        }
    }

    /// Adds to what comes out of step `k` what is linked to it of the steps before.
    pub(super) fn forward(&self, k: usize, before: &[Vec<f32>], output: &mut [f32]) {
        for link in self.links.iter().filter(|link| link.to == k) {
            add(&before[link.from], output, link.strides, link.channels);
        }
    }

    /// Adds to the gradient over what goes into step `k` that of the steps that also take it; `after` begins with step `k`'s.
    pub(super) fn backward(&self, k: usize, gradient: &mut [f32], after: &[Vec<f32>]) {
        for link in self.links.iter().filter(|link| link.from + 1 == k) {
            add(&after[link.to - k], gradient, (link.strides.1, link.strides.0), link.channels);
        }
    }
}

fn add(from: &[f32], to: &mut [f32], strides: (usize, usize), channels: usize) {
    for (from, to) in from.chunks_exact(strides.0).zip(to.chunks_exact_mut(strides.1)) {
        from.iter().zip(to).take(channels).for_each(|(a, b)| *b += a);
    }
}
