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
    /// The last submission, while it is not known to be durable.
    pub(super) ticket: Option<Ticket>,
}

impl Entry {
    /// Forgets what never came to be, and stops waiting for what is durable.
    pub(super) fn settle(&mut self) {
        if let Some(ticket) = &self.ticket {
            if ticket.is_void() {
                self.state = None;
                self.ticket = None;
            } else if ticket.is_settled() {
                self.ticket = None;
            }
        }
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
                entries.retain(|_, entry| Arc::strong_count(entry) > 1);
            }
            Arc::clone(entries.entry(stream.clone()).or_default())
        };
        entry.lock_owned().await
    }

    /// Forgets `stream`, unless somebody is deciding on it: they will learn of it from the log.
    pub(super) fn forget(&self, stream: &StreamName) {
        self.forget_older(stream, u64::MAX);
    }

    /// Forgets `stream` where it is remembered at a version before `version`.
    pub(super) fn forget_older(&self, stream: &StreamName, version: u64) {
        let Some(entry) = self.entries().get(stream).cloned() else { return };
        if let Ok(mut entry) = entry.try_lock()
            && entry.state.as_ref().is_some_and(|(_, remembered)| *remembered < version)
        {
            *entry = Entry::default();
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
