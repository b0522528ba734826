//! The one writer of a process: drains what queued while the last commit was under way, decides in memory what holds,
//! and stores it all with one commit. It gives every adapter the same meaning.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Append, AppendError, Committed, Head, Key, Position, Recorded, StoreError, StoredAnswer, StreamName, Ticket,
    Transaction,
    adapter::{Adapter, Batch, BatchWriter, CommitError},
    chain::{self, Hash},
    transaction::Promise,
};

/// How much one commit stores at most.
const MAX_TRANSACTIONS: usize = 512;
const MAX_EVENTS: usize = 4_096;
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How large one payload may be.
const MAX_PAYLOAD: usize = 1024 * 1024;
/// How many versions are remembered before all are forgotten.
const MAX_VERSIONS: usize = 200_000;

/// A transaction in the queue.
pub(crate) struct Submission {
    pub(crate) transaction: Transaction,
    pub(crate) rests_on: Vec<Ticket>,
    pub(crate) promise: Promise,
}

pub(crate) struct Sequencer {
    adapter: Arc<dyn Adapter>,
    head: Arc<watch::Sender<Position>>,
    live: broadcast::Sender<Arc<Vec<Recorded>>>,
    broken: CancellationToken,
    /// The versions of streams when the log was at the event with the hash `known`.
    versions: HashMap<StreamName, u64>,
    known: Hash,
}

impl Sequencer {
    pub(crate) fn new(
        adapter: Arc<dyn Adapter>,
        head: Arc<watch::Sender<Position>>,
        live: broadcast::Sender<Arc<Vec<Recorded>>>,
        broken: CancellationToken,
    ) -> Self {
        Self { adapter, head, live, broken, versions: HashMap::new(), known: Hash::default() }
    }

