//! The engine at the other end of a port, in the browser that it is for.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use js_sys::{Array, Float32Array, Reflect, Uint8Array};
use pockets::{
    attack::{Attack, Goal, Options, Reading},
    digit::{Rasteriser, Strokes},
    engine::message::*,
    network::Mlp,
    picture::{Palette, Picture, mix},
    studio::Message,
    web::{Bench, serve},
};
use serde::Serialize;
use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::*;
use web_sys::{MessageChannel, MessageEvent, MessagePort};

wasm_bindgen_test_configure!(run_in_browser);

const FC100: &[u8] = include_bytes!("../www/networks/FC100-100-10.safetensors");
/// As the page has it.
const SLICE: f64 = 8.0;

/// What has arrived at a port.
struct Inbox {
    port: MessagePort,
    arrived: Rc<RefCell<(VecDeque<JsValue>, Option<Waker>)>>,
}

impl Inbox {
    fn at(port: MessagePort) -> Self {
        let arrived = Rc::<RefCell<(VecDeque<JsValue>, Option<Waker>)>>::default();
        let here = arrived.clone();
        let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let mut arrived = here.borrow_mut();
            arrived.0.push_back(event.data());
            if let Some(waker) = arrived.1.take() {
                waker.wake();
            }
        });
        port.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        heard.forget();
        Inbox { port, arrived }
    }

    async fn next(&self) -> JsValue {
        poll_fn(|context| {
            let mut arrived = self.arrived.borrow_mut();
            arrived.0.pop_front().map(Poll::Ready).unwrap_or_else(|| {
                arrived.1 = Some(context.waker().clone());
                Poll::Pending
            })
        })
        .await
    }
}

/// A page.
struct Page(Inbox);

impl Page {
    /// A page whose engine has said that it is ready, and knows FC100-100-10 as `n`.
    async fn new() -> Self {
        let channel = MessageChannel::new().unwrap();
        serve(channel.port2(), SLICE).unwrap();
        let page = Page(Inbox::at(channel.port1()));
        assert_eq!(get(&get(&page.0.next().await, "engine"), "response"), "ready");
        page.send(Request::Load { id: 1, key: "n".into(), bytes: Bytes(FC100.to_vec()) });
        let loaded = page.next("loaded").await;
        assert_eq!(number(&loaded, "id"), 1.0);
        assert_eq!(get(&get(&loaded, "network"), "name"), "FC100-100-10");
        let widths = Array::from(&get(&get(&loaded, "network"), "widths"));
        assert_eq!(widths.iter().map(|width| width.as_f64().unwrap()).collect::<Vec<_>>(), [784.0, 100.0, 100.0, 10.0]);
        page
    }

    fn say(&self, message: &Message) {
        self.0.port.post_message(&message.serialize(&serde_wasm_bindgen::Serializer::new()).unwrap()).unwrap();
    }

    fn send(&self, request: Request) {
        self.say(&Message::Engine { request, palette: None });
    }

    fn ask(&self, id: u32, channel: &str, follows: bool, question: Question) {
        self.send(Request::Ask { id, channel: channel.into(), follows, question });
    }

    /// The next response of this kind; all others must be first parts.
    async fn next(&self, kind: &str) -> JsValue {
        loop {
            let response = get(&get(&self.0.next().await, "engine"), "response");
            let found = get(&response, kind);
            let is_part = get(&get(&response, "answer"), "last") == false;
            if !found.is_undefined() && !is_part {
                return found;
            }
            assert!(is_part, "{response:?}");
        }
    }

    /// The last answer to request `id`.
    async fn answer(&self, id: u32) -> JsValue {
        let answer = self.next("answer").await;
        assert_eq!(number(&answer, "id"), f64::from(id));
        get(&answer, "answer")
    }
}

fn get(object: &JsValue, field: &str) -> JsValue {
    Reflect::get(object, &field.into()).unwrap_or(JsValue::UNDEFINED)
}

fn number(object: &JsValue, field: &str) -> f64 {
    get(object, field).as_f64().unwrap_or_else(|| panic!("{field} of {object:?}"))
}

fn floats(object: &JsValue, field: &str) -> Vec<f32> {
    get(object, field).dyn_into::<Float32Array>().expect(field).to_vec()
}

/// A 1: down in one stroke.
fn one() -> Drawing {
    let points = (0..20).flat_map(|k| [0.5 - 0.002 * k as f32, 0.15 + 0.035 * k as f32, 16.0 * k as f32]).collect();
    Drawing { points: Floats(points), starts: vec![0] }
}

/// The image of that 1.
fn image() -> Vec<f32> {
    let strokes = Strokes::from_flat(1.0, &one().points.0, &[0]).unwrap();
    Rasteriser::default().rasterise(&strokes).unwrap().pixels.to_vec()
}

