//! What the log holds: events in their envelope.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{StreamName, chain::Hash};

/// A place in the log: 1 for the first event, without gaps, in commit order. 0 is before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    pub(crate) fn from_column(column: i64) -> Result<Self, sqlx::Error> {
        u64::try_from(column).map(Self).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// The place as databases keep it: a signed 64-bit integer.
    pub fn to_column(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An event as the log keeps it. All of it is immutable, and all of it is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream: 1 for the first event, without gaps.
    pub version: u64,
    /// Its own id, unique in the log.
    pub event_id: Uuid,
    /// What it is: `OrderPlaced`.
    pub event_type: String,
    /// Which form its payload has.
    pub schema: u32,
    /// The event as JSON: the exact text that was hashed.
    pub payload: String,
    /// A [`Metadata`] as JSON: the exact text that was hashed.
    pub metadata: String,
    /// When, in microseconds since 1970; never before the event before it.
    pub recorded_at: i64,
    /// The place of the last event of the same transaction.
    pub transaction_end: Position,
    /// The chain up to and including this event.
    pub hash: Hash,
}

/// Who caused an event, and why. A closed list: no network addresses, nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// What kind of actor: guest, staff, reactor, shop.
    pub actor: String,
    /// Which one, where the kind has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
    /// The command that decided it.
    pub command: Uuid,
    /// What everything that follows from one request has in common.
    pub correlation: Uuid,
    /// The event a reactor answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causation: Option<Uuid>,
    /// The W3C trace id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}
