//! Everything that crosses crates, in one binary.

mod desk;
mod order;
