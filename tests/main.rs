//! Everything that crosses crates, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod architecture;
mod bad_input;
mod cart;
mod conformance;
mod crash;
mod desk;
mod endpoints;
mod headers;
mod invoice;
mod order;
mod pricing;
mod product;
mod program;
mod promo;
mod queries;
mod rebuild;
mod refund;
mod sales;
mod sandbox;
mod search;
mod wire;
