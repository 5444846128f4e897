//! Where the numbers between two operations lie: [row, column, channel], channels padded to the lanes, so that what a window covers
//! lies side by side.

use super::loops::padded;
use crate::SIDE;

/// Where numbers are: `(row·columns + column)·stride + channel`.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub channels: usize,
    pub rows: usize,
    pub columns: usize,
    pub stride: usize,
}

impl Grid {
    /// Of the image, whose single channel is not padded.
    pub(super) const IMAGE: Grid = Grid { channels: 1, rows: SIDE, columns: SIDE, stride: 1 };

    /// How many numbers there are, padding included.
    pub(super) fn len(self) -> usize {
        padded(self.rows * self.columns * self.stride)
    }

    /// How many there are before the last padding.
    pub(super) fn used(self) -> usize {
        (self.rows * self.columns - 1) * self.stride + self.channels
    }

    /// The grid of a window's positions over this one.
    #[cfg(feature = "sequential")]
    pub(super) fn under(self, window: crate::network::Window) -> Self {
        let along = |length: usize, size: usize, stride: usize, padding: usize| (length + padding - size) / stride + 1;
        Grid {
            rows: along(self.rows, window.size.0, window.stride.0, window.padding.0 + window.after.0),
            columns: along(self.columns, window.size.1, window.stride.1, window.padding.1 + window.after.1),
            ..self
        }
    }
}
