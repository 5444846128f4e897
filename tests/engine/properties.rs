//! Whatever is asked and cancelled when: every request gets exactly one last response, and nothing is said that is out of date.

use super::driver::{ANY, image, one_layer, palette, towards};
use pockets::{
    attack::Reading,
    engine::message::*,
    picture::{Palette, Picture},
    studio::{Message, Reply, Studio},
    wire::Service,
};
use proptest::{prelude::*, test_runner::RngSeed};
use std::{cell::Cell, collections::HashMap};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Ask {
        channel: u8,
        follows: bool,
        kind: u8,
        coloured: bool,
    },
    Cancel(u8),
    Load {
        key: u8,
        broken: bool,
    },
    /// So many pictures are painted anew.
    Paint(usize),
    /// A slice in which every look at the clock takes so many milliseconds.
    Run(f64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..3u8, any::<bool>(), 0..6u8, any::<bool>())
            .prop_map(|(channel, follows, kind, coloured)| Event::Ask { channel, follows, kind, coloured }),
        1 => (0..4u8).prop_map(Event::Cancel),
        1 => (0..3u8, any::<bool>()).prop_map(|(key, broken)| Event::Load { key, broken }),
        1 => (0..3usize).prop_map(Event::Paint),
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

fn question(kind: u8) -> Question {
    let network = || format!("n{}", kind % 2);
    let image = || Floats(image());
    match kind {
        0 | 1 => Question::Attack {
            network: network(),
            subject: Subject::Image(image()),
            target: if kind == 0 { ANY } else { towards(8) },
            reading: Reading::Both,
            steps: kind == 1,
        },
        2 => Question::Noise { network: network(), image: image(), norm: 1.0, tries: 300, seed: 1, clipped: true },
        3 => Question::Plane {
            network: network(),
            image: image(),
            r: Floats(vec![0.01; 784]),
            a: 0.0,
            b: 0.0,
            reach: 1.0,
            side: 36,
            seed: 1,
        },
        4 => Question::Classify { network: "unknown".into(), image: image() },
        _ => Question::Show { image: None, r: image(), t: 1.0, limit: 0.5 },
    }
}

/// What is known of a request.
struct Asked {
    channel: Option<u8>,
    coloured: bool,
    ended: bool,
    /// Nothing more of it may be said: a newer one ended it at once, or it was cancelled.
    stale: bool,
}

#[derive(Default)]
struct Watch {
    asked: HashMap<u32, Asked>,
}

impl Watch {
    /// A channel's questions so far count no more.
    fn outdate(&mut self, channel: u8) {
        for asked in self.asked.values_mut().filter(|asked| asked.channel == Some(channel)) {
            asked.stale = true;
        }
    }

    fn hear(&mut self, replies: Vec<Reply>) -> Result<(), TestCaseError> {
        for reply in replies {
            let (response, pixels) = match reply {
                Reply::Engine { response: Response::Ready | Response::Alive, .. } => continue,
                Reply::Engine { response, pixels } => (response, pixels),
                Reply::Painted { id, pixels } => {
                    let asked = self.asked.get_mut(&id).ok_or_else(|| TestCaseError::fail("nobody asked for these"))?;
                    prop_assert!(!asked.ended && pixels.iter().all(Option::is_some));
                    asked.ended = true;
                    continue;
                }
            };
            let (id, last, pictures) = match &response {
                Response::Answer { id, last, pictures, .. } => (*id, *last, &pictures[..]),
                Response::Loaded { id, .. }
                | Response::Outgrown { id }
                | Response::Failed { id, .. }
                | Response::Superseded { id } => (*id, true, [].as_slice()),
                Response::Ready | Response::Alive => continue,
            };
            let asked =
                self.asked.get_mut(&id).ok_or_else(|| TestCaseError::fail(format!("nobody asked {response:?}")))?;
            prop_assert!(!asked.ended, "after its last: {response:?}");
            let is_end = matches!(response, Response::Superseded { .. });
            prop_assert!(is_end || !asked.stale, "out of date: {response:?}");
            if asked.coloured {
                prop_assert_eq!(pixels.len(), pictures.len());
                prop_assert!(
                    pixels.iter().zip(pictures).all(|(pixels, picture)| pixels.is_some() == picture.is_some())
                );
            } else {
                prop_assert!(pixels.is_empty(), "painted without colours");
            }
            asked.ended = last;
        }
        Ok(())
    }
}

fn play(events: Vec<Event>) -> Result<(), TestCaseError> {
    let mut studio = Studio::open(8.0);
    let mut watch = Watch::default();
    let now = Cell::new(0.0);
    let run = |studio: &mut Studio, tick: f64| {
        studio.run(&|| {
            now.set(now.get() + tick);
            now.get()
        });
    };
    for (id, event) in (1..).zip(events) {
        let ask = |watch: &mut Watch, channel, coloured| {
            watch.asked.insert(id, Asked { channel, coloured, ended: false, stale: false })
        };
        let tell = |studio: &mut Studio, request, palette: Option<Palette>| {
            studio.receive(Message::Engine { request, palette });
        };
        match event {
            Event::Ask { channel, follows, kind, coloured } => {
                if !follows {
                    watch.outdate(channel);
                }
                ask(&mut watch, Some(channel), coloured);
                let question = question(kind);
                let request = Request::Ask { id, channel: channel.to_string(), follows, question };
                tell(&mut studio, request, coloured.then(palette));
            }
            Event::Cancel(channel) => {
                watch.outdate(channel);
                tell(&mut studio, Request::Cancel { channel: channel.to_string() }, None);
            }
            Event::Load { key, broken } => {
                ask(&mut watch, None, false);
                let bytes = Bytes(if broken { vec![1, 2, 3] } else { network() });
                tell(&mut studio, Request::Load { id, key: format!("n{key}"), bytes }, None);
            }
            Event::Paint(count) => {
                ask(&mut watch, None, true);
                let pictures = vec![Picture::Ink(Floats(image())); count];
                studio.receive(Message::Paint { id, palette: palette(), pictures });
            }
            Event::Run(tick) => run(&mut studio, tick),
        }
        watch.hear(studio.take_replies())?;
        let open = watch.asked.values().filter(|asked| !asked.ended).count();
        prop_assert!(open <= 6, "{open} questions are open in three channels");
    }
    for _ in 0..10_000 {
        if studio.is_idle() {
            break;
        }
        run(&mut studio, 1.0);
        watch.hear(studio.take_replies())?;
    }
    prop_assert!(studio.is_idle(), "it does not settle");
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
