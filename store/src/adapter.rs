//! What a database must do to hold a log. The sequencer does the rest, the same for each.

use async_trait::async_trait;
use uuid::Uuid;

use crate::{AgendaChange, Deadline, Head, Key, Position, Recorded, StoreError, StoredAnswer, StreamName};

/// A database that holds a log.
#[async_trait]
pub(crate) trait Adapter: Send + Sync + 'static {
    /// The id drawn when the log was made.
    fn log_id(&self) -> Uuid;
    /// Whether no other process can write to this log.
    fn exclusive(&self) -> bool;
    /// The last event, or what stands for it where there is none.
    async fn head(&self) -> Result<Head, StoreError>;
    /// The events after a place, in the order of the log, `limit` at most.
    async fn read_all(&self, after: Position, limit: u32) -> Result<Vec<Recorded>, StoreError>;
    /// The lowest and the highest place that is taken, whatever somebody made of them.
    async fn span(&self) -> Result<Option<(i64, i64)>, StoreError>;
    /// The events of one stream after a version, in its order, `limit` at most.
    async fn read_stream(&self, stream: &StreamName, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError>;
    /// What a key stands for.
    async fn answer(&self, key: &Key) -> Result<Option<StoredAnswer>, StoreError>;
    /// Forgets the keys made before a moment (microseconds since 1970).
    async fn forget_keys(&self, before: i64) -> Result<(), StoreError>;
    /// Returns when another process may have written.
    async fn changed(&self);

    /// Locks the head for one batch. Only the sequencer calls this.
    async fn begin(&self) -> Result<Box<dyn BatchWriter>, StoreError>;

    /// How far a reactor is; `None` where it has never run.
    async fn bookmark(&self, reactor: &str) -> Result<Option<Position>, StoreError>;
    /// Moves a reactor's bookmark and changes the agenda, both or neither. Two processes may follow the log for one
    /// reactor: the bookmark only ever moves forward.
    async fn advance(&self, reactor: &str, to: Position, changes: &[AgendaChange]) -> Result<(), StoreError>;
    /// What is due at a moment, the earliest first, and at the same moment in the order of their ids.
    async fn due(&self, now: i64, limit: u32) -> Result<Vec<Deadline>, StoreError>;
    /// Closes the connections; the one that writes last.
    async fn close(&self);
}

/// One batch under way. Dropped, it leaves nothing.
#[async_trait]
pub(crate) trait BatchWriter: Send {
    /// The head, which nobody else moves until this ends.
    fn head(&self) -> &Head;
    /// The versions of streams, in the order asked; 0 where there is none.
    async fn versions(&mut self, streams: &[StreamName]) -> Result<Vec<u64>, StoreError>;
    /// What keys stand for.
    async fn answers(&mut self, keys: &[Key]) -> Result<Vec<(Key, StoredAnswer)>, StoreError>;
    /// Which of these events the log has.
    async fn known_events(&mut self, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError>;
    /// Stores the batch, with everything it says or nothing.
    async fn commit(self: Box<Self>, batch: &Batch) -> Result<(), CommitError>;
}

/// What one commit stores.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Recorded>,
    pub(crate) answers: Vec<(Key, StoredAnswer)>,
    /// The head before.
    pub(crate) from: Head,
    /// The head after.
    pub(crate) to: Head,
}

/// Why a batch is not stored, or not known to be.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Certainly not stored.
    NotStored(StoreError),
    /// Not stored, because the log has something already that must be unique.
    Taken(StoreError),
    /// It failed at the commit itself.
    Unknown(StoreError),
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(fault) if fault.is_unique_violation() => Self::Taken(error.into()),
            _ => Self::NotStored(error.into()),
        }
    }
}
