//! What a convolution's window sees, as the rows of a matrix, so that a convolution is a matrix product.
//!
//! The backward pass of candle's own convolution, 0.11.1, takes ten times as long as its forward pass. Here images are
//! [row, column, channel], so that a window's row is one run of numbers in both directions, and the rest is the product.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// The square of `side` by `side` places under every position of a window that moves by one and stays inside: of values
/// `[n, rows, columns, channels]` they are `[n, rows − side + 1, columns − side + 1, side·side·channels]`.
pub(super) fn patches(values: &Tensor, side: usize) -> Result<Tensor> {
    values.contiguous()?.apply_op1(Patches { side })
}

struct Patches {
    side: usize,
}

impl Patches {
    /// Where in the values, and where in the patches, every run of `side·channels` numbers begins.
    fn runs(&self, shape: &Shape) -> Result<(usize, impl Iterator<Item = (usize, usize)>)> {
        let (n, rows, columns, channels) = shape.dims4()?;
        let side = self.side;
        if side == 0 || side > rows.min(columns) {
            candle_core::bail!("a window of {side} by {side} does not fit {shape:?}");
        }
        let run = side * channels;
        let positions = (0..n * rows).filter(move |row| row % rows + side <= rows);
        let positions = positions.flat_map(move |row| (0..=columns - side).map(move |column| row * columns + column));
        let begins = positions.flat_map(move |place| (0..side).map(move |i| (place + i * columns) * channels));
        Ok((run, begins.enumerate().map(move |(k, from)| (from, k * run))))
    }
}

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        "patches"
    }

    fn cpu_fwd(&self, values: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, rows, columns, channels) = layout.shape().dims4()?;
        let (run, runs) = self.runs(layout.shape())?;
        let Some((from, to)) = layout.contiguous_offsets() else { candle_core::bail!("{layout:?} has gaps") };
        let values = &values.as_slice::<f32>()?[from..to];
        let shape = (n, rows - self.side + 1, columns - self.side + 1, self.side * self.side * channels);
        let mut patches = Vec::with_capacity(Shape::from(shape).elem_count());
        runs.for_each(|(from, _)| patches.extend_from_slice(&values[from..][..run]));
        Ok((CpuStorage::F32(patches), Shape::from(shape)))
    }

    fn bwd(&self, values: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (run, runs) = self.runs(values.shape())?;
        let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
        let mut sum = vec![0.0; values.elem_count()];
        for (to, from) in runs {
            sum[to..][..run].iter_mut().zip(&gradient[from..][..run]).for_each(|(sum, g)| *sum += g);
        }
        Ok(Some(Tensor::from_vec(sum, values.shape(), values.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn a_product_of_patches_and_its_gradients_are_those_of_candles_own_convolution() {
        let number = |i: usize| ((i as f32 * 12.9898).sin() * 43758.547).fract();
        let (n, rows, columns, channels, outputs, side) = (2, 7, 6, 3, 4, 3);
        let variable = |count: usize, from: usize, shape: &[usize]| {
            Var::from_vec((from..from + count).map(number).collect(), shape, &Device::Cpu).unwrap()
        };
        let values = variable(n * rows * columns * channels, 0, &[n, rows, columns, channels]);
        // [row, column, channel, out]
        let weight = variable(side * side * channels * outputs, 1000, &[side, side, channels, outputs]);
        let run = |product: Tensor| {
            let gradients = product.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            [numbers(&product), numbers(gradients.get(&values).unwrap()), numbers(gradients.get(&weight).unwrap())]
        };
        let matrix = weight.reshape((side * side * channels, outputs)).unwrap();
        let ours = run(patches(&values, side)
            .unwrap()
            .reshape(((), side * side * channels))
            .unwrap()
            .matmul(&matrix)
            .unwrap());
        let candles = values.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let kernel = weight.permute((3, 2, 0, 1)).unwrap().contiguous().unwrap();
        let candles =
            run(candles.conv2d(&kernel, 0, 1, 1, 1).unwrap().permute((0, 2, 3, 1)).unwrap().contiguous().unwrap());
        for (ours, candles) in ours.iter().zip(&candles) {
            assert_eq!(ours.len(), candles.len());
            for (a, b) in ours.iter().zip(candles) {
                assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{a} against {b}");
            }
        }
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused() {
        let values = Tensor::zeros((1, 4, 9, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(patches(&values, 5).unwrap_err().to_string().contains("does not fit"));
    }
}
