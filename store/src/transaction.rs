//! What is asked of the log, and what it answers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;
use uuid::Uuid;

use crate::{Position, StreamName, chain::Hash};

/// Events for one or several streams: all of them are stored, or none.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// What goes where.
    pub appends: Vec<Append>,
    /// A [`Metadata`](crate::Metadata) as JSON, for all its events.
    pub metadata: String,
    /// The moment of the decision, in microseconds since 1970. An event is recorded no earlier than the one before it.
    pub at: i64,
    /// The idempotency key this answers to.
    pub key: Option<KeyedAnswer>,
}

/// How long the name of a stream, a key and its scope may be: an index of PostgreSQL takes less than 2,704 bytes.
const MAX_NAME: usize = 1_024;

impl Transaction {
    /// Whether every database would keep it as it is. What one of them cannot keep, none is given.
    pub(crate) fn is_storable(&self) -> bool {
        let text = |text: &str| !text.contains('\0');
        let name = |name: &str| name.len() <= MAX_NAME && text(name);
        let event = |event: &NewEvent| text(&event.event_type) && text(&event.payload);
        let append = |append: &Append| name(append.stream.id()) && append.events.iter().all(event);
        let keyed = |keyed: &KeyedAnswer| name(&keyed.key.scope) && name(&keyed.key.key) && text(&keyed.answer);
        text(&self.metadata) && self.appends.iter().all(append) && self.key.iter().all(keyed)
    }
}

/// Events for one stream. Without events it only demands that the stream is where it is expected.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which stream.
    pub stream: StreamName,
    /// Where it must be.
    pub expected: Expected,
    /// What to add.
    pub events: Vec<NewEvent>,
}

/// Where a stream must be for an append to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    NoStream,
    /// Its last event must have this version; 0 is a stream that does not exist.
    Exact(u64),
    /// It must exist.
    Exists,
    /// Anywhere.
    Any,
}

impl Expected {
    pub(crate) const fn holds(self, version: u64) -> bool {
        match self {
            Self::NoStream => version == 0,
            Self::Exact(expected) => version == expected,
            Self::Exists => version > 0,
            Self::Any => true,
        }
    }
}

/// An event that is not stored yet.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its id, unique in the log. A `UUIDv5` is derived from its cause: where the log has it already, the whole
    /// transaction is done.
    pub id: Uuid,
    /// What it is.
    pub event_type: String,
    /// Which form its payload has.
    pub schema: u32,
    /// The event as JSON.
    pub payload: String,
}

/// An idempotency key: the caller and the route, and what the caller calls the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Whose key it is, and for what.
    pub scope: String,
    /// The key.
    pub key: String,
}

/// A key with the request it stands for and the answer it will give.
#[derive(Debug, Clone)]
pub struct KeyedAnswer {
    /// The key.
    pub key: Key,
    /// The hash of the request.
    pub request: Hash,
    /// What to answer when it is asked again: JSON without secrets and without personal data.
    pub answer: String,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The hash of the request.
    pub request: Hash,
    /// The answer, as JSON.
    pub answer: String,
    /// The head of the log when the answer was given.
    pub position: Position,
    /// When, in microseconds since 1970.
    pub made_at: i64,
}

impl StoredAnswer {
    /// Whether the key still stands for this answer at `now`, in microseconds since 1970.
    pub const fn stands(&self, now: i64) -> bool {
        now < self.made_at.saturating_add(KEY_LIFE)
    }
}

/// How long a key gives its answer again, in microseconds: 7 days.
pub const KEY_LIFE: i64 = 7 * 24 * 60 * 60 * 1_000_000;

/// A transaction that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The place of its last event; the head of the log where it has none.
    pub position: Position,
    /// Whether its events were stored now. Where not, its key or its derived ids say that it was done before.
    pub stored: bool,
    /// The answer that its key gave before.
    pub replayed: Option<String>,
}

/// Why a transaction is not stored, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// A stream is not where it was expected: decide again.
    #[error("{stream} is at version {actual}")]
    Conflict {
        /// Which.
        stream: StreamName,
        /// Its version.
        actual: u64,
    },
    /// It rested on a transaction that was not stored: decide again.
    #[error("what this was decided on was not stored")]
    Unfounded,
    /// The key stands for another request.
    #[error("the idempotency key stands for another request")]
    KeyMismatch,
    /// An event, or all of them together, are too large.
    #[error("the events are too large")]
    TooLarge,
    /// A text has a NUL, a name is too long for an index, or an event id is taken by another event. Nothing was
    /// stored, and asking again will not help.
    #[error("the events cannot be stored as they are")]
    Unstorable,
    /// The queue is full: nothing was stored.
    #[error("too many transactions are waiting")]
    Overloaded,
    /// The store is away: nothing was stored.
    #[error("the log cannot be written to")]
    Unavailable,
    /// The store went away at the commit. The same key tells whether it is stored.
    #[error("nobody knows whether this was stored")]
    UnknownOutcome,
}

/// The promise of an answer to one transaction. Clones wait for the same one.
#[derive(Debug, Clone)]
pub struct Ticket {
    outcome: watch::Receiver<Option<Result<Committed, AppendError>>>,
    void: Arc<AtomicBool>,
}

impl Ticket {
    pub(crate) fn new() -> (Promise, Self) {
        let (sender, outcome) = watch::channel(None);
        let void = Arc::new(AtomicBool::new(false));
        (Promise { outcome: sender, void: Arc::clone(&void) }, Self { outcome, void })
    }

    /// Whether it is certain that the events of this transaction are not in the log because of it: it failed, or
    /// somebody else had done it before. What was decided on them must be decided again.
    pub fn is_void(&self) -> bool {
        self.void.load(Ordering::Acquire)
    }

    /// Whether there is an answer.
    pub fn is_settled(&self) -> bool {
        self.outcome.borrow().is_some()
    }

    /// The answer, once it is there.
    pub async fn wait(mut self) -> Result<Committed, AppendError> {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(AppendError::UnknownOutcome)),
            // The writer ended before it answered: it may have been in the middle of a commit.
            Err(_) => Err(AppendError::UnknownOutcome),
        }
    }
}

/// The other end of a [`Ticket`].
#[derive(Debug)]
pub(crate) struct Promise {
    outcome: watch::Sender<Option<Result<Committed, AppendError>>>,
    void: Arc<AtomicBool>,
}

impl Promise {
    /// Says what is decided, before it is answered: nothing may rest on what is not stored.
    pub(crate) fn decide(&self, outcome: &Result<Committed, AppendError>) {
        let stored = outcome.as_ref().is_ok_and(|committed| committed.stored);
        self.void.store(!stored, Ordering::Release);
    }

    pub(crate) fn keep(&self, outcome: Result<Committed, AppendError>) {
        self.decide(&outcome);
        self.outcome.send_replace(Some(outcome));
    }
}
