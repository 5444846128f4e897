//! The page's shell, in the browser that it is for.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use pockets::web::{
    Network, Noise, Plane, Reader, Search, Session, activations, amplification, amplified, paint_ink, paint_signed,
    random_direction, scores_along, signed_limit, spectral_bounds, top_scores,
};
use wasm_bindgen::{JsCast, JsError, JsValue};
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_browser);

const FC100: &[u8] = include_bytes!("../www/networks/FC100-100-10.safetensors");

/// A 1: down in one stroke.
fn one() -> (Vec<f32>, Vec<u32>) {
    let points = (0..20).flat_map(|k| [0.5 - 0.002 * k as f32, 0.15 + 0.035 * k as f32, 16.0 * k as f32]).collect();
    (points, vec![0])
}

fn session(reading: &str) -> Session {
    Session::new(&network(), reading, 0.0).map_err(JsValue::from).unwrap()
}

fn network() -> Network {
    Network::new(FC100).map_err(JsValue::from).unwrap()
}

/// What the page would show.
fn sentence<T>(result: Result<T, JsError>) -> String {
    let error = JsValue::from(result.err().expect("an error"));
    error.unchecked_into::<js_sys::Error>().message().into()
}

fn number(object: &JsValue, field: &str) -> f64 {
    js_sys::Reflect::get(object, &field.into()).unwrap().as_f64().expect(field)
}

#[wasm_bindgen_test]
fn the_shipped_network_loads_and_tells_its_name_and_widths() {
    let network = network();
    assert_eq!(network.name(), "FC100-100-10");
    assert_eq!(network.widths(), [784, 100, 100, 10]);
}

#[wasm_bindgen_test]
fn every_reading_turns_a_drawn_1_into_an_8_within_the_box() {
    for reading in ["weight", "scale", "both"] {
        let mut session = session(reading);
        let (points, starts) = one();
        assert!(session.draw(&points, &starts).is_ok_and(|ink| ink));
        assert_eq!(session.prediction(), Some(1));
        session.start(Some(8)).map_err(JsValue::from).unwrap();
        while session.step(8) {}

        let outcome = session.outcome().map_err(JsValue::from).unwrap();
        let ending = js_sys::Reflect::get(&outcome, &"ending".into()).unwrap();
        assert_eq!(ending.as_string().as_deref(), Some("success"), "{reading}");
        let sum = session.adversarial();
        assert!(sum.iter().all(|v| (0.0..=1.0).contains(v)), "{reading}: x + r lies in the box");
        assert_eq!(session.label_of(&sum).map_err(JsValue::from).unwrap(), 8, "{reading}");
        let x = session.pixels().unwrap();
        let norm = sum.iter().zip(&x).map(|(s, x)| f64::from(s - x).powi(2)).sum::<f64>().sqrt();
        assert!((norm - number(&outcome, "norm")).abs() < 1e-4, "{reading}: {norm}");
        for field in ["c", "norm_c", "scale", "margin", "evaluations", "prediction", "label"] {
            assert!(number(&outcome, field).is_finite(), "{field}");
        }
    }
}

#[wasm_bindgen_test]
fn a_search_without_target_ends_on_another_label() {
    let mut session = session("both");
    let (points, starts) = one();
    session.draw(&points, &starts).map_err(JsValue::from).unwrap();
    session.start(None).map_err(JsValue::from).unwrap();
    while session.step(8) {}
    let sum = session.adversarial();
    assert_ne!(session.label_of(&sum).map_err(JsValue::from).unwrap(), 1);
    let probabilities = session.probabilities_of(&sum).map_err(JsValue::from).unwrap();
    assert_eq!(probabilities.len(), 10);
    assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
}

#[wasm_bindgen_test]
fn a_blank_pad_has_no_image_and_no_search() {
    let mut session = session("both");
    let (points, starts) = one();
    session.draw(&points, &starts).map_err(JsValue::from).unwrap();
    assert!(session.draw(&[], &[]).is_ok_and(|ink| !ink));
    assert_eq!(session.pixels(), None, "the image of the drawing before is gone");
    assert_eq!(session.prediction(), None);
    assert_eq!(session.probabilities(), None);
    assert!(sentence(session.start(Some(8))).contains("nothing to attack"));
}

#[wasm_bindgen_test]
fn what_the_page_cannot_mean_is_refused_in_words() {
    assert!(sentence(Network::new(b"not a network")).contains("safetensors"));
    assert!(sentence(Session::new(&network(), "sideways", 0.0)).contains("weight, scale or both"));
    let mut session = session("both");
    assert!(sentence(session.draw(&[0.5, 0.5], &[0])).contains("multiple of three"));
    assert!(sentence(session.draw(&[0.5, 0.5, 0.0], &[7])).contains("starts at point 7"));
    assert!(sentence(session.label_of(&[0.0; 3])).contains("784"));
    let (points, starts) = one();
    session.draw(&points, &starts).map_err(JsValue::from).unwrap();
    assert!(sentence(session.start(Some(1))).contains("reads this as 1 already"));
    assert!(sentence(session.start(Some(12))).contains("12"));
}

#[wasm_bindgen_test]
fn ink_is_mixed_from_paper_to_ink() {
    let rgba = paint_ink(&[0.0, 0.5, 1.0], &[255, 255, 255, 0, 55, 155]).map_err(JsValue::from).unwrap();
    assert_eq!(rgba, [255, 255, 255, 255, 128, 155, 205, 255, 0, 55, 155, 255]);
    assert!(sentence(paint_ink(&[0.0], &[0; 5])).contains("6"));
}

