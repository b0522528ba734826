//! Everything that crosses crates, in one binary.

mod architecture;
mod bad_input;
mod cart;
mod conformance;
mod crash;
mod desk;
mod endpoints;
mod headers;
mod order;
mod pricing;
mod product;
mod program;
mod queries;
mod wire;
