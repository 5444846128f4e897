//! Whatever is asked and cancelled when: every request gets exactly one last response, and nothing is said that is out of date.

use super::driver::{ANY, image, one_layer, palette, towards};
use pockets::{
    attack::Reading,
    engine::{Engine, message::*},
};
use proptest::{prelude::*, test_runner::RngSeed};
use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Ask {
        channel: u8,
        follows: bool,
        kind: u8,
    },
    Cancel(u8),
    Load {
        key: u8,
        broken: bool,
    },
    Palette(u8),
    Empty(u8),
    Leave(u8),
    /// A slice in which every look at the clock takes so many milliseconds.
    Run(f64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..3u8, any::<bool>(), 0..6u8).prop_map(|(channel, follows, kind)| Event::Ask { channel, follows, kind }),
        1 => (0..4u8).prop_map(Event::Cancel),
        1 => (0..3u8, any::<bool>()).prop_map(|(key, broken)| Event::Load { key, broken }),
        1 => (0..3u8).prop_map(Event::Palette),
        1 => (0..3u8).prop_map(Event::Empty),
        1 => (0..3u8).prop_map(Event::Leave),
        6 => prop_oneof![Just(0.0), 0.01..20.0].prop_map(Event::Run),
    ]
}

/// Two labels, told apart by one pixel: searches on it are short.
fn network() -> Vec<u8> {
    one_layer(
        |label, pixel| if label == 1 && pixel % 9 == 4 { 3.0 } else { 0.0 },
        |label| if label == 0 { 0.5 } else { 0.0 },
    )
}

fn question(kind: u8, channel: u8) -> Question {
    let network = || format!("n{}", kind % 2);
    let image = || Floats(image());
    let surface = |name: &str| format!("v{channel}/{name}");
    match kind {
        0 | 1 => Question::Attack {
            network: network(),
            subject: Subject::Image(image()),
            target: if kind == 0 { ANY } else { towards(8) },
            reading: Reading::Both,
            steps: kind == 1,
            surfaces: vec![surface("x"), surface("r"), surface("sum")],
        },
        2 => Question::Noise {
            network: network(),
            image: image(),
            norm: 1.0,
            tries: 300,
            seed: 1,
            clipped: true,
            surface: surface("noise"),
        },
        3 => Question::Plane {
            network: network(),
            image: image(),
            r: Floats(vec![0.01; 784]),
            a: 0.0,
            b: 0.0,
            reach: 1.0,
            side: 36,
            seed: 1,
            surface: surface("map"),
        },
        4 => Question::Classify { network: "unknown".into(), image: image() },
        _ => Question::Show { surface: surface("way"), image: None, r: image(), t: 1.0, limit: 0.5 },
    }
}

/// What is known of a request.
struct Asked {
    channel: Option<u8>,
    ended: bool,
    /// Nothing more of it may be said: a newer one ended it at once, or it was cancelled.
    stale: bool,
}

#[derive(Default)]
struct Watch {
    asked: HashMap<u32, Asked>,
    /// Requests whose pictures were painted, and no answer since.
    painted: HashSet<u32>,
}

impl Watch {
    /// A channel's questions so far count no more.
    fn outdate(&mut self, channel: u8) {
        for asked in self.asked.values_mut().filter(|asked| asked.channel == Some(channel)) {
            asked.stale = true;
        }
    }

    fn hear(&mut self, responses: Vec<Response>) -> Result<(), TestCaseError> {
        for response in responses {
            let (id, last) = match &response {
                Response::Ready => return Err(TestCaseError::fail("it is the port that says so")),
                Response::Alive => continue,
                Response::Painted { id: 0, .. } => continue,
                Response::Painted { id, surface, side, rgba } => {
                    let asked = &self.asked[id];
                    prop_assert!(!asked.ended && !asked.stale, "painted out of date: {response:?}");
                    prop_assert_eq!(
                        surface.split_once('/').map(|(view, _)| view.to_owned()),
                        asked.channel.map(|c| format!("v{c}"))
                    );
                    prop_assert_eq!(rgba.0.len() as u32, 4 * side * side);
                    self.painted.insert(*id);
                    continue;
                }
                Response::Answer { id, last, .. } => (*id, *last),
                Response::Loaded { id, .. }
                | Response::Outgrown { id }
                | Response::Failed { id, .. }
                | Response::Superseded { id } => (*id, true),
            };
            let of_others = self.painted.iter().any(|&painted| painted != id);
            prop_assert!(!of_others, "pictures without their answer before {response:?}");
            let asked =
                self.asked.get_mut(&id).ok_or_else(|| TestCaseError::fail(format!("nobody asked {response:?}")))?;
            prop_assert!(!asked.ended, "after its last: {response:?}");
            let is_end = matches!(response, Response::Superseded { .. });
            prop_assert!(is_end || !asked.stale, "out of date: {response:?}");
            prop_assert!(!is_end || !self.painted.contains(&id), "painted for a superseded question");
            asked.ended = last;
            self.painted.remove(&id);
        }
        Ok(())
    }
}

fn play(events: Vec<Event>) -> Result<(), TestCaseError> {
    let mut engine = Engine::new(8.0);
    let mut watch = Watch::default();
    let now = Cell::new(0.0);
    let run = |engine: &mut Engine, tick: f64| {
        engine.run(&|| {
            now.set(now.get() + tick);
            now.get()
        });
    };
    for (id, event) in (1..).zip(events) {
        let ask = |watch: &mut Watch, channel| watch.asked.insert(id, Asked { channel, ended: false, stale: false });
        match event {
            Event::Ask { channel, follows, kind } => {
                if !follows {
                    watch.outdate(channel);
                }
                ask(&mut watch, Some(channel));
                let question = question(kind, channel);
                engine.receive(Request::Ask { id, channel: channel.to_string(), follows, question });
            }
            Event::Cancel(channel) => {
                watch.outdate(channel);
                engine.receive(Request::Cancel { channel: channel.to_string() });
            }
            Event::Load { key, broken } => {
                ask(&mut watch, None);
                let bytes = Bytes(if broken { vec![1, 2, 3] } else { network() });
                engine.receive(Request::Load { id, key: format!("n{key}"), bytes });
            }
            Event::Palette(view) => engine.receive(Request::Palette { view: format!("v{view}"), palette: palette() }),
            Event::Empty(view) => engine.receive(Request::Empty { surface: format!("v{view}/x") }),
            Event::Leave(view) => engine.receive(Request::Leave { view: format!("v{view}") }),
            Event::Run(tick) => run(&mut engine, tick),
        }
        watch.hear(engine.take_responses())?;
        let open = watch.asked.values().filter(|asked| !asked.ended).count();
        prop_assert!(open <= 6, "{open} questions are open in three channels");
    }
    for _ in 0..10_000 {
        if engine.is_idle() {
            break;
        }
        run(&mut engine, 1.0);
        watch.hear(engine.take_responses())?;
    }
    prop_assert!(engine.is_idle(), "it does not settle");
    let open: Vec<&u32> = watch.asked.iter().filter(|(_, asked)| !asked.ended).map(|(id, _)| id).collect();
    prop_assert!(open.is_empty(), "without a last response: {:?}", open);
    Ok(())
}

proptest! {
    // The same cases on every machine.
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(13),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_request_gets_one_last_response_and_nothing_said_is_out_of_date(
        events in prop::collection::vec(event(), 1..60),
    ) {
        play(events)?;
    }
}
