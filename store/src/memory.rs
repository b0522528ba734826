//! The log in memory: for tests, and the plainest reading of what an adapter does.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use crate::{
    AgendaChange, Deadline, Head, Key, Position, Recorded, StoreError, StoredAnswer, StreamName,
    adapter::{Adapter, Batch, BatchWriter, CommitError},
    chain,
};

#[derive(Default)]
struct Tables {
    events: Vec<Recorded>,
    streams: HashMap<StreamName, Vec<usize>>,
    ids: HashSet<Uuid>,
    keys: HashMap<Key, StoredAnswer>,
    bookmarks: HashMap<String, Position>,
    deadlines: BTreeMap<Uuid, Deadline>,
}

pub(crate) struct MemoryAdapter {
    log_id: Uuid,
    tables: Arc<Mutex<Tables>>,
    writer: Arc<tokio::sync::Mutex<()>>,
}

impl MemoryAdapter {
    pub(crate) fn new() -> Self {
        Self { log_id: Uuid::now_v7(), tables: Arc::default(), writer: Arc::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}

fn lock(tables: &Mutex<Tables>) -> MutexGuard<'_, Tables> {
    tables.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tables {
    fn head(&self, log_id: Uuid) -> Head {
        self.events.last().map_or_else(
            || Head { position: Position::START, hash: chain::genesis(log_id), recorded_at: 0 },
            |last| Head { position: last.position, hash: last.hash, recorded_at: last.recorded_at },
        )
    }
}

#[async_trait]
impl Adapter for MemoryAdapter {
    fn log_id(&self) -> Uuid {
        self.log_id
    }

    fn exclusive(&self) -> bool {
        true
    }

    async fn head(&self) -> Result<Head, StoreError> {
        Ok(self.tables().head(self.log_id))
    }

    async fn read_all(&self, after: Position, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(self.tables().events.iter().skip(skip).take(limit as usize).cloned().collect())
    }

    async fn span(&self) -> Result<Option<(i64, i64)>, StoreError> {
        let tables = self.tables();
        let ends = tables.events.first().zip(tables.events.last());
        Ok(ends.map(|(first, last)| (first.position.to_column(), last.position.to_column())))
    }

    async fn read_stream(&self, stream: &StreamName, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let tables = self.tables();
        let indexes = tables.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(indexes.iter().skip(skip).take(limit as usize).map(|&index| tables.events[index].clone()).collect())
    }

    async fn answer(&self, key: &Key) -> Result<Option<StoredAnswer>, StoreError> {
        Ok(self.tables().keys.get(key).cloned())
    }

    async fn forget_keys(&self, before: i64) -> Result<(), StoreError> {
        self.tables().keys.retain(|_, answer| answer.made_at >= before);
        Ok(())
    }

    async fn changed(&self) {
        std::future::pending::<()>().await;
    }

    async fn begin(&self) -> Result<Box<dyn BatchWriter>, StoreError> {
        let lock = Arc::clone(&self.writer).lock_owned().await;
        let head = self.tables().head(self.log_id);
        Ok(Box::new(MemoryBatch { tables: Arc::clone(&self.tables), head, _lock: lock }))
    }

    async fn bookmark(&self, reactor: &str) -> Result<Option<Position>, StoreError> {
        Ok(self.tables().bookmarks.get(reactor).copied())
    }

    async fn advance(&self, reactor: &str, to: Position, changes: &[AgendaChange]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let bookmark = tables.bookmarks.entry(reactor.to_owned()).or_default();
        *bookmark = to.max(*bookmark);
        for change in changes {
            match change {
                AgendaChange::Schedule(deadline) => {
                    let kept = tables.deadlines.entry(deadline.id).or_insert_with(|| deadline.clone());
                    kept.subject.clone_from(&deadline.subject);
                    kept.due_at = deadline.due_at;
                }
                AgendaChange::Met(deadline) => {
                    let unmoved = tables.deadlines.get(&deadline.id).is_some_and(|kept| kept.due_at == deadline.due_at);
                    if unmoved {
                        tables.deadlines.remove(&deadline.id);
                    }
                }
                AgendaChange::Cancel(id) => {
                    tables.deadlines.remove(id);
                }
            }
        }
        Ok(())
    }

    async fn due(&self, now: i64, limit: u32) -> Result<Vec<Deadline>, StoreError> {
        let mut due: Vec<Deadline> =
            self.tables().deadlines.values().filter(|deadline| deadline.due_at <= now).cloned().collect();
        due.sort_by_key(|deadline| deadline.due_at);
        due.truncate(limit as usize);
        Ok(due)
    }

    async fn close(&self) {}
}

struct MemoryBatch {
    tables: Arc<Mutex<Tables>>,
    head: Head,
    _lock: OwnedMutexGuard<()>,
}

#[async_trait]
impl BatchWriter for MemoryBatch {
    fn head(&self) -> &Head {
        &self.head
    }

    async fn versions(&mut self, streams: &[StreamName]) -> Result<Vec<u64>, StoreError> {
        let tables = lock(&self.tables);
        let version = |stream| tables.streams.get(stream).map_or(0, |indexes| indexes.len() as u64);
        Ok(streams.iter().map(version).collect())
    }

    async fn answers(&mut self, keys: &[Key]) -> Result<Vec<(Key, StoredAnswer)>, StoreError> {
        let tables = lock(&self.tables);
        let found = |key: &Key| tables.keys.get(key).map(|answer| (key.clone(), answer.clone()));
        Ok(keys.iter().filter_map(found).collect())
    }

    async fn known_events(&mut self, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        let tables = lock(&self.tables);
        Ok(ids.iter().filter(|id| tables.ids.contains(id)).copied().collect())
    }

    async fn commit(self: Box<Self>, batch: &Batch) -> Result<(), CommitError> {
        let mut tables = lock(&self.tables);
        if let Some(event) = batch.events.iter().find(|event| tables.ids.contains(&event.event_id)) {
            let fault = format!("the event id {} is taken", event.event_id);
            return Err(CommitError::Taken(StoreError::Corrupt(fault)));
        }
        for event in &batch.events {
            let index = tables.events.len();
            tables.streams.entry(event.stream.clone()).or_default().push(index);
            tables.ids.insert(event.event_id);
            tables.events.push(event.clone());
        }
        tables.keys.extend(batch.answers.iter().cloned());
        Ok(())
    }
}
