//! How a read model follows the log: load the rows a page speaks of, fold in memory, write the rows and the checkpoint in
//! one transaction.
//!
//! The checkpoint says which log, which position, which hash, which epoch. One that is not where this projector left it
//! aborts the transaction: somebody else follows the same table, or began it anew.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use store::{Db, Log, Position, Recorded, StoreError, Vault, chain::hex};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::checkpoint::Checkpoint;
use crate::{FoldError, OnPoison, QueryError, ReadModel, Table, table::write_json, told};

pub(crate) mod checkpoint;

/// How many events are folded at once.
const PAGE: u32 = 5_000;
/// How far a checkpoint may stay behind while nothing is written.
const STRIDE: u64 = 10_000;

/// Where a view is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name.
    pub name: &'static str,
    /// Its table.
    pub table: String,
    /// The last event it has seen.
    pub position: Position,
    /// How many events of the log it has not seen.
    pub lag: u64,
    /// Whether it follows.
    pub state: State,
    /// How many events were set aside because they could not be read.
    pub set_aside: u64,
}

/// Whether a view follows the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum State {
    /// It does.
    Following,
    /// The database failed; it tries again.
    Retrying {
        /// What failed.
        error: String,
    },
    /// An event cannot be folded, and the view stops before it.
    Halted {
        /// Which event.
        at: Position,
        /// Why.
        error: String,
    },
}

/// A projector of any read model.
#[async_trait]
pub(crate) trait Follow: Send + Sync {
    fn name(&self) -> &'static str;
    fn status(&self) -> Status;
    fn watch(&self) -> watch::Receiver<Position>;
    async fn run(&self, stop: CancellationToken);
    async fn rebuild(&self, progress: &mut (dyn FnMut(Position) + Send)) -> Result<Position, StoreError>;
}

/// What follows the log for one read model.
pub(crate) struct Projector<M> {
    table: Table<M>,
    log: Log,
    vault: Vault,
    reached: watch::Sender<Position>,
    state: Mutex<State>,
    set_aside: Mutex<u64>,
}

impl<M: ReadModel> Projector<M> {
    pub(crate) async fn open(db: &Db, log: &Log, vault: &Vault) -> Result<Arc<Self>, StoreError> {
        let (reached, at) = watch::channel(Position::START);
        let projector = Self {
            table: Table::new(db, at),
            log: log.clone(),
            vault: vault.clone(),
            reached,
            state: Mutex::new(State::Following),
            set_aside: Mutex::new(0),
        };
        let checkpoint = match projector.read_checkpoint().await? {
            Some(checkpoint) if projector.still_holds(&checkpoint).await? => checkpoint,
            found => projector.begin_anew(found).await?,
        };
        let set_aside = checkpoint::count_set_aside(db, M::NAME).await?;
        *projector.set_aside.lock().unwrap_or_else(PoisonError::into_inner) = set_aside;
        projector.reached.send_replace(checkpoint.at());
        Ok(Arc::new(projector))
    }

    pub(crate) fn table(&self) -> Table<M> {
        self.table.clone()
    }

    pub(crate) fn follow(self: Arc<Self>) -> Arc<dyn Follow> {
        self
    }

