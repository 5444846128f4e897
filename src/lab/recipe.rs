//! The paper's networks by name: what each is, and how it is trained here.

use crate::network::Activation;

/// Which of the 60,000 training digits a network learns from (the paper's section 4, tables 3 and 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    All,
    /// P1, the first half.
    First,
    /// P2, the second half.
    Second,
}

/// A network of the paper and the settings that train it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What the command line calls it, e.g. `fc100-100-10`.
    pub name: &'static str,
    /// What the paper calls it, e.g. `FC100-100-10`.
    pub title: &'static str,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// The hidden layers' activation.
    pub activation: Activation,
    /// What it learns from.
    pub part: Part,
    /// λ of every layer: the loss has `Σ λ·Σw²/k` added, k being the layer's units (section 4.2).
    pub decay: Vec<f64>,
    /// Adam's rate at the start; it falls to a hundredth along a half cosine.
    pub rate: f64,
    /// How often every digit is seen.
    pub epochs: usize,
    /// Digits in one step of Adam.
    pub batch: usize,
    /// Where the random numbers of initial weights and order begin.
    pub seed: u64,
}

impl Recipe {
    /// The title as the name of a network file, e.g. `FC10_1e-4.safetensors`.
    pub fn file_name(&self) -> String {
        format!("{}.safetensors", self.title.replace('(', "_").replace([')', ' '], ""))
    }

    /// The settings in one line, as a network file's metadata keeps them.
    pub fn settings(&self) -> String {
        let decay: Vec<String> = self.decay.iter().map(|l| format!("{l:e}")).collect();
        format!(
            "Adam {:e} cosine to its hundredth, {} epochs, batch {}, decay {}",
            self.rate,
            self.epochs,
            self.batch,
            decay.join(" ")
        )
    }
}

/// Every network that can be trained by name.
///
/// The softmax classifiers have the paper's λ. The deep ones have λ, rate and epochs that were chosen
/// on the last 10,000 training digits (`pockets train NAME --holdout`); the paper's own λ hardly regularise.
pub fn recipes() -> Vec<Recipe> {
    let softmax = |name, title, lambda| Recipe {
        name,
        title,
        hidden: vec![],
        activation: Activation::Sigmoid,
        part: Part::All,
        decay: vec![lambda],
        rate: 4e-3,
        epochs: 20,
        batch: 128,
        seed: 1,
    };
    let deep = |name, title, hidden: [usize; 2], part| Recipe {
        name,
        title,
        hidden: hidden.to_vec(),
        activation: Activation::Sigmoid,
        part,
        decay: vec![3e-3, 3e-3, 3e-4],
        rate: 8e-3,
        epochs: 60,
        batch: 128,
        seed: 1,
    };
    vec![
        softmax("fc10-1e-4", "FC10(1e-4)", 1e-4),
        softmax("fc10-1e-2", "FC10(1e-2)", 1e-2),
        softmax("fc10-1", "FC10(1)", 1.0),
        deep("fc100-100-10", "FC100-100-10", [100, 100], Part::All),
        deep("fc200-200-10", "FC200-200-10", [200, 200], Part::All),
        deep("fc100-100-10-p1", "FC100-100-10 (P1)", [100, 100], Part::First),
        deep("fc123-456-10-p1", "FC123-456-10 (P1)", [123, 456], Part::First),
        deep("fc100-100-10-p2", "FC100-100-10 (P2)", [100, 100], Part::Second),
    ]
}
