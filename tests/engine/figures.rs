//! Every question, compared with the functions that it is made of.

use super::driver::*;
use pockets::{
    PIXELS,
    attack::{Attack, Ending, Goal, Options, Reading},
    engine::message::*,
    experiment::{
        self,
        noise::{self, Clip, Noise},
        path,
        plane::Plane,
        rounding, spectrum,
        subspace::Subspace,
        transfer, units,
    },
    network::{kernel::Evaluator, label, probabilities},
    picture::{Picture, round_limit},
};

fn direct(name: &str, reading: Reading, goal: Goal) -> Attack {
    let mut attack = Attack::new(network(name), Options::new(reading));
    attack.start(&image(), goal).unwrap();
    attack.run().unwrap();
    attack
}

/// r from the drawn 1 to an 8.
fn r() -> Floats {
    Floats(direct("FC100-100-10", Reading::Both, Goal::Target(8)).perturbation().to_vec())
}

fn evaluator() -> Evaluator {
    Evaluator::new(network("FC100-100-10"))
}

fn plus(t: f32) -> Vec<f32> {
    image().iter().zip(r().0).map(|(x, r)| (x + t * r).clamp(0.0, 1.0)).collect()
}

fn norm(r: &[f32]) -> f32 {
    r.iter().map(|r| r * r).sum::<f32>().sqrt()
}

macro_rules! answer {
    ($driver:expr, $kind:ident, $question:expr) => {
        match $driver.answer_to($question) {
            Answer::$kind(answer) => answer,
            other => panic!("{other:?}"),
        }
    };
}

fn attacked(question: Question) -> Attacked {
    answer!(Driver::new(), Attack, question)
}

#[test]
fn a_drawing_becomes_its_image_and_a_blank_pad_none() {
    let mut driver = Driver::new();
    assert_eq!(answer!(driver, Digit, Question::Digit { strokes: one() }), Some(x()));
    assert_eq!(answer!(driver, Digit, Question::Digit { strokes: Drawing::default() }), None);
    let torn = Drawing { points: Floats(vec![0.5, 0.5]), starts: vec![0] };
    assert!(driver.refusal_of(Question::Digit { strokes: torn }).contains("multiple of three"));
}

#[test]
fn an_image_is_classified_by_a_forward_pass() {
    let found = answer!(Driver::new(), Classify, Question::Classify { network: main(), image: x() });
    let logits = *evaluator().logits(&image());
    assert_eq!(found, Prediction { label: 1, probabilities: Floats(probabilities(&logits).to_vec()) });
}

#[test]
fn every_attack_ends_bit_for_bit_where_the_search_does() {
    for reading in [Reading::Weight, Reading::Scale, Reading::Both] {
        for target in [towards(8), towards(3), ANY] {
            let found = attacked(attack_on(Subject::Strokes(one()), target, reading, false));
            let search = direct("FC100-100-10", reading, target.0);
            let outcome = search.outcome().unwrap();
            assert_eq!(found.state, State::Found);
            assert_eq!(found.target, target);
            assert_eq!(found.outcome, Some(outcome));
            assert_eq!(found.distortion, Some(outcome.norm / 28.0));
            let r = found.perturbation.unwrap();
            assert_eq!((&r.values.0[..], r.limit), (search.perturbation(), round_limit(&r.values.0)));
            let sum = found.adversarial.unwrap();
            assert_eq!(sum.values.0, search.adversarial());
            let logits = *evaluator().logits(search.adversarial());
            assert_eq!((sum.label as usize, &sum.probabilities.0[..]), (label(&logits), &probabilities(&logits)[..]));
            let digit = found.digit.unwrap();
            assert_eq!((digit.values, digit.label), (x(), 1));
            assert!(found.steps.is_empty());
        }
    }
}

#[test]
fn an_attack_on_an_image_is_the_same_as_on_its_drawing() {
    let [of_image, of_drawing] = [Subject::Image(x()), Subject::Strokes(one())]
        .map(|subject| attacked(attack_on(subject, towards(8), Reading::Both, false)));
    assert_eq!(Attacked { milliseconds: 0.0, ..of_image }, Attacked { milliseconds: 0.0, ..of_drawing });
}

