//! How the convolutions of a state dict can be padded, moved and pooled: what leads from 28×28 pixels to the width of its dense layers.

use super::{
    graph::Padding,
    layers::{Affine, Item},
};
use serde::{Deserialize, Serialize};

/// What is assumed of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arranged {
    pub padding: (usize, usize),
    pub stride: (usize, usize),
    /// Size and stride of the pooling after it.
    pub pool: Option<(usize, usize)>,
    /// Its window is of a single pixel.
    is_point: bool,
}

/// One for each convolution, and whether the mean over the image comes before the dense layers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Arrangement {
    pub convolutions: Vec<Arranged>,
    pub pools_all: bool,
    cost: usize,
}

/// The ways in which convolutions can be padded, moved and pooled so that the shapes come out, the usual ones first.
pub(super) fn arrangements(items: &[Item]) -> Vec<Arrangement> {
    let mut found = Vec::new();
    let mut patience = 400_000;
    for bound in 0..14 {
        let start = Place { channels: 1, rows: crate::SIDE, columns: crate::SIDE, is_flat: false };
        arrange(items, start, &mut Arrangement::default(), bound, &mut found, &mut patience);
        if found.len() >= 8 || patience == 0 {
            break;
        }
    }
    found.truncate(8);
    found
}

#[derive(Clone, Copy)]
struct Place {
    channels: usize,
    rows: usize,
    columns: usize,
    is_flat: bool,
}

/// Adds to `found` what costs exactly `bound`.
fn arrange(
    items: &[Item],
    place: Place,
    so_far: &mut Arrangement,
    bound: usize,
    found: &mut Vec<Arrangement>,
    patience: &mut usize,
) {
    if *patience == 0 || so_far.cost > bound || found.len() >= 8 {
        return;
    }
    *patience -= 1;
    let Some((item, rest)) = items.split_first() else {
        let comes_out = place.channels == crate::LABELS;
        let area = place.rows * place.columns;
        let cost = so_far.cost + usize::from(!place.is_flat && area > 1);
        if comes_out && cost == bound {
            let pools_all = so_far.pools_all || !place.is_flat && area > 1;
            found.push(Arrangement { pools_all, cost, ..so_far.clone() });
        }
        return;
    };
    match item {
        Item::Affine(affine) if affine.is_dense() => {
            let values = place.channels * place.rows * place.columns;
            let (is_whole, is_mean) = (affine.shape[1] == values, affine.shape[1] == place.channels && !place.is_flat);
            if !is_whole && !is_mean {
                return;
            }
            let before = (so_far.pools_all, so_far.cost);
            if !is_whole {
                (so_far.pools_all, so_far.cost) = (true, so_far.cost + 2);
            }
            let place = Place { channels: affine.outputs(), rows: 1, columns: 1, is_flat: true };
            arrange(rest, place, so_far, bound, found, patience);
            (so_far.pools_all, so_far.cost) = before;
        }
        Item::Affine(affine) => {
            let known = items.iter().any(|item| matches!(item, Item::Pool(..) | Item::PoolTo(..)));
            // One of a single pixel is never padded, and says nothing of the others.
            let before = so_far.convolutions.iter().rev().find(|before| !before.is_point);
            for (arranged, cost) in ways(affine, before.copied().as_ref(), place, known) {
                let Some(after) = place.after(affine, &arranged) else { continue };
                so_far.convolutions.push(arranged);
                so_far.cost += cost;
                arrange(rest, after, so_far, bound, found, patience);
                so_far.cost -= cost;
                so_far.convolutions.pop();
            }
        }
        Item::Pool(_, size, moves) => {
            let padding = if let Padding::Given(before, _) = moves.padding { before } else { (0, 0) };
            let along = |length: usize, size: usize, stride: usize, padding: usize| {
                Some((length + 2 * padding).checked_sub(size)? / stride + 1)
            };
            let rows = along(place.rows, size.0, moves.stride.0, padding.0);
            if let Some((rows, columns)) = rows.zip(along(place.columns, size.1, moves.stride.1, padding.1)) {
                arrange(rest, Place { rows, columns, ..place }, so_far, bound, found, patience);
            }
        }
        Item::PoolTo(_, (rows, columns)) => {
            arrange(rest, Place { rows: *rows, columns: *columns, ..place }, so_far, bound, found, patience);
        }
        _ => arrange(rest, place, so_far, bound, found, patience),
    }
}

