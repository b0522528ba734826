//! A log to put to the test, and the words the checks are written in.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use store::{
    Append, AppendError, Committed, Expected, Key, KeyedAnswer, Log, NewEvent, Position, Recorded, StreamName, Target,
    Transaction,
    verify::{Audit, verify},
};
use tests::postgres::Cluster;
use uuid::Uuid;

/// The moment of every decision that names no other: some day in 2026.
pub(crate) const NOW: i64 = 1_790_000_000_000_000;

/// A log of its own, and where it lives.
pub(crate) struct Fixture {
    pub(crate) log: Log,
    pub(crate) target: Target,
    /// The server that only this log is on, where it has one.
    pub(crate) cluster: Option<Arc<Cluster>>,
    /// Removed at the end.
    _folder: Option<Folder>,
}

impl Fixture {
    pub(crate) async fn memory() -> Self {
        Self::open(Target::Memory, None).await
    }

    pub(crate) async fn sqlite() -> Self {
        let folder = Folder::new();
        Self::open(Target::Sqlite(folder.path().join("log.db")), Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(postgres_at(tests::postgres::database()), None).await
    }

    /// PostgreSQL on a server of its own, which a check may treat badly.
    pub(crate) async fn own_server() -> Self {
        let cluster = Cluster::start();
        let fixture = Self::open(postgres_at(cluster.database()), None).await;
        Self { cluster: Some(Arc::new(cluster)), ..fixture }
    }

    async fn open(target: Target, folder: Option<Folder>) -> Self {
        Self { log: open(&target).await, target, cluster: None, _folder: folder }
    }

    /// Ends the log as a process does that is told to, and opens it again.
    pub(crate) async fn reopen(&mut self) {
        soon(self.log.close()).await;
        self.log = open(&self.target).await;
    }

    /// Reads the whole log and proves that it is one.
    pub(crate) async fn is_sound(&self) {
        soon(self.log.close()).await;
        // What is in memory can be read after that; a database is opened again.
        let log = match &self.target {
            Target::Memory => self.log.clone(),
            target => open(target).await,
        };
        let history = history(&log).await;
        let head = log.head().await.expect("the head can be read");
        assert_eq!(head.position.0, history.len() as u64, "the head speaks of the last event");
        let (mut end, mut time) = (Position::START, 0);
        for event in &history {
            if event.position > end {
                end = event.transaction_end;
            }
            assert_eq!(event.transaction_end, end, "a transaction is one piece: {event:?}");
            assert!(event.recorded_at >= time, "time went back: {event:?}");
            time = event.recorded_at;
        }
        assert_eq!(end, head.position, "the last transaction is whole");
        let audit = verify(&log, |_| ()).await.expect("the log can be audited");
        assert_eq!(audit, Audit { events: head.position.0, fault: None });
    }
}

/// The log in the schema `log` of the database at `url`.
pub(crate) fn postgres_at(url: String) -> Target {
    Target::Postgres { url, schema: "log".to_owned() }
}

pub(crate) async fn open(target: &Target) -> Log {
    soon(Log::open(target)).await.expect("the log opens")
}

/// A folder that goes with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("webox-log-{}", Uuid::now_v7()));
        std::fs::create_dir(&path).expect("the temporary folder takes a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Waits for what comes soon on any machine. What never comes is a failure with a name and a line.
#[track_caller]
pub(crate) fn soon<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let here = std::panic::Location::caller();
    async move {
        let in_time = tokio::time::timeout(Duration::from_mins(2), future).await;
        in_time.unwrap_or_else(|_| panic!("what {here} waits for does not come"))
    }
}

/// All events, with dense positions.
pub(crate) async fn history(log: &Log) -> Vec<Recorded> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Position::START, |event| event.position);
        let page = log.read_all(after, 1_000).await.expect("the log can be read");
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.position.0, position, "a hole, or an event out of order");
    }
    events
}

/// The events of one stream, with dense versions.
pub(crate) async fn events_of(log: &Log, stream: &StreamName) -> Vec<Recorded> {
    let events = log.read_stream(stream, 0, u32::MAX).await.expect("a stream can be read");
    for (event, version) in events.iter().zip(1..) {
        assert_eq!((&event.stream, event.version), (stream, version));
    }
    events
}

pub(crate) async fn version_of(log: &Log, stream: &StreamName) -> u64 {
    events_of(log, stream).await.len() as u64
}

pub(crate) async fn head_of(log: &Log) -> Position {
    log.head().await.expect("the head can be read").position
}

/// A stream that no other check has.
pub(crate) fn stream(name: &str) -> StreamName {
    StreamName::new("check", format!("{name}-{}", Uuid::now_v7()))
}

pub(crate) fn event(payload: impl Into<String>) -> NewEvent {
    NewEvent { id: Uuid::now_v7(), event_type: "CheckMade".to_owned(), schema: 1, payload: payload.into() }
}

/// `count` events for `stream`.
pub(crate) fn to(stream: &StreamName, expected: Expected, count: usize) -> Append {
    let events = (1..=count).map(|number| event(format!("{{\"number\":{number}}}"))).collect();
    Append { stream: stream.clone(), expected, events }
}

pub(crate) fn transaction(appends: Vec<Append>) -> Transaction {
    Transaction { appends, metadata: "{}".to_owned(), at: NOW, key: None }
}

/// One event for `stream`.
pub(crate) fn one(stream: &StreamName, expected: Expected) -> Transaction {
    transaction(vec![to(stream, expected, 1)])
}

pub(crate) fn key(name: &str) -> Key {
    Key { scope: "checker /checks".to_owned(), key: name.to_owned() }
}

/// The transaction as the request number `request` asks for it, answered with `answer`.
pub(crate) fn keyed(asked: Transaction, name: &str, request: u8, answer: &str) -> Transaction {
    let answer = answer.to_owned();
    let key = KeyedAnswer { key: key(name), request: [request; 32], answer };
    Transaction { key: Some(key), ..asked }
}

/// Stores what must be storable.
pub(crate) async fn stored(log: &Log, transaction: Transaction) -> Position {
    let committed = soon(log.append(transaction)).await.expect("this can be stored");
    assert!(committed.stored && committed.replayed.is_none(), "this is new: {committed:?}");
    committed.position
}

pub(crate) fn conflict(stream: &StreamName, actual: u64) -> Result<Committed, AppendError> {
    Err(AppendError::Conflict { stream: stream.clone(), actual })
}

/// Gives the writer something to do for a while, so that what is submitted next waits and shares a batch.
pub(crate) fn busy(log: &Log) -> store::Ticket {
    let work = transaction(vec![to(&stream("busy"), Expected::NoStream, 4_096)]);
    log.submit(work, Vec::new()).expect("the queue has room")
}
