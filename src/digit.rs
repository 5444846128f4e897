//! From pen strokes to 28×28 pixels, the way MNIST was made.
