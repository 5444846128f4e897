//! Functions of each value alone, beyond the three activations of a plain perceptron.

use super::lanes::exp;
use serde::{Deserialize, Serialize};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Function {
    /// `z·Φ(z)` (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    Gelu,
    /// The same paper's approximation of it, by the hyperbolic tangent.
    GeluTanh,
    /// `z·σ(z)`, also called swish (Ramachandran et al. 2017, arXiv 1710.05941).
    Silu,
    /// `ln(1 + e^z)`
    Softplus,
    /// `z/(1 + |z|)`
    Softsign,
    /// `z·tanh(ln(1 + e^z))` (Misra 2019, arXiv 1908.08681).
    Mish,
    /// `scale·z` above zero, `scale·alpha·(e^z − 1)` below (Clevert et al. 2015, arXiv 1511.07289); SELU is one of these.
    Elu {
        /// What it falls to, over the scale.
        alpha: f32,
        /// Its slope above zero.
        scale: f32,
    },
    /// `z` above zero, `slope·z` below.
    LeakyRelu {
        /// Its slope below zero.
        slope: f32,
    },
    /// `slope·z + shift`, but no less than 0 and no more than 1.
    HardSigmoid {
        /// Its slope where it rises.
        slope: f32,
        /// Its value at zero.
        shift: f32,
    },
    /// `z` times the hard sigmoid of slope 1/6 (Howard et al. 2019, arXiv 1905.02244).
    HardSwish,
    /// `z`, but no less than `low` and no more than `high`: ReLU6, for one.
    Clip {
        /// The least value.
        low: f32,
        /// The largest value.
        high: f32,
    },
}

/// SELU (Klambauer et al. 2017, arXiv 1706.02515).
pub const SELU: Function = Function::Elu { alpha: 1.673_263_2, scale: 1.050_701 };

impl Function {
    /// Its name in a file's architecture.
    pub fn name(self) -> &'static str {
        match self {
            Function::Gelu => "gelu",
            Function::GeluTanh => "gelutanh",
            Function::Silu => "silu",
            Function::Softplus => "softplus",
            Function::Softsign => "softsign",
            Function::Mish => "mish",
            Function::Elu { .. } => "elu",
            Function::LeakyRelu { .. } => "leakyrelu",
            Function::HardSigmoid { .. } => "hardsigmoid",
            Function::HardSwish => "hardswish",
            Function::Clip { .. } => "hardtanh",
        }
    }

    /// Its settings, as a file's architecture says them: name and value of each.
    pub fn settings(&mut self) -> Vec<(&'static str, &mut f32)> {
        match self {
            Function::Elu { alpha, scale } => vec![("alpha", alpha), ("scale", scale)],
            Function::LeakyRelu { slope } => vec![("negative_slope", slope)],
            Function::HardSigmoid { slope, shift } => vec![("slope", slope), ("shift", shift)],
            Function::Clip { low, high } => vec![("min_val", low), ("max_val", high)],
            _ => Vec::new(),
        }
    }

    /// The function of that name, with the settings that PyTorch gives it unless it is told otherwise.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" => Function::Gelu,
            "gelutanh" => Function::GeluTanh,
            "silu" | "swish" => Function::Silu,
            "softplus" => Function::Softplus,
            "softsign" => Function::Softsign,
            "mish" => Function::Mish,
            "elu" => Function::Elu { alpha: 1.0, scale: 1.0 },
            "selu" => SELU,
            "leakyrelu" => Function::LeakyRelu { slope: 0.01 },
            "hardsigmoid" => Function::HardSigmoid { slope: 1.0 / 6.0, shift: 0.5 },
            "hardswish" => Function::HardSwish,
            "relu6" => Function::Clip { low: 0.0, high: 6.0 },
            "hardtanh" => Function::Clip { low: -1.0, high: 1.0 },
            _ => return None,
        })
    }

    /// Whether a larger number always has a larger value: then the order of ten logits is that of ten values.
    pub fn is_increasing(self) -> bool {
        match self {
            Function::Softplus | Function::Softsign => true,
            Function::Elu { alpha, scale } => alpha > 0.0 && scale > 0.0,
            Function::LeakyRelu { slope } => slope > 0.0,
            _ => false,
        }
    }

    /// Its value, in plain double precision.
    pub fn apply(self, z: f64) -> f64 {
        let softplus = |z: f64| z.max(0.0) + libm::log1p((-z.abs()).exp());
        match self {
            Function::Gelu => 0.5 * z * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2),
            Function::GeluTanh => 0.5 * z * (1.0 + libm::tanh(tanh_argument(z))),
            Function::Silu => z / (1.0 + (-z).exp()),
            Function::Softplus => softplus(z),
            Function::Softsign => z / (1.0 + z.abs()),
            Function::Mish => z * libm::tanh(softplus(z)),
            Function::Elu { alpha, scale } => {
                f64::from(scale) * if z > 0.0 { z } else { f64::from(alpha) * libm::expm1(z) }
            }
            Function::LeakyRelu { slope } => {
                if z > 0.0 {
                    z
                } else {
                    f64::from(slope) * z
                }
            }
            Function::HardSigmoid { slope, shift } => (f64::from(slope) * z + f64::from(shift)).clamp(0.0, 1.0),
            Function::HardSwish => z * (z / 6.0 + 0.5).clamp(0.0, 1.0),
            Function::Clip { low, high } => z.max(f64::from(low)).min(f64::from(high)),
        }
    }

    /// Its value and its slope, as the kernels need them.
    pub(super) fn value_and_slope(self, z: f32) -> (f32, f32) {
        match self {
            Function::Gelu => gelu(z),
            Function::GeluTanh => {
                let tanh = libm::tanhf(tanh_argument(f64::from(z)) as f32);
                let inner = 0.797_884_6 * (1.0 + 3.0 * 0.044_715 * z * z);
                (0.5 * z * (1.0 + tanh), 0.5 * (1.0 + tanh) + 0.5 * z * (1.0 - tanh * tanh) * inner)
            }
            Function::Silu => {
                let sigmoid = 1.0 / (1.0 + exp(-z));
                (z * sigmoid, sigmoid + z * sigmoid * (1.0 - sigmoid))
            }
            Function::Softplus => (softplus(z), 1.0 / (1.0 + exp(-z))),
            Function::Softsign => {
                let part = 1.0 / (1.0 + z.abs());
                (z * part, part * part)
            }
            Function::Mish => {
                let (tanh, sigmoid) = (libm::tanhf(softplus(z)), 1.0 / (1.0 + exp(-z)));
                (z * tanh, tanh + z * (1.0 - tanh * tanh) * sigmoid)
            }
            Function::Elu { alpha, scale } if z <= 0.0 => (scale * alpha * libm::expm1f(z), scale * alpha * exp(z)),
            Function::Elu { scale, .. } => (scale * z, scale),
            Function::LeakyRelu { slope } if z <= 0.0 => (slope * z, slope),
            Function::LeakyRelu { .. } => (z, 1.0),
            Function::HardSigmoid { slope, shift } => within(slope * z + shift, slope, 0.0, 1.0),
            Function::HardSwish => {
                let (gate, slope) = within(z / 6.0 + 0.5, 1.0 / 6.0, 0.0, 1.0);
                (z * gate, gate + z * slope)
            }
            Function::Clip { low, high } => within(z, 1.0, low, high),
        }
    }
}

