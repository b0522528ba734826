//! The log as everybody uses it.

use std::{sync::Arc, time::Duration};

use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    AgendaChange, AppendError, Committed, Deadline, Key, Position, Recorded, StoreError, StoredAnswer, StreamName,
    Target, Ticket, Transaction,
    adapter::Adapter,
    chain::Hash,
    follow::{self, Follower},
    memory::MemoryAdapter,
    postgres::PostgresAdapter,
    sequencer::{Sequencer, Submission, move_head},
    sqlite::SqliteAdapter,
};

/// The last event of the log, as far as the next one needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its place; 0 in an empty log.
    pub position: Position,
    /// Its hash; the genesis hash in an empty log.
    pub hash: Hash,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: i64,
}

/// The append-only log. Clones share one writer.
#[derive(Clone)]
pub struct Log {
    adapter: Arc<dyn Adapter>,
    queue: mpsc::Sender<Submission>,
    head: watch::Receiver<Position>,
    live: broadcast::Sender<Arc<Vec<Recorded>>>,
    stop: CancellationToken,
    broken: CancellationToken,
    tasks: TaskTracker,
}

impl Log {
    /// How many transactions wait at most before more are turned away.
    const QUEUE: usize = 8_192;

    /// Opens the log, makes it where it is missing, and starts its writer.
    pub async fn open(target: &Target) -> Result<Self, StoreError> {
        let adapter: Arc<dyn Adapter> = match target {
            Target::Memory => Arc::new(MemoryAdapter::new()),
            Target::Sqlite(path) => Arc::new(SqliteAdapter::open(path).await?),
            Target::Postgres { url, schema } => Arc::new(PostgresAdapter::open(url, schema).await?),
        };
        let (queue, submissions) = mpsc::channel(Self::QUEUE);
        let (head_sender, head) = watch::channel(adapter.head().await?.position);
        let head_sender = Arc::new(head_sender);
        let (live, _) = broadcast::channel(follow::BATCHES);
        let (stop, broken, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());

        let sequencer = Sequencer::new(Arc::clone(&adapter), Arc::clone(&head_sender), live.clone(), broken.clone());
        let (ended, stopped) = (broken.clone().drop_guard(), stop.clone());
        tasks.spawn(async move {
            let _ended = ended; // However the writer ends, nothing more will be stored.
            sequencer.run(submissions, stopped).await;
        });
        if !adapter.exclusive() {
            tasks.spawn(follow_others(Arc::clone(&adapter), head_sender, stop.clone()));
        }
        Ok(Self { adapter, queue, head, live, stop, broken, tasks })
    }

    /// Opens an existing log to read it, beside the process that writes it. Nothing can be appended here.
    pub async fn open_to_read(target: &Target) -> Result<Self, StoreError> {
        let adapter: Arc<dyn Adapter> = match target {
            Target::Memory => {
                return Err(StoreError::Refused("a log in memory has no second reader".to_owned()));
            }
            Target::Sqlite(path) => Arc::new(SqliteAdapter::open_to_read(path).await?),
            Target::Postgres { url, schema } => Arc::new(PostgresAdapter::open_to_read(url, schema).await?),
        };
        let (queue, _) = mpsc::channel(1); // Nobody receives, so every append is turned away.
        let (_, head) = watch::channel(adapter.head().await?.position);
        let (live, _) = broadcast::channel(1);
        let (stop, broken, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        Ok(Self { adapter, queue, head, live, stop, broken, tasks })
    }

    /// The id drawn when the log was made.
    pub fn id(&self) -> Uuid {
        self.adapter.log_id()
    }

    /// Whether no other process can write to this log, so that what this one remembers of it is the truth.
    pub fn exclusive(&self) -> bool {
        self.adapter.exclusive()
    }

    /// Queues `transaction`. It is stored only if everything in `rests_on` is: those are answers that were not there yet
    /// when it was decided. Transactions of one process are stored in the order they are submitted.
    pub fn submit(&self, transaction: Transaction, rests_on: Vec<Ticket>) -> Result<Ticket, AppendError> {
        if !transaction.is_storable() {
            return Err(AppendError::Unstorable);
        }
        let (promise, ticket) = Ticket::new();
        match self.queue.try_send(Submission { transaction, rests_on, promise }) {
            Ok(()) => Ok(ticket),
            Err(mpsc::error::TrySendError::Full(_)) => Err(AppendError::Overloaded),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(AppendError::Unavailable),
        }
    }

    /// Stores `transaction` and answers when it is durable.
    pub async fn append(&self, transaction: Transaction) -> Result<Committed, AppendError> {
        self.submit(transaction, Vec::new())?.wait().await
    }

    /// The last event.
    pub async fn head(&self) -> Result<Head, StoreError> {
        self.adapter.head().await
    }

    /// The place of the last event, as far as this process knows: always current on what it wrote itself.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.head.clone()
    }

