//! The trainer learns, hardens, can be stopped at any moment, and never loses the last good weights.
#![cfg(feature = "feed")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss, ops};
use pockets::{
    attack::{self, Attack},
    feed::{
        Checkpoint, Data, FeedError, Measures, Options, Session, Trainer,
        message::{Bytes, Floats, Request, Response, Saved, State},
        pack::{PackError, pack, unpack},
        to_safetensors,
    },
    idx::Digits,
    network::{Activation, Layer, Mlp, label},
};
use proptest::prelude::*;
use safetensors::SafeTensors;
use std::{cell::Cell, env, fs, path::Path, process::Command, sync::Arc};

fn digits() -> Digits {
    let images = include_bytes!("fixtures/mnist-300-images-idx3-ubyte");
    let labels = include_bytes!("fixtures/mnist-300-labels-idx1-ubyte");
    Digits::parse(images, labels).unwrap()
}

/// 200 digits to learn from, 100 others to be judged by.
fn data() -> Data {
    let (train, held_out) = digits().split_at(200);
    Data { train: Arc::new(train), held_out: Arc::new(held_out) }
}

fn shipped() -> Mlp {
    Mlp::from_safetensors(&fs::read("www/networks/FC100-100-10.safetensors").unwrap()).unwrap()
}

/// Options for a second's work.
fn short() -> Options {
    Options { steps: 60, rounds: 1, sample: 20, ..Options::harden() }
}

fn numbers(network: &Mlp) -> Vec<f32> {
    network.layers().iter().flat_map(|l| l.weight.iter().chain(&l.bias).copied()).collect()
}

/// Steps to the end; every measurement on the way.
fn run(trainer: &mut Trainer) -> Vec<Measures> {
    let mut all = Vec::new();
    loop {
        let progress = trainer.step().unwrap();
        all.extend(progress.measures);
        if progress.is_done {
            return all;
        }
    }
}

/// The smallest ‖r‖₂ of the nine searches on an image.
fn nearest(attack: &mut Attack, image: &[f32]) -> f32 {
    let mut nearest = f32::INFINITY;
    attack.run_all(image, |_, outcome, _| nearest = nearest.min(outcome.norm)).unwrap();
    nearest
}

#[test]
fn a_new_network_learns_and_its_loss_falls() {
    let options = Options { steps: 300, ..Options::scratch() };
    let mut trainer = Trainer::from_scratch(&[30], Activation::Tanh, data(), options).unwrap();
    let first = trainer.step().unwrap().loss;
    let measures = run(&mut trainer);
    let last = trainer.step().unwrap().loss;
    // Guessing has a loss of ln 10 and misclassifies nine of ten.
    assert!(first > 2.0 && last < 0.2, "{first}, then {last}");
    assert!(measures[0].error > 0.6 && measures.last().unwrap().error < 0.3, "{measures:?}");
    let network = trainer.weights();
    assert_eq!((network.name(), network.activation()), ("FC30-10", Activation::Tanh));
    assert_eq!(network.layers()[0].outputs, 30);
}

