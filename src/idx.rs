//! MNIST's IDX files: a magic number, the dimensions, then one byte for each value.
//!
//! All integers are big-endian. An image file is `00 00 08 03`, count, rows, columns, and the
//! pixels row by row, 0 for paper and 255 for full ink; a label file is `00 00 08 01`, count, and
//! the labels. (Described on MNIST's own page; LeCun, Cortes, Burges.)

use crate::{LABELS, PIXELS, SIDE};
use thiserror::Error;

const IMAGES_MAGIC: [u8; 4] = [0, 0, 8, 3];
const LABELS_MAGIC: [u8; 4] = [0, 0, 8, 1];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why some bytes are not images or labels. Each message is for the person who chose the file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdxError {
    /// The file is shorter than its own header.
    #[error("the file ends after {found} bytes, within its header of {expected}")]
    Header {
        /// Bytes in the file.
        found: usize,
        /// Bytes of the header.
        expected: usize,
    },
    /// The file is still compressed.
    #[error("the file is compressed by gzip; decompress it first (gunzip)")]
    Gzip,
    /// Another kind of file.
    #[error("the file begins with {found:02x?}; {kind} begin with {expected:02x?}")]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
        /// What was asked for: “IDX images” or “IDX labels”.
        kind: &'static str,
        /// What the first four bytes should be.
        expected: [u8; 4],
    },
    /// Images that are not 28×28.
    #[error("the images are {rows}×{columns} pixels; expected 28×28")]
    Side {
        /// Rows of each image.
        rows: u32,
        /// Columns of each image.
        columns: u32,
    },
    /// Fewer bytes than the header announces.
    #[error("the file is truncated: its header announces {count} {kind}, {expected} bytes in all, but it has {found}")]
    Truncated {
        /// Images or labels announced.
        count: u32,
        /// “images” or “labels”.
        kind: &'static str,
        /// Bytes that the file should have.
        expected: u64,
        /// Bytes that it has.
        found: usize,
    },
    /// More bytes than the header announces.
    #[error("{extra} bytes follow the {count} {kind} that the file's header announces")]
    Trailing {
        /// Images or labels announced.
        count: u32,
        /// “images” or “labels”.
        kind: &'static str,
        /// Bytes too many.
        extra: u64,
    },
    /// A label that is no digit.
    #[error("label {index} is {value}; every label must be a digit from 0 to 9")]
    Label {
        /// Which label.
        index: usize,
        /// Its value.
        value: u8,
    },
    /// An image file and a label file that do not belong together.
    #[error("there are {images} images but {labels} labels; the two files do not belong together")]
    Count {
        /// Images in the one.
        images: usize,
        /// Labels in the other.
        labels: usize,
    },
}

/// Images of 28×28 pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
}

impl Images {
    /// Reads an IDX3 file of 28×28 images. Allocates no more than `bytes` has.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdxError> {
        let ([count, rows, columns], body) = header(bytes, IMAGES_MAGIC, "IDX images")?;
        if (rows as usize, columns as usize) != (SIDE, SIDE) {
            return Err(IdxError::Side { rows, columns });
        }
        check_size(body, count, "images", PIXELS, 16)?;
        Ok(Images { pixels: body.to_vec() })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.pixels.len() / PIXELS
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// Image `index` as a network sees it: 784 values in [0, 1], row by row. None past the end.
    pub fn get(&self, index: usize) -> Option<[f32; PIXELS]> {
        self.pixels.chunks_exact(PIXELS).nth(index).map(unit)
    }

    /// All images, in order, as a network sees them.
    pub fn iter(&self) -> impl Iterator<Item = [f32; PIXELS]> {
        self.pixels.chunks_exact(PIXELS).map(unit)
    }
}

/// The digits that images show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    labels: Vec<u8>,
}

impl Labels {
    /// Reads an IDX1 file of labels from 0 to 9. Allocates no more than `bytes` has.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdxError> {
        let ([count], body) = header(bytes, LABELS_MAGIC, "IDX labels")?;
        check_size(body, count, "labels", 1, 8)?;
        match body.iter().position(|&l| usize::from(l) >= LABELS) {
            Some(index) => Err(IdxError::Label { index, value: body[index] }),
            None => Ok(Labels { labels: body.to_vec() }),
        }
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All labels, in order, each from 0 to 9.
    pub fn as_slice(&self) -> &[u8] {
        &self.labels
    }
}

/// Images and their labels, as many of the one as of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    images: Images,
    labels: Labels,
}

impl Digits {
    /// Pairs an image file's bytes with a label file's.
    pub fn parse(images: &[u8], labels: &[u8]) -> Result<Self, IdxError> {
        Self::new(Images::parse(images)?, Labels::parse(labels)?)
    }

    /// Pairs images with labels.
    pub fn new(images: Images, labels: Labels) -> Result<Self, IdxError> {
        if images.len() != labels.len() {
            return Err(IdxError::Count { images: images.len(), labels: labels.len() });
        }
        Ok(Digits { images, labels })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Every image, 784 values in [0, 1], with its label.
    pub fn iter(&self) -> impl Iterator<Item = ([f32; PIXELS], usize)> {
        self.images.iter().zip(self.labels.as_slice().iter().map(|&l| usize::from(l)))
    }

    /// The first `count` digits, and the rest; all and none if there are not so many.
    pub fn split_at(&self, count: usize) -> (Digits, Digits) {
        let count = count.min(self.len());
        let (first_pixels, other_pixels) = self.images.pixels.split_at(count * PIXELS);
        let (first_labels, other_labels) = self.labels.labels.split_at(count);
        let digits = |pixels: &[u8], labels: &[u8]| Digits {
            images: Images { pixels: pixels.to_vec() },
            labels: Labels { labels: labels.to_vec() },
        };
        (digits(first_pixels, first_labels), digits(other_pixels, other_labels))
    }
}

/// `N` big-endian dimensions after the magic number, and what follows them.
fn header<'a, const N: usize>(
    bytes: &'a [u8],
    expected: [u8; 4],
    kind: &'static str,
) -> Result<([u32; N], &'a [u8]), IdxError> {
    if bytes.starts_with(&GZIP_MAGIC) {
        return Err(IdxError::Gzip);
    }
    let too_short = IdxError::Header { found: bytes.len(), expected: 4 + 4 * N };
    let Some((&found, mut rest)) = bytes.split_first_chunk::<4>() else {
        return Err(too_short);
    };
    if found != expected {
        return Err(IdxError::Magic { found, kind, expected });
    }
    let mut dimensions = [0; N];
    for dimension in &mut dimensions {
        let Some((&value, after)) = rest.split_first_chunk::<4>() else {
            return Err(too_short);
        };
        *dimension = u32::from_be_bytes(value);
        rest = after;
    }
    Ok((dimensions, rest))
}

/// Whether `body` has exactly `count` items of `size` bytes. In 64 bits: no header can overflow it.
fn check_size(body: &[u8], count: u32, kind: &'static str, size: usize, header: u64) -> Result<(), IdxError> {
    let (expected, found) = (u64::from(count) * size as u64, body.len() as u64);
    if found < expected {
        let found = body.len() + header as usize;
        return Err(IdxError::Truncated { count, kind, expected: expected + header, found });
    }
    if found > expected {
        return Err(IdxError::Trailing { count, kind, extra: found - expected });
    }
    Ok(())
}

/// Ink in [0, 1].
fn unit(bytes: &[u8]) -> [f32; PIXELS] {
    let mut image = [0.0; PIXELS];
    for (pixel, &byte) in image.iter_mut().zip(bytes) {
        *pixel = f32::from(byte) / 255.0;
    }
    image
}