#[test]
fn a_blank_pad_and_a_prediction_that_is_the_target_are_no_search() {
    let blank = attacked(attack_on(Subject::Strokes(Drawing::default()), towards(8), Reading::Both, false));
    assert_eq!((blank.state, blank.digit, blank.outcome), (State::Blank, None, None));
    let already = attacked(attack(towards(1)));
    assert_eq!((already.state, already.outcome, already.perturbation), (State::Already, None, None));
    assert_eq!(already.digit.map(|digit| digit.label), Some(1));
}

#[test]
fn a_search_that_finds_nothing_says_so_and_shows_nothing() {
    let mut driver = Driver::new();
    // Every image has the same logits.
    driver.load("FC100-100-10", one_layer(|_, _| 0.0, |label| if label == 1 { 1.0 } else { 0.0 }));
    let (Answer::Attack(found), pictures) = driver.shown_to(attack(towards(8))) else { panic!() };
    assert_eq!(pictures, [ink(image()), None, None]);
    assert_eq!((found.state, found.outcome.unwrap().ending), (State::Failed, Ending::Unreachable));
    assert_eq!((&found.perturbation, &found.adversarial, found.distortion), (&None, &None, None));
}

#[test]
fn the_time_spent_is_that_of_the_evaluations_on_the_clock() {
    let found = attacked(attack(towards(8)));
    // The clock is looked at after each of them, and ticks by a hundredth then.
    let expected = 0.01 * f64::from(direct_steps());
    assert!((found.milliseconds - expected).abs() < 0.03, "{} for {expected}", found.milliseconds);
}

fn direct_steps() -> u32 {
    let mut attack = Attack::new(network("FC100-100-10"), Options::new(Reading::Both));
    attack.start(&image(), Goal::Target(8)).unwrap();
    let mut steps = 1;
    while attack.step() {
        steps += 1;
    }
    steps
}

#[test]
fn a_search_longer_than_a_slice_says_so_once_and_with_steps_in_every_slice() {
    for steps in [false, true] {
        let mut driver = Driver::new();
        driver.tick = 9.0;
        let responses = driver.responses_to(attack_on(Subject::Image(x()), towards(8), Reading::Both, steps));
        let answers: Vec<&Attacked> = responses
            .iter()
            .filter_map(|response| match response {
                Response::Answer { answer: Answer::Attack(attacked), .. } => Some(attacked),
                _ => None,
            })
            .collect();
        let (last, parts) = answers.split_last().unwrap();
        assert_eq!(last.state, State::Found);
        assert!(parts.iter().all(|part| part.state == State::Searching && part.digit == last.digit));
        let all: Vec<&Step> = answers.iter().flat_map(|answer| &answer.steps).collect();
        if steps {
            assert!(parts.len() > 1, "{}", parts.len());
            let mut attack = Attack::new(network("FC100-100-10"), Options::new(Reading::Both));
            attack.start(&image(), Goal::Target(8)).unwrap();
            for step in all {
                attack.step();
                let seen = attack.observation().unwrap();
                assert_eq!(
                    (step.evaluations, step.phase, step.loss, step.margin, step.c),
                    (seen.evaluations, seen.phase, seen.loss, seen.margin, seen.c)
                );
                assert_eq!((step.succeeds, step.fails), seen.bracket);
                assert!((step.norm - norm(seen.r)).abs() < 1e-5);
                assert!(
                    (step.objective - step.c * step.norm.powi(2) - step.loss).abs()
                        < 1e-4 * step.objective.abs().max(1.0)
                );
            }
            assert!(attack.outcome().is_some(), "every step was told");
        } else {
            assert_eq!((parts.len(), all.len()), (1, 0));
        }
    }
}

#[test]
fn x_r_and_x_plus_r_are_seen_with_their_answer() {
    let mut driver = Driver::new();
    let (Answer::Attack(found), pictures) = driver.shown_to(attack(towards(8))) else { panic!() };
    let r = found.perturbation.unwrap();
    let expected =
        [ink(found.digit.unwrap().values.0), change(r.values.0, r.limit), ink(found.adversarial.unwrap().values.0)];
    assert_eq!(pictures, expected);
    let blank = attack_on(Subject::Strokes(Drawing::default()), ANY, Reading::Both, false);
    assert_eq!(driver.shown_to(blank).1, [None, None, None]);
    assert_eq!(driver.shown_to(attack(towards(1))).1, [ink(image()), None, None], "it is the target already");
}