    /// Stores what comes until told to stop, then what is left.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Submission>, stop: CancellationToken) {
        let mut waiting: Option<Submission> = None;
        loop {
            let Some(first) = next(&mut waiting, &mut queue, &stop).await else { return };
            let mut load = Load::of(&first);
            let mut batch = vec![first];
            while let Ok(next) = queue.try_recv() {
                load.add(&next);
                if load.full(batch.len()) {
                    waiting = Some(next);
                    break;
                }
                batch.push(next);
            }
            self.store(batch).await;
        }
    }

    async fn store(&mut self, submissions: Vec<Submission>) {
        if self.broken.is_cancelled() {
            return refuse(&submissions, &AppendError::Unavailable);
        }
        // An id that is taken spoils its batch. It is looked for when that happens: honest ids never are.
        for looked_up in [Ids::Derived, Ids::All] {
            match self.prepare(&submissions, looked_up).await {
                Ok((writer, prepared)) => {
                    if self.commit(writer, prepared, &submissions, looked_up).await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the log cannot be written to");
                    self.versions.clear();
                    return refuse(&submissions, &AppendError::Unavailable);
                }
            }
        }
    }

    /// Locks the head, learns what must be known, and decides every transaction in the order it came.
    async fn prepare(
        &mut self,
        submissions: &[Submission],
        looked_up: Ids,
    ) -> Result<(Box<dyn BatchWriter>, Prepared), StoreError> {
        let mut writer = self.adapter.begin().await?;
        let head = writer.head().clone();
        if head.hash != self.known || self.versions.len() > MAX_VERSIONS {
            self.versions.clear(); // Another process wrote: nothing remembered is certain.
            self.known = head.hash;
        }

        let transactions = || submissions.iter().map(|submission| &submission.transaction);
        let unknown: HashSet<StreamName> = transactions()
            .flat_map(|transaction| &transaction.appends)
            .filter(|append| !self.versions.contains_key(&append.stream))
            .map(|append| append.stream.clone())
            .collect();
        let unknown: Vec<StreamName> = unknown.into_iter().collect();
        if !unknown.is_empty() {
            let versions = writer.versions(&unknown).await?;
            self.versions.extend(unknown.into_iter().zip(versions));
        }
        let keys: Vec<Key> =
            transactions().filter_map(|transaction| Some(transaction.key.as_ref()?.key.clone())).collect();
        let answers = if keys.is_empty() { Vec::new() } else { writer.answers(&keys).await? };
        let ids: Vec<Uuid> = match looked_up {
            Ids::Derived => transactions().flat_map(derived_ids).collect(),
            Ids::All => transactions().flat_map(ids).collect(),
        };
        let taken = if ids.is_empty() { Vec::new() } else { writer.known_events(&ids).await? };

        let mut prepared = Prepared {
            events: Vec::new(),
            new_answers: HashMap::new(),
            outcomes: Vec::with_capacity(submissions.len()),
            versions: HashMap::new(),
            answers: answers.into_iter().collect(),
            taken: taken.into_iter().collect(),
            from: head.clone(),
            head,
        };
        for submission in submissions {
            let outcome = prepared.decide(submission, &self.versions);
            submission.promise.decide(&outcome);
            prepared.outcomes.push(outcome);
        }
        Ok((writer, prepared))
    }

    /// Stores what is decided and answers. `false`: an id is taken that was not looked up, nobody is answered yet.
    async fn commit(
        &mut self,
        writer: Box<dyn BatchWriter>,
        prepared: Prepared,
        submissions: &[Submission],
        looked_up: Ids,
    ) -> bool {
        let Prepared { events, new_answers, outcomes, versions, from, head, .. } = prepared;
        let stored = if events.is_empty() && new_answers.is_empty() {
            drop(writer);
            Ok(Vec::new())
        } else {
            let answers = new_answers.into_iter().collect();
            let batch = Batch { events, answers, from, to: head.clone() };
            match writer.commit(&batch).await {
                Ok(()) => Ok(batch.events),
                Err(CommitError::Taken(error)) if looked_up == Ids::Derived => {
                    tracing::warn!(%error, "an event id is taken");
                    self.versions.clear();
                    return false;
                }
                Err(error) => self.resolve(error, &batch).await.map(|()| batch.events),
            }
        };
        match stored {
            Ok(events) => {
                self.versions.extend(versions);
                self.known = head.hash;
                // Nobody may be following; whoever comes later reads it from the database.
                let _ = self.live.send(Arc::new(events));
                move_head(&self.head, head.position);
                for (submission, outcome) in submissions.iter().zip(outcomes) {
                    submission.promise.keep(outcome);
                }
            }
            Err(error) => {
                self.versions.clear();
                for (submission, outcome) in submissions.iter().zip(outcomes) {
                    submission.promise.keep(Err(match outcome {
                        Ok(_) => error.clone(),
                        // These may speak of versions and keys that went down with the batch.
                        Err(AppendError::Conflict { .. } | AppendError::KeyMismatch) => AppendError::Unavailable,
                        Err(refusal) => refusal,
                    }));
                }
            }
        }
        true
    }

    /// A commit that failed may still have been stored: the log itself knows.
    async fn resolve(&self, error: CommitError, batch: &Batch) -> Result<(), AppendError> {
        let (CommitError::NotStored(fault) | CommitError::Taken(fault) | CommitError::Unknown(fault)) = &error;
        tracing::error!(error = fault as &dyn std::error::Error, "a batch was not committed");
        if is_broken(fault) {
            self.broken.cancel();
            return Err(AppendError::UnknownOutcome);
        }
        if !matches!(error, CommitError::Unknown(_)) {
            return Err(AppendError::Unavailable);
        }
        match self.is_stored(batch).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(AppendError::Unavailable),
            Err(_) => Err(AppendError::UnknownOutcome),
        }
    }

    /// Whether the log has `batch`. The database may still be about to commit it, and holds the head until then: only who
    /// has the head knows that nothing more is to come.
    async fn is_stored(&self, batch: &Batch) -> Result<bool, StoreError> {
        let mut writer = self.adapter.begin().await?;
        if let Some(first) = batch.events.first() {
            let found = self.adapter.read_all(batch.from.position, 1).await?;
            return Ok(found.first().is_some_and(|found| found.event_id == first.event_id));
        }
        let keys: Vec<Key> = batch.answers.iter().map(|(key, _)| key.clone()).collect();
        let found = writer.answers(&keys).await?;
        Ok(batch.answers.iter().all(|answer| found.contains(answer)))
    }
}

/// What is to be stored next: what is left from the last batch, then what comes. Told to stop, what is queued and no more.
async fn next(
    waiting: &mut Option<Submission>,
    queue: &mut mpsc::Receiver<Submission>,
    stop: &CancellationToken,
) -> Option<Submission> {
    if stop.is_cancelled() {
        queue.close();
    }
    if waiting.is_some() {
        return waiting.take();
    }
    tokio::select! {
        biased;
        () = stop.cancelled() => {
            queue.close();
            queue.recv().await
        }
        submission = queue.recv() => submission,
    }
}

/// Whether the operating system could not say that something is on the disk: only a restart tells what is.
fn is_broken(error: &StoreError) -> bool {
    const SQLITE_IOERR: i32 = 10;
    let StoreError::Database(sqlx::Error::Database(error)) = error else { return false };
    let code = error.code().and_then(|code| code.parse::<i32>().ok());
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
        && code.is_some_and(|code| code & 0xff == SQLITE_IOERR)
}

fn refuse(submissions: &[Submission], error: &AppendError) {
    for submission in submissions {
        submission.promise.keep(Err(error.clone()));
    }
}

/// Which event ids are looked up in the log before a batch is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    Derived,
    All,
}

fn ids(transaction: &Transaction) -> impl Iterator<Item = Uuid> {
    transaction.appends.iter().flat_map(|append| &append.events).map(|event| event.id)
}

