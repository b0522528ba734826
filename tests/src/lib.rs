//! What the stories, the conformance suite and the benchmarks stand on.

#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on panics")]

pub mod payments;
pub mod postgres;
pub mod program;
pub mod rows;
pub mod shop;