#[test]
fn what_cannot_be_attacked_is_refused_in_words() {
    let mut driver = Driver::new();
    let on = |image: Vec<f32>, target| attack_on(Subject::Image(Floats(image)), target, Reading::Both, false);
    assert!(driver.refusal_of(on(vec![0.5; 3], ANY)).contains("3 pixels"));
    assert!(driver.refusal_of(on(vec![1.5; 784], ANY)).contains("must lie in [0, 1]"));
    assert!(driver.refusal_of(on(vec![f32::NAN; 784], ANY)).contains("must lie in [0, 1]"));
    assert!(driver.refusal_of(attack(towards(12))).contains("12"));
    assert_eq!(
        driver.refusal_of(Question::Classify { network: "none".into(), image: x() }),
        "The network none has not been loaded."
    );
}

#[test]
fn nine_targets_are_nine_searches_and_the_smallest_is_nearest() {
    let question = Question::Targets { network: main(), reading: Reading::Both, image: x() };
    let (Answer::Targets(found), pictures) = Driver::new().shown_to(question) else { panic!() };
    let mut expected = Vec::new();
    let mut attack = Attack::new(network("FC100-100-10"), Options::new(Reading::Both));
    let mut examples = vec![None; 10];
    examples[1] = ink(image());
    attack
        .run_all(&image(), |target, outcome, attack| {
            expected.push((target as u32, Some(outcome.norm)));
            examples[target] = ink(attack.adversarial());
        })
        .unwrap();
    assert_eq!(found.iter().map(|found| (found.target, found.norm)).collect::<Vec<_>>(), expected);
    let nearest: Vec<_> = found.iter().filter(|found| found.nearest).collect();
    assert_eq!(nearest.len(), 1);
    assert!(found.iter().all(|found| found.norm >= nearest[0].norm));
    assert_eq!(pictures, examples);
}

#[test]
fn a_way_has_the_probabilities_of_its_places_and_the_first_flip() {
    let question = Question::Way { network: main(), image: x(), r: r(), until: 2.0, count: 201 };
    let way = answer!(Driver::new(), Way, question);
    let expected = path::probabilities_along(&mut evaluator(), &image(), &r().0, 2.0, 201);
    assert_eq!(way.probabilities.0, expected.as_flattened());
    let labels: Vec<u8> = expected.iter().map(|ten| label(ten) as u8).collect();
    assert_eq!(way.labels.0, labels);
    let flip = labels.iter().position(|&label| label != 1).unwrap();
    assert_eq!(way.flip, Some(Flip { t: flip as f32 * 0.01, label: 8 }));
    assert!((0.98..=1.01).contains(&way.flip.unwrap().t));
    for (until, count) in [(1.0, 10_001), (f32::INFINITY, 2), (f32::NAN, 2)] {
        let question = Question::Way { network: main(), image: x(), r: r(), until, count };
        assert!(Driver::new().refusal_of(question).contains("10,000 places"));
    }
}

#[test]
fn a_trace_has_every_evaluation_and_its_r() {
    let question = Question::Trace { network: main(), reading: Reading::Both, image: x(), target: towards(8) };
    let trace = answer!(Driver::new(), Trace, question);
    let mut attack = Attack::new(network("FC100-100-10"), Options::new(Reading::Both));
    attack.start(&image(), Goal::Target(8)).unwrap();
    let mut changes = Vec::new();
    while {
        let goes_on = attack.step();
        changes.extend_from_slice(attack.perturbation());
        goes_on
    } {}
    assert_eq!(trace.changes.0, changes);
    assert_eq!((trace.steps.len() * PIXELS, trace.outcome), (changes.len(), attack.outcome().unwrap()));
    assert_eq!(trace.limit, attack.perturbation().iter().fold(0.0, |m: f32, v| m.max(v.abs())));
    let already = Question::Trace { network: main(), reading: Reading::Both, image: x(), target: towards(1) };
    assert!(Driver::new().refusal_of(already).contains("already"));
}

