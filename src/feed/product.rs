//! `X·W` for a batch of images: most pixels are zero, and no gradient flows to an image.
//!
//! candle's own matrix product multiplies by every zero, and on the way back forms the gradient over X too, which nobody asks for.
//! Here both directions are one loop over the pixels that are not zero: `(X·W)_i = Σ_j x_ij·W_j`, and of the weight's gradient row
//! j is `Σ_i x_ij·G_i`.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::sync::Arc;

/// A batch of rows, by row and by column, without its zeros.
pub(crate) struct Batch {
    width: usize,
    rows: Lists,
    columns: Lists,
}

/// Numbers with their places, list after list.
struct Lists {
    /// Where each list ends.
    ends: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Lists {
    fn iter(&self) -> impl Iterator<Item = &[(u32, f32)]> {
        let mut begin = 0;
        self.ends.iter().map(move |&end| &self.entries[std::mem::replace(&mut begin, end)..end])
    }
}

impl Batch {
    /// The rows, each of `width` numbers.
    pub(crate) fn new<R: AsRef<[f32]>>(width: usize, rows: impl IntoIterator<Item = R>) -> Self {
        let mut by_row = Lists { ends: Vec::new(), entries: Vec::new() };
        let mut places = vec![0; width];
        for row in rows {
            for (j, &value) in (0u32..).zip(&row.as_ref()[..width]).filter(|(_, v)| **v != 0.0) {
                by_row.entries.push((j, value));
                places[j as usize] += 1;
            }
            by_row.ends.push(by_row.entries.len());
        }
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        let mut entries = vec![(0, 0.0); by_row.entries.len()];
        for (i, row) in (0u32..).zip(by_row.iter()) {
            for &(j, value) in row {
                entries[places[j as usize]] = (i, value);
                places[j as usize] += 1;
            }
        }
        // By now every place is where its list ends.
        Batch { width, rows: by_row, columns: Lists { ends: places, entries } }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.ends.len()
    }

    /// `X·W` for a weight `[width, n]`; gradients flow back to the weight.
    pub(crate) fn times(self: &Arc<Self>, weight: &Tensor) -> Result<Tensor> {
        weight.apply_op1(Product(self.clone()))
    }
}

struct Product(Arc<Batch>);

impl CustomOp1 for Product {
    fn name(&self) -> &'static str {
        "batch-product"
    }

    fn cpu_fwd(&self, weight: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (inputs, outputs) = layout.shape().dims2()?;
        let Some((from, to)) = layout.contiguous_offsets().filter(|_| inputs == self.0.width) else {
            candle_core::bail!("a batch of width {} was given a weight of {layout:?}", self.0.width);
        };
        let product = combine(&self.0.rows, &weight.as_slice::<f32>()?[from..to], outputs);
        Ok((CpuStorage::F32(product), Shape::from((self.0.len(), outputs))))
    }

    fn bwd(&self, weight: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
        let sum = combine(&self.0.columns, &gradient, weight.dim(1)?);
        Ok(Some(Tensor::from_vec(sum, weight.shape(), weight.device())?))
    }
}

/// For each list the sum of `value · row[place]`, the rows being those of a matrix of this width.
fn combine(lists: &Lists, matrix: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; lists.ends.len() * width];
    let row = |place: u32| &matrix[place as usize * width..][..width];
    for (sum, list) in sums.chunks_exact_mut(width.max(1)).zip(lists.iter()) {
        let (blocks, rest) = list.as_chunks::<4>();
        for &[(i, p), (j, q), (k, r), (l, s)] in blocks {
            let terms = row(i).iter().zip(row(j)).zip(row(k)).zip(row(l));
            for (sum, (((a, b), c), d)) in sum.iter_mut().zip(terms) {
                *sum += (p * a + q * b) + (r * c + s * d);
            }
        }
        for &(i, p) in rest {
            sum.iter_mut().zip(row(i)).for_each(|(sum, a)| *sum += p * a);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn the_product_and_its_gradient_are_those_of_candles_own_matrix_product() {
        let number = |i: usize| ((i as f32 * 12.9898).sin() * 43758.547).fract();
        let (rows, width, outputs) = (9, 30, 7);
        // Two of three are zero, one column and one row wholly.
        let is_zero = |i: usize| i % 3 != 1 || i % width == 4 || i / width == 2;
        let dense: Vec<f32> = (0..rows * width).map(|i| if is_zero(i) { 0.0 } else { number(i) }).collect();
        let batch = Arc::new(Batch::new(width, dense.chunks_exact(width)));
        let dense = Tensor::from_vec(dense, (rows, width), &Device::Cpu).unwrap();
        let weight: Vec<f32> = (0..width * outputs).map(|i| number(i + 1000)).collect();
        let weight = Var::from_vec(weight, (width, outputs), &Device::Cpu).unwrap();
        let run = |product: Tensor| {
            let gradients = product.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let gradient = gradients.get(&weight).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            (product.flatten_all().unwrap().to_vec1::<f32>().unwrap(), gradient)
        };
        let (ours, candles) = (run(batch.times(&weight).unwrap()), run(dense.matmul(&weight).unwrap()));
        for (a, b) in ours.0.iter().zip(&candles.0).chain(ours.1.iter().zip(&candles.1)) {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} against {b}");
        }
        assert_eq!((ours.0.len(), ours.1.len()), (candles.0.len(), candles.1.len()));
    }

    #[test]
    fn a_weight_of_another_height_is_refused() {
        let batch = Arc::new(Batch::new(3, [[1.0, 0.0, 2.0]]));
        let weight = Tensor::zeros((4, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(batch.times(&weight).unwrap_err().to_string().contains("a batch of width 3"));
    }
}
