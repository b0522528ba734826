//! Everything that crosses crates, in one binary.

mod conformance;
mod order;
