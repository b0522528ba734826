//! How every change happens: load, decide, append.
//!
//! - Streams are locked by name, in sorted order, while a command is decided, so that commands on one aggregate queue
//!   instead of colliding. A conflict can then only come from another process, and the command is decided again.
//! - An aggregate stays in memory as its last *submitted* event left it, so that the next command is decided while the
//!   last one is still on its way to the disk, and rides in the same commit.
//! - Every answer, a refusal too, is held until what it rests on is durable. Where that fails, the command is decided
//!   again on what is true.
//! - A caller that goes away in the middle leaves nothing half done: until the transaction is submitted nothing has
//!   happened, and after that it happens without the caller.

use std::{fmt::Display, sync::Arc, time::Duration};

use cqrs_es::{Aggregate, DomainEvent};
use domain::{BusinessDate, Personal, SubjectId, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use store::{
    AppendError, Committed, KeyedAnswer, Log, Position, Recorded, StoreError, StreamName, Ticket, Transaction, Vault,
};
use uuid::Uuid;

use crate::{
    actor::{Context, Forbidden, RequestKey},
    clock::{Clock, business_date, micros},
    desk::{cache::Cache, keys::KeysInFlight},
};

mod cache;
mod keys;
mod seal;
mod work;

pub use work::{Member, Members, Work};

/// How often a command is decided again when another process was faster.
const ATTEMPTS: u32 = 16;

/// An aggregate of this shop: it needs nothing from outside, and its events can be sealed.
pub trait ShopAggregate: Aggregate<Services = (), Event: Personal> + 'static {}

impl<A: Aggregate<Services = (), Event: Personal> + 'static> ShopAggregate for A {}

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// Its answer.
    pub value: T,
    /// A query that waits for this position sees what the command did.
    pub position: Position,
    /// Whether it was done before, under the same idempotency key.
    pub replayed: bool,
}