fn attack(label: usize, reading: Reading) -> Question {
    Question::Attack {
        network: "n".into(),
        subject: Subject::Strokes(one()),
        target: Target(Goal::Target(label)),
        reading,
        steps: false,
    }
}

/// More than one slice of work.
fn long() -> Question {
    let (image, r) = (Floats(image()), Floats(vec![0.01; 784]));
    Question::Plane { network: "n".into(), image, r, a: 0.0, b: 0.0, reach: 1.0, side: 480, seed: 1 }
}

fn palette([r, g, b]: [u8; 3]) -> Palette {
    Palette { ink: Bytes(vec![255, 255, 255, r, g, b]), change: Bytes(vec![9; 9]), labels: Bytes(vec![]) }
}

#[wasm_bindgen_test]
async fn a_search_ends_bit_for_bit_where_it_does_without_a_browser() {
    // What the same search comes to on x86-64: evaluations, and the bits of ‖r‖₂, c and the margin. The margin is a small difference
    // of large logits, and the exponential function of another library shows in its last digits.
    let native = [
        (Reading::Weight, "weight", 7, [0x3f87_0087, 0x4006_7a43, 0x3c65_8c00]),
        (Reading::Scale, "scale", 9, [0x3f86_d16b, 0x3ff4_aeb7, 0x3a85_c000]),
        (Reading::Both, "both", 5, [0x3f86_d2ee, 0x3ff8_1da9, 0x38f6_0000]),
    ];
    let page = Page::new().await;
    let network = Arc::new(Mlp::from_safetensors(FC100).unwrap());
    for (id, (reading, name, evaluations, bits)) in (2..).zip(native) {
        page.ask(id, "live", false, attack(8, reading));
        let found = get(&page.answer(id).await, "attack");
        assert_eq!(get(&found, "state"), "found", "{name}");
        assert_eq!(number(&found, "target"), 8.0);
        let outcome = get(&found, "outcome");
        assert_eq!(get(&outcome, "ending"), "success");
        assert_eq!(number(&outcome, "evaluations"), f64::from(evaluations), "{name}");
        let [norm, c, margin] = ["norm", "c", "margin"].map(|field| number(&outcome, field) as f32);
        assert_eq!([norm, c].map(f32::to_bits), bits[..2], "{name}: {norm}, {c}");
        assert!((margin - f32::from_bits(bits[2])).abs() < 1e-5, "{name}: {margin}");
        let mut search = Attack::new(network.clone(), Options::new(reading));
        search.start(&image(), Goal::Target(8)).unwrap();
        search.run().unwrap();
        assert_eq!(floats(&get(&found, "perturbation"), "values"), search.perturbation());
        assert_eq!(floats(&get(&found, "adversarial"), "values"), search.adversarial());
        assert_eq!(floats(&get(&found, "digit"), "values"), image());
        assert_eq!(floats(&get(&found, "adversarial"), "probabilities").len(), 10);
        assert_eq!((number(&get(&found, "digit"), "label"), number(&get(&found, "adversarial"), "label")), (1.0, 8.0));
    }
}

#[wasm_bindgen_test]
async fn what_is_missing_is_null_and_arrays_are_typed() {
    let page = Page::new().await;
    page.ask(2, "a", false, Question::Digit { strokes: Drawing::default() });
    assert!(get(&page.answer(2).await, "digit").is_null());
    page.ask(3, "a", false, Question::Npy { values: Floats(vec![0.5; 784]) });
    let file = get(&page.answer(3).await, "npy").dyn_into::<Uint8Array>().expect("bytes");
    assert_eq!(file.length(), 128 + 4 * 784);
    page.ask(4, "a", false, Question::Show { image: None, r: Floats(vec![0.5; 784]), t: 1.0, limit: 1.0 });
    assert_eq!(page.answer(4).await, "show");
    let blank = Question::Attack {
        network: "n".into(),
        subject: Subject::Strokes(Drawing::default()),
        target: Target(Goal::Any),
        reading: Reading::Both,
        steps: false,
    };
    page.ask(5, "a", false, blank);
    let blank = get(&page.answer(5).await, "attack");
    assert_eq!((get(&blank, "state"), get(&blank, "target")), ("blank".into(), "any".into()));
    assert!(
        ["digit", "outcome", "distortion", "perturbation", "adversarial"]
            .iter()
            .all(|part| get(&blank, part).is_null())
    );
}

#[wasm_bindgen_test]
async fn the_newest_question_wins_and_a_cancelled_one_ends() {
    let page = Page::new().await;
    page.ask(2, "a", true, long());
    page.ask(3, "a", false, attack(8, Reading::Both));
    assert_eq!(number(&page.next("superseded").await, "id"), 2.0);
    page.answer(3).await;
    page.ask(4, "a", true, long());
    page.ask(5, "a", true, long());
    // Work goes on between messages, and messages arrive between slices.
    page.send(Request::Cancel { channel: "a".into() });
    let ended = [page.next("superseded").await, page.next("superseded").await].map(|ended| number(&ended, "id"));
    assert_eq!(ended, [4.0, 5.0]);
    page.ask(6, "a", true, Question::Digit { strokes: one() });
    page.answer(6).await;
}

