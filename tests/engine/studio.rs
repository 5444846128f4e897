//! Pictures come with their answer, in the colours of their question, and again in others without another search.

use super::driver::*;
use pockets::{
    engine::message::*,
    picture::{Palette, Picture, Pixels},
    studio::{Message, Reply, Studio},
    wire::Service,
};
use std::cell::Cell;

/// A Worker's inside that knows the first network, on a clock that ticks whenever it is looked at.
struct Desk {
    studio: Studio,
    now: Cell<f64>,
    tick: f64,
}

impl Desk {
    fn new() -> Self {
        let mut desk = Desk { studio: Studio::open(SLICE), now: Cell::new(0.0), tick: 0.01 };
        let [Reply::Engine { response: Response::Ready, .. }] = &desk.studio.take_replies()[..] else { panic!() };
        let request = Request::Load { id: 0, key: main(), bytes: Bytes(shipped(&main())) };
        desk.studio.receive(Message::Engine { request, palette: None });
        let [Reply::Engine { response: Response::Loaded { .. }, .. }] = &desk.studio.take_replies()[..] else {
            panic!()
        };
        desk
    }

    fn ask(&mut self, id: u32, question: Question, palette: Option<Palette>) {
        let request = Request::Ask { id, channel: "a".into(), follows: true, question };
        self.studio.receive(Message::Engine { request, palette });
    }

    fn settle(&mut self) -> Vec<Reply> {
        let mut all = self.studio.take_replies();
        while !self.studio.is_idle() {
            let (now, tick) = (&self.now, self.tick);
            self.studio.run(&|| {
                now.set(now.get() + tick);
                now.get()
            });
            all.extend(self.studio.take_replies());
        }
        all
    }

    fn paint(&mut self, id: u32, palette: Palette, pictures: Vec<Picture>) -> Vec<Option<Pixels>> {
        self.studio.receive(Message::Paint { id, palette, pictures });
        match self.studio.take_replies().pop() {
            Some(Reply::Painted { id: of, pixels }) if of == id => pixels,
            other => panic!("{other:?}"),
        }
    }
}

/// The pictures and pixels of the only answer among these.
fn seen(replies: &[Reply]) -> (&[Option<Picture>], &[Option<Pixels>]) {
    match replies {
        [Reply::Engine { response: Response::Answer { pictures, .. }, pixels }] => (pictures, pixels),
        other => panic!("{other:?}"),
    }
}

fn other_palette() -> Palette {
    Palette { ink: Bytes(vec![0, 0, 0, 250, 200, 150]), ..palette() }
}

#[test]
fn pixels_travel_with_the_numbers_in_the_colours_of_the_question() {
    let mut desk = Desk::new();
    desk.ask(1, attack(towards(8)), Some(palette()));
    let replies = desk.settle();
    let (pictures, pixels) = seen(&replies);
    assert_eq!((pictures.len(), pixels.len()), (3, 3));
    for (picture, pixels) in pictures.iter().zip(pixels) {
        let expected = palette().paint(picture.as_ref().unwrap());
        assert!(expected.is_some() && *pixels == expected);
    }
    desk.ask(2, attack(towards(8)), Some(other_palette()));
    let others = desk.settle();
    assert_eq!(seen(&others).0, pictures, "the engine knows no colours");
    assert_ne!(seen(&others).1[0], pixels[0]);
}

#[test]
fn without_colours_an_answer_comes_without_pixels() {
    let mut desk = Desk::new();
    desk.ask(1, attack(towards(8)), None);
    let replies = desk.settle();
    let (pictures, pixels) = seen(&replies);
    assert!(pictures.iter().all(Option::is_some) && pixels.is_empty());
    desk.ask(2, attack(towards(8)), Some(Palette::default()));
    assert_eq!(seen(&desk.settle()).1, [None, None, None], "never black");
}

#[test]
fn every_part_of_an_answer_has_its_pixels() {
    let mut desk = Desk { tick: 3.0, ..Desk::new() };
    let question =
        Question::Plane { network: main(), image: x(), r: x(), a: 0.0, b: 0.0, reach: 1.0, side: 48, seed: 1 };
    desk.ask(1, question, Some(palette()));
    let replies = desk.settle();
    let sides = replies.iter().filter_map(|reply| match reply {
        Reply::Engine { response: Response::Answer { last, .. }, pixels } => Some((pixels[0].as_ref()?.side, *last)),
        _ => None,
    });
    assert_eq!(sides.collect::<Vec<_>>(), [(24, false), (48, true)]);
}

#[test]
fn what_is_shown_is_painted_in_other_colours_without_another_search() {
    let mut desk = Desk::new();
    desk.ask(1, attack(towards(8)), Some(palette()));
    let replies = desk.settle();
    let pictures: Vec<Picture> = seen(&replies).0.iter().flatten().cloned().collect();
    let before = desk.now.get();
    let painted = desk.paint(2, other_palette(), pictures.clone());
    assert!(desk.studio.is_idle() && desk.now.get() == before, "nothing was worked on");
    assert_eq!(painted, pictures.iter().map(|picture| other_palette().paint(picture)).collect::<Vec<_>>());
    assert_eq!(desk.paint(3, Palette::default(), pictures), [None, None, None]);
}

#[test]
fn a_superseded_question_leaves_no_pixels_and_the_next_has_its_own_colours() {
    let mut desk = Desk { tick: 1.0, ..Desk::new() };
    desk.ask(1, attack(towards(8)), Some(palette()));
    desk.ask(2, attack(towards(3)), Some(palette()));
    desk.ask(3, attack(towards(5)), Some(other_palette()));
    for reply in desk.settle() {
        let Reply::Engine { response, pixels } = reply else { panic!() };
        match response {
            Response::Superseded { .. } => assert!(pixels.is_empty()),
            Response::Answer { id, pictures, .. } => {
                let palette = if id == 3 { other_palette() } else { palette() };
                let expected: Vec<_> = pictures.iter().map(|picture| palette.paint(picture.as_ref()?)).collect();
                assert_eq!(pixels, expected);
            }
            other => panic!("{other:?}"),
        }
    }
}
