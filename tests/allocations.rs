//! A search allocates nothing after it was made.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/allocations.rs"]
mod allocations;
mod support;

use allocations::allocations;
use pockets::{
    attack::{Attack, Goal, Options, Reading},
    network::Network,
};

#[test]
fn searches_allocate_nothing_even_when_they_are_observed() {
    let network = support::network("tests/fixtures/reference/FC100-100-10.safetensors");
    let digits = support::digits();
    for reading in [Reading::Weight, Reading::Scale, Reading::Both] {
        let mut attack = Attack::new(network.clone(), Options::new(reading));
        let images: Vec<_> = digits.iter().take(5).collect();
        let (seen, made) = allocations(|| {
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
            seen
        });
        assert_eq!(made, 0, "{reading:?}, {seen}");
    }
    let file = support::bytes("tests/fixtures/pytorch/strides.safetensors");
    let mut attack = Attack::new(Network::from_safetensors(&file).unwrap(), Options::default());
    let images: Vec<_> = digits.iter().take(3).collect();
    let ((), made) = allocations(|| {
        for (image, _) in &images {
            attack.start(image, Goal::Any).unwrap();
            while attack.step() {}
        }
    });
    assert_eq!(made, 0, "a network of convolutions");
    let ((), made) = allocations(|| drop(Attack::new(network, Options::default())));
    assert!(made > 0, "the allocator does count");
}