    /// Follows the log from `after` on.
    pub fn follow(&self, after: Position) -> Follower {
        Follower::new(self.clone(), after, self.live.subscribe())
    }

    /// Resolves when the store broke in a way that only a restart mends: nothing more will be stored.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// The events after `after`, about `limit`: a transaction is never cut in two.
    pub async fn read_all(&self, after: Position, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let mut page = self.adapter.read_all(after, limit).await?;
        while let Some(last) = page.last()
            && last.position < last.transaction_end
        {
            let rest = u32::try_from(last.transaction_end.0 - last.position.0).unwrap_or(u32::MAX);
            let more = self.adapter.read_all(last.position, rest).await?;
            if more.is_empty() {
                return Err(StoreError::Corrupt("the log ends inside a transaction".to_owned()));
            }
            page.extend(more);
        }
        Ok(page)
    }

    /// The events after `after` as they lie there, `limit` at most. For the audit: nothing of them is certain.
    pub(crate) async fn rows(&self, after: Position, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        self.adapter.read_all(after, limit).await
    }

    /// The lowest and the highest place that is taken, whatever somebody made of them.
    pub(crate) async fn span(&self) -> Result<Option<(i64, i64)>, StoreError> {
        self.adapter.span().await
    }

    /// The events of `stream` after the version `after`, in its order, `limit` at most.
    pub async fn read_stream(&self, stream: &StreamName, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        self.adapter.read_stream(stream, after, limit).await
    }

    /// What an idempotency key stands for.
    pub async fn answer(&self, key: &Key) -> Result<Option<StoredAnswer>, StoreError> {
        self.adapter.answer(key).await
    }

    /// Forgets the keys made before `before`, in microseconds since 1970.
    pub async fn forget_keys(&self, before: i64) -> Result<(), StoreError> {
        let adapter = Arc::clone(&self.adapter);
        self.owned(async move { adapter.forget_keys(before).await }).await
    }

    /// How far `reactor` is; `None` where it has never run.
    pub async fn bookmark(&self, reactor: &str) -> Result<Option<Position>, StoreError> {
        self.adapter.bookmark(reactor).await
    }

    /// Moves the bookmark of `reactor` and changes the agenda, both or neither. A bookmark only moves forward.
    pub async fn advance(&self, reactor: &str, to: Position, changes: Vec<AgendaChange>) -> Result<(), StoreError> {
        let (adapter, reactor) = (Arc::clone(&self.adapter), reactor.to_owned());
        self.owned(async move { adapter.advance(&reactor, to, &changes).await }).await
    }

    /// What is due at `now` (microseconds since 1970), the earliest first.
    pub async fn due(&self, now: i64, limit: u32) -> Result<Vec<Deadline>, StoreError> {
        self.adapter.due(now, limit).await
    }

    /// Stores what is queued, then closes.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.adapter.close().await;
    }

    /// Runs a write in a task of its own: a caller that goes away must not leave a session inside a transaction.
    async fn owned<T: Send + 'static>(
        &self,
        write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.tasks.spawn(write).await.map_err(|error| StoreError::Corrupt(format!("a write panicked: {error}")))?
    }
}

/// Moves the head that this process knows when others have written.
async fn follow_others(adapter: Arc<dyn Adapter>, head: Arc<watch::Sender<Position>>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = adapter.changed() => {}
            () = stop.cancelled() => return,
        }
        match adapter.head().await {
            Ok(now) => move_head(&head, now.position),
            Err(error) => {
                tracing::warn!(%error, "the head of the log cannot be read");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}
