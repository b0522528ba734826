//! Everything that crosses crates, in one binary.

mod architecture;
mod cart;
mod conformance;
mod crash;
mod desk;
mod order;
mod product;
mod wire;