impl Place {
    fn after(self, affine: &Affine, arranged: &Arranged) -> Option<Place> {
        let along = |length: usize, size: usize, stride: usize, padding: usize| {
            Some((length + 2 * padding).checked_sub(size)? / stride + 1)
        };
        let mut rows = along(self.rows, affine.shape[2], arranged.stride.0, arranged.padding.0)?;
        let mut columns = along(self.columns, affine.shape[3], arranged.stride.1, arranged.padding.1)?;
        if let Some((size, stride)) = arranged.pool {
            rows = along(rows, size, stride, 0)?;
            columns = along(columns, size, stride, 0)?;
        }
        Some(Place { channels: affine.outputs(), rows, columns, ..self })
    }
}

/// What is usual of a convolution, and how unusual each is.
fn ways(affine: &Affine, before: Option<&Arranged>, place: Place, pools_are_known: bool) -> Vec<(Arranged, usize)> {
    let size = (affine.shape[2], affine.shape[3]);
    let is_in_depth = affine.shape[1] == 1 && place.channels > 1;
    let pools: &[(Option<(usize, usize)>, usize)] = if pools_are_known {
        &[(None, 0)]
    } else if size == (1, 1) || size == (2, 2) || is_in_depth {
        // A part of a block, or what stands for a pooling.
        &[(None, 0), (Some((2, 2)), 2)]
    } else {
        &[(Some((2, 2)), 1), (None, 1), (Some((3, 3)), 3), (Some((3, 2)), 3), (Some((4, 4)), 4)]
    };
    if let Some((moves, _)) = affine.moves {
        let padding = match moves.padding {
            Padding::Given(before, _) => before,
            _ => (size.0 / 2, size.1 / 2),
        };
        let arranged = |pool| Arranged { padding, stride: moves.stride, pool, is_point: size == (1, 1) };
        return pools.iter().map(|(pool, cost)| (arranged(*pool), *cost)).collect();
    }
    let half = (size.0 / 2, size.1 / 2);
    let mut paddings = vec![((0, 0), 0)];
    if size.0 % 2 == 1 && half.0 > 0 && half.0 < place.rows {
        let was_padded = before.is_some_and(|before| before.padding != (0, 0));
        // Padded like the one before it; five by five in the first alone, as LeNet is.
        let is_usual = was_padded || before.is_none();
        paddings.push((half, usize::from(!is_usual)));
        if was_padded {
            paddings[0].1 = 1;
        }
    }
    if size.0 > 1 && half != (1, 1) {
        paddings.push(((1, 1), 3));
    }
    let strides: &[(usize, usize)] = if size == (2, 2) { &[(2, 0), (1, 1)] } else { &[(1, 0), (2, 2), (3, 4)] };
    let mut all = Vec::new();
    for (padding, a) in paddings {
        for &(stride, b) in strides {
            for &(pool, c) in pools {
                all.push((Arranged { padding, stride: (stride, stride), pool, is_point: size == (1, 1) }, a + b + c));
            }
        }
    }
    all
}

impl Arrangement {
    /// In words: “padding 1, then 2×2 pooling; …”, of each convolution.
    pub fn describe(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for Arranged { padding, stride, pool, .. } in &self.convolutions {
            let mut part = format!("padding {}", padding.0);
            if stride.0 > 1 {
                part = format!("{part}, stride {}", stride.0);
            }
            if let Some((size, stride)) = pool {
                part = format!("{part}, pooling {size}×{size}");
                if stride != size {
                    part = format!("{part} by {stride}");
                }
            }
            parts.push(part);
        }
        if self.pools_all {
            parts.push("mean over the image".into());
        }
        parts.join("; ")
    }
}
