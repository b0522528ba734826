//! The append-only log and the vault. Knows streams and positions, nothing of what they are about.
//!
//! In reading order: the words ([`stream`], [`recorded`], [`transaction`]), the [`chain`] of hashes, the [`log`] that
//! everybody uses and those who [`follow`] it, the sequencer that gives every adapter one meaning, the adapters (memory,
//! SQLite, PostgreSQL), the agenda of reactors, the audit ([`verify`]), the [`vault`], the [`archive`] of documents, and
//! what the databases have in common ([`db`]).

mod adapter;
pub mod agenda;
pub mod archive;
pub mod chain;
pub mod db;
pub mod folder;
pub mod follow;
pub mod log;
mod memory;
mod postgres;
pub mod recorded;
mod sequencer;
mod sqlite;
pub mod stream;
pub mod transaction;
pub mod vault;
pub mod verify;

pub use agenda::{AgendaChange, Deadline};
pub use archive::Archive;
pub use db::{Db, Target};
pub use folder::DataFolder;
pub use follow::Follower;
pub use log::{Head, Log};
pub use recorded::{Metadata, Position, Recorded};
pub use stream::StreamName;
pub use transaction::{
    Append, AppendError, Committed, Expected, Key, KeyedAnswer, NewEvent, StoredAnswer, Ticket, Transaction,
};
pub use vault::Vault;

/// A store that did not do what it was asked. For the log of faults, never for a customer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed, or was away.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The tables could not be brought to today's shape.
    #[error("the migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The file system failed.
    #[error("the file system failed")]
    File(#[from] std::io::Error),
    /// What is stored cannot be.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
    /// Another process has the data folder.
    #[error("the data folder {path} is in use by {holder}; ask it over HTTP, or stop it first")]
    InUse {
        /// Where it is.
        path: String,
        /// What that process said of itself.
        holder: String,
    },
    /// The store would promise less than the shop does.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// Whether the database answered with something that a log does not hold.
    pub(crate) const fn is_unreadable(&self) -> bool {
        use sqlx::Error::{ColumnDecode, Decode};
        matches!(self, Self::Database(Decode(_) | ColumnDecode { .. }) | Self::Corrupt(_))
    }
}
