//! Following the log: everything after a place, then whatever comes.
//!
//! The writer hands each batch it has committed to those who follow, so that nobody reads back what was just written.
//! Who is further behind, or missed what another process wrote, reads it from the database and catches up.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::{Log, Position, Recorded, StoreError};

/// How many committed batches wait for a slow follower before it has to read them back.
pub(crate) const BATCHES: usize = 16;
/// How many events one read brings.
const PAGE: u32 = 2_000;

/// A reader that is somewhere in the log.
pub struct Follower {
    log: Log,
    at: Position,
    head: watch::Receiver<Position>,
    live: broadcast::Receiver<Arc<Vec<Recorded>>>,
}

/// Events that follow each other without a gap.
#[derive(Debug, Clone)]
pub struct Page(Vec<(Arc<Vec<Recorded>>, usize)>);

impl Page {
    /// The events, in the order of the log.
    pub fn events(&self) -> impl Iterator<Item = &Recorded> {
        self.0.iter().flat_map(|(batch, skip)| batch.iter().skip(*skip))
    }
}

impl Follower {
    pub(crate) fn new(log: Log, after: Position, live: broadcast::Receiver<Arc<Vec<Recorded>>>) -> Self {
        Self { at: after, head: log.watch(), log, live }
    }

    /// The place of the last event that was given.
    pub const fn at(&self) -> Position {
        self.at
    }

    /// The next events: as many as there are, some thousands at most. Waits while there are none. Dropping the future
    /// loses nothing.
    pub async fn next(&mut self) -> Result<Page, StoreError> {
        loop {
            let page = self.handed_over();
            if !page.0.is_empty() {
                return Ok(page);
            }
            if *self.head.borrow_and_update() > self.at {
                let events = self.log.read_all(self.at, PAGE).await?;
                if let Some(last) = events.last() {
                    self.at = last.position;
                    return Ok(Page(vec![(Arc::new(events), 0)]));
                }
            }
            // The writer hands a batch over before it moves the head, so this never sleeps through one.
            if self.head.changed().await.is_err() {
                std::future::pending::<()>().await; // The log is closed: nothing will come.
            }
        }
    }

    /// What the writer handed over and follows on without a gap.
    fn handed_over(&mut self) -> Page {
        let mut page = Page(Vec::new());
        let mut events = 0;
        while events < PAGE as usize {
            let Ok(batch) = self.live.try_recv() else { break };
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else { continue };
            if last.position <= self.at {
                continue;
            }
            if first.position > self.at.next() {
                break; // Something is missing in between; what was taken here will be read back with it.
            }
            let skip = usize::try_from(self.at.0 + 1 - first.position.0).unwrap_or(0);
            self.at = last.position;
            events += batch.len();
            page.0.push((batch, skip));
        }
        page
    }
}
