//! How a read model follows the log, and which of its tables answers.
//!
//! The checkpoint says which log, which position, which hash, which epoch. One that is not where this projector left it
//! aborts the transaction: somebody else follows the same table, or another table took over. Then it goes on from where
//! the checkpoint is now; queries go over to another table only when that has seen all they were shown before.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use store::{Db, Log, Position, Recorded, StoreError, Vault};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use self::{
    checkpoint::Checkpoint,
    generation::{Generation, ProjectError, still_holds},
};
use crate::{
    ReadModel, RebuildError, RebuildStatus, Table,
    job::Job,
    meter::Meter,
    table::{table_name, table_number},
};

pub(crate) mod checkpoint;
mod generation;
mod generations;
mod rebuild;

/// How often a projector that shares its database looks whether another process made another table the live one.
const LOOK: Duration = Duration::from_secs(1);

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
    /// Events a second over the last seconds.
    pub rate: u64,
    /// Whether it follows.
    pub state: State,
    /// How many events were set aside because they could not be read.
    pub set_aside: u64,
    /// How it is being made again, or was since the program started.
    pub rebuild: Option<RebuildStatus>,
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

/// What follows the log and can be made again from it.
#[async_trait]
pub(crate) trait Follow: Send + Sync {
    fn name(&self) -> &'static str;
    /// Where it is; what it knows of rebuilds is added by [`crate::Views`].
    fn status(&self) -> Status;
    /// How far it is, to be waited on.
    fn watch(&self) -> watch::Receiver<Position>;
    /// Follows until `stop`.
    async fn run(&self, stop: CancellationToken);
    /// Makes it again beside itself, while it goes on following and answering, and then takes that in its place. Reports
    /// on it to `job`. Runs in a task of its own and ends soon after `stop`.
    async fn rebuild(&self, job: &Job, stop: &CancellationToken) -> Result<(), RebuildError>;
    /// Throws away what is kept now to go back to, but for the `keep` that answered last, once `grace` has passed.
    async fn retire(&self, keep: usize, grace: Duration, stop: &CancellationToken) -> Result<(), StoreError>;
}

/// What follows the log for one read model.
pub(crate) struct Projector<M> {
    table: Table<M>,
    log: Log,
    vault: Vault,
    name: watch::Sender<Arc<str>>,
    reached: watch::Sender<Position>,
    /// What is told with [`Projector::status`], and the epoch of the table that answers.
    now: Mutex<Now>,
    meter: Meter,
    /// Another table was made the live one here.
    flipped: Notify,
    follows: AtomicBool,
}

struct Now {
    epoch: i64,
    state: State,
    set_aside: u64,
}

/// Why following ended before it was told to.
enum Ended {
    /// An event cannot be folded, and this view stops before it.
    Halted { epoch: i64, at: Position, error: String },
    /// The checkpoint is elsewhere, or the database failed.
    Project(ProjectError),
}

impl<E: Into<ProjectError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Project(error.into())
    }
}

