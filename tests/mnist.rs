//! MNIST on disk: what is missing, truncated or altered is refused by name.
#![cfg(feature = "lab")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use pockets::lab::mnist::{self, MnistError};
use std::fs;

#[test]
fn a_missing_file_is_named_with_the_command_that_fetches_it() {
    let folder = tempfile::tempdir().unwrap();
    let refused = mnist::load(folder.path()).err().unwrap();
    assert!(matches!(&refused, MnistError::Missing(path) if path.ends_with("train-images-idx3-ubyte")));
    assert!(refused.to_string().contains("run `pockets mnist` first"));
}

#[test]
fn an_altered_file_is_named_and_neither_used_nor_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    // A true IDX file of no labels, but not MNIST's.
    let altered = [0, 0, 8, 1, 0, 0, 0, 0];
    let path = folder.path().join("train-images-idx3-ubyte");
    fs::write(&path, altered).unwrap();
    for refused in [mnist::load(folder.path()).err(), mnist::fetch(folder.path()).err()] {
        let sentence = refused.unwrap().to_string();
        assert!(sentence.starts_with(&format!("{} is truncated or altered", path.display())), "{sentence}");
        assert!(sentence.contains("delete it"), "{sentence}");
    }
    assert_eq!(fs::read(&path).unwrap(), altered);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was fetched");
}
