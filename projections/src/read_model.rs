//! What a read model says of itself.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::Told;

/// A table that is made from events.
pub trait ReadModel: Send + Sync + Sized + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Raised when the fold changes its meaning; a change of [`ReadModel::DDL`] counts by itself.
    const VERSION: u32;
    /// Its table, with `{table}` for its name and `{binary}` for the order of bytes in text. The first column is
    /// `key text primary key`.
    const DDL: &'static str;
    /// The columns, as [`ReadModel::Row`] serializes them; `key` first.
    const COLUMNS: &'static [&'static str];
    /// The types of streams it is made from.
    const STREAMS: &'static [&'static str];
    /// What an event that cannot be read or folded means.
    const ON_POISON: OnPoison;

    /// One row.
    type Row: Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync;

    /// The row that an event speaks of.
    fn key(told: &Told<'_>) -> Option<String>;

    /// What the event makes of its row. Where it fails, the row is as it was. Pure: the same events always make the same
    /// rows.
    fn fold(row: &mut Option<Self::Row>, told: &Told<'_>) -> Result<(), FoldError>;
}

/// What an event that cannot be read or folded means for its view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPoison {
    /// The view stops before it: better no answer than a wrong one. For money.
    Halt,
    /// The event is set aside and counted, and the view goes on.
    SetAside,
}

/// Why an event makes nothing of its row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// There is no row for it: something before it is missing.
    #[error("there is no row for this event")]
    NoRow,
    /// It cannot be read.
    #[error(transparent)]
    Event(#[from] domain::DomainError),
}