    async fn read_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        checkpoint::read(self.table.db(), M::NAME).await
    }

    /// Whether the checkpoint speaks of this table and of this log, as the log is now.
    async fn still_holds(&self, checkpoint: &Checkpoint) -> Result<bool, StoreError> {
        if checkpoint.table_name != self.table.name() || checkpoint.log != self.log.id().to_string() {
            return Ok(false);
        }
        let Some(before) = checkpoint.at().0.checked_sub(1) else { return Ok(true) };
        let found = self.log.read_all(Position(before), 1).await?;
        Ok(found.first().is_some_and(|event| hex(&event.hash) == checkpoint.hash))
    }

    /// Makes the table anew and forgets what was before.
    async fn begin_anew(&self, old: Option<Checkpoint>) -> Result<Checkpoint, StoreError> {
        let fresh = Checkpoint {
            table_name: self.table.name().to_owned(),
            log: self.log.id().to_string(),
            position: 0,
            hash: String::new(),
            epoch: old.as_ref().map_or(1, |old| old.epoch + 1),
        };
        checkpoint::begin_anew(self.table.db(), M::NAME, self.table.ddl(), old, &fresh).await?;
        *self.set_aside.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        self.reached.send_replace(Position::START);
        Ok(fresh)
    }

    /// Folds a page and writes what came of it. Answers the new checkpoint.
    async fn project(&self, from: &Checkpoint, page: &[&Recorded]) -> Result<Checkpoint, ProjectError> {
        let Some(last) = page.last() else { return Ok(from.clone()) };
        let folded = self.fold(page).await?;
        let end = folded.halted.as_ref().map_or(last.position, |(at, _)| Position(at.0 - 1));
        let far = end.0 > from.at().0 + STRIDE;
        if folded.rows.is_empty() && folded.set_aside.is_empty() && !far && folded.halted.is_none() {
            self.reached.send_replace(end);
            return Ok(from.clone());
        }
        let at_end = page.iter().rev().find(|event| event.position == end);
        let hash = at_end.map_or_else(|| from.hash.clone(), |event| hex(&event.hash));
        let to = Checkpoint { position: end.to_column(), hash, ..from.clone() };
        self.write(from, &to, &folded).await?;
        self.reached.send_replace(end);
        if let Some((at, error)) = folded.halted {
            return Err(ProjectError::Halted { at, error });
        }
        Ok(to)
    }

    async fn fold(&self, page: &[&Recorded]) -> Result<Folded<M>, ProjectError> {
        let told = told::tell(&self.vault, M::STREAMS, page.iter().copied()).await?;
        let mut keys: Vec<String> = told.iter().filter_map(|(_, told)| M::key(told.as_ref().ok()?)).collect();
        keys.sort_unstable();
        keys.dedup();
        let stored = if keys.is_empty() { HashMap::new() } else { self.load(&keys).await? };
        let mut rows: HashMap<String, Option<M::Row>> = HashMap::with_capacity(keys.len());
        let mut folded = Folded { rows: Vec::new(), set_aside: Vec::new(), halted: None };
        for (recorded, told) in told {
            let outcome = told.map_err(FoldError::from).and_then(|told| match M::key(&told) {
                None => Ok(()),
                Some(key) => {
                    let row = rows.entry(key).or_insert_with_key(|key| stored.get(key).cloned());
                    M::fold(row, &told)
                }
            });
            let Err(error) = outcome else { continue };
            tracing::error!(projection = M::NAME, position = recorded.position.0, %error, "an event cannot be folded");
            match M::ON_POISON {
                OnPoison::SetAside => folded.set_aside.push((recorded.position, error.to_string())),
                OnPoison::Halt => {
                    folded.halted = Some((recorded.position, error.to_string()));
                    break;
                }
            }
        }
        folded.rows = rows.into_values().flatten().collect();
        Ok(folded)
    }

    async fn load(&self, keys: &[String]) -> Result<HashMap<String, M::Row>, ProjectError> {
        self.table.find_all(keys).await.map_err(|error| match error {
            QueryError::Store(error) => ProjectError::Store(error),
            error @ (QueryError::Behind { .. } | QueryError::Cursor) => {
                ProjectError::Store(StoreError::Corrupt(error.to_string()))
            }
        })
    }

    /// Writes the rows and moves the checkpoint, both or neither.
    async fn write(&self, from: &Checkpoint, to: &Checkpoint, folded: &Folded<M>) -> Result<(), ProjectError> {
        let rows = if folded.rows.is_empty() { None } else { Some(write_json(&folded.rows)?) };
        let page = checkpoint::Page { upsert: self.table.upsert(), rows, set_aside: &folded.set_aside };
        if !checkpoint::write(self.table.db(), M::NAME, from, to, page).await? {
            return Err(ProjectError::Fenced);
        }
        *self.set_aside.lock().unwrap_or_else(PoisonError::into_inner) += folded.set_aside.len() as u64;
        Ok(())
    }

    fn say(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Follows from the stored checkpoint until something stops it.
    async fn follow_from_checkpoint(&self, stop: &CancellationToken) -> Result<(), ProjectError> {
        let Some(mut checkpoint) = self.read_checkpoint().await? else {
            return Err(ProjectError::Fenced);
        };
        if checkpoint.table_name != self.table.name() {
            let error = "another version of this view has taken over".to_owned();
            return Err(ProjectError::Halted { at: checkpoint.at(), error });
        }
        self.reached.send_replace(checkpoint.at());
        let mut follower = self.log.follow(checkpoint.at());
        self.say(State::Following);
        loop {
            let page = tokio::select! {
                page = follower.next() => page?,
                () = stop.cancelled() => return Ok(()),
            };
            let events: Vec<&Recorded> = page.events().collect();
            checkpoint = self.project(&checkpoint, &events).await?;
        }
    }
}

