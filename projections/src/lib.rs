//! Everything the shop shows: read models that follow the log.
//!
//! A read model is one file, named for what it lists: its table, its row, its queries, its fold. `projector` is how all
//! of them follow the log and are made again, `table` how their rows are read and written, `told` how an event is told
//! to them, `views` all of them together. Views live in a database, a schema or a file of their own and can be thrown away: the log makes them again.

pub mod carts;
pub mod histories;
pub mod invoices;
mod job;
mod meter;
pub mod orders;
pub mod page;
pub mod products;
mod projector;
pub mod promo_uses;
pub mod promos;
mod read_model;
pub mod sales;
pub mod search;
mod table;
mod told;
mod views;

use store::{Position, StoreError};

pub use job::{Origin, Outcome, RebuildError, RebuildStatus};
pub use projector::{State, Status};
pub use read_model::{FoldError, OnPoison, ReadModel};
pub use table::{Document, Table};
pub use told::Told;
pub use views::Views;

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The view did not reach the position in time.
    #[error("the view {view} is at position {at}")]
    Behind {
        /// Which view.
        view: &'static str,
        /// Where it is.
        at: Position,
    },
    /// A page mark was not made here.
    #[error("this page mark is not one of this list")]
    Cursor,
    /// Something is broken.
    #[error("the views cannot be read")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
