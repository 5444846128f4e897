//! IDX files are read exactly, and broken ones are refused with a reason.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use pockets::{
    PIXELS,
    idx::{Digits, IdxError, Images, Labels},
};

const IMAGES: &[u8] = include_bytes!("fixtures/mnist-300-images-idx3-ubyte");
const LABELS: &[u8] = include_bytes!("fixtures/mnist-300-labels-idx1-ubyte");

fn image_file(count: u32, rows: u32, columns: u32, body: &[u8]) -> Vec<u8> {
    let dimensions = [0x0803, count, rows, columns];
    dimensions.iter().flat_map(|d| d.to_be_bytes()).chain(body.iter().copied()).collect()
}

#[test]
fn the_first_test_digits_are_read_as_they_were_stored() {
    let digits = Digits::parse(IMAGES, LABELS).unwrap();
    assert_eq!(digits.len(), 300);
    // MNIST's test set is known to begin with these.
    assert_eq!(digits.labels().as_slice()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    for (index, (image, label)) in digits.iter().enumerate() {
        let bytes = &IMAGES[16 + index * PIXELS..][..PIXELS];
        assert!(image.iter().zip(bytes).all(|(&pixel, &byte)| pixel == f32::from(byte) / 255.0));
        assert_eq!(label, usize::from(LABELS[8 + index]));
        assert_eq!(digits.images().get(index), Some(image));
    }
    assert_eq!(digits.images().get(300), None);
}

#[test]
fn splitting_keeps_every_digit_in_order() {
    let digits = Digits::parse(IMAGES, LABELS).unwrap();
    let (first, rest) = digits.split_at(120);
    assert_eq!((first.len(), rest.len()), (120, 180));
    assert!(first.iter().chain(rest.iter()).eq(digits.iter()));
    let (all, none) = digits.split_at(1000);
    assert_eq!((all, none.len()), (digits, 0));
}

#[test]
fn a_file_of_no_images_is_empty_but_whole() {
    assert!(Images::parse(&image_file(0, 28, 28, &[])).unwrap().is_empty());
}

#[test]
fn a_file_of_another_kind_is_refused_with_what_was_found() {
    let refused = Images::parse(LABELS).unwrap_err();
    assert!(matches!(refused, IdxError::Magic { found: [0, 0, 8, 1], .. }));
    let sentence = "the file begins with [00, 00, 08, 01]; IDX images begin with [00, 00, 08, 03]";
    assert_eq!(refused.to_string(), sentence);
    assert!(matches!(Labels::parse(IMAGES), Err(IdxError::Magic { found: [0, 0, 8, 3], .. })));
    assert_eq!(Images::parse(&[0x1f, 0x8b, 8, 0]), Err(IdxError::Gzip));
}

#[test]
fn every_truncation_is_refused_and_none_panics() {
    for length in (0..200).chain([IMAGES.len() - 1]) {
        let refused = Images::parse(&IMAGES[..length]).unwrap_err();
        let in_header = matches!(refused, IdxError::Header { found, expected: 16 } if found == length);
        let in_body =
            matches!(refused, IdxError::Truncated { count: 300, expected: 235_216, found, .. } if found == length);
        assert!(if length < 16 { in_header } else { in_body }, "{length}: {refused}");
    }
    for length in 0..LABELS.len() {
        assert!(Labels::parse(&LABELS[..length]).is_err());
    }
}

#[test]
fn trailing_bytes_are_refused_with_how_many() {
    let refused = Images::parse(&[IMAGES, b"more"].concat()).unwrap_err();
    assert_eq!(refused, IdxError::Trailing { count: 300, kind: "images", extra: 4 });
}

#[test]
fn a_header_that_announces_terabytes_is_refused_for_what_the_file_lacks() {
    let refused = Images::parse(&image_file(u32::MAX, 28, 28, &[0; 784])).unwrap_err();
    let expected = u64::from(u32::MAX) * 784 + 16;
    assert_eq!(refused, IdxError::Truncated { count: u32::MAX, kind: "images", expected, found: 800 });
    // A product of three such numbers does not fit 64 bits; it is never formed.
    let refused = Images::parse(&image_file(u32::MAX, u32::MAX, u32::MAX, &[])).unwrap_err();
    assert_eq!(refused, IdxError::Side { rows: u32::MAX, columns: u32::MAX });
}

#[test]
fn images_of_another_size_are_refused() {
    let refused = Images::parse(&image_file(1, 32, 32, &[0; 1024])).unwrap_err();
    assert_eq!(refused.to_string(), "the images are 32×32 pixels; expected 28×28");
}

#[test]
fn a_label_that_is_no_digit_is_refused_by_its_index() {
    let mut labels = LABELS.to_vec();
    labels[8 + 17] = 10;
    assert_eq!(Labels::parse(&labels), Err(IdxError::Label { index: 17, value: 10 }));
}

#[test]
fn images_and_labels_that_differ_in_number_are_refused() {
    let refused = Digits::parse(&image_file(1, 28, 28, &[0; 784]), LABELS).unwrap_err();
    assert_eq!(refused, IdxError::Count { images: 1, labels: 300 });
}
