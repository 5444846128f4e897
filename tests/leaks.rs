//! However long an engine is asked, it holds no more bytes than before. Alone in its file: the allocator counts the whole process.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use pockets::{
    attack::{Goal, Reading},
    engine::message::*,
    picture::Palette,
    studio::{Message, Studio},
    wire::Service,
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

struct Counting;

/// Bytes that are allocated now.
static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's own promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's own promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NETWORKS: [&str; 3] = ["FC100-100-10", "FC10_1", "AE400-10"];

/// A Worker's inside on a clock of its own.
struct Driver {
    studio: Studio,
    now: Cell<f64>,
    id: u32,
}

impl Driver {
    fn load(&mut self, name: &str) {
        self.id += 1;
        let bytes = Bytes(fs::read(format!("www/networks/{name}.safetensors")).unwrap());
        let request = Request::Load { id: self.id, key: name.into(), bytes };
        self.studio.receive(Message::Engine { request, palette: None });
    }

    /// A stroke more or less each time, in colours.
    fn ask(&mut self, step: usize) {
        self.id += 1;
        let strokes = 1 + step % 3;
        let points =
            (0..6 * strokes).flat_map(|k| [0.2 + 0.1 * ((k * 7 + step) % 6) as f32, 0.15 + 0.03 * k as f32, 0.0]);
        let drawing = Drawing {
            points: Floats(points.collect()),
            starts: (0..strokes as u32).map(|stroke| 6 * stroke).collect(),
        };
        let question = Question::Attack {
            network: NETWORKS[step % NETWORKS.len()].into(),
            subject: Subject::Strokes(drawing),
            target: Target(if step.is_multiple_of(11) { Goal::Any } else { Goal::Target(step % 10) }),
            reading: [Reading::Weight, Reading::Scale, Reading::Both][step / 3 % 3],
            steps: step.is_multiple_of(5),
        };
        let request = Request::Ask { id: self.id, channel: "live".into(), follows: step % 2 == 1, question };
        let palette = Palette { ink: Bytes(vec![9; 6]), change: Bytes(vec![9; 9]), labels: Bytes::default() };
        self.studio.receive(Message::Engine { request, palette: Some(palette) });
    }

    fn run(&mut self, tick: f64) {
        let now = &self.now;
        self.studio.run(&|| {
            now.set(now.get() + tick);
            now.get()
        });
        drop(self.studio.take_replies());
    }

    /// Questions that end, that are overtaken, and networks that are taken anew, some while they are searched.
    fn round(&mut self) {
        for step in 0..60 {
            self.ask(step);
            self.run(if step % 4 == 0 { 3.0 } else { 0.01 });
            if step % 7 == 3 {
                self.load(NETWORKS[step % NETWORKS.len()]);
            }
        }
        while !self.studio.is_idle() {
            self.run(0.01);
        }
        drop(self.studio.take_replies());
    }
}

#[test]
fn an_engine_holds_no_more_after_thousands_of_questions_than_after_a_hundred() {
    let mut driver = Driver { studio: Studio::open(8.0), now: Cell::new(0.0), id: 0 };
    NETWORKS.iter().for_each(|name| driver.load(name));
    (0..3).for_each(|_| driver.round());
    let warm = LIVE.load(Ordering::Relaxed);
    (0..40).for_each(|_| driver.round());
    let after = LIVE.load(Ordering::Relaxed);
    // What the runner of tests allocates meanwhile is less than a byte a question.
    assert!(after < warm + 2000, "{warm} bytes, and after 2,400 more questions {after}");
}
