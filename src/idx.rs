//! MNIST's IDX files.