#[test]
fn one_step_is_that_of_candles_own_operations() {
    let data = data();
    let (network, count) = (shipped(), data.train.len());
    // With 50 steps the first has the whole rate, and a batch of all digits has no order that matters.
    let options = Options {
        steps: 50,
        digits: count,
        rate: 1e-3,
        decay: 1e-2,
        smoothness: 3e-2,
        distillation: 0.7,
        ..Options::scratch()
    };
    // Of itself a network would learn nothing.
    let mut teacher = network.layers().to_vec();
    teacher.iter_mut().flat_map(|layer| &mut layer.weight).for_each(|weight| *weight *= 1.5);
    let teacher = Arc::new(Mlp::new("teacher", network.activation(), teacher).unwrap());
    let begun = Checkpoint { step: 0, weights: Arc::new(network.clone()), before: teacher.clone(), options };
    let mut trainer = Trainer::resume(begun, data.clone()).unwrap();
    trainer.step().unwrap();

    let pixels: Vec<f32> = data.train.images().iter().flatten().collect();
    let mut values = Tensor::from_vec(pixels, (count, 784), &Device::Cpu).unwrap();
    let labels: Vec<u32> = data.train.labels().as_slice().iter().map(|&l| u32::from(l)).collect();
    let labels = Tensor::from_vec(labels, count, &Device::Cpu).unwrap();
    let variable = |values: &[f32], shape: &[usize]| {
        Var::from_tensor(&Tensor::from_slice(values, shape, &Device::Cpu).unwrap()).unwrap()
    };
    let layers: Vec<(Var, Var)> = network
        .layers()
        .iter()
        .map(|l| (variable(&l.weight, &[l.outputs, l.inputs]), variable(&l.bias, &[l.outputs])))
        .collect();
    let mut decay = Tensor::new(0f32, &Device::Cpu).unwrap();
    for (k, (weight, bias)) in layers.iter().enumerate() {
        values = values.matmul(&weight.t().unwrap()).unwrap().broadcast_add(bias).unwrap();
        if k < 2 {
            values = ops::sigmoid(&values).unwrap();
        }
        let square = weight.sqr().unwrap().sum_all().unwrap();
        decay = (decay + (square * (1e-2 / bias.elem_count() as f64)).unwrap()).unwrap();
    }
    let roughness = {
        let pixels = |far: u32| (0..784u32).filter(move |k| if far == 1 { k % 28 < 27 } else { *k < 756 });
        let weights = |far, on| {
            let places: Vec<u32> = pixels(far).map(|k| k + on * far).collect();
            layers[0].0.index_select(&Tensor::new(places, &Device::Cpu).unwrap(), 1).unwrap()
        };
        let along = |far| (weights(far, 0) - weights(far, 1)).unwrap().sqr().unwrap().sum_all().unwrap();
        ((along(1) + along(28)).unwrap() * (3e-2 / 100.0)).unwrap()
    };
    let taught: Vec<f32> = data.train.images().iter().flat_map(|image| teacher.logits(&image)).collect();
    let taught = ops::softmax(&Tensor::from_vec(taught, (count, 10), &Device::Cpu).unwrap(), 1).unwrap();
    let learned = (taught * ops::log_softmax(&values, 1).unwrap()).unwrap().sum_all().unwrap();
    let loss = (loss::cross_entropy(&values, &labels).unwrap() + decay).unwrap();
    let loss = ((loss + roughness).unwrap() - (learned * (0.7 / count as f64)).unwrap()).unwrap();
    let variables = layers.iter().flat_map(|(w, b)| [w.clone(), b.clone()]).collect();
    let adam = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() };
    let gradients = loss.backward().unwrap();
    AdamW::new(variables, adam).unwrap().step(&gradients).unwrap();

    for (ours, (weight, bias)) in trainer.weights().layers().iter().zip(&layers) {
        for (ours, variable) in [(&ours.weight, weight), (&ours.bias, bias)] {
            let gradient = gradients.get(variable).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let candles = variable.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            for ((a, b), g) in ours.iter().zip(&candles).zip(&gradient) {
                // Adam's first step is the rate times g/(|g| + 1e-8): a gradient next to nothing has no reliable sign.
                assert!((a - b).abs() < 1e-5 || g.abs() < 1e-6, "{a} against {b}, gradient {g}");
            }
        }
    }
}

#[test]
fn hardening_makes_the_minimal_distortion_larger_and_repeats_exactly() {
    let options = Options { steps: 200, ..short() };
    let run_once = || {
        let mut trainer = Trainer::harden(shipped(), data(), options.clone()).unwrap();
        (run(&mut trainer), numbers(&trainer.weights()))
    };
    let (measures, weights) = run_once();
    let (first, last) = (measures[0], measures.last().unwrap());
    assert_eq!((first.step, last.step), (0, 200));
    assert!(last.distortion > 1.15 * first.distortion, "{first:?}, then {last:?}");
    let again = run_once();
    assert_eq!((measures, weights), again);
}