impl<M: ReadModel> Projector<M> {
    pub(crate) async fn open(db: &Db, log: &Log, vault: &Vault) -> Result<Arc<Self>, StoreError> {
        let (name, named) = watch::channel(Arc::from(table_name::<M>(0)));
        let (reached, at) = watch::channel(Position::START);
        let projector = Self {
            table: Table::new(db, named, at),
            log: log.clone(),
            vault: vault.clone(),
            name,
            reached,
            now: Mutex::new(Now { epoch: 0, state: State::Following, set_aside: 0 }),
            meter: Meter::default(),
            flipped: Notify::new(),
            follows: AtomicBool::new(false),
        };
        let checkpoint = loop {
            match projector.read_checkpoint().await? {
                Some(checkpoint)
                    if table_number::<M>(&checkpoint.table_name).is_some() && still_holds(log, &checkpoint).await? =>
                {
                    break checkpoint;
                }
                found => {
                    if let Some(fresh) = projector.begin_anew(found).await? {
                        break fresh;
                    }
                }
            }
        };
        projector.arrive(&checkpoint, checkpoint.at());
        projector.count_set_aside().await?;
        if log.exclusive() {
            // Nobody else can be at it: what is half made is what a process that is gone has left.
            projector.sweep(&CancellationToken::new()).await?;
        }
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

    /// Makes a table anew and forgets what was before. `None` where another process did so first.
    async fn begin_anew(&self, old: Option<Checkpoint>) -> Result<Option<Checkpoint>, StoreError> {
        let fresh = self.new_checkpoint(old.as_ref()).await?;
        let ddl = self.table.named(&fresh.table_name).ddl();
        let begun = generations::begin_anew(self.table.db(), M::NAME, ddl, old.as_ref(), &fresh).await?;
        Ok(begun.then_some(fresh))
    }

    /// A checkpoint before the first event, of a table that no other has the name of.
    async fn new_checkpoint(&self, live: Option<&Checkpoint>) -> Result<Checkpoint, StoreError> {
        let aside = generations::aside(self.table.db(), M::NAME).await?;
        let known = || live.into_iter().chain(aside.iter().map(|aside| &aside.checkpoint));
        let number = known().filter_map(|known| table_number::<M>(&known.table_name)).max().unwrap_or(0);
        Ok(Checkpoint {
            table_name: table_name::<M>(number + 1),
            log: self.log.id().to_string(),
            position: 0,
            hash: String::new(),
            epoch: known().map(|known| known.epoch).max().unwrap_or(0) + 1,
        })
    }

    /// The live table `checkpoint` speaks of has seen everything up to `position`. Queries go over to it when that is no
    /// less than they were shown before. What another table did before it is of no interest any more.
    fn arrive(&self, checkpoint: &Checkpoint, position: Position) -> bool {
        let mut now = self.now();
        if checkpoint.epoch < now.epoch || (checkpoint.epoch > now.epoch && position < *self.reached.borrow()) {
            return false;
        }
        let is_another = checkpoint.epoch > now.epoch;
        if is_another {
            now.epoch = checkpoint.epoch;
            // The name first: whoever waits for a position then reads the table that has it.
            self.name.send_replace(Arc::from(&*checkpoint.table_name));
        }
        let moved = self.reached.send_if_modified(|reached| {
            let further = position > *reached;
            *reached = position.max(*reached);
            further
        });
        if moved {
            self.meter.note(position);
        }
        is_another
    }

    async fn count_set_aside(&self) -> Result<(), StoreError> {
        let count = checkpoint::count_set_aside(self.table.db(), M::NAME).await?;
        self.now().set_aside = count;
        Ok(())
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, state: State) {
        self.now().state = state;
    }

    /// Follows from the stored checkpoint until something stops it.
    async fn follow_from_checkpoint(&self, stop: &CancellationToken) -> Result<(), Ended> {
        let Some(mut checkpoint) = self.read_checkpoint().await? else {
            return Err(ProjectError::Fenced.into());
        };
        if table_number::<M>(&checkpoint.table_name).is_none() {
            let error = "another version of this view has taken over".to_owned();
            return Err(Ended::Halted { epoch: checkpoint.epoch, at: checkpoint.at(), error });
        }
        let generation = Generation::live(self.table.named(&checkpoint.table_name));
        self.arrive(&checkpoint, checkpoint.at());
        self.count_set_aside().await?;
        let mut follower = self.log.follow(checkpoint.at());
        let mut look = tokio::time::interval(LOOK);
        self.say(State::Following);
        loop {
            let page = tokio::select! {
                page = follower.next() => page?,
                () = self.flipped.notified() => return Err(ProjectError::Fenced.into()),
                _ = look.tick(), if !self.log.exclusive() => {
                    if self.is_replaced(checkpoint.epoch).await? {
                        return Err(ProjectError::Fenced.into());
                    }
                    continue;
                }
                () = stop.cancelled() => return Ok(()),
            };
            let events: Vec<&Recorded> = page.events().collect();
            let written = generation.project(&self.vault, &checkpoint, &events).await?;
            checkpoint = written.checkpoint;
            self.now().set_aside += written.set_aside;
            self.arrive(&checkpoint, written.end);
            if let Some((at, error)) = written.halted {
                return Err(Ended::Halted { epoch: checkpoint.epoch, at, error });
            }
        }
    }

    /// Whether another table of this version than that of `epoch` is the live one by now.
    async fn is_replaced(&self, epoch: i64) -> Result<bool, StoreError> {
        let now = self.read_checkpoint().await?;
        Ok(now.is_some_and(|now| now.epoch != epoch && table_number::<M>(&now.table_name).is_some()))
    }

    /// Returns when a view that halted has another table: one that was made again, here or by another process.
    async fn healed(&self, epoch: i64) {
        loop {
            tokio::select! {
                () = self.flipped.notified() => return,
                () = tokio::time::sleep(LOOK), if !self.log.exclusive() => {
                    if self.is_replaced(epoch).await.unwrap_or(false) {
                        return;
                    }
                }
            }
        }
    }

    async fn follow_until(&self, stop: CancellationToken) {
        const SOON: Duration = Duration::from_millis(20);
        const LATE: Duration = Duration::from_secs(5);
        let mut wait = SOON;
        while !stop.is_cancelled() {
            match self.follow_from_checkpoint(&stop).await {
                Ok(()) => return,
                // Somebody else moved the checkpoint: go on from where it is now.
                Err(Ended::Project(ProjectError::Fenced)) => wait = SOON,
                Err(Ended::Halted { epoch, at, error }) => {
                    self.say(State::Halted { at, error });
                    stop.run_until_cancelled(self.healed(epoch)).await;
                    wait = SOON;
                }
                Err(Ended::Project(ProjectError::Store(error))) => {
                    let fault = &error as &dyn std::error::Error;
                    tracing::warn!(error = fault, projection = M::NAME, "a view cannot follow the log");
                    self.say(State::Retrying { error: error.to_string() });
                    wait = (wait * 2).min(LATE);
                }
            }
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
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
        let now = self.now();
        Status {
            name: M::NAME,
            table: self.table.name().to_string(),
            position,
            lag: head.0.saturating_sub(position.0),
            rate: self.meter.rate(),
            state: now.state.clone(),
            set_aside: now.set_aside,
            rebuild: None,
        }
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.table.watch()
    }

    async fn run(&self, stop: CancellationToken) {
        self.follows.store(true, Ordering::Release);
        tokio::join!(self.follow_until(stop.clone()), self.sweep_late(&stop));
    }

    async fn rebuild(&self, job: &Job, stop: &CancellationToken) -> Result<(), RebuildError> {
        self.make_again(job, stop).await
    }

    async fn retire(&self, keep: usize, grace: Duration, stop: &CancellationToken) -> Result<(), StoreError> {
        self.drop_kept(keep, grace, stop).await
    }
}
