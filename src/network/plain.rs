//! What each operation is, in plain double precision: what the kernels are compared with, and results are checked by.

use super::{Layer, Operation, Shape, Window, sequential::resized};

impl Operation {
    /// The plain arithmetic. Shapes were checked; `marks` are the values at each mark so far.
    pub(super) fn apply(
        &self,
        values: &[f64],
        input: Shape,
        output: Shape,
        marks: &mut Vec<(usize, Vec<f64>)>,
    ) -> Vec<f64> {
        match self {
            Operation::Scale { factor, shift } => {
                let channels = values.chunks_exact(input.area()).zip(factor.iter().zip(shift));
                channels.flat_map(|(v, (&f, &s))| v.iter().map(move |v| f64::from(f) * v + f64::from(s))).collect()
            }
            Operation::Convolution(window, layer) => convolve(*window, layer, values, input, output),
            Operation::Depthwise(window, layer) => {
                let mut all = Vec::with_capacity(output.values());
                let rows = layer.weight.chunks_exact(layer.inputs).zip(&layer.bias);
                for (channel, (weight, bias)) in values.chunks_exact(input.area()).zip(rows) {
                    let one = Layer { inputs: layer.inputs, outputs: 1, weight: weight.to_vec(), bias: vec![*bias] };
                    let [input, output] = [input, output].map(|shape| Shape { channels: 1, ..shape });
                    all.extend(convolve(*window, &one, channel, input, output));
                }
                all
            }
            Operation::Linear(layer) => {
                let rows = layer.weight.chunks_exact(layer.inputs).zip(&layer.bias);
                rows.map(|(row, &b)| row.iter().zip(values).fold(f64::from(b), |z, (&w, a)| z + f64::from(w) * a))
                    .collect()
            }
            Operation::MaxPool(window) => {
                pool(*window, values, input, output, |inside| inside.fold(f64::NEG_INFINITY, f64::max))
            }
            Operation::AveragePool(window) => {
                pool(*window, values, input, output, |inside| inside.sum::<f64>() / window.area() as f64)
            }
            Operation::AverageInside(window) => pool(*window, values, input, output, |inside| {
                let (count, sum) = inside.fold((0.0, 0.0), |(count, sum), v| (count + 1.0, sum + v));
                sum / count
            }),
            Operation::Pad(_) | Operation::Resize(_) => self.rearranged(values, input, output),
            Operation::Activation(activation) => values.iter().map(|&z| activation.apply(z)).collect(),
            Operation::Function(function) => values.iter().map(|&z| function.apply(z)).collect(),
            Operation::Flatten => values.to_vec(),
            Operation::Mark(label) => {
                marks.retain(|(known, _)| known != label);
                marks.push((*label, values.to_vec()));
                values.to_vec()
            }
            Operation::Add(label) | Operation::Recall(label) => {
                let kept = marks.iter().find(|(known, _)| known == label).map_or(&[][..], |(_, kept)| kept);
                match self {
                    Operation::Add(_) => values.iter().zip(kept).map(|(a, b)| a + b).collect(),
                    _ => kept.to_vec(),
                }
            }
        }
    }

    /// An image with zeros around it, or resized.
    fn rearranged(&self, values: &[f64], input: Shape, output: Shape) -> Vec<f64> {
        let mut all = Vec::with_capacity(output.values());
        for channel in values.chunks_exact(input.area()) {
            let at = |row: usize, column: usize| channel[row * input.columns + column];
            for (row, column) in (0..output.rows).flat_map(|row| (0..output.columns).map(move |column| (row, column))) {
                all.push(match self {
                    Operation::Pad(edges) => {
                        let place = row.checked_sub(edges.top).zip(column.checked_sub(edges.left));
                        let inside = place.filter(|(row, column)| *row < input.rows && *column < input.columns);
                        inside.map_or(0.0, |(row, column)| at(row, column))
                    }
                    _ => {
                        let rows = resized(row, output.rows, input.rows);
                        let columns = resized(column, output.columns, input.columns);
                        let pairs = rows.iter().flat_map(|y| columns.iter().map(move |x| (y, x)));
                        pairs.map(|(y, x)| y.1 * x.1 * at(y.0, x.0)).sum()
                    }
                });
            }
        }
        all
    }
}

fn convolve(window: Window, layer: &Layer, values: &[f64], input: Shape, output: Shape) -> Vec<f64> {
    let mut all = Vec::with_capacity(output.values());
    for (row_of_weights, &bias) in layer.weight.chunks_exact(layer.inputs).zip(&layer.bias) {
        for (row, column) in (0..output.rows).flat_map(|row| (0..output.columns).map(move |column| (row, column))) {
            let mut z = f64::from(bias);
            for channel in 0..input.channels {
                for (y, i) in window.rows(input, row) {
                    for (x, j) in window.columns(input, column) {
                        let weight = row_of_weights[(channel * window.size.0 + i) * window.size.1 + j];
                        z += f64::from(weight) * values[(channel * input.rows + y) * input.columns + x];
                    }
                }
            }
            all.push(z);
        }
    }
    all
}

fn pool(
    window: Window,
    values: &[f64],
    input: Shape,
    output: Shape,
    of: impl Fn(&mut dyn Iterator<Item = f64>) -> f64,
) -> Vec<f64> {
    let mut all = Vec::with_capacity(output.values());
    for channel in values.chunks_exact(input.area()) {
        for (row, column) in (0..output.rows).flat_map(|row| (0..output.columns).map(move |column| (row, column))) {
            let columns = |y: usize| window.columns(input, column).map(move |(x, _)| channel[y * input.columns + x]);
            all.push(of(&mut window.rows(input, row).flat_map(|(y, _)| columns(y))));
        }
    }
    all
}
