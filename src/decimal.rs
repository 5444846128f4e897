//! 32-bit numbers as text, exactly. The standard library's way to write floats would take a good part of what the page may download.

use std::fmt::{self, Display, Formatter, Write};

/// Significant digits that tell every 32-bit number from every other.
const DIGITS: i32 = 9;

/// Writes a number in at most nine significant digits, which parse as the same number: `0.125`, `-3`, `1.5e-7`.
pub(crate) struct Decimal(pub f32);

impl Display for Decimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = f64::from(self.0);
        if !value.is_finite() {
            return f.write_str(if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "inf"
            } else {
                "-inf"
            });
        }
        if value < 0.0 {
            f.write_char('-')?;
        }
        if value == 0.0 {
            return f.write_char('0');
        }
        let (digits, exponent) = digits(value.abs());
        let text = digits.to_string();
        let text = text.trim_end_matches('0');
        match exponent {
            -5..=-1 => {
                f.write_str("0.")?;
                (exponent + 1..0).try_for_each(|_| f.write_char('0'))?;
                f.write_str(text)
            }
            0..DIGITS => {
                let whole = exponent as usize + 1;
                let (whole, rest) = (text.get(..whole).unwrap_or(text), text.get(whole..).unwrap_or(""));
                f.write_str(whole)?;
                (whole.len() as i32..=exponent).try_for_each(|_| f.write_char('0'))?;
                if rest.is_empty() { Ok(()) } else { write!(f, ".{rest}") }
            }
            _ => {
                let (first, rest) = text.split_at_checked(1).unwrap_or((text, ""));
                if rest.is_empty() { write!(f, "{first}e{exponent}") } else { write!(f, "{first}.{rest}e{exponent}") }
            }
        }
    }
}

/// The number that a text like `-3`, `0.1307` or `1e-05` says; right to the last bit up to fifteen digits and powers of ten up
/// to the 22nd, and always to fifteen digits. The standard library's way to read floats is ten kilobytes.
#[cfg(feature = "sequential")]
pub(crate) fn parse(text: &str) -> Option<f64> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or((1.0, whole), |rest| (-1.0, rest));
    let mut value = 0.0;
    let mut count = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        value = 10.0 * value + f64::from(char::from(digit).to_digit(10)?);
        count += 1;
    }
    let exponent: i32 = exponent.parse().ok()?;
    let power = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let scale = (0..power.unsigned_abs().min(400)).fold(1.0, |scale: f64, _| 10.0 * scale);
    let value = sign * if power < 0 { value / scale } else { value * scale };
    (count > 0 && value.is_finite()).then_some(value)
}

/// The fewest digits that parse as this positive number, with zeros up to nine of them, and the power of ten of the first.
fn digits(value: f64) -> (u64, i32) {
    let (mut scaled, mut exponent) = (value, 0);
    // At most 45 steps for a 32-bit number, each exact to 53 bits.
    while scaled >= 10.0 {
        (scaled, exponent) = (scaled / 10.0, exponent + 1);
    }
    while scaled < 1.0 {
        (scaled, exponent) = (scaled * 10.0, exponent - 1);
    }
    let rounded = |count: i32| (scaled * 10f64.powi(count - 1)).round();
    let is_exact = |&count: &i32| (rounded(count) * 10f64.powi(exponent + 1 - count)) as f32 == value as f32;
    let count = (1..DIGITS).find(is_exact).unwrap_or(DIGITS);
    let digits = rounded(count) as u64 * 10u64.pow((DIGITS - count) as u32);
    // 9.9999… rounds to 10.
    if digits < 10u64.pow(DIGITS as u32) { (digits, exponent) } else { (digits / 10, exponent + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_written_as_people_do() {
        let cases: [(f32, &str); 14] = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.5, "1.5"),
            (-1.25, "-1.25"),
            (0.125, "0.125"),
            (0.1, "0.1"),
            (0.00012, "0.00012"),
            (2.0, "2"),
            (120.0, "120"),
            (784.5, "784.5"),
            (1e-7, "1e-7"),
            (3.25e12, "3.25e12"),
            (f32::NAN, "NaN"),
            (f32::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(Decimal(value).to_string(), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_number_comes_back_from_its_text(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            let text = Decimal(value).to_string();
            if value.is_finite() {
                prop_assert_eq!(text.parse::<f32>().unwrap(), value, "{}", text);
            } else {
                prop_assert_eq!(text.parse::<f32>().unwrap().is_nan(), value.is_nan());
            }
        }
    }
}
