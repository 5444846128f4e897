//! MNIST digits in a twelfth of their size: 16 levels a pixel, only the part of an image that has ink, and runs of one level as one
//! byte. The server's gzip does the rest; of what was tried, this order and these runs leave it the least.
//!
//! `PKDG`, the count in four bytes, little-endian; then for all digits the label, for all the first row with ink, for all the first
//! column, the height, the width; then the runs of all, row by row within each digit's box, `level·16 + length − 1`. A run of 16
//! may be followed by another of its level, and none reaches into the next digit. A blank image has height and width 0.

use crate::{
    LABELS, PIXELS, SIDE,
    idx::{Digits, IdxError},
};
use thiserror::Error;

const MAGIC: [u8; 4] = *b"PKDG";
/// What one level is worth in a byte of MNIST.
const LEVEL: u8 = 17;
/// Numbers for each digit beside its runs.
const HEAD: usize = 5;
/// The longest run.
const LONGEST: usize = 16;

/// Why some bytes are no packed digits.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PackError {
    /// Another kind of file.
    #[error("the file begins with {0:02x?}; packed digits begin with “PKDG”")]
    Magic(Vec<u8>),
    /// The file ends too early.
    #[error("the file of packed digits is truncated")]
    Truncated,
    /// Bytes that follow the last digit.
    #[error("{0} bytes follow the last packed digit")]
    Trailing(usize),
    /// Numbers that no digit has.
    #[error("packed digit {0} is none: its label, its box or its runs make no sense")]
    Digit(usize),
    /// What came out is no set of digits.
    #[error(transparent)]
    Idx(#[from] IdxError),
}

/// Packs digits; a pixel comes back within 8.5/255 of what it was.
pub fn pack(digits: &Digits) -> Vec<u8> {
    let mut heads: [Vec<u8>; HEAD] = Default::default();
    let mut runs = Vec::new();
    for (image, label) in digits.iter() {
        let levels = image.map(|pixel| (15.0 * pixel).round() as u8);
        let [top, left, height, width] = ink(&levels);
        for (list, number) in heads.iter_mut().zip([label, top, left, height, width]) {
            list.push(number as u8);
        }
        let mut inside = (top..top + height).flat_map(|y| &levels[y * SIDE + left..][..width]).peekable();
        while let Some(&level) = inside.next() {
            let mut length = 1;
            while length < LONGEST && inside.next_if_eq(&&level).is_some() {
                length += 1;
            }
            runs.push(level << 4 | (length - 1) as u8);
        }
    }
    let count = (digits.len() as u32).to_le_bytes();
    [MAGIC.as_slice(), &count, &heads.concat(), &runs].concat()
}

/// Reads packed digits. Allocates no more than a digit's size for each seven bytes.
pub fn unpack(bytes: &[u8]) -> Result<Digits, PackError> {
    let begin = bytes.first_chunk::<4>().filter(|found| **found == MAGIC);
    begin.ok_or_else(|| PackError::Magic(bytes.iter().take(4).copied().collect()))?;
    let count = bytes[4..].first_chunk::<4>().ok_or(PackError::Truncated)?;
    let count = u32::from_le_bytes(*count) as usize;
    let body = count.checked_mul(HEAD).and_then(|size| bytes[8..].split_at_checked(size));
    let (heads, mut runs) = body.ok_or(PackError::Truncated)?;
    let mut images = idx_header(&[0, 0, 8, 3], &[count, SIDE, SIDE]);
    let mut labels = idx_header(&[0, 0, 8, 1], &[count]);
    for digit in 0..count {
        let [label, top, left, height, width] = std::array::from_fn(|k| usize::from(heads[k * count + digit]));
        if label >= LABELS || top + height > SIDE || left + width > SIDE {
            return Err(PackError::Digit(digit));
        }
        labels.push(label as u8);
        let mut image = [0; PIXELS];
        let mut done = 0;
        while done < height * width {
            let (&run, rest) = runs.split_first().ok_or(PackError::Truncated)?;
            runs = rest;
            let length = usize::from(run & 15) + 1;
            if done + length > height * width {
                return Err(PackError::Digit(digit));
            }
            for place in done..done + length {
                image[(top + place / width) * SIDE + left + place % width] = (run >> 4) * LEVEL;
            }
            done += length;
        }
        images.extend(image);
    }
    if runs.is_empty() { Ok(Digits::parse(&images, &labels)?) } else { Err(PackError::Trailing(runs.len())) }
}

/// The box around everything that is not 0: top, left, height, width.
fn ink(levels: &[u8; PIXELS]) -> [usize; 4] {
    let rows: Vec<usize> = (0..SIDE).filter(|y| (0..SIDE).any(|x| levels[y * SIDE + x] > 0)).collect();
    let columns: Vec<usize> = (0..SIDE).filter(|x| (0..SIDE).any(|y| levels[y * SIDE + x] > 0)).collect();
    match (rows.first(), rows.last(), columns.first(), columns.last()) {
        (Some(top), Some(bottom), Some(left), Some(right)) => [*top, *left, bottom - top + 1, right - left + 1],
        _ => [0; 4],
    }
}

fn idx_header(magic: &[u8], dimensions: &[usize]) -> Vec<u8> {
    let sizes = dimensions.iter().flat_map(|&size| (size as u32).to_be_bytes());
    magic.iter().copied().chain(sizes).collect()
}