/// `√(2/π)·(z + 0.044715·z³)`
fn tanh_argument(z: f64) -> f64 {
    0.797_884_560_802_865_4 * (z + 0.044_715 * z * z * z)
}

fn softplus(z: f32) -> f32 {
    z.max(0.0) + libm::log1pf(exp(-z.abs()))
}

/// A value kept between two others, and its slope: none where it is kept.
fn within(value: f32, slope: f32, low: f32, high: f32) -> (f32, f32) {
    if value <= low {
        (low, 0.0)
    } else if value >= high {
        (high, 0.0)
    } else {
        (value, slope)
    }
}

/// `z·Φ(z)`, and its slope `Φ(z) + z·φ(z)`. The error function is that of Abramowitz and Stegun, *Handbook of Mathematical
/// Functions*, 7.1.26, which is right to 1.5·10⁻⁷.
fn gelu(z: f32) -> (f32, f32) {
    const COEFFICIENTS: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * z.abs());
    let bell = exp(-0.5 * z * z);
    let tail = 0.5 * bell * COEFFICIENTS.iter().fold(0.0, |sum, c| (sum + c) * t);
    let below = if z < 0.0 { tail } else { 1.0 - tail };
    (z * below, below + z * bell * 0.398_942_3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 13] = [
        "gelu",
        "gelutanh",
        "silu",
        "softplus",
        "softsign",
        "mish",
        "elu",
        "selu",
        "leakyrelu",
        "hardsigmoid",
        "hardswish",
        "relu6",
        "hardtanh",
    ];

    #[test]
    fn what_the_kernels_use_are_the_values_and_slopes_of_the_plain_functions() {
        for function in ALL.map(|name| Function::parse(name).unwrap()) {
            for k in -800..800 {
                let z = 0.0137 * k as f32 + 0.003;
                let (value, slope) = function.value_and_slope(z);
                let exact = function.apply(f64::from(z));
                assert!((f64::from(value) - exact).abs() < 1e-6 * exact.abs().max(1.0), "{function:?} at {z}");
                let step = 1e-6;
                let [above, below] = [step, -step].map(|step| function.apply(f64::from(z) + step));
                let difference = (above - below) / (2.0 * step);
                assert!((f64::from(slope) - difference).abs() < 2e-6, "{function:?} at {z}: {slope}, {difference}");
            }
        }
    }

    #[test]
    fn those_said_to_be_increasing_are() {
        for function in ALL.map(|name| Function::parse(name).unwrap()).into_iter().filter(|f| f.is_increasing()) {
            let values: Vec<f64> = (-300..300).map(|k| function.apply(0.05 * f64::from(k))).collect();
            assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{function:?}");
        }
    }
}
