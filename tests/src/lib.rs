//! What the stories, the conformance suite and the benchmarks stand on.

pub mod postgres;
pub mod shop;
