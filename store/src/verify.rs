//! The audit: reads the whole log and proves that nothing was altered.

use std::collections::HashMap;

use crate::{Head, Log, Position, StoreError, StreamName, chain};

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
    /// The event is not what was hashed. At the last place it may be the head that is not; at 0 it is an event before
    /// the first.
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
    let mut last = Head { position: Position::START, hash: chain::genesis(log.id()), recorded_at: 0 };
    let mut versions: HashMap<StreamName, u64> = HashMap::new();
    let mut limit = PAGE;
    let broken = |last: &Head, fault| Ok(Audit { events: last.position.0, fault: Some(fault) });

    while last.position < head.position {
        let next = last.position.next();
        let page = match log.rows(last.position, limit).await {
            // Which of them cannot even be read, they show one by one.
            Err(error) if error.is_unreadable() && limit > 1 => {
                limit = 1;
                continue;
            }
            Err(error) if error.is_unreadable() => {
                return broken(&last, Fault::Altered { position: next });
            }
            page => page?,
        };
        if page.is_empty() {
            let end = last.position;
            return broken(&last, Fault::WrongHead { end, head: head.position });
        }
        for event in page {
            if last.position == head.position {
                break;
            }
            let position = last.position.next();
            if event.position != position {
                return broken(&last, Fault::Missing { position });
            }
            let hash = chain::link(&last.hash, &event);
            if hash != event.hash {
                return broken(&last, Fault::Altered { position });
            }
            let version = versions.entry(event.stream).or_default();
            *version += 1;
            if event.version != *version {
                return broken(&last, Fault::OutOfStream { position });
            }
            last = Head { position, hash, recorded_at: event.recorded_at };
        }
        progress(last.position);
    }
    let (lowest, highest) = log.span().await?.unwrap_or((1, 0));
    let end = Position(u64::try_from(highest).unwrap_or(0));
    if end > head.position && log.head().await? == head {
        return broken(&last, Fault::WrongHead { end, head: head.position });
    }
    if last != head {
        return broken(&last, Fault::Altered { position: head.position });
    }
    // No reader of the log looks before its beginning, but a reader of a stream would find it there.
    if lowest < 1 {
        return broken(&last, Fault::Altered { position: Position::START });
    }
    Ok(Audit { events: last.position.0, fault: None })
}