#[wasm_bindgen_test]
async fn a_message_that_means_nothing_is_answered_if_it_has_a_number_and_ends_nothing() {
    let page = Page::new().await;
    let say = |text: &str| page.0.port.post_message(&js_sys::JSON::parse(text).unwrap()).unwrap();
    let refused = async || {
        let failed = page.next("failed").await;
        let sentence = get(&failed, "message").as_string().unwrap();
        assert!(sentence.starts_with("This was not understood: ") && sentence.ends_with('.'), "{sentence}");
        (number(&failed, "id"), sentence)
    };
    say(r#"{"engine": {"request": {"ask": {"id": 2, "channel": "a", "follows": false, "question": {"riddle": {}}}}}}"#);
    let (id, sentence) = refused().await;
    assert!(id == 2.0 && sentence.contains("riddle"), "{sentence}");
    say(r#"{"engine": {"request": {"ask": {"id": 3, "channel": "a", "follows": false,
            "question": {"classify": {"network": "n", "image": [1, 2]}}}}}}"#);
    let (id, sentence) = refused().await;
    assert!(id == 3.0 && sentence.contains("Float32Array"), "{sentence}");
    say(r#"{"engine": {"request": {"load": {"id": 4}}}}"#);
    assert_eq!(refused().await.0, 4.0);
    say(r#"{"paint": {"id": 8, "palette": 1}}"#);
    assert_eq!(refused().await.0, 8.0);
    for nonsense in [r#""nonsense""#, "null", "7", "[]", "{}", r#"{"engine": null}"#, r#"{"canvas": 1}"#] {
        say(nonsense);
    }
    page.ask(5, "a", false, attack(12, Reading::Both));
    assert!(get(&page.next("failed").await, "message").as_string().unwrap().contains("12"));
    page.send(Request::Load { id: 6, key: "n".into(), bytes: Bytes(b"not a network".to_vec()) });
    assert!(get(&page.next("failed").await, "message").as_string().unwrap().contains("safetensors"));
    page.ask(7, "a", false, attack(8, Reading::Both));
    page.answer(7).await;
}

#[wasm_bindgen_test]
async fn pixels_come_in_the_message_of_the_numbers_and_again_in_other_colours() {
    let page = Page::new().await;
    let request = Request::Ask { id: 2, channel: "live".into(), follows: false, question: attack(8, Reading::Both) };
    page.say(&Message::Engine { request, palette: Some(palette([0, 55, 155])) });
    let message = get(&page.0.next().await, "engine");
    let answer = get(&get(&message, "response"), "answer");
    assert_eq!(number(&answer, "id"), 2.0);
    let pixels = Array::from(&get(&message, "pixels"));
    assert_eq!((pixels.length(), Array::from(&get(&answer, "pictures")).length()), (3, 3));
    assert_eq!((number(&pixels.get(0), "side"), rgba(&pixels.get(0))), (28.0, ink([0, 55, 155])));
    let pictures = vec![Picture::Ink(Floats(image()))];
    page.say(&Message::Paint { id: 3, palette: palette([200, 0, 0]), pictures });
    let painted = get(&page.0.next().await, "painted");
    assert_eq!(number(&painted, "id"), 3.0);
    assert_eq!(rgba(&Array::from(&get(&painted, "pixels")).get(0)), ink([200, 0, 0]));
}

fn rgba(pixels: &JsValue) -> Vec<u8> {
    get(pixels, "rgba").dyn_into::<Uint8Array>().expect("bytes").to_vec()
}

/// The 1 in ink of a colour.
fn ink(colour: [u8; 3]) -> Vec<u8> {
    image().iter().flat_map(|&v| mix([255; 3], colour, v)).collect()
}

#[wasm_bindgen_test]
fn what_is_timed_is_the_search_itself() {
    let mut bench = Bench::new(FC100).map_err(JsValue::from).unwrap();
    let digit = bench.digit(&one().points.0, &[0]).map_err(JsValue::from).unwrap().expect("ink");
    assert_eq!(digit, image());
    assert_eq!(bench.prediction(&digit), 1);
    assert_eq!(bench.search(&digit, 8).map_err(JsValue::from).unwrap(), 5);
    let sum = bench.adversarial();
    assert_eq!(bench.prediction(&sum), 8);
    assert!(bench.evaluate(&sum, 2).is_finite() && bench.roofline(1) > 0.0);
    assert!(bench.digit(&[], &[]).map_err(JsValue::from).unwrap().is_none());
}
