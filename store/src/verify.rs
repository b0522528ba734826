//! The audit: reads the whole log and proves that nothing was altered.

use std::collections::HashMap;

use crate::{Log, Position, StoreError, StreamName, chain};

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// How many events were proved.
    pub events: u64,
    /// The first thing that is wrong, where there is one.
    pub fault: Option<Fault>,
}

/// Where a log was altered, and how it shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Events are missing here.
    #[error("position {position} is missing")]
    Missing {
        /// The first that is not there.
        position: Position,
    },
    /// The event is not what was hashed.
    #[error("the event at position {position} is not what was recorded")]
    Altered {
        /// Where.
        position: Position,
    },
    /// A stream has a hole, or an event twice.
    #[error("the event at position {position} does not follow the one before it in its stream")]
    OutOfStream {
        /// Where.
        position: Position,
    },
    /// The head does not speak of the last event: the log was cut, or grew without its head.
    #[error("the log ends at position {end}, and its head says {head}")]
    WrongHead {
        /// The last event.
        end: Position,
        /// What the head says.
        head: Position,
    },
}

/// Reads the log from its beginning to the head of this moment, and tells `progress` how far it is.
pub async fn verify(log: &Log, mut progress: impl FnMut(Position)) -> Result<Audit, StoreError> {
    const PAGE: u32 = 5_000;
    let head = log.head().await?;
    let mut hash = chain::genesis(log.id());
    let mut at = Position::START;
    let mut versions: HashMap<StreamName, u64> = HashMap::new();
    let broken = |events: Position, fault| Ok(Audit { events: events.0, fault: Some(fault) });

    while at < head.position {
        let page = log.read_all(at, PAGE).await?;
        if page.is_empty() {
            return broken(at, Fault::WrongHead { end: at, head: head.position });
        }
        for event in page {
            if event.position != at.next() {
                return broken(at, Fault::Missing { position: at.next() });
            }
            hash = chain::link(&hash, &event);
            if hash != event.hash {
                return broken(at, Fault::Altered { position: event.position });
            }
            let version = versions.entry(event.stream.clone()).or_default();
            *version += 1;
            if event.version != *version {
                return broken(at, Fault::OutOfStream { position: event.position });
            }
            at = event.position;
            if at == head.position && hash != head.hash {
                return broken(at, Fault::Altered { position: at });
            }
        }
        progress(at);
    }
    let beyond = log.read_all(head.position, 1).await?;
    if !beyond.is_empty() && log.head().await? == head {
        let end = beyond[0].position;
        return broken(at, Fault::WrongHead { end, head: head.position });
    }
    Ok(Audit { events: at.0, fault: None })
}