#[test]
fn measures_are_those_of_a_plain_forward_pass_and_of_the_search() {
    let data = data();
    let mut trainer = Trainer::harden(shipped(), data.clone(), short()).unwrap();
    let first = std::iter::repeat_with(|| trainer.step().unwrap().measures).flatten().next().unwrap();
    let network = Arc::new(shipped());
    let wrong = data.held_out.iter().filter(|(image, l)| label(&network.logits(image)) != *l).count();
    assert_eq!(first.error, wrong as f32 / 100.0);
    let mut attack = Attack::new(network.clone(), attack::Options::default());
    let mut distortions = Vec::new();
    for (image, _) in data.held_out.iter().take(20).filter(|(image, l)| label(&network.logits(image)) == *l) {
        distortions.push(nearest(&mut attack, &image) / 28.0);
    }
    let mean = distortions.iter().sum::<f32>() / distortions.len() as f32;
    assert!((first.distortion - mean).abs() < 1e-6, "{} against {mean}", first.distortion);
}

#[test]
fn the_hardest_digits_are_those_with_the_smallest_norms_under_the_good_weights() {
    let data = data();
    let mut trainer = Trainer::harden(shipped(), data.clone(), short()).unwrap();
    assert!(trainer.hardest(5).unwrap().is_empty(), "nothing is known before examples were made");
    run(&mut trainer);
    let hardest = trainer.hardest(5).unwrap();
    assert_eq!(hardest.len(), 5);
    assert!(hardest.is_sorted_by(|a, b| a.norm <= b.norm));
    let network = trainer.checkpoint().weights;
    let mut attack = Attack::new(network.clone(), attack::Options::default());
    let mut norm = |digit: usize| nearest(&mut attack, &data.train.images().get(digit).unwrap());
    for hard in &hardest {
        assert_eq!(hard.norm, norm(hard.digit));
        assert_eq!(hard.label, usize::from(data.train.labels().as_slice()[hard.digit]));
        assert_eq!((hard.to, hard.to == hard.label), (label(&network.logits(&hard.adversarial)), false));
    }
    let median = {
        let mut all: Vec<f32> = (0..200).map(norm).collect();
        all.sort_by(f32::total_cmp);
        all[100]
    };
    assert!(hardest[4].norm < 0.7 * median, "{} against a median of {median}", hardest[4].norm);
}

#[test]
fn training_that_diverges_stops_with_the_last_good_weights() {
    let options = Options { rate: f64::INFINITY, ..short() };
    let mut trainer = Trainer::harden(shipped(), data(), options).unwrap();
    let failed = std::iter::repeat_with(|| trainer.step()).find_map(Result::err).unwrap();
    assert!(matches!(failed, FeedError::Diverged { .. }), "{failed}");
    assert_eq!(numbers(&trainer.weights()), numbers(&shipped()));
    assert_eq!(trainer.checkpoint().step, 0);
    // Weights that are finite, but of which nothing else is.
    let mut huge = shipped().layers().to_vec();
    huge[2].weight.fill(f32::MAX);
    let huge = Mlp::new("huge", Activation::Sigmoid, huge).unwrap();
    let mut trainer = Trainer::harden(huge.clone(), data(), short()).unwrap();
    assert!(matches!(trainer.step(), Err(FeedError::Diverged { step: 0 })));
    assert_eq!(*trainer.weights(), huge);
}

#[test]
fn what_cannot_be_trained_is_refused_in_words() {
    let scratch = |hidden: &[usize]| {
        Trainer::from_scratch(hidden, Activation::Relu, data(), Options::scratch()).err().map(|e| e.to_string())
    };
    for hidden in [&[0][..], &[513], &[10; 5]] {
        let refused = scratch(hidden).unwrap();
        assert_eq!(refused, "a new network has at most 4 hidden layers, each of 1 to 512 units");
    }
    assert_eq!(scratch(&[]), None, "a softmax classifier");
    let none = Data { train: Arc::new(digits().split_at(0).0), ..data() };
    assert!(matches!(Trainer::harden(shipped(), none, short()), Err(FeedError::Empty)));
}