fn derived_ids(transaction: &Transaction) -> impl Iterator<Item = Uuid> {
    ids(transaction).filter(|id| id.get_version_num() == 5)
}

/// How much a batch holds.
struct Load {
    events: usize,
    bytes: usize,
}

impl Load {
    fn of(submission: &Submission) -> Self {
        let mut load = Self { events: 0, bytes: 0 };
        load.add(submission);
        load
    }

    fn add(&mut self, submission: &Submission) {
        for event in submission.transaction.appends.iter().flat_map(|append| &append.events) {
            self.events += 1;
            self.bytes += event.payload.len();
        }
    }

    const fn full(&self, transactions: usize) -> bool {
        transactions >= MAX_TRANSACTIONS || self.events > MAX_EVENTS || self.bytes > MAX_BYTES
    }
}

/// A batch as far as it is decided.
struct Prepared {
    events: Vec<Recorded>,
    new_answers: HashMap<Key, StoredAnswer>,
    outcomes: Vec<Result<Committed, AppendError>>,
    versions: HashMap<StreamName, u64>,
    answers: HashMap<Key, StoredAnswer>,
    /// Event ids that the log has, as far as they were looked up, and those of this batch.
    taken: HashSet<Uuid>,
    from: Head,
    head: Head,
}

impl Prepared {
    fn decide(
        &mut self,
        submission: &Submission,
        versions: &HashMap<StreamName, u64>,
    ) -> Result<Committed, AppendError> {
        let transaction = &submission.transaction;
        if submission.rests_on.iter().any(Ticket::is_void) {
            return Err(AppendError::Unfounded);
        }
        if let Some(keyed) = &transaction.key
            && let Some(answer) = self.answers.get(&keyed.key)
            && answer.stands(transaction.at)
        {
            return if answer.request == keyed.request {
                Ok(Committed { position: answer.position, stored: false, replayed: Some(answer.answer.clone()) })
            } else {
                Err(AppendError::KeyMismatch)
            };
        }
        if derived_ids(transaction).any(|id| self.taken.contains(&id)) {
            return Ok(Committed { position: self.head.position, stored: false, replayed: None });
        }
        let too_large = |append: &Append| append.events.iter().any(|event| event.payload.len() > MAX_PAYLOAD);
        if transaction.appends.iter().any(too_large) || Load::of(submission).full(0) {
            return Err(AppendError::TooLarge);
        }
        for append in &transaction.appends {
            let actual = self.version(&append.stream, versions);
            if !append.expected.holds(actual) {
                return Err(AppendError::Conflict { stream: append.stream.clone(), actual });
            }
        }
        let mut own = HashSet::new();
        if !ids(transaction).all(|id| !self.taken.contains(&id) && own.insert(id)) {
            return Err(AppendError::Unstorable);
        }
        self.taken.extend(own);
        self.accept(transaction, versions);
        Ok(Committed { position: self.head.position, stored: true, replayed: None })
    }

    fn accept(&mut self, transaction: &Transaction, versions: &HashMap<StreamName, u64>) {
        let count = transaction.appends.iter().map(|append| append.events.len()).sum::<usize>();
        let transaction_end = Position(self.head.position.0 + u64::try_from(count).unwrap_or(u64::MAX));
        let recorded_at = transaction.at.max(self.head.recorded_at);
        for append in &transaction.appends {
            let mut version = self.version(&append.stream, versions);
            for event in &append.events {
                version += 1;
                let mut recorded = Recorded {
                    position: self.head.position.next(),
                    stream: append.stream.clone(),
                    version,
                    event_id: event.id,
                    event_type: event.event_type.clone(),
                    schema: event.schema,
                    payload: event.payload.clone(),
                    metadata: transaction.metadata.clone(),
                    recorded_at,
                    transaction_end,
                    hash: self.head.hash,
                };
                recorded.hash = chain::link(&self.head.hash, &recorded);
                self.head = Head { position: recorded.position, hash: recorded.hash, recorded_at };
                self.events.push(recorded);
            }
            self.versions.insert(append.stream.clone(), version);
        }
        if let Some(keyed) = &transaction.key {
            let stored = StoredAnswer {
                request: keyed.request,
                answer: keyed.answer.clone(),
                position: self.head.position,
                made_at: transaction.at,
            };
            self.answers.insert(keyed.key.clone(), stored.clone());
            // A key that has had its life may be used again in the same batch: the last answer counts.
            self.new_answers.insert(keyed.key.clone(), stored);
        }
    }

    fn version(&self, stream: &StreamName, versions: &HashMap<StreamName, u64>) -> u64 {
        self.versions.get(stream).or_else(|| versions.get(stream)).copied().unwrap_or(0)
    }
}

/// Moves the head that this process knows, never back.
pub(crate) fn move_head(head: &watch::Sender<Position>, to: Position) {
    head.send_if_modified(|known| {
        let moved = *known < to;
        *known = to.max(*known);
        moved
    });
}
