//! What the paper reports (arXiv 1312.6199, tables 1 to 4), in per cent and in distortions.
//!
//! Some cells are confirmed by a second source; the others are from memory of the paper, and every table that prints
//! them marks them so.

use serde::Serialize;

/// A number of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The number.
    pub value: f64,
    /// Whether a second source has it too.
    pub confirmed: bool,
}

/// Confirmed by a second source.
const fn sure(value: f64) -> Cell {
    Cell { value, confirmed: true }
}

/// Recalled.
const fn said(value: f64) -> Cell {
    Cell { value, confirmed: false }
}

/// A row of table 1.
#[derive(Clone, Copy, Debug)]
pub struct Table1 {
    /// The network's title here.
    pub network: &'static str,
    /// Error on its training digits, per cent.
    pub train_error: Cell,
    /// Error on the test digits, per cent.
    pub test_error: Cell,
    /// Average minimal distortion.
    pub distortion: Cell,
}

const fn table1(network: &'static str, train: f64, test: f64, distortion: f64) -> Table1 {
    Table1 { network, train_error: sure(train), test_error: sure(test), distortion: sure(distortion) }
}

/// Table 1, whole.
pub const TABLE1: [Table1; 6] = [
    table1("FC10(1e-4)", 6.7, 7.4, 0.062),
    table1("FC10(1e-2)", 10.0, 9.4, 0.1),
    table1("FC10(1)", 21.2, 20.0, 0.14),
    table1("FC100-100-10", 0.0, 1.64, 0.058),
    table1("FC200-200-10", 0.0, 1.54, 0.065),
    table1("AE400-10", 0.57, 1.9, 0.086),
];

/// Table 2: a row for each of [`TABLE1`]'s networks and the errors, per cent, of the same networks on its examples.
pub const TABLE2: [[Cell; 6]; 6] = [
    [sure(100.0), said(11.7), said(22.7), sure(2.0), said(3.9), sure(2.7)],
    [sure(87.1), said(100.0), said(35.2), sure(35.9), said(27.3), sure(9.8)],
    [sure(71.9), said(76.2), said(100.0), sure(48.1), said(47.0), sure(34.4)],
    [sure(28.9), said(13.7), said(21.1), sure(100.0), said(6.6), sure(2.0)],
    [sure(38.2), said(14.0), said(23.8), sure(20.3), said(100.0), sure(2.7)],
    [said(23.4), said(16.0), said(24.8), said(9.4), said(6.6), said(100.0)],
];

/// Table 2's last rows: the deviation of Gaussian noise, and the errors on it.
pub const TABLE2_NOISE: [(f64, [Cell; 6]); 2] = [
    (0.1, [sure(5.0), said(10.1), said(18.3), sure(0.0), said(0.0), sure(0.8)]),
    (0.3, [sure(15.6), said(11.3), said(22.7), sure(5.0), said(4.3), sure(3.1)]),
];

/// A row of table 3, every cell recalled.
#[derive(Clone, Copy, Debug)]
pub struct Table3 {
    /// The network's title here.
    pub network: &'static str,
    /// Errors on P1, on P2 and on the test digits, per cent.
    pub errors: [Cell; 3],
    /// Average minimal distortion.
    pub distortion: Cell,
}

/// Table 3.
pub const TABLE3: [Table3; 3] = [
    Table3 { network: "FC100-100-10 (P1)", errors: [said(0.0), said(2.4), said(2.0)], distortion: said(0.062) },
    Table3 { network: "FC123-456-10 (P1)", errors: [said(0.0), said(2.5), said(2.1)], distortion: said(0.059) },
    Table3 { network: "FC100-100-10 (P2)", errors: [said(2.3), said(0.0), said(2.1)], distortion: said(0.058) },
];

/// Table 4: a row for each of [`TABLE3`]'s networks, at minimal distortion.
pub const TABLE4: [[Cell; 3]; 3] =
    [[sure(100.0), sure(26.2), sure(5.9)], [said(6.25), said(100.0), said(5.1)], [said(8.2), said(8.2), said(100.0)]];

/// Table 4, amplified to a distortion of 0.1.
pub const TABLE4_AMPLIFIED: [[Cell; 3]; 3] = [
    [sure(100.0), sure(98.0), sure(43.0)],
    [said(96.0), said(100.0), said(22.0)],
    [said(27.0), said(50.0), said(100.0)],
];

/// Table 4's rows of Gaussian noise.
pub const TABLE4_NOISE: [(f64, [Cell; 3]); 2] =
    [(0.06, [said(2.2), said(2.6), said(2.4)]), (0.1, [sure(2.6), sure(2.8), sure(2.7)])];

/// Back-feeding (section 4.2): test error below this with the pool, and of the same network with decay alone.
pub const BACK_FEEDING: (f64, f64) = (1.2, 1.6);