#[test]
fn the_file_is_read_again_number_by_number_here_and_by_the_safetensors_crate() {
    let layers = shipped().layers().to_vec();
    let network = Mlp::new("a \"name\"\\ of\n Ünits", Activation::Sigmoid, layers).unwrap();
    let bytes = to_safetensors(&network, &[("trained", "here")]);
    assert_eq!(Mlp::from_safetensors(&bytes).unwrap(), network);
    // The crate is what Python's module is made of.
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    assert_eq!((metadata["name"].as_str(), metadata["trained"].as_str()), (network.name(), "here"));
    assert_eq!(tensors.len(), 6);
    let view = tensors.tensor("fc2.weight").unwrap();
    assert_eq!((view.dtype(), view.shape()), (safetensors::Dtype::F32, &[100, 100][..]));
    let values: Vec<u8> = network.layers()[1].weight.iter().flat_map(|w| w.to_le_bytes()).collect();
    assert_eq!(view.data(), values);
    assert_eq!((bytes.len() - 4 * numbers(&network).len()) % 8, 0, "the data begins at a multiple of eight");
}

#[test]
fn digits_are_moved_only_if_they_shall_be() {
    let weights = |moved: f32| {
        let options = Options { moved, examples: 0, ..short() };
        let mut trainer = Trainer::harden(shipped(), data(), options).unwrap();
        trainer.step().unwrap();
        numbers(&trainer.weights())
    };
    assert_ne!(weights(1.0), weights(0.0));
    assert_eq!(weights(0.0), weights(-1.0));
}

#[test]
fn packed_digits_come_back_within_half_a_level() {
    let digits = digits();
    let packed = pack(&digits);
    let unpacked = unpack(&packed).unwrap();
    assert_eq!(unpacked.labels(), digits.labels());
    for (a, b) in unpacked.images().iter().flatten().zip(digits.images().iter().flatten()) {
        assert!((a - b).abs() <= 8.5 / 255.0, "{a} for {b}");
    }
    assert_eq!(pack(&unpacked), packed, "what is packed once loses nothing more");
    assert!(packed.len() * 5 < 300 * 784, "{} bytes", packed.len());
}