#[async_trait]
impl<M: ReadModel> Follow for Projector<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn status(&self) -> Status {
        let (position, head) = (*self.reached.borrow(), *self.log.watch().borrow());
        Status {
            name: M::NAME,
            table: self.table.name().to_owned(),
            position,
            lag: head.0.saturating_sub(position.0),
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            set_aside: *self.set_aside.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.table.watch()
    }

    async fn run(&self, stop: CancellationToken) {
        const SOON: Duration = Duration::from_millis(20);
        const LATE: Duration = Duration::from_secs(5);
        let mut wait = SOON;
        while !stop.is_cancelled() {
            match self.follow_from_checkpoint(&stop).await {
                Ok(()) => return,
                // Somebody else moved the checkpoint: go on from where it is now.
                Err(ProjectError::Fenced) => wait = SOON,
                Err(ProjectError::Halted { at, error }) => {
                    self.say(State::Halted { at, error });
                    return;
                }
                Err(ProjectError::Store(error)) => {
                    let fault = &error as &dyn std::error::Error;
                    tracing::warn!(error = fault, projection = M::NAME, "a view cannot follow the log");
                    self.say(State::Retrying { error: error.to_string() });
                    wait = (wait * 2).min(LATE);
                }
            }
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    async fn rebuild(&self, progress: &mut (dyn FnMut(Position) + Send)) -> Result<Position, StoreError> {
        let head = self.log.head().await?.position;
        let mut checkpoint = self.begin_anew(self.read_checkpoint().await?).await?;
        let mut at = checkpoint.at();
        while at < head {
            let events = self.log.read_all(at, PAGE).await?;
            let Some(last) = events.last() else { break };
            let page: Vec<&Recorded> = events.iter().collect();
            checkpoint = match self.project(&checkpoint, &page).await {
                Ok(checkpoint) => checkpoint,
                Err(ProjectError::Store(error)) => return Err(error),
                Err(ProjectError::Fenced) => {
                    return Err(StoreError::Refused(format!("somebody else follows the log for {}", M::NAME)));
                }
                Err(ProjectError::Halted { at, error }) => {
                    return Err(StoreError::Corrupt(format!("the event at position {at} cannot be folded: {error}")));
                }
            };
            at = last.position;
            progress(at);
        }
        Ok(at)
    }
}

/// What a page comes to.
struct Folded<M: ReadModel> {
    rows: Vec<M::Row>,
    set_aside: Vec<(Position, String)>,
    halted: Option<(Position, String)>,
}

enum ProjectError {
    /// The checkpoint is not where it was left.
    Fenced,
    /// An event cannot be folded, and this view stops before it.
    Halted { at: Position, error: String },
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for ProjectError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for ProjectError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
