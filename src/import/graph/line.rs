//! Operations with branches, one after another.

use super::Step;
use crate::network::Operation;
use std::collections::HashMap;

/// Puts the operations into one line, with marks where values are needed again.
pub(super) struct Line<'a> {
    pub steps: &'a [Step],
    pub uses: Vec<usize>,
    /// The label under which a node's values are kept.
    pub labels: HashMap<usize, usize>,
    pub all: Vec<Operation>,
}

impl Line<'_> {
    /// Afterwards, what the line ends with are the values of `output`. Every node comes after those that it needs.
    pub fn line_up(&mut self, output: usize) {
        let mut current = 0;
        self.keep(0);
        for node in 1..=output {
            if self.uses[node] == 0 {
                continue;
            }
            match &self.steps[node - 1] {
                Step::Of(operation, input) => {
                    self.go_to(*input, current);
                    self.all.push(operation.clone());
                }
                Step::Sum(a, b) => {
                    let (first, second) = if *b == current { (*b, *a) } else { (*a, *b) };
                    self.go_to(first, current);
                    let label = self.labels.get(&second).copied().unwrap_or_default();
                    self.all.push(Operation::Add(label));
                }
            }
            current = node;
            self.keep(node);
        }
    }

    /// Keeps the values of `node` if another than the next needs them.
    fn keep(&mut self, node: usize) {
        let next = (node + 1..self.uses.len()).find(|next| self.uses[*next] > 0);
        let goes_straight_on = next.is_none_or(|next| match &self.steps[next - 1] {
            Step::Of(_, input) => *input == node,
            Step::Sum(a, b) => *a == node || *b == node,
        });
        if self.uses[node] > usize::from(goes_straight_on) {
            let label = self.labels.len() + 1;
            self.labels.insert(node, label);
            self.all.push(Operation::Mark(label));
        }
    }

    fn go_to(&mut self, node: usize, current: usize) {
        if node != current
            && let Some(label) = self.labels.get(&node)
        {
            self.all.push(Operation::Recall(*label));
        }
    }
}