#[test]
fn readings_are_compared_for_each_target() {
    let question = Question::Readings { network: main(), image: x(), targets: vec![towards(8), towards(1), ANY] };
    let compared = answer!(Driver::new(), Readings, question);
    let mut expected = Vec::new();
    for reading in [Reading::Weight, Reading::Scale, Reading::Both] {
        for target in [towards(8), towards(1), ANY] {
            let outcome = (target != towards(1)).then(|| direct("FC100-100-10", reading, target.0).outcome().unwrap());
            expected.push(Compared { reading, target, outcome });
        }
    }
    assert_eq!(compared, expected);
}

#[test]
fn a_map_is_coarse_first_then_fine_and_has_the_labels_of_the_plane() {
    let mut driver = Driver::new();
    let (a, reach) = (norm(&r().0) / 2.0, 6.0 * norm(&r().0));
    let plane_of = |r, side| Question::Plane { network: main(), image: x(), r, a, b: 0.0, reach, side, seed: 3 };
    let begun = driver.now.get();
    let responses = driver.responses_to(plane_of(r(), 48));
    // The clock goes on whenever a figure rests, after every twelfth cell.
    let rests = (driver.now.get() - begun) / driver.tick;
    let expected = f64::from(24 * 24 + 48 * 48) / 12.0;
    assert!((expected..1.2 * expected).contains(&rests), "{rests} rests, not {expected}");
    let mut plane = Plane::through(&image(), &r().0, &mut experiment::random(3)).unwrap();
    let maps: Vec<(&[Option<Picture>], &Map, bool)> = responses
        .iter()
        .map(|response| match response {
            Response::Answer { last, answer: Answer::Plane(map), pictures, .. } => (&pictures[..], map, *last),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(maps.iter().map(|(_, map, last)| (map.side, *last)).collect::<Vec<_>>(), [(24, false), (48, true)]);
    for (pictures, map, _) in maps {
        let mut labels = vec![0; (map.side * map.side) as usize];
        plane.labels(&mut evaluator(), (a, 0.0), reach, map.side as usize, &mut labels);
        assert_eq!(pictures, [Some(Picture::Labels { labels: Bytes(labels.clone()), side: map.side })]);
        assert_eq!(map.labels.0, labels);
        let of = |label: u32| labels.iter().filter(|&&l| u32::from(l) == label).count();
        assert_eq!(
            map.shares.iter().map(|share| (share.share * labels.len() as f32).round() as usize).collect::<Vec<_>>(),
            map.shares.iter().map(|share| of(share.label)).collect::<Vec<_>>()
        );
        assert!(map.shares.is_sorted_by(|a, b| a.share >= b.share));
        assert_eq!(map.places.len(), map.shares.len());
        for place in &map.places {
            assert_eq!(u32::from(labels[place.y as usize * map.side as usize + place.x as usize]), place.label);
        }
    }
    assert!(driver.refusal_of(plane_of(Floats(vec![0.0; 784]), 48)).contains("no plane"));
    assert!(matches!(&driver.responses_to(plane_of(r(), 24))[..], [Response::Answer { last: true, .. }]));
}

#[test]
fn random_changes_are_counted_clipped_or_not_and_one_is_shown() {
    let size = 8.0 * norm(&r().0);
    let found = [Clip::Box, Clip::None].map(|clip| {
        let mut driver = Driver::new();
        driver.tick = 2.0;
        let (tries, seed, clipped) = (130, 7, clip == Clip::Box);
        let responses =
            driver.responses_to(Question::Noise { network: main(), image: x(), norm: size, tries, seed, clipped });
        let mut shown = Noise::new(7).with_clip(clip);
        shown.draw();
        let shown = [ink(shown.at_norm(&image(), size))];
        let counted: Vec<(Counted, bool)> = responses
            .iter()
            .map(|response| match response {
                Response::Answer { last, answer: Answer::Noise(counted), pictures, .. } => {
                    assert_eq!(pictures[..], shown);
                    (*counted, *last)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(counted.len() > 1 && counted[..counted.len() - 1].iter().all(|(part, last)| part.tried < 130 && !last));
        let mut noise = Noise::new(7).with_clip(clip);
        noise.draw();
        let expected = noise.count(&mut evaluator(), &image(), 1, 1, &[size], 130)[0];
        assert_eq!(counted.last(), Some(&(Counted { tried: 130, changed: expected.changed }, true)));
        expected.changed
    });
    // Clipped noise leaves grey on the empty paper, which changes more answers (docs/reproduction.md).
    assert!((1..130).contains(&found[0]) && found[1] < found[0], "{found:?}");
    let ask = |norm, tries| Question::Noise { network: main(), image: x(), norm, tries, seed: 7, clipped: true };
    let answers = Driver::new().responses_to(ask(size, 60));
    let told = answers.iter().filter(|response| matches!(response, Response::Answer { .. }));
    assert_eq!(told.count(), 1, "what is soon done is told once");
    for (norm, tries) in [(f32::NAN, 10), (f32::INFINITY, 10), (1.0, 1_000_001)] {
        assert!(Driver::new().refusal_of(ask(norm, tries)).contains("a million changes are the most"));
    }
}

#[test]
fn unclipped_noise_crosses_the_boundary_beside_what_a_plane_would_let_through() {
    let mut driver = Driver::new();
    driver.tick = 2.0;
    let deviations = [0.1, 0.4, 1.6];
    let question =
        Question::Crossing { network: main(), image: x(), deviations: Floats(deviations.into()), tries: 90, seed: 5 };
    let responses = driver.responses_to(question);
    let parts: Vec<&Crossed> = responses
        .iter()
        .map(|response| match response {
            Response::Answer { answer: Answer::Crossing(crossed), .. } => crossed,
            other => panic!("{other:?}"),
        })
        .collect();
    let (found, earlier) = parts.split_last().unwrap();
    assert!(!earlier.is_empty() && earlier.iter().all(|part| part.tried < 90));
    let distance = noise::unboxed_distance(&mut evaluator(), &image()).unwrap();
    assert_eq!((found.distance, found.tried), (Some(distance), 90));
    // No r within the box can be smaller than the smallest without it.
    assert!(distance <= direct("FC100-100-10", Reading::Both, Goal::Any).outcome().unwrap().norm * 1.001);
    let mut random = Noise::new(5).with_clip(Clip::None);
    let counts = random.count_at_deviations(&mut evaluator(), &image(), 1, 1, &deviations, 90);
    assert_eq!(found.changed, counts.iter().map(|counts| counts.changed).collect::<Vec<_>>());
    assert!(found.changed.is_sorted() && found.changed[2] > 45, "{:?}", found.changed);
    for (expected, deviation) in found.expected.iter().zip(deviations) {
        assert_eq!(*expected, noise::crossing_rate(distance.into(), deviation.into()));
    }
    let wrong =
        Question::Crossing { network: main(), image: x(), deviations: Floats(vec![f32::NAN]), tries: 9, seed: 5 };
    assert!(driver.refusal_of(wrong).contains("finite"));
}

#[test]
fn changes_that_share_no_pixel_are_counted_and_the_first_are_seen() {
    let mut driver = Driver::new();
    let norm = 2.0 * norm(&r().0);
    let apart = |norm, shown| Question::Apart { network: main(), image: x(), r: r(), norm, shown };
    let (Answer::Apart(found), pictures) = driver.shown_to(apart(norm, 2)) else { panic!() };
    let mut subspace = Subspace::new(&image(), &r().0, 8, norm);
    while subspace.step(&mut evaluator()) {}
    assert_eq!(found, Apart { found: subspace.found().len() as u32, half_space: 4 });
    assert!(found.found >= 2, "{found:?}");
    let changes: Vec<[f32; PIXELS]> =
        subspace.found()[..2].iter().map(|point| std::array::from_fn(|pixel| point[pixel] - image()[pixel])).collect();
    let limit = largest(changes.as_flattened());
    assert_eq!(pictures, [0, 1].map(|k| change(changes[k], limit)), "on one scale");
    for point in subspace.found() {
        assert_eq!(label(evaluator().logits(point)), 8);
    }
    assert!(driver.refusal_of(apart(f32::NAN, 2)).contains("no direction"));
}

#[test]
fn an_example_is_rounded_so_that_it_still_works_and_kept_as_a_picture() {
    let question = Question::Rounded { network: main(), image: x(), r: r(), target: towards(8) };
    let found = answer!(Driver::new(), Rounded, question);
    let expected = rounding::round(&mut evaluator(), &image(), &r().0, |label| label == 8);
    assert_eq!((found.label, found.norm), (8, expected.norm));
    let kind = match expected.rounding {
        rounding::Rounding::Nearest => (RoundingKind::Nearest, 1.0),
        rounding::Rounding::Towards => (RoundingKind::Towards, 1.0),
        rounding::Rounding::Further(s) => (RoundingKind::Further, s),
        rounding::Rounding::Lost => (RoundingKind::Lost, 1.0),
    };
    assert_eq!((found.rounding, found.scale), kind);
    // 8 bytes of signature, the header's 25, 8 of a chunk and 7 of zlib before 28 rows of a filter's number and 28 levels.
    let rows = found.png.0[48..48 + 28 * 29].chunks(29);
    assert_eq!(rows.flat_map(|row| row[1..].to_vec()).collect::<Vec<u8>>(), expected.levels);
}

#[test]
fn files_hold_values_and_searches() {
    let mut driver = Driver::new();
    let Bytes(npy) = answer!(driver, Npy, Question::Npy { values: r() });
    let values: Vec<f32> = npy[128..].as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    assert_eq!(values, r().0);
    assert!(driver.refusal_of(Question::Npy { values: Floats(vec![0.0; 5]) }).contains("5 pixels"));
    let csv = Question::Csv { network: main(), reading: Reading::Both, image: x(), target: towards(8) };
    let text = String::from_utf8(answer!(driver, Csv, csv).0).unwrap();
    let trace = Question::Trace { network: main(), reading: Reading::Both, image: x(), target: towards(8) };
    let steps = answer!(driver, Trace, trace).steps;
    assert_eq!(text.lines().count(), 1 + steps.len());
    for (line, step) in text.lines().skip(1).zip(&steps) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), 9);
        assert_eq!(cells[0].parse(), Ok(step.evaluations));
        let numbers = [step.c, step.loss, step.objective, step.norm, step.margin];
        assert_eq!(cells[2..7].iter().map(|cell| cell.parse().unwrap()).collect::<Vec<f32>>(), numbers);
        assert_eq!([cells[7].parse().ok(), cells[8].parse().ok()], [step.succeeds, step.fails]);
    }
}

#[test]
fn an_example_is_shown_to_other_networks_which_have_their_own() {
    let mut driver = Driver::new();
    let networks = vec![main(), "FC10_1".into()];
    let to = |networks, target| Question::Transfer { networks, image: x(), r: r(), target, amplify: 0.1 };
    let (Answer::Transfer(rows), pictures) = driver.shown_to(to(networks.clone(), towards(8))) else { panic!() };
    let own = |row: &Transferred| row.own.as_ref().and_then(|own| change(own.r.0.clone(), largest(&own.r.0)));
    assert_eq!(pictures, rows.iter().map(own).collect::<Vec<_>>());
    let (Answer::Transfer(rows_to_itself), pictures) = driver.shown_to(to(networks.clone(), towards(1))) else {
        panic!()
    };
    assert!(rows_to_itself[0].own.is_none() && pictures[0].is_none(), "the prediction is the target already");
    let mut amplified = vec![0.0; PIXELS];
    transfer::amplify(&image(), &r().0, 0.1, &mut amplified);
    for (row, name) in rows.iter().zip(&networks) {
        let mut evaluator = Evaluator::new(network(name));
        let mut judged = |image: &[f32]| {
            let logits = *evaluator.logits(image);
            let label = label(&logits);
            Judged { label: label as u32, share: probabilities(&logits)[label] }
        };
        assert_eq!(&row.network, name);
        assert_eq!(
            [row.digit, row.example, row.amplified],
            [&image(), &plus(1.0), &amplified].map(|image| judged(image))
        );
        let search = direct(name, Reading::Both, Goal::Target(8));
        let own = row.own.as_ref().unwrap();
        assert_eq!((own.norm, &own.r.0[..]), (search.outcome().unwrap().norm, search.perturbation()));
        let product: f32 = own.r.0.iter().zip(r().0).map(|(a, b)| a * b).sum();
        assert!((own.cosine - product / (norm(&own.r.0) * norm(&r().0))).abs() < 1e-5);
    }
    assert!((rows[0].own.as_ref().unwrap().cosine - 1.0).abs() < 1e-5, "its own example is this one");
    assert!(driver.refusal_of(to(vec![main(), "none".into()], ANY)).contains("none"));
}

#[test]
fn layers_amplify_as_the_spectrum_says() {
    let question = Question::Layers { network: main(), image: x(), adversarial: Floats(plus(1.0)), seed: 3 };
    let found = answer!(Driver::new(), Layers, question);
    let network = network("FC100-100-10");
    let bounds: Vec<f64> = spectrum::bounds(&network).into_iter().map(|bound| bound.product()).collect();
    assert_eq!(found.bounds, bounds);
    assert_eq!(found.searched, spectrum::amplification(&network, &image(), &plus(1.0)));
    assert!(found.random.iter().zip(&bounds).all(|(gain, bound)| gain <= bound));
    for (k, factors) in [&found.bounds, &found.searched, &found.random].into_iter().enumerate() {
        let sizes = &found.sizes[k];
        assert!((sizes[0] - f64::from(norm(&r().0))).abs() < 1e-5);
        assert!(sizes.windows(2).zip(factors).all(|(pair, factor)| pair[1] == pair[0] * factor));
        assert!((found.total[k] * sizes[0] / sizes[3] - 1.0).abs() < 1e-12);
    }
}

#[test]
fn digits_are_ranked_along_a_unit_and_a_direction() {
    let mut driver = Driver::new();
    let question = |layer, unit, bins| Question::Units {
        network: main(),
        image: Some(x()),
        layer,
        unit,
        seed: Some(1),
        bins,
        shown: 3,
    };
    assert!(driver.refusal_of(question(0, 7, 40)).contains("digits"));
    let packed: Vec<u8> = (0..392 * 50).map(|k: u32| (k.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    driver.engine.receive(Request::Digits { bytes: Bytes(packed.clone()) });
    let images: Vec<Vec<f32>> = packed
        .chunks(392)
        .map(|digit| digit.iter().flat_map(|byte| [f32::from(byte >> 4) / 15.0, f32::from(byte & 15) / 15.0]).collect())
        .collect();
    let network = network("FC100-100-10");
    let phi = |image: &[f32]| spectrum::activations(&network, image)[1].iter().map(|&a| a as f32).collect::<Vec<f32>>();
    let phis: Vec<f32> = images.iter().flat_map(|image| phi(image)).collect();
    let mut axis = vec![0.0; 100];
    axis[7] = 1.0;
    let mut took = Vec::new();
    for _ in 0..2 {
        // The second time from what was kept.
        let begun = driver.now.get();
        let (Answer::Units(ranked), pictures) = driver.shown_to(question(1, 7, 40)) else { panic!() };
        took.push(driver.now.get() - begun);
        let directions = [axis.clone(), units::direction(100, &mut experiment::random(1))];
        for (k, (ranked, direction)) in ranked.iter().zip(directions).enumerate() {
            let scores = units::scores(&phis, &direction);
            let own = units::scores(&phi(&image()), &direction)[0];
            assert_eq!((ranked.digits, ranked.own, ranked.counts.len()), (50, Some(own), 40));
            assert_eq!(ranked.counts.iter().sum::<u32>(), 50);
            assert_eq!(ranked.larger as usize, scores.iter().filter(|&&score| score > own).count());
            let best = units::top(&scores, 3);
            let expected: Vec<_> = best.iter().map(|&index| ink(images[index].clone())).collect();
            assert_eq!(pictures[3 * k..3 * k + 3], expected);
        }
    }
    assert!(took[1] < 0.5 * took[0], "the second time all was worked out again: {took:?}");
    for wrong in [question(3, 0, 40), question(0, 100, 40), question(0, 0, 0)] {
        assert!(driver.refusal_of(wrong).contains("no such unit"));
    }
}

#[test]
fn any_part_of_a_change_can_be_shown_alone_or_on_its_image() {
    let mut driver = Driver::new();
    let mut show = |image: Option<Floats>, t, limit| match driver.shown_to(Question::Show { image, r: r(), t, limit }) {
        (Answer::Show, pictures) => pictures,
        other => panic!("{other:?}"),
    };
    assert_eq!(show(Some(x()), 1.5, 0.0), [ink(plus(1.5))]);
    assert_eq!(show(None, 0.0, 0.5), [change(r().0, 0.5)]);
    assert_eq!(show(None, 0.0, 0.0), [change(r().0, largest(&r().0))]);
}
