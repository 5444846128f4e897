//! A search allocates nothing after it was made. Alone in its file: the counting allocator counts the whole process.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use pockets::{
    attack::{Attack, Goal, Options, Reading},
    network::Network,
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's own promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's own promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's own promise, passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn searches_allocate_nothing_even_when_they_are_observed() {
    let network = support::network("tests/fixtures/reference/FC100-100-10.safetensors");
    let digits = support::digits();
    for reading in [Reading::Weight, Reading::Scale, Reading::Both] {
        let mut attack = Attack::new(network.clone(), Options::new(reading));
        let images: Vec<_> = digits.iter().take(5).collect();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let mut seen = 0.0;
        for (image, label) in &images {
            for goal in [Goal::Target((label + 1) % 10), Goal::Any] {
                attack.start(image, goal).unwrap();
                while attack.step() {
                    seen += attack.observation().map_or(0.0, |o| o.loss);
                }
                seen += attack.outcome().unwrap().norm + attack.perturbation()[0] + attack.adversarial()[0];
            }
        }
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0, "{reading:?}, {seen}");
    }
    let file = support::bytes("tests/fixtures/pytorch/strides.safetensors");
    let mut attack = Attack::new(Network::from_safetensors(&file).unwrap(), Options::default());
    let images: Vec<_> = digits.iter().take(3).collect();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for (image, _) in &images {
        attack.start(image, Goal::Any).unwrap();
        while attack.step() {}
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0, "a network of convolutions");
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    drop(Attack::new(network, Options::default()));
    assert!(ALLOCATIONS.load(Ordering::Relaxed) > before, "the allocator does count");
}
