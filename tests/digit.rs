//! Strokes become digits that a network trained on MNIST classifies.
#![cfg(feature = "lab")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/allocations.rs"]
mod allocations;
#[path = "fixtures/strokes/mod.rs"]
mod strokes;

use allocations::allocations;
use pockets::{
    LABELS, PIXELS, SIDE,
    digit::{CENTRE, Point, Rasteriser, Strokes, StrokesError},
    network::{Mlp, kernel::Evaluator},
};
use std::{path::Path, sync::Arc};

fn shipped() -> Evaluator {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/networks/FC100-100-10.safetensors");
    Evaluator::new(Arc::new(Mlp::from_safetensors(&std::fs::read(file).unwrap()).unwrap()))
}

fn predict(network: &mut Evaluator, pixels: &[f32; PIXELS]) -> usize {
    let logits = network.logits(pixels);
    (0..LABELS).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap()
}

fn image(strokes: &Strokes) -> [f32; PIXELS] {
    *Rasteriser::default().rasterise(strokes).unwrap().pixels
}

fn drawn(side: f32, points: &[(f32, f32)]) -> Strokes {
    let mut strokes = Strokes::new(side).unwrap();
    points.iter().for_each(|&(x, y)| strokes.push(Point { x, y, t: 0.0 }));
    strokes
}

/// The same drawing elsewhere on another pad.
fn mapped(strokes: &Strokes, side: f32, map: impl Fn(f32, f32) -> (f32, f32)) -> Strokes {
    let mut new = Strokes::new(side).unwrap();
    for stroke in strokes.iter() {
        new.begin();
        for p in stroke {
            let (x, y) = map(p.x, p.y);
            new.push(Point { x, y, t: p.t });
        }
    }
    new
}

