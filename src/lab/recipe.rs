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

/// How a network learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// All layers at once, from labels.
    Labels,
    /// The hidden layer first, without labels, as the encoder of a sparse autoencoder; then the softmax on top of it,
    /// with the encoder frozen (the paper's AE400-10).
    Autoencoder(Autoencoder),
    /// All layers at once, from labels, half of every step on adversarial examples that the project's own search makes
    /// of the network as it is by then (the paper's back-feeding, section 4.2).
    BackFeeding(BackFeeding),
}

/// How an encoder learns, before it is frozen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autoencoder {
    /// How often every digit is seen.
    pub epochs: usize,
    /// Adam's rate at the start.
    pub rate: f64,
    /// ρ, the mean activation that every unit is held to.
    pub density: f64,
    /// β, the weight of the divergence from ρ.
    pub sparsity: f64,
    /// The share of pixels that are blanked before they are to be reconstructed.
    pub blanked: f64,
    /// What the encoder's weights are multiplied by when it is frozen: softer units tell a softmax more.
    pub gain: f64,
}

/// How the pool of adversarial examples is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackFeeding {
    /// Examples in the pool; the oldest make room.
    pub pool: usize,
    /// Examples that are made anew for every batch.
    pub fresh: usize,
    /// An example is x + s·r with s drawn from 1 to this: r ends on the boundary, which teaches nothing there.
    pub overshoot: f64,
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
    /// How it learns.
    pub method: Method,
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
        let method = match self.method {
            Method::Labels => String::new(),
            Method::Autoencoder(a) => format!(
                "; encoder before: Adam {:e}, {} epochs, density {} weighed {}, {} of the pixels blanked, \
                 then weights times {}",
                a.rate, a.epochs, a.density, a.sparsity, a.blanked, a.gain
            ),
            Method::BackFeeding(b) => format!(
                "; as many adversarial examples from a pool of {}, {} new for every batch, x + s·r with s from 1 to {}",
                b.pool, b.fresh, b.overshoot
            ),
        };
        format!(
            "Adam {:e} cosine to its hundredth, {} epochs, batch {}, decay {}{method}",
            self.rate,
            self.epochs,
            self.batch,
            decay.join(" ")
        )
    }
}

/// Every network that can be trained by name.
///
/// The softmax classifiers and those that are called literal have the paper's λ. The other deep ones have λ, rate and epochs that were chosen
/// on the last 10,000 training digits (`pockets train NAME --holdout`); the paper's own λ hardly regularise.
pub fn recipes() -> Vec<Recipe> {
    let softmax = |name, title, lambda| Recipe {
        name,
        title,
        hidden: vec![],
        activation: Activation::Sigmoid,
        part: Part::All,
        method: Method::Labels,
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
        method: Method::Labels,
        decay: vec![3e-3, 3e-3, 3e-4],
        rate: 8e-3,
        epochs: 60,
        batch: 128,
        seed: 1,
    };
    let literal =
        |name, title, hidden| Recipe { decay: vec![1e-5, 1e-5, 1e-6], ..deep(name, title, hidden, Part::All) };
    vec![
        softmax("fc10-1e-4", "FC10(1e-4)", 1e-4),
        softmax("fc10-1e-2", "FC10(1e-2)", 1e-2),
        softmax("fc10-1", "FC10(1)", 1.0),
        deep("fc100-100-10", "FC100-100-10", [100, 100], Part::All),
        deep("fc200-200-10", "FC200-200-10", [200, 200], Part::All),
        literal("fc100-100-10-literal", "FC100-100-10 (literal)", [100, 100]),
        literal("fc200-200-10-literal", "FC200-200-10 (literal)", [200, 200]),
        Recipe {
            hidden: vec![400],
            method: Method::Autoencoder(Autoencoder {
                epochs: 20,
                rate: 2e-3,
                density: 0.05,
                sparsity: 1.0,
                blanked: 0.25,
                gain: 0.25,
            }),
            decay: vec![0.0, 1e-6],
            ..deep("ae400-10", "AE400-10", [0, 0], Part::All)
        },
        deep("fc100-100-10-p1", "FC100-100-10 (P1)", [100, 100], Part::First),
        deep("fc123-456-10-p1", "FC123-456-10 (P1)", [123, 456], Part::First),
        deep("fc100-100-10-p2", "FC100-100-10 (P2)", [100, 100], Part::Second),
        Recipe {
            method: Method::BackFeeding(BackFeeding { pool: 10_000, fresh: 32, overshoot: 2.0 }),
            ..deep("fc100-100-10-hardened", "FC100-100-10 (hardened)", [100, 100], Part::All)
        },
    ]
}