#[test]
fn the_pages_digits_are_mnists() {
    let read = |name: &str| unpack(&fs::read(format!("www/digits/{name}")).unwrap()).unwrap();
    let (train, test) = (read("train-10000.bin"), read("test-10000.bin"));
    assert_eq!((train.len(), test.len()), (10_000, 10_000));
    // The fixture is the beginning of the test set.
    assert_eq!(pack(&test.split_at(300).0), pack(&digits()));
    // The first training digits of MNIST, as everyone knows them.
    assert_eq!(train.labels().as_slice()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    let wrong = |name: &str, digits: &Digits| {
        let bytes = fs::read(format!("www/networks/{name}.safetensors")).unwrap();
        let network = Mlp::from_safetensors(&bytes).unwrap();
        digits.iter().filter(|(image, l)| label(&network.logits(image)) != *l).count()
    };
    // They misclassify 0.02 % and 1.64 % of these digits as they were.
    let wrong = (wrong("FC200-200-10", &train), wrong("FC100-100-10", &test));
    assert!(wrong.0 <= 10 && (160..=168).contains(&wrong.1), "{wrong:?} of 10,000");
}

#[test]
fn packed_digits_that_are_none_are_refused() {
    let packed = pack(&digits().split_at(3).0);
    for length in 0..packed.len() {
        assert!(unpack(&packed[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(unpack(b"PNG"), Err(PackError::Magic(b"PNG".to_vec())));
    assert_eq!(unpack(&[packed.as_slice(), &[0]].concat()), Err(PackError::Trailing(1)));
    let with = |place: usize, byte: u8| {
        let mut bytes = packed.clone();
        bytes[place] = byte;
        unpack(&bytes)
    };
    assert_eq!(with(9, 10), Err(PackError::Digit(1)), "no label");
    assert_eq!(with(11, 27), Err(PackError::Digit(0)), "a box that reaches beyond the image");
    assert_eq!(with(7, 255), Err(PackError::Truncated), "a count that nothing holds");
    let blank = [b"PKDG".as_slice(), &1u32.to_le_bytes(), &[7, 0, 0, 0, 0]].concat();
    assert_eq!(unpack(&blank).unwrap().images().get(0), Some([0.0; 784]));
}

proptest! {
    #[test]
    fn no_bytes_make_unpacking_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = unpack(&[b"PKDG".as_slice(), &[2, 0, 0, 0], &bytes].concat());
    }
}

/// A session with digits, and a clock that moves on by a millisecond whenever it is looked at.
struct Page {
    session: Session,
    clock: Cell<f64>,
}

impl Page {
    fn new() -> Self {
        let mut session = Session::default();
        let bytes = |digits: &Digits| Bytes(pack(digits));
        let digits = Request::Digits { train: bytes(&data().train), test: bytes(&data().held_out) };
        assert_eq!(session.handle(digits), []);
        Page { session, clock: Cell::new(0.0) }
    }

    fn harden(&mut self, options: Options) {
        let network = Bytes(to_safetensors(&shipped(), &[]));
        let said = self.session.handle(Request::Harden { network, options: Some(options) });
        assert_eq!(state(&said), (State::Running, 0));
    }

    fn work(&mut self) -> Vec<Response> {
        self.session.work(|| self.clock.replace(self.clock.get() + 1.0), 4.0)
    }

    fn weights(&mut self) -> Mlp {
        match &self.session.handle(Request::Snapshot)[..] {
            [Response::Snapshot { network, .. }] => {
                let network = Mlp::from_safetensors(&network.0).unwrap();
                assert_eq!(network.name(), "FC100-100-10 hardened here");
                Mlp::new("FC100-100-10", network.activation(), network.layers().to_vec()).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What the last progress says.
fn state(said: &[Response]) -> (State, u32) {
    match said.last() {
        Some(&Response::Progress { state, step, .. }) => (state, step),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pause_rests_resume_goes_on_and_cancel_keeps_what_was_learned() {
    let mut page = Page::new();
    page.harden(short());
    let (running, step) = state(&page.work());
    assert_eq!(running, State::Running);
    assert!((1..=4).contains(&step), "a slice ends in time: {step}");
    assert_eq!(state(&page.session.handle(Request::Pause)), (State::Paused, step));
    assert!(!page.session.is_busy());
    assert_eq!(page.work(), [], "nothing moves while it rests");
    let paused = page.weights();
    assert_ne!(paused, shipped());
    assert_eq!(state(&page.session.handle(Request::Resume)), (State::Running, step));
    assert!(state(&page.work()).1 > step);
    assert_ne!(page.weights(), paused);
    let cancelled = page.session.handle(Request::Cancel);
    assert_eq!(state(&cancelled).0, State::Stopped);
    let kept = page.weights();
    assert_eq!(page.work(), []);
    assert_eq!(state(&page.session.handle(Request::Resume)).0, State::Stopped, "what was cancelled is not resumed");
    assert_eq!(page.weights(), kept);
}

#[test]
fn reset_forgets_what_was_learned() {
    let mut page = Page::new();
    assert_eq!(state(&page.session.handle(Request::Reset)), (State::Idle, 0));
    page.harden(short());
    page.work();
    assert_eq!(state(&page.session.handle(Request::Reset)), (State::Idle, 0));
    assert_eq!((page.weights(), page.work()), (shipped(), vec![]));
}

#[test]
fn the_remaining_time_is_that_of_the_steps_that_remain_and_ends_at_none() {
    let mut page = Page::new();
    page.harden(short());
    let mut last = Vec::new();
    while page.session.is_busy() {
        let said = page.work();
        let Some(Response::Progress { step, steps, remaining: Some(remaining), speed, .. }) = said.last() else {
            panic!("{said:?}")
        };
        // The clock moves on by a millisecond for every step, and by one more for every slice.
        let each = remaining / f64::from(steps - step);
        assert!(step == steps && *remaining == 0.0 || (1.0..=2.0).contains(&each), "{each} ms a step");
        assert!((96_000.0..=192_000.0).contains(speed), "192 images a step: {speed} a second");
        last = said;
    }
    assert_eq!(state(&last), (State::Done, 60));
    assert!(
        last.iter().any(|said| matches!(said, Response::Measured(m) if m.step == 60)),
        "the last weights are measured"
    );
}

#[test]
fn a_checkpoint_is_sent_with_every_measurement_and_goes_on_elsewhere() {
    let mut page = Page::new();
    page.harden(Options { steps: 120, ..short() });
    let mut checkpoint: Option<Saved> = None;
    while page.session.is_busy() && checkpoint.as_ref().is_none_or(|saved| saved.step == 0) {
        let said = page.work();
        let is_measured = said.iter().any(|said| matches!(said, Response::Measured(_)));
        let saved =
            said.into_iter().find_map(|said| if let Response::Checkpoint(saved) = said { Some(saved) } else { None });
        assert_eq!(is_measured, saved.is_some());
        checkpoint = saved.or(checkpoint);
    }
    let saved = checkpoint.unwrap();
    assert!(saved.step > 0);
    // The Worker dies; another goes on.
    let mut other = Page::new();
    let said = other.session.handle(Request::Continue { checkpoint: saved.clone() });
    assert_eq!(state(&said), (State::Running, saved.step));
    assert_eq!(other.weights(), Mlp::from_safetensors(&saved.weights.0).unwrap());
    assert!(state(&other.work()).1 > saved.step);
    other.session.handle(Request::Reset);
    assert_eq!(other.weights(), shipped());
}

#[test]
fn a_failure_stops_training_says_so_and_keeps_the_last_good_weights() {
    let mut page = Page::new();
    page.harden(Options { rate: f64::INFINITY, ..short() });
    let said = std::iter::repeat_with(|| page.work()).find(|said| state(said).0 != State::Running).unwrap();
    assert_eq!(state(&said), (State::Stopped, 0));
    let told = |said: &Response| matches!(said, Response::Failed { message } if message.contains("the last good weights are back"));
    assert!(said.iter().any(told), "{said:?}");
    assert_eq!(page.weights(), shipped());
}

#[test]
fn what_is_asked_too_early_or_wrongly_is_answered_in_a_sentence_and_changes_nothing() {
    let failed = |said: Vec<Response>| match &said[..] {
        [Response::Failed { message }] => message.clone(),
        other => panic!("{other:?}"),
    };
    let network = || Bytes(to_safetensors(&shipped(), &[]));
    let mut early = Session::default();
    let harden = || Request::Harden { network: network(), options: None };
    assert_eq!(failed(early.handle(harden())), "the digits to train on have not arrived yet");
    for request in [Request::Snapshot, Request::Download] {
        assert_eq!(failed(early.handle(request)), "no network has been trained here yet");
    }
    let mut page = Page::new();
    page.harden(short());
    let step = state(&page.work()).1;
    let weights = page.weights();
    let junk = Request::Harden { network: Bytes(b"junk".to_vec()), options: None };
    assert!(failed(page.session.handle(junk)).contains("safetensors"));
    let junk = Request::Digits { train: Bytes(vec![]), test: Bytes(vec![]) };
    assert!(failed(page.session.handle(junk)).contains("packed digits"));
    let small = Request::Attack { id: 1, image: Floats(vec![0.0; 3]), target: None };
    assert_eq!(failed(page.session.handle(small)), "the image has 3 pixels; expected 784");
    assert_eq!(page.weights(), weights);
    assert!(state(&page.work()).1 > step, "training went on");
}

#[test]
fn a_drawn_digit_is_attacked_on_both_networks_while_one_learns() {
    let mut page = Page::new();
    page.harden(Options { steps: 300, ..short() });
    while page.session.is_busy() {
        page.work();
    }
    let image = digits().images().get(0).unwrap(); // a 7
    let attack = |page: &mut Page, target| {
        let request = Request::Attack { id: 9, image: Floats(image.to_vec()), target };
        match page.session.handle(request).pop() {
            Some(Response::Attacked { id: 9, before, after, .. }) => (before, after),
            other => panic!("{other:?}"),
        }
    };
    let (before, after) = attack(&mut page, Some(3));
    let (present, found) = (page.weights(), [before.outcome.unwrap(), after.outcome.unwrap()]);
    assert!(found.iter().all(|found| found.success && found.label == 3), "{found:?}");
    assert!(found[1].norm > 1.2 * found[0].norm, "{found:?}");
    let predicted = |network: &Mlp, r: &Floats| {
        let changed: Vec<f32> = image.iter().zip(&r.0).map(|(x, r)| x + r).collect();
        label(&network.logits(&changed))
    };
    assert_eq!((before.transfer, after.transfer), (predicted(&present, &before.r), predicted(&shipped(), &after.r)));
    let (before, after) = attack(&mut page, Some(7));
    assert_eq!((before.outcome, after.outcome, before.prediction), (None, None, 7), "there is nothing to change");
    assert!(attack(&mut page, None).1.outcome.unwrap().success);
}

#[test]
fn a_download_is_a_network_file_with_a_plain_name() {
    let mut page = Page::new();
    page.harden(short());
    page.work();
    let weights = page.weights();
    match &page.session.handle(Request::Download)[..] {
        [Response::Download { name, network }] => {
            let network = Mlp::from_safetensors(&network.0).unwrap();
            assert_eq!((network.layers(), network.name()), (weights.layers(), "FC100-100-10 hardened here"));
            assert!(name.starts_with("FC100-100-10-hardened-here-step-") && name.ends_with(".safetensors"), "{name}");
        }
        other => panic!("{other:?}"),
    }
}

/// `cargo xtask test` names a Python that has the package; without one there is nothing to ask.
#[test]
fn pythons_safetensors_reads_the_download_number_by_number() {
    let Some(python) = env::var_os("POCKETS_PYTHON") else { return };
    let mut page = Page::new();
    page.harden(short());
    page.work();
    let weights = page.weights();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("download.safetensors");
    match &page.session.handle(Request::Download)[..] {
        [Response::Download { network, .. }] => fs::write(&file, &network.0).unwrap(),
        other => panic!("{other:?}"),
    }
    let done = Command::new(python).arg("tests/python/read.py").arg(&file).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(found["metadata"]["activation"], "sigmoid");
    for (k, layer) in (1..).zip(weights.layers()) {
        for (name, shape, values) in [
            (format!("fc{k}.weight"), vec![layer.outputs, layer.inputs], &layer.weight),
            (format!("fc{k}.bias"), vec![layer.outputs], &layer.bias),
        ] {
            let tensor = &found["tensors"][&name];
            assert_eq!(tensor["shape"], serde_json::json!(shape), "{name}");
            let read: Vec<f32> =
                tensor["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
            assert_eq!(read, *values, "{name}");
        }
    }
}

#[test]
fn messages_are_objects_with_one_property_or_plain_words() {
    let json = |request: &Request| serde_json::to_value(request).unwrap();
    assert_eq!(json(&Request::Pause), serde_json::json!("pause"));
    let request = Request::Attack { id: 2, image: Floats(vec![0.5]), target: Some(3) };
    assert_eq!(json(&request), serde_json::json!({ "attack": { "id": 2, "image": [0.5], "target": 3 } }));
    let scratch = serde_json::json!({ "scratch": { "hidden": [20, 10], "activation": "relu", "decay": 0.5 } });
    let expected = Request::Scratch { hidden: vec![20, 10], activation: Activation::Relu, decay: 0.5, options: None };
    assert_eq!(serde_json::from_value::<Request>(scratch).unwrap(), expected);
    let measured = Response::Measured(Measures { step: 1, error: 0.5, loss: 0.25, distortion: 0.125 });
    let expected = serde_json::json!({ "measured": { "step": 1, "error": 0.5, "loss": 0.25, "distortion": 0.125 } });
    assert_eq!(serde_json::to_value(measured).unwrap(), expected);
}

#[test]
fn a_checkpoint_keeps_how_training_goes() {
    let trainer = Trainer::harden(shipped(), data(), short()).unwrap();
    let Checkpoint { step, weights, before, options } = trainer.checkpoint();
    assert_eq!((step, &*weights, &*before, options), (0, &shipped(), &shipped(), short()));
    let layer: &Layer = &weights.layers()[0];
    assert_eq!((layer.inputs, layer.outputs), (784, 100));
}
