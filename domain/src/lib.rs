//! The rules of the shop. Pure: no clock, no input or output, no randomness.
//!
//! In reading order: the words ([`values`], [`sealed`]), the arithmetic ([`pricing`]), then one file for each
//! aggregate: [`shop`], [`product`], [`reservation`], [`promo`], [`cart`], [`buyer`], [`order`], [`register`],
//! [`invoice`]. Such a file holds, from top to bottom, commands, events, refusals, state, the table of rules, apply and
//! tests. [`event`] is the sum of all events, for those who read the whole log; [`ports`] is what the shop asks of the
//! outside world.

pub mod buyer;
pub mod cart;
pub mod event;
pub mod invoice;
pub mod order;
pub mod ports;
pub mod pricing;
pub mod product;
pub mod promo;
pub mod register;
pub mod reservation;
pub mod sealed;
pub mod shop;
pub mod values;

pub use event::Event;
pub use sealed::{Personal, Sealed};
pub use values::*;

/// What is stored does not have the form the program knows. Says where, never what: the value may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DomainError(pub String);
