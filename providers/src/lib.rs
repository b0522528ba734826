//! The outside world: one adapter per file, each behind a trait of [`domain::ports`].

mod sandbox;

pub use sandbox::Sandbox;
