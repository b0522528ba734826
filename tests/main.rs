//! Everything that crosses crates, in one binary.

mod cart;
mod desk;
mod order;
mod product;
