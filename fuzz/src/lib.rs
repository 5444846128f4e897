//! What reads bytes from outside, and what has to hold whatever they are.
//!
//! Each function here is one target: it takes any bytes, and panics where a promise is broken. `cargo xtask fuzz` runs each under
//! libFuzzer, which looks for inputs that reach new code; `tests/replay.rs` runs the inputs that it found, in `corpus/`, and
//! changes of them, with every `cargo test`.
#![allow(clippy::panic, reason = "a panic is how a target tells that it found something")]

mod requests;

use arbitrary::Unstructured;
use pockets::{
    LABELS, PIXELS,
    digit::{Brush, Rasteriser, Strokes},
    idx::{Digits, Images, Labels},
    network::{Mlp, kernel::Evaluator},
    pack::{pack, unpack},
};
use std::sync::Arc;

pub use requests::engine;

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. The names are those of the programs (`fuzz_…`) and of the folders in `corpus/`.
pub const TARGETS: [Target; 5] =
    [("network", network), ("idx", idx), ("strokes", strokes), ("engine", engine), ("packed", packed)];

/// The largest input, in bytes: a small network's file.
pub const LONGEST: usize = 16_384;

/// Any bytes as a network's file: a network comes out, or a sentence.
///
/// The first byte chooses: odd, and what follows is the file; even, and what follows is its header, to which the length before it
/// and made-up data behind it are added, so that what lies behind a whole file is reached too.
pub fn network(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let file = if kind % 2 == 1 { rest.to_vec() } else { with_data(rest) };
    match Mlp::from_safetensors(&file) {
        Ok(mlp) => calculate(mlp),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A file of this header: four bytes say how many bytes of data follow it.
fn with_data(bytes: &[u8]) -> Vec<u8> {
    let Some((length, header)) = bytes.split_first_chunk::<4>() else { return Vec::new() };
    let length = u32::from_le_bytes(*length) as usize % (1 << 17);
    let data = (0..length).map(|k| (k * 37 % 61) as u8);
    (header.len() as u64).to_le_bytes().into_iter().chain(header.iter().copied()).chain(data).collect()
}

/// A network that was taken can be calculated with: both forward passes and the gradient, of an image.
fn calculate(mlp: Mlp) {
    let mlp = Arc::new(mlp);
    let image: Vec<f32> = (0..PIXELS).map(|k| (k % 7) as f32 / 6.0).collect();
    let layers = mlp.layers();
    assert_eq!((layers[0].inputs, layers[layers.len() - 1].outputs), (PIXELS, LABELS));
    for layer in layers {
        assert_eq!((layer.weight.len(), layer.bias.len()), (layer.inputs * layer.outputs, layer.outputs));
        assert!(layer.weight.iter().chain(&layer.bias).all(|w| w.is_finite()));
    }
    let mut evaluator = Evaluator::new(mlp.clone());
    let (fast, plain) = (*evaluator.logits(&image), mlp.logits(&image));
    // Sums of numbers near the largest there are may end in infinity, and then in nothing that could be compared.
    let largest = plain.iter().fold(1.0_f32, |most, z| most.max(z.abs()));
    let is_tame = layers.iter().flat_map(|layer| layer.weight.iter().chain(&layer.bias)).all(|w| w.abs() < 1e3);
    if is_tame && layers.len() == 1 {
        for (fast, plain) in fast.iter().zip(plain) {
            assert!((fast - plain).abs() <= 1e-3 * largest.max(1e3), "{fast} is not {plain}");
        }
    }
    evaluator.input_gradient(&[1.0; LABELS], &mut vec![0.0; PIXELS]);
}

/// Any bytes as MNIST's files, cut in two where the first two say: images and labels come out, of exactly the bytes that were given, or a sentence.
pub fn idx(bytes: &[u8]) {
    let Some((cut, rest)) = bytes.split_first_chunk::<2>() else { return };
    let (images, labels) = rest.split_at(usize::from(u16::from_le_bytes(*cut)).min(rest.len()));
    if let Ok(read) = Images::parse(images) {
        assert_eq!(16 + read.len() * PIXELS, images.len());
        assert!(read.iter().flatten().all(|pixel| (0.0..=1.0).contains(&pixel)));
        assert_eq!(read.get(read.len()), None);
    }
    if let Ok(read) = Labels::parse(labels) {
        assert_eq!(8 + read.len(), labels.len());
        assert!(read.as_slice().iter().all(|&label| usize::from(label) < LABELS));
    }
    match Digits::parse(images, labels) {
        Ok(digits) => assert_eq!(digits.iter().count(), digits.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Any numbers as a drawing: an image in [0, 1] comes out, the same from a pen that has drawn before, or nothing.
pub fn strokes(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok((side, brush)) = side_and_brush(&mut input) else { return };
    let Ok((points, starts)) = drawing(&mut input) else { return };
    let strokes = match Strokes::from_flat(side, &points, &starts) {
        Ok(strokes) => strokes,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let mut used = Rasteriser::new(brush);
    let first = used.rasterise(&strokes).map(|digit| (*digit.pixels, digit.placement));
    if let Some((pixels, placement)) = first {
        assert!(pixels.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        // A thinner line may pass between the middles of all pixels.
        assert!(brush.width < 1.0 || pixels.iter().any(|&pixel| pixel > 0.0), "ink leaves a trace");
        assert!(placement.scale.is_finite() && placement.scale > 0.0 && placement.offset.iter().all(|o| o.is_finite()));
    }
    let again = used.rasterise(&strokes).map(|digit| (*digit.pixels, digit.placement));
    assert!(first == again, "the pen remembers what it drew before");
}

/// A pad and a brush, mostly of sizes that occur.
fn side_and_brush(input: &mut Unstructured) -> arbitrary::Result<(f32, Brush)> {
    let side = if input.ratio(1, 8)? { input.arbitrary()? } else { 280.0 };
    let brush = Brush {
        width: if input.ratio(1, 8)? { input.arbitrary()? } else { 2.6 },
        smoothing: if input.ratio(1, 8)? { input.arbitrary()? } else { 0.5 },
        curve: input.arbitrary()?,
        whole_pixels: input.arbitrary()?,
    };
    Ok((side, brush))
}

/// Points and starts, most of them on a pad of side 280 and in order.
fn drawing(input: &mut Unstructured) -> arbitrary::Result<(Vec<f32>, Vec<u32>)> {
    let (mut points, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..input.int_in_range(0..=64)? {
        if input.ratio(1, 8)? {
            starts.push((points.len() / 3) as u32);
        }
        let number = |input: &mut Unstructured| -> arbitrary::Result<f32> {
            if input.ratio(1, 16)? { input.arbitrary() } else { Ok(f32::from(input.arbitrary::<u8>()?) * 1.1) }
        };
        points.extend([number(input)?, number(input)?, 0.0]);
    }
    if input.ratio(1, 8)? {
        points.push(0.0);
        starts.push(input.arbitrary()?);
    } else if starts.first() != Some(&0) && !points.is_empty() {
        starts.insert(0, 0);
    }
    Ok((points, starts))
}

/// Any bytes as packed digits: what comes out packs to bytes of which the same comes out again, or a sentence.
pub fn packed(bytes: &[u8]) {
    match unpack(bytes) {
        Ok(digits) => assert!(unpack(&pack(&digits)).is_ok_and(|again| again == digits)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