fn distance(a: &[f32; PIXELS], b: &[f32; PIXELS]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

fn centre_of_mass(pixels: &[f32; PIXELS]) -> [f32; 2] {
    let mass: f32 = pixels.iter().sum();
    let mean =
        |of: fn(usize) -> usize| pixels.iter().enumerate().map(|(i, v)| v * (of(i) as f32 + 0.5)).sum::<f32>() / mass;
    [mean(|i| i % SIDE), mean(|i| i / SIDE)]
}

/// Columns and rows that have any ink.
fn extent(pixels: &[f32; PIXELS]) -> [usize; 2] {
    let count = |at: fn(usize, usize) -> usize| {
        let inked = |&i: &usize| (0..SIDE).any(|j| pixels[at(i, j)] > 0.0);
        let first = (0..SIDE).find(inked).unwrap();
        (0..SIDE).rfind(inked).unwrap() + 1 - first
    };
    [count(|i, j| j * SIDE + i), count(|i, j| i * SIDE + j)]
}

#[test]
fn the_shipped_network_recognises_what_people_draw() {
    let (mut network, mut rasteriser) = (shipped(), Rasteriser::default());
    for tuning in [true, false] {
        let (mut right, mut wrong) = (0, Vec::new());
        for hand in strokes::hands().iter().filter(|h| h.tuning == tuning) {
            for (label, strokes) in &hand.drawings {
                let answer = predict(&mut network, rasteriser.rasterise(strokes).unwrap().pixels);
                right += usize::from(answer == *label);
                if answer != *label {
                    wrong.push(format!("{}: {label} as {answer}", hand.name));
                }
            }
        }
        let share = right as f32 / (right + wrong.len()) as f32;
        assert!(share >= 0.95, "tuning hands: {tuning}, {share} right; {wrong:?}");
    }
}

#[test]
fn the_stroke_set_has_five_hands_for_each_digit_on_either_side() {
    for tuning in [true, false] {
        for digit in 0..LABELS {
            let hands = strokes::hands();
            let count = hands.iter().filter(|h| h.tuning == tuning && h.drawings.iter().any(|d| d.0 == digit)).count();
            assert!(count >= 5, "{count} hands wrote {digit}, tuning: {tuning}");
        }
    }
}

#[test]
fn every_sample_digit_of_the_page_is_read_right() {
    let (mut network, samples) = (shipped(), strokes::samples());
    assert_eq!(samples.iter().map(|s| s.0).collect::<Vec<_>>(), (0..LABELS).collect::<Vec<_>>());
    for (label, strokes) in &samples {
        assert_eq!(predict(&mut network, &image(strokes)), *label);
    }
}

#[test]
fn every_image_is_laid_out_as_mnists_are() {
    let (mut ink, mut count) = (0.0, 0.0);
    for (_, strokes) in strokes::hands().iter().flat_map(|h| &h.drawings) {
        let pixels = image(strokes);
        assert!(pixels.iter().all(|v| (0.0..=1.0).contains(v)));
        for mass in centre_of_mass(&pixels) {
            // Weighed in one place and drawn in another, whose antialiasing differs a little.
            assert!((mass - CENTRE).abs() < 0.1, "{mass}");
        }
        // Twenty pixels, and a twenty-first where they don't begin on a pixel's edge.
        let [columns, rows] = extent(&pixels);
        assert!((20..=21).contains(&columns.max(rows)), "{columns}×{rows}");
        ink += pixels.iter().sum::<f32>();
        count += 1.0;
    }
    // The 60,000 training images have 102.4 pixels' worth of ink on average.
    assert!((ink / count - 102.4).abs() < 5.0, "{}", ink / count);
}

#[test]
fn size_and_place_on_the_pad_do_not_change_the_image() {
    for (_, strokes) in strokes::hands().iter().flat_map(|h| &h.drawings) {
        let (side, shrink) = (strokes.side(), 0.1 / extent_share(strokes));
        let corner = mapped(strokes, side, |x, y| (x * shrink + side * 0.85, y * shrink));
        let other_pad = mapped(strokes, 1.0, |x, y| (x / side, y / side));
        for elsewhere in [&corner, &other_pad] {
            let largest = image(strokes).iter().zip(image(elsewhere)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // Rounding to f32 can add or leave out the last but one sample of a stroke.
            assert!(largest < 0.03, "{largest}");
        }
    }
}

/// The drawing's longer side as a share of the pad's.
fn extent_share(strokes: &Strokes) -> f32 {
    let range = |of: fn(&Point) -> f32| {
        let values = || strokes.iter().flatten().map(of);
        values().fold(f32::MIN, f32::max) - values().fold(f32::MAX, f32::min)
    };
    range(|p| p.x).max(range(|p| p.y)) / strokes.side()
}

#[test]
fn a_small_digit_on_whole_pixels_is_nearly_the_large_one() {
    let mut network = shipped();
    let (mut sum, mut count, mut right) = (0.0, 0.0, 0);
    for (label, strokes) in strokes::hands().iter().flat_map(|h| &h.drawings) {
        let scale = 40.0 / (extent_share(strokes) * strokes.side());
        let small = mapped(strokes, 300.0, |x, y| ((x * scale).round() + 5.0, (y * scale).round() + 5.0));
        let (small, large) = (image(&small), image(strokes));
        sum += distance(&small, &large);
        count += 1.0;
        right += usize::from(predict(&mut network, &small) == *label);
    }
    // Half the root of the ink would be 5; two MNIST images of one digit are about 9 apart.
    assert!(sum / count < 1.0, "{}", sum / count);
    assert!(right as f32 / count >= 0.95);
}

#[test]
fn a_pad_without_ink_is_blank() {
    let mut rasteriser = Rasteriser::default();
    let mut strokes = Strokes::new(280.0).unwrap();
    assert!(rasteriser.rasterise(&strokes).is_none());
    strokes.begin();
    assert!(rasteriser.rasterise(&strokes).is_none());
    strokes.push(Point { x: f32::NAN, y: 3.0, t: 0.0 });
    strokes.push(Point { x: 3.0, y: f32::INFINITY, t: 0.0 });
    strokes.push(Point { x: 1e30, y: 3.0, t: 0.0 });
    assert!(rasteriser.rasterise(&strokes).is_none());
    strokes.push(Point { x: 3.0, y: 3.0, t: 0.0 });
    assert!(rasteriser.rasterise(&strokes).is_some());
    strokes.clear();
    assert!(rasteriser.rasterise(&strokes).is_none());
}

#[test]
fn a_dot_is_a_dot_in_the_middle() {
    let pixels = image(&drawn(280.0, &[(30.0, 250.0)]));
    // A disc of the brush's width, 2.6: 5.3 pixels' worth.
    let ink: f32 = pixels.iter().sum();
    assert!((5.0..6.0).contains(&ink), "{ink}");
    assert!(extent(&pixels).iter().all(|e| *e <= 4));
    assert!(centre_of_mass(&pixels).iter().all(|m| (m - CENTRE).abs() < 0.1));
    assert!(distance(&pixels, &image(&drawn(280.0, &[(140.0, 140.0); 7]))) < 1e-3);
}

#[test]
fn a_tap_that_trembles_is_not_blown_up() {
    let pixels = image(&drawn(280.0, &[(30.0, 40.0), (31.0, 40.0), (31.0, 42.0), (30.0, 41.0)]));
    assert!(extent(&pixels).iter().all(|e| *e <= 6), "{:?}", extent(&pixels));
}

#[test]
fn an_upright_line_is_twenty_pixels_tall_and_no_wider_than_the_brush() {
    let [columns, rows] = extent(&image(&drawn(280.0, &[(140.0, 60.0), (140.0, 220.0)])));
    assert!(columns <= 4 && (20..=21).contains(&rows), "{columns}×{rows}");
}

#[test]
fn lifting_the_pen_leaves_paper_between_strokes() {
    let mut strokes = drawn(100.0, &[(20.0, 50.0)]);
    strokes.begin();
    strokes.push(Point { x: 80.0, y: 50.0, t: 9.0 });
    let pixels = image(&strokes);
    let column_ink = |column: usize| (0..SIDE).map(|row| pixels[row * SIDE + column]).sum::<f32>();
    assert!(column_ink(14) == 0.0 && column_ink(6) > 1.0 && column_ink(23) > 0.5);
}

#[test]
fn points_that_are_no_places_are_left_out() {
    for (_, strokes) in strokes::samples() {
        let mut broken = Strokes::new(strokes.side()).unwrap();
        for stroke in strokes.iter() {
            broken.begin();
            for (k, &p) in stroke.iter().enumerate() {
                broken.push(Point { x: [f32::NAN, f32::INFINITY, -1e9][k % 3], ..p });
                broken.push(p);
            }
        }
        assert_eq!(image(&broken), image(&strokes));
    }
}

#[test]
fn no_numbers_make_it_panic() {
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as u32
    };
    let strange = [0.0, -0.0, 1.0, -1e-30, 1e-45, 1e6, 1.6e7, -1.6e7, f32::MAX, f32::MIN, f32::NAN, f32::INFINITY];
    let mut rasteriser = Rasteriser::default();
    for round in 0..3000 {
        let side = [1e-3, 1.0, 280.0, 1e6][random() as usize % 4];
        let number = |r: u32| match r % 3 {
            0 => strange[r as usize / 3 % strange.len()],
            1 => f32::from_bits(r.wrapping_mul(2_654_435_761)),
            _ => r as f32 / u32::MAX as f32 * 2.0 * side,
        };
        let points: Vec<f32> = (0..3 * (round % 40)).map(|_| number(random())).collect();
        let strokes = Strokes::from_flat(side, &points, &[0, random() % (points.len() as u32 / 3 + 1)]).unwrap();
        if let Some(digit) = rasteriser.rasterise(&strokes) {
            assert!(digit.pixels.iter().all(|v| (0.0..=1.0).contains(v)));
            assert!(digit.pixels.iter().any(|v| *v > 0.0));
            assert!(digit.placement.scale.is_finite() && digit.placement.offset.iter().all(|o| o.is_finite()));
        }
    }
}

#[test]
fn numbers_that_are_not_strokes_are_refused_in_words() {
    for side in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(Strokes::new(side).unwrap_err().to_string().contains("expected a length between"));
    }
    assert_eq!(Strokes::from_flat(1.0, &[0.0; 4], &[0]), Err(StrokesError::Length(4)));
    assert_eq!(Strokes::from_flat(1.0, &[0.0; 6], &[]), Err(StrokesError::NoStart(2)));
    for (starts, stroke, start) in [(&[1][..], 0, 1), (&[0, 2, 1], 2, 1), (&[0, 3], 1, 3)] {
        let refused = Err(StrokesError::Start { stroke, start, points: 2 });
        assert_eq!(Strokes::from_flat(1.0, &[0.0; 6], starts), refused);
    }
    assert_eq!(Strokes::from_flat(1.0, &[], &[]), Ok(Strokes::new(1.0).unwrap()));
}

#[test]
fn the_placement_leads_from_the_pad_to_the_ink_and_back() {
    for (_, strokes) in strokes::samples() {
        let mut rasteriser = Rasteriser::default();
        let digit = rasteriser.rasterise(&strokes).unwrap();
        for p in strokes.iter().flatten() {
            let [x, y] = digit.placement.to_image(p.x, p.y);
            // Smoothing moves a point by less than half the brush, so it lies on ink.
            assert!(digit.pixels[y as usize * SIDE + x as usize] > 0.5);
            let [back_x, back_y] = digit.placement.to_pad(x, y);
            assert!((back_x - p.x).abs() < 1e-2 && (back_y - p.y).abs() < 1e-2);
        }
    }
}

#[test]
fn drawing_again_allocates_nothing() {
    let hands = strokes::hands();
    let mut rasteriser = Rasteriser::default();
    let mut pass = || {
        let ((), made) = allocations(|| {
            for (_, strokes) in hands.iter().flat_map(|h| &h.drawings) {
                std::hint::black_box(rasteriser.rasterise(strokes));
            }
        });
        made
    };
    assert!(pass() > 0);
    assert_eq!(pass(), 0);
}
