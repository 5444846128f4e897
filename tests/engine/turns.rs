//! Whose turn it is: channels, slices, and what belongs to whom.

use super::driver::*;
use pockets::{attack::Reading, engine::message::*};

fn last_of(id: u32, responses: &[Response]) -> &Response {
    let is_last = |response: &&Response| match response {
        Response::Answer { id: of, last, .. } => *of == id && *last,
        Response::Failed { id: of, .. } | Response::Superseded { id: of } | Response::Loaded { id: of, .. } => {
            *of == id
        }
        _ => false,
    };
    let mut found = responses.iter().filter(is_last);
    let last = found.next().unwrap_or_else(|| panic!("no last response to {id}"));
    assert!(found.next().is_none(), "two last responses to {id}");
    last
}

fn is_superseded(id: u32, responses: &[Response]) -> bool {
    matches!(last_of(id, responses), Response::Superseded { .. })
}

/// All nine targets on a slow clock: longer than a slice.
fn long() -> Question {
    Question::Targets { network: main(), reading: Reading::Both, image: x() }
}

fn slow() -> Driver {
    Driver { tick: 1.0, ..Driver::new() }
}

#[test]
fn a_newer_question_ends_the_one_before_at_once() {
    let mut driver = slow();
    let first = driver.ask_in("a", false, long());
    driver.run();
    let second = driver.ask_in("a", false, attack(towards(8)));
    let at_once = driver.engine.take_responses();
    assert!(is_superseded(first, &at_once));
    let responses = driver.settle();
    assert!(matches!(last_of(second, &responses), Response::Answer { .. }));
}

#[test]
fn a_question_that_follows_lets_the_one_before_answer_once() {
    let mut driver = slow();
    let first = driver.ask_in("a", true, long());
    driver.run();
    let second = driver.ask_in("a", true, attack(towards(8)));
    let third = driver.ask_in("a", true, attack(towards(3)));
    assert!(is_superseded(second, &driver.engine.take_responses()), "what waits is replaced");
    let responses = driver.settle();
    assert!(matches!(last_of(first, &responses), Response::Answer { .. }));
    assert!(matches!(last_of(third, &responses), Response::Answer { .. }));
}

#[test]
fn a_first_part_is_enough_for_the_next_to_begin() {
    let mut driver = Driver { tick: 3.0, ..Driver::new() };
    let first = driver.ask_in("a", true, attack(towards(8)));
    let second = driver.ask_in("a", true, attack(towards(3)));
    let responses = driver.settle();
    let of_first = |response: &&Response| matches!(response, Response::Answer { id, .. } if *id == first);
    assert_eq!(responses.iter().filter(of_first).count(), 1, "its first part");
    assert!(is_superseded(first, &responses));
    // A question that comes after a first part takes over at once.
    driver.ask_in("a", true, attack(towards(8)));
    driver.run();
    let fourth = driver.ask_in("a", true, attack(towards(3)));
    assert!(is_superseded(fourth - 1, &driver.engine.take_responses()));
    assert!(second < fourth);
    driver.settle();
}

#[test]
fn cancelling_ends_what_is_under_way_and_what_waits() {
    let mut driver = slow();
    let ids = [driver.ask_in("a", true, long()), driver.ask_in("a", true, long()), driver.ask_in("b", true, long())];
    driver.engine.receive(Request::Cancel { channel: "a".into() });
    driver.engine.receive(Request::Cancel { channel: "none".into() });
    let responses = driver.engine.take_responses();
    assert!(is_superseded(ids[0], &responses) && is_superseded(ids[1], &responses));
    assert_eq!(responses.len(), 2);
    assert!(matches!(last_of(ids[2], &driver.settle()), Response::Answer { .. }));
}

#[test]
fn channels_take_turns_and_none_starves() {
    let mut driver = slow();
    let ids: Vec<u32> = ["a", "b", "c"].iter().map(|channel| driver.ask_in(channel, false, long())).collect();
    let mut answered = Vec::new();
    // One channel always has something newer.
    while answered.len() < 2 {
        driver.ask_in("a", false, long());
        let responses = driver.run();
        answered.extend(responses.iter().filter_map(|response| match response {
            Response::Answer { id, last: true, .. } if ids.contains(id) => Some(*id),
            _ => None,
        }));
        assert!(driver.now.get() < 1e6 + 1e5, "{answered:?}");
    }
    assert_eq!(answered, ids[1..]);
}

