//! A network that is no plain one of fully connected layers, asked everything that can be asked of a network.

use super::driver::*;
use pockets::{
    LABELS, PIXELS,
    attack::{Ending, Reading},
    engine::message::*,
    network::{Network, label},
};

const KEY: &str = "CNN8-16-10";

fn loaded() -> Driver {
    let mut driver = Driver::without_networks();
    let id = driver.load(KEY, shipped(KEY));
    let responses = driver.engine.take_responses();
    let facts = Facts { name: KEY.into(), widths: vec![] };
    assert!(matches!(&responses[..], [Response::Loaded { id: of, network }] if *of == id && *network == facts));
    driver
}

fn attacked(driver: &mut Driver, target: Target) -> Attacked {
    let subject = Subject::Strokes(one());
    let question = Question::Attack { network: KEY.into(), subject, target, reading: Reading::Both, steps: false };
    match driver.answer_to(question) {
        Answer::Attack(attacked) => attacked,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_target_is_reached_and_a_plain_pass_agrees() {
    let (mut driver, network) = (loaded(), Network::from_safetensors(&shipped(KEY)).unwrap());
    for target in (0..LABELS).filter(|&target| target != 1) {
        let found = attacked(&mut driver, towards(target));
        assert_eq!((found.state, found.outcome.unwrap().ending), (State::Found, Ending::Success), "{target}");
        let sum = found.adversarial.unwrap();
        assert_eq!((label(&network.logits(&sum.values.0)), sum.label), (target, target as u32));
        assert!(sum.values.0.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn whatever_needs_no_layers_is_answered() {
    let mut driver = loaded();
    let r = attacked(&mut driver, towards(8)).perturbation.unwrap().values;
    let (network, image) = (|| KEY.to_owned(), x);
    let (reading, target) = (Reading::Both, towards(8));
    let questions = [
        Question::Targets { network: network(), reading, image: image() },
        Question::Way { network: network(), image: image(), r: r.clone(), until: 2.0, count: 50 },
        Question::Trace { network: network(), reading, image: image(), target },
        Question::Readings { network: network(), image: image(), targets: vec![target] },
        Question::Plane {
            network: network(),
            image: image(),
            r: r.clone(),
            a: 0.0,
            b: 0.0,
            reach: 2.0,
            side: 24,
            seed: 1,
        },
        Question::Noise { network: network(), image: image(), norm: 1.0, tries: 20, seed: 1, clipped: true },
        Question::Rounded { network: network(), image: image(), r: r.clone(), target },
        Question::Transfer { networks: vec![network()], image: image(), r, target, amplify: 0.1 },
    ];
    for question in questions {
        let asked = format!("{question:?}").chars().take(12).collect::<String>();
        match driver.answer_to(question) {
            Answer::Targets(found) => assert!(found.iter().all(|found| found.norm.is_some()), "{found:?}"),
            Answer::Way(way) => assert_eq!(way.flip.map(|flip| flip.label), Some(8)),
            Answer::Trace(trace) => {
                assert!(trace.steps.len() > 2 && trace.changes.0.len() == trace.steps.len() * PIXELS)
            }
            Answer::Readings(compared) => assert_eq!(compared.len(), 3),
            Answer::Plane(map) => assert!(map.shares.len() > 1, "{map:?}"),
            Answer::Noise(counted) => assert_eq!(counted.tried, 20),
            Answer::Rounded(rounded) => assert_eq!(rounded.label, 8),
            Answer::Transfer(rows) => assert_eq!((rows[0].digit.label, rows[0].example.label), (1, 8)),
            other => panic!("{asked}: {other:?}"),
        }
    }
}

#[test]
fn what_looks_into_layers_says_in_a_sentence_which_networks_it_is_for() {
    let mut driver = loaded();
    driver.engine.receive(Request::Digits { bytes: Bytes(vec![0; 10 * PIXELS / 2]) });
    let adversarial = attacked(&mut driver, towards(8)).adversarial.unwrap().values;
    let sentence = "Only a plain network of fully connected layers can be looked into here.";
    let layers = Question::Layers { network: KEY.into(), image: x(), adversarial, seed: 1 };
    assert_eq!(driver.refusal_of(layers), sentence);
    let units =
        Question::Units { network: KEY.into(), image: None, layer: 0, unit: 0, seed: Some(1), bins: 10, shown: 0 };
    assert_eq!(driver.refusal_of(units), sentence);
}
