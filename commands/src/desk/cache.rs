//! What the desk remembers: each aggregate as its last submitted event left it, and the lock on its stream.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::{StreamName, Ticket};
use tokio::sync::OwnedMutexGuard;

/// How many aggregates are remembered before those that nobody uses are forgotten.
const MAX_ENTRIES: usize = 50_000;

/// An aggregate of any type.
pub(super) type AnyAggregate = Box<dyn Any + Send>;

/// What is remembered of one stream. Empty while somebody decides on it.
#[derive(Default)]
pub(super) struct Entry {
    /// The aggregate, and the version that left it like this.
    pub(super) state: Option<(AnyAggregate, u64)>,
    /// The last submission, until it has its answer. As long as it has none, the log does not say what the aggregate is.
    pub(super) ticket: Option<Ticket>,
}

impl Entry {
    /// Forgets what never came to be, and stops waiting for what has its answer.
    pub(super) fn settle(&mut self) {
        let Some(ticket) = &self.ticket else { return };
        // Asked in this order: what fails is void first, and has its answer then.
        let settled = ticket.is_settled();
        if ticket.is_void() {
            self.state = None;
        }
        if settled {
            self.ticket = None;
        }
    }

    /// Waits until the log says what the aggregate is. Loaded before, it would lack what is on its way.
    pub(super) async fn landed(&mut self) {
        if let Some(ticket) = &self.ticket {
            // Whether it is stored or not, the log shows it now.
            let _ = ticket.clone().wait().await;
            self.ticket = None;
        }
    }

    fn is_on_its_way(&self) -> bool {
        self.ticket.as_ref().is_some_and(|ticket| !ticket.is_settled())
    }
}

type Entries = HashMap<StreamName, Arc<tokio::sync::Mutex<Entry>>>;

#[derive(Clone, Default)]
pub(super) struct Cache(Arc<Mutex<Entries>>);

impl Cache {
    /// Waits for its turn on `stream`.
    pub(super) async fn lock(&self, stream: &StreamName) -> OwnedMutexGuard<Entry> {
        let entry = {
            let mut entries = self.entries();
            if entries.len() >= MAX_ENTRIES {
                entries.retain(|_, entry| {
                    let on_its_way = || entry.try_lock().map_or(true, |entry| entry.is_on_its_way());
                    Arc::strong_count(entry) > 1 || on_its_way()
                });
            }
            Arc::clone(entries.entry(stream.clone()).or_default())
        };
        entry.lock_owned().await
    }

    /// Forgets `stream` where it is remembered at a version before `version`, unless somebody is deciding on it: they will
    /// learn of it from the log. What is on its way stays known.
    pub(super) fn forget_older(&self, stream: &StreamName, version: u64) {
        let Some(entry) = self.entries().get(stream).cloned() else { return };
        if let Ok(mut entry) = entry.try_lock()
            && entry.state.as_ref().is_some_and(|(_, remembered)| *remembered < version)
        {
            entry.state = None;
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