#[wasm_bindgen_test]
fn changes_are_mixed_to_both_sides_and_stop_at_the_limit() {
    let palette = [0, 0, 200, 100, 100, 100, 200, 0, 0];
    let rgba = paint_signed(&[-0.5, -0.25, 0.0, 0.25, 0.5, 9.0], 0.5, &palette).map_err(JsValue::from).unwrap();
    let colours: Vec<&[u8]> = rgba.chunks(4).map(|c| &c[..3]).collect();
    assert_eq!(
        colours,
        [[0, 0, 200], [50, 50, 150], [100, 100, 100], [150, 50, 50], [200, 0, 0], [200, 0, 0]].each_ref()
    );
}

#[wasm_bindgen_test]
fn the_stated_limit_covers_every_change() {
    assert_eq!(signed_limit(&[0.0; 784]), 0.05);
    assert_eq!(signed_limit(&[0.04, -0.21]), 0.3);
    assert_eq!(signed_limit(&[-1.0]), 1.0);
}

/// A drawn 1, and the r that makes it an 8.
fn example() -> (Vec<f32>, Vec<f32>) {
    let mut session = session("both");
    let (points, starts) = one();
    session.draw(&points, &starts).map_err(JsValue::from).unwrap();
    session.start(Some(8)).map_err(JsValue::from).unwrap();
    while session.step(8) {}
    (session.pixels().unwrap(), session.perturbation())
}

fn norm(r: &[f32]) -> f32 {
    r.iter().map(|r| r * r).sum::<f32>().sqrt()
}

#[wasm_bindgen_test]
fn a_search_can_be_looked_at_after_every_evaluation_and_ends_where_the_live_one_does() {
    let (image, r) = example();
    let mut search = Search::new(&network(), "both").map_err(JsValue::from).unwrap();
    search.start(&image, Some(8)).map_err(JsValue::from).unwrap();
    for evaluation in 1.. {
        let goes_on = search.step();
        let seen = search.seen().map_err(JsValue::from).unwrap();
        assert_eq!(number(&seen, "evaluations"), f64::from(evaluation));
        let objective = number(&seen, "c") * number(&seen, "norm").powi(2) + number(&seen, "loss");
        assert!((number(&seen, "objective") - objective).abs() < 1e-4 * objective.abs().max(1.0));
        if !goes_on {
            break;
        }
    }
    assert_eq!(search.perturbation(), r);
    assert!((number(&search.outcome().map_err(JsValue::from).unwrap(), "norm") - f64::from(norm(&r))).abs() < 1e-5);
    assert!(sentence(search.start(&image[1..], Some(8))).contains("784"));
}

#[wasm_bindgen_test]
fn a_reader_follows_the_way_to_the_example_and_rounds_it_so_that_it_still_works() {
    let (image, r) = example();
    let mut reader = Reader::new(&network());
    let way = reader.along(&image, &r, 2.0, 3).map_err(JsValue::from).unwrap();
    let label = |ten: &[f32]| (0..10).max_by(|&a, &b| ten[a].total_cmp(&ten[b])).unwrap();
    assert_eq!(way.chunks(10).map(label).collect::<Vec<_>>()[..2], [1, 8]);
    let rounded = reader.rounded(&image, &r, 1, Some(8)).map_err(JsValue::from).unwrap();
    assert_eq!(number(&rounded, "label"), 8.0);
    let levels = js_sys::Array::from(&js_sys::Reflect::get(&rounded, &"levels".into()).unwrap());
    let pixels: Vec<f32> = levels.iter().map(|v| v.as_f64().unwrap() as f32 / 255.0).collect();
    assert_eq!(label(&reader.probabilities(&pixels).map_err(JsValue::from).unwrap()), 8);
}

#[wasm_bindgen_test]
fn the_middle_of_the_plane_is_the_image_and_without_a_perturbation_there_is_no_plane() {
    let (image, r) = example();
    let mut plane = Plane::new(&network(), &image, &r, 1).map_err(JsValue::from).unwrap();
    assert_eq!(plane.labels(0.0, 0.0, 1e-3, 2), [1; 4]);
    assert_eq!(plane.labels(1.05 * norm(&r), 0.0, 1e-3, 2), [8; 4]);
    assert!(sentence(Plane::new(&network(), &image, &[0.0; 784], 1)).contains("no plane"));
}

#[wasm_bindgen_test]
fn random_changes_have_the_size_asked_for_and_do_not_find_the_pocket() {
    let (image, r) = example();
    let mut noise = Noise::new(&network(), 5);
    assert_eq!(noise.changed(&image, 1, norm(&r), 50).map_err(JsValue::from).unwrap(), 0);
    let other = noise.perturbed(&image, norm(&r)).map_err(JsValue::from).unwrap();
    let change: Vec<f32> = other.iter().zip(&image).map(|(o, x)| o - x).collect();
    assert!((norm(&change) / norm(&r) - 1.0).abs() < 1e-3);
}

#[wasm_bindgen_test]
fn layers_amplify_within_their_bounds_and_rank_images_along_directions() {
    let (image, r) = example();
    let network = network();
    let other = amplified(&image, &r, 0.1).map_err(JsValue::from).unwrap();
    let gains = amplification(&network, &image, &other).map_err(JsValue::from).unwrap();
    let bounds = spectral_bounds(&network);
    assert_eq!((gains.len(), bounds.len()), (3, 3));
    assert!(gains.iter().zip(&bounds).all(|(gain, bound)| gain <= bound), "{gains:?} within {bounds:?}");
    let phis = activations(&network, 0, &[image, other].concat()).map_err(JsValue::from).unwrap();
    let scores = scores_along(&phis, &random_direction(100, 1));
    let expected = if scores[0] >= scores[1] { [0, 1] } else { [1, 0] };
    assert_eq!(top_scores(&scores, 2), expected);
    assert!(sentence(activations(&network, 9, &[0.0; 784])).contains("no such layer"));
}