impl<T> Done<T> {
    /// The same with another answer.
    pub fn map<U>(self, value: impl FnOnce(T) -> U) -> Done<U> {
        Done { value: value(self.value), position: self.position, replayed: self.replayed }
    }
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<E> {
    /// The rules say no.
    #[error(transparent)]
    Refused(E),
    /// The actor may not ask this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It could not be carried out, whatever the rules say.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl<E> CommandError<E> {
    /// The same with another refusal.
    pub fn map<F>(self, refusal: impl FnOnce(E) -> F) -> CommandError<F> {
        match self {
            Self::Refused(error) => CommandError::Refused(refusal(error)),
            Self::Forbidden(error) => CommandError::Forbidden(error),
            Self::Failed(error) => CommandError::Failed(error),
        }
    }
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The idempotency key stands for another request.
    #[error("the idempotency key stands for another request")]
    KeyMismatch,
    /// The same request is being carried out at this moment.
    #[error("a request with this idempotency key is under way")]
    KeyInFlight,
    /// Too much is asked at once; nothing happened.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The store is away; nothing happened.
    #[error("the log cannot be written to")]
    Unavailable,
    /// The store went away at the wrong moment. The same idempotency key tells what happened.
    #[error("nobody knows whether this was stored")]
    UnknownOutcome,
    /// What was asked is too large to be one command.
    #[error("this is too much for one command")]
    TooLarge,
    /// Other processes were faster, again and again.
    #[error("others are changing the same thing")]
    Contended,
    /// Something is broken.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// What is stored cannot be read, or what was decided cannot be stored.
    #[error("an event cannot be read or written")]
    Event(#[from] domain::DomainError),
}

/// The place where everything is decided. Clones share locks and memory.
#[derive(Clone)]
pub struct Desk {
    log: Log,
    vault: Vault,
    clock: Arc<dyn Clock>,
    cache: Cache,
    in_flight: KeysInFlight,
}

impl Desk {
    /// A desk on `log`.
    pub fn new(log: Log, vault: Vault, clock: Arc<dyn Clock>) -> Self {
        Self { log, vault, clock, cache: Cache::default(), in_flight: KeysInFlight::default() }
    }

    /// The clock everything is decided by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// This moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The day this moment counts for.
    pub fn today(&self) -> BusinessDate {
        business_date(self.now())
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// Decides `command` on one aggregate and stores what follows.
    pub async fn send<A: ShopAggregate>(
        &self,
        context: &Context,
        id: impl Display,
        command: A::Command,
    ) -> Result<Done<()>, CommandError<A::Error>>
    where
        A::Command: Clone,
    {
        let mut members = Members::default();
        let aggregate = members.add::<A>(id);
        self.together(context, &members, |work| work.send(aggregate, command.clone())).await
    }

    /// Decides over several aggregates and stores what follows in one append. `decide` is called again when another
    /// process was faster, so it must only ask the aggregates. Its answer is kept under the request's idempotency key:
    /// it must hold neither secrets nor personal data.
    pub async fn together<T, E>(
        &self,
        context: &Context,
        members: &Members,
        mut decide: impl FnMut(&mut Work) -> Result<T, E>,
    ) -> Result<Done<T>, CommandError<E>>
    where
        T: Serialize + DeserializeOwned,
    {
        let _in_flight = self.in_flight.claim(context)?;
        if let Some(done) = self.answered(context).await? {
            return Ok(done);
        }
        for attempt in 0..ATTEMPTS {
            let mut work = Work::open(&self.cache, &self.log, members).await?;
            let stored = match decide(&mut work) {
                Ok(value) if work.has_events() || context.key.is_some() => {
                    self.store(context, work, &value).await?.map(|stored| (Ok(value), stored))
                }
                settled => self.hold(work).await?.map(|position| (settled, Stored::Now(position))),
            };
            match stored {
                Some((Ok(value), Stored::Now(position))) => {
                    return Ok(Done { value, position, replayed: false });
                }
                Some((Ok(_), Stored::Before(done))) => return Ok(done.read()?),
                // What it is refused for may be what an earlier call with its key did: then that call has the answer.
                Some((Err(refusal), _)) => {
                    return self.answered(context).await?.ok_or(CommandError::Refused(refusal));
                }
                None => pause(attempt).await,
            }
        }
        Err(Failure::Contended.into())
    }

    /// Looks at one aggregate as what is durable has left it.
    pub async fn read<A: ShopAggregate, T>(&self, id: impl Display, look: impl Fn(&A, u64) -> T) -> Result<T, Failure> {
        let mut members = Members::default();
        let aggregate = members.add::<A>(id);
        for attempt in 0..ATTEMPTS {
            let work = Work::open(&self.cache, &self.log, &members).await?;
            let version = work.version(aggregate);
            let seen = look(work.state(aggregate), version);
            if durable(work.put_back()).await? && self.is_last(members.stream(aggregate), version).await? {
                return Ok(seen);
            }
            pause(attempt).await;
        }
        Err(Failure::Contended)
    }

    /// Whether the log has nothing of `stream` after `version`, which another process may have written.
    async fn is_last(&self, stream: &StreamName, version: u64) -> Result<bool, Failure> {
        if self.log.exclusive() {
            return Ok(true);
        }
        let newer = self.log.read_stream(stream, version, 1).await?;
        for event in &newer {
            self.cache.forget_older(stream, event.version);
        }
        Ok(newer.is_empty())
    }

    /// On a log that other processes write to: forgets what they have changed. Runs until the log is closed.
    pub async fn follow_others(&self) {
        let mut follower = self.log.follow(*self.log.watch().borrow());
        loop {
            match follower.next().await {
                Ok(page) => {
                    for event in page.events() {
                        self.cache.forget_older(&event.stream, event.version);
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the log cannot be followed");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Has the key of `subject` made before a command locks anything: a first sale must not make others wait for the vault.
    pub(crate) async fn make_key(&self, subject: impl Into<SubjectId>) -> Result<(), Failure> {
        self.vault.key_of(subject.into().0).await?;
        Ok(())
    }

    /// The first event of the stream of the `A` with this id, with what can still be opened of it. Durable and for ever the
    /// same, so that it can be read outside of a decision.
    pub(crate) async fn first_event<A: ShopAggregate>(&self, id: impl Display) -> Result<Option<A::Event>, Failure>
    where
        A::Event: DeserializeOwned,
    {
        let events = self.log.read_stream(&StreamName::new(A::TYPE, id), 0, 1).await?;
        match events.first() {
            None => Ok(None),
            Some(first) => self.unsealed(first).await.map(Some),
        }
    }

    /// An event, with what can still be opened of it.
    pub(crate) async fn unsealed<E>(&self, recorded: &Recorded) -> Result<E, Failure>
    where
        E: DomainEvent + Personal + DeserializeOwned,
    {
        seal::unseal(&self.vault, recorded).await
    }

    /// The answer that the request's idempotency key gave before.
    pub(crate) async fn answered<T: DeserializeOwned>(&self, context: &Context) -> Result<Option<Done<T>>, Failure> {
        let Some(asked) = &context.key else { return Ok(None) };
        match self.log.answer(&asked.key).await? {
            Some(answer) if !answer.stands(micros(self.now())) => Ok(None),
            Some(answer) if answer.request != asked.request => Err(Failure::KeyMismatch),
            Some(answer) => Before { answer: answer.answer, position: answer.position }.read().map(Some),
            None => Ok(None),
        }
    }

    /// Seals, submits and waits. `None`: it must be decided again.
    async fn store(
        &self,
        context: &Context,
        mut work: Work,
        answer: &impl Serialize,
    ) -> Result<Option<Stored>, Failure> {
        let json = |error: serde_json::Error| domain::DomainError(error.to_string());
        let key = match &context.key {
            None => None,
            Some(RequestKey { key, request }) => Some(KeyedAnswer {
                key: key.clone(),
                request: *request,
                answer: serde_json::to_string(answer).map_err(json)?,
            }),
        };
        let transaction = Transaction {
            appends: work.appends(&self.vault, context).await?,
            metadata: serde_json::to_string(&context.metadata()).map_err(json)?,
            at: micros(self.now()),
            key,
        };
        let ticket = self.log.submit(transaction, work.rests_on()).map_err(|error| failure(&error))?;
        work.leave(&ticket);
        match ticket.wait().await {
            Ok(Committed { replayed: Some(answer), position, .. }) => {
                Ok(Some(Stored::Before(Before { answer, position })))
            }
            Ok(Committed { position, .. }) => Ok(Some(Stored::Now(position))),
            Err(AppendError::Conflict { stream, actual }) => {
                self.cache.forget_older(&stream, actual);
                Ok(None)
            }
            Err(AppendError::Unfounded) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Holds an answer that stores nothing until what it rests on is durable. `None`: it must be decided again.
    async fn hold(&self, work: Work) -> Result<Option<Position>, Failure> {
        if self.log.exclusive() {
            return Ok(durable(work.put_back()).await?.then(|| *self.log.watch().borrow()));
        }
        // Another process may have changed what is remembered here: the log is asked whether it is still true.
        let guard = Transaction { appends: work.guards(), metadata: String::new(), at: micros(self.now()), key: None };
        let ticket = self.log.submit(guard, work.rests_on()).map_err(|error| failure(&error))?;
        drop(work.put_back());
        match ticket.wait().await {
            Ok(committed) => Ok(Some(committed.position)),
            Err(AppendError::Conflict { stream, actual }) => {
                self.cache.forget_older(&stream, actual);
                Ok(None)
            }
            Err(AppendError::Unfounded) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }
}

enum Stored {
    Now(Position),
    Before(Before),
}

/// The answer that was given before.
struct Before {
    answer: String,
    position: Position,
}

impl Before {
    fn read<T: DeserializeOwned>(self) -> Result<Done<T>, Failure> {
        let value = serde_json::from_str(&self.answer)
            .map_err(|error| domain::DomainError(format!("a stored answer has another form: {error}")))?;
        Ok(Done { value, position: self.position, replayed: true })
    }
}

/// Waits until what these stand for is durable. `false`: some of it never will be.
async fn durable(tickets: Vec<Ticket>) -> Result<bool, Failure> {
    for ticket in tickets {
        match ticket.clone().wait().await {
            Ok(_) if ticket.is_void() => return Ok(false),
            Ok(_) => {}
            Err(AppendError::UnknownOutcome) => return Err(Failure::UnknownOutcome),
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Lets the others go first, a little longer each time.
async fn pause(attempt: u32) {
    let jitter = Uuid::now_v7().as_u128() % 8;
    let micros = u64::from(attempt) * 500 * (1 + u64::try_from(jitter).unwrap_or(0));
    tokio::time::sleep(Duration::from_micros(micros)).await;
}

fn failure(error: &AppendError) -> Failure {
    match error {
        AppendError::Conflict { .. } | AppendError::Unfounded => Failure::Contended,
        AppendError::KeyMismatch => Failure::KeyMismatch,
        AppendError::TooLarge => Failure::TooLarge,
        AppendError::Unstorable => Failure::Event(domain::DomainError(error.to_string())),
        AppendError::Overloaded => Failure::Overloaded,
        AppendError::Unavailable => Failure::Unavailable,
        AppendError::UnknownOutcome => Failure::UnknownOutcome,
    }
}
