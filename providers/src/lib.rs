//! The outside world: one adapter per file, each behind a trait of [`domain::ports`].

mod nobody;
mod sandbox;

pub use nobody::Nobody;
pub use sandbox::Sandbox;