#[test]
fn a_slice_is_kept_to_one_evaluation() {
    let mut driver = slow();
    driver.ask_in("a", false, long());
    while !driver.engine.is_idle() {
        let begun = driver.now.get();
        driver.run();
        assert!(driver.now.get() - begun <= SLICE + 3.0);
    }
}

#[test]
fn long_work_gives_signs_of_life_and_short_work_none() {
    let mut driver = Driver { tick: 30.0, ..Driver::new() };
    let begun = driver.now.get();
    let alive =
        |responses: &[Response]| responses.iter().filter(|response| matches!(response, Response::Alive)).count();
    driver.ask_in("a", false, long());
    let signs = alive(&driver.settle());
    let took = driver.now.get() - begun;
    assert!(took > 2000.0, "{took}");
    let expected = (took / 500.0) as usize;
    assert!((expected - 1..=expected).contains(&signs), "{signs} in {took} ms");
    let mut driver = Driver::new();
    assert_eq!(alive(&driver.responses_to(long())), 0);
}

#[test]
fn searches_side_by_side_end_as_each_by_itself() {
    let goals = [8, 3];
    let found = |answer: &Answer| match answer {
        Answer::Attack(found) => (found.outcome, found.perturbation.clone()),
        other => panic!("{other:?}"),
    };
    let alone = goals.map(|label| found(&slow().answer_to(attack(towards(label)))));
    // Two evaluations or three in a slice.
    let mut driver = Driver { tick: 3.0, ..Driver::new() };
    let ids = goals.map(|label| driver.ask_in(&label.to_string(), false, attack(towards(label))));
    let responses = driver.settle();
    let together = ids.map(|id| match last_of(id, &responses) {
        Response::Answer { answer, .. } => found(answer),
        other => panic!("{other:?}"),
    });
    assert_eq!(together, alone);
}

#[test]
fn the_time_of_a_search_is_that_of_its_evaluations() {
    let Answer::Attack(found) = slow().answer_to(attack(towards(8))) else { panic!("no attack") };
    // The clock goes on by one with each; what comes before and after them does not count.
    assert_eq!(found.milliseconds as u32, found.outcome.unwrap().evaluations);
}

#[test]
fn whoever_answers_gives_no_signs_of_life_besides() {
    let mut driver = Driver { tick: 30.0, ..Driver::new() };
    let begun = driver.now.get();
    driver.ask_in("long", false, long());
    let mut answers = 0;
    while !driver.engine.is_idle() {
        driver.ask_in("quick", false, Question::Classify { network: main(), image: x() });
        let responses = driver.run();
        assert!(!responses.iter().any(|response| matches!(response, Response::Alive)), "after {answers} answers");
        answers += responses.len();
    }
    let took = driver.now.get() - begun;
    assert!(took > 2000.0 && answers > 5, "{took} ms, {answers} answers");
}

#[test]
fn every_load_is_answered_and_a_file_that_is_none_leaves_the_network_before() {
    let mut driver = Driver::without_networks();
    let good = driver.load("n", shipped("FC100-100-10"));
    let bad = driver.load("n", b"not a network".to_vec());
    let responses = driver.engine.take_responses();
    let facts = Facts { name: "FC100-100-10".into(), widths: vec![784, 100, 100, 10] };
    assert!(matches!(last_of(good, &responses), Response::Loaded { network, .. } if *network == facts));
    assert!(matches!(last_of(bad, &responses), Response::Failed { message, .. } if message.contains("safetensors")));
    assert!(matches!(driver.answer_to(Question::Classify { network: "n".into(), image: x() }), Answer::Classify(_)));
}

#[test]
fn a_question_under_way_keeps_its_network_when_another_is_loaded_under_its_key() {
    let mut driver = slow();
    let answered = |driver: &mut Driver| match driver.settle().pop() {
        Some(Response::Answer { answer: Answer::Targets(found), .. }) => found,
        other => panic!("{other:?}"),
    };
    driver.ask_in("a", false, long());
    let expected = answered(&mut driver);
    driver.ask_in("a", false, long());
    driver.run();
    driver.load("FC100-100-10", shipped("FC10_1"));
    driver.engine.take_responses();
    assert_eq!(answered(&mut driver), expected);
    driver.ask_in("a", false, long());
    assert_ne!(answered(&mut driver), expected, "the next question is for the new one");
}

#[test]
fn an_engine_without_time_still_gets_somewhere() {
    let mut driver = Driver::new();
    driver.tick = 1e4; // every look at the clock is beyond the slice
    let id = driver.ask_in("a", false, attack(towards(8)));
    assert!(matches!(last_of(id, &driver.settle()), Response::Answer { .. }));
}
