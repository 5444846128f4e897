//! Box-constrained limited-memory BFGS.
