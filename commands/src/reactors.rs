//! What the shop does by itself: each habit is a reactor that follows the log and answers events with commands.
//!
//! - The commands of a reactor have ids derived from the event they answer, so that being told twice changes nothing.
//! - Events of one stream are answered in their order, where the reactor asks for that; those of different streams at the
//!   same time.
//! - The bookmark is kept beside the log and moves only past what is answered. After a crash some events are told again.
//! - What fails is tried again, later each time. Others go on, until as many fail as are answered at once.
//! - A rebuild of projections never tells a reactor anything.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use domain::DomainError;
use store::{AgendaChange, Metadata, Position, Recorded, StoreError, StreamName};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{Actor, CommandError, Context, Desk, Failure, cart::Carts, clock::micros, order::Orders};

mod expire_carts;
mod expire_orders;
mod print_invoices;
mod return_payments;
mod take_payments;

pub use expire_carts::ExpireCarts;
pub use expire_orders::ExpireOrders;
pub use print_invoices::PrintInvoices;
pub use return_payments::ReturnPayments;
pub use take_payments::TakePayments;

/// How many events are being answered at once, at most.
const WINDOW: usize = 256;

/// How long changes to the agenda wait for others to be kept with, and how many wait.
const SOON: Duration = Duration::from_millis(50);
const MANY: usize = 1_000;
/// How long an agenda that could not be kept waits.
const RETRY: Duration = Duration::from_millis(500);

/// A habit of the shop.
#[async_trait]
pub trait Reactor: Send + Sync + 'static {
    /// Its name, and that of its bookmark.
    fn name(&self) -> &'static str;

    /// Whether it answers events of this type.
    fn answers(&self, event_type: &str) -> bool;

    /// Whether an event waits until those before it in its stream are answered.
    fn in_order(&self) -> bool {
        true
    }

    /// Answers an event. May be called again for the same one.
    async fn react(&self, event: &Recorded) -> Result<Vec<AgendaChange>, ReactorError>;
}

/// Why an event is not answered yet.
#[derive(Debug, thiserror::Error)]
pub enum ReactorError {
    /// The event cannot be read.
    #[error(transparent)]
    Event(#[from] DomainError),
    /// The command could not be carried out.
    #[error("the command could not be carried out")]
    Command(#[from] Failure),
    /// Somebody outside gave no answer.
    #[error(transparent)]
    Unanswered(#[from] domain::ports::Unanswered),
}

/// The context of the `number`th command with which `reactor` answers `event`.
pub(crate) fn answering(reactor: &'static str, event: &Recorded, number: u32) -> Context {
    let name = [event.event_id.as_bytes().as_slice(), &number.to_be_bytes()].concat();
    let context = derived(reactor, &name);
    let cause: Option<Metadata> = serde_json::from_str(&event.metadata).ok();
    let (correlation, trace) = cause.map_or((context.correlation, None), |cause| (cause.correlation, cause.trace));
    Context { causation: Some(event.event_id), correlation, trace, ..context }
}

/// The context of a command that `reactor` sends because of `cause`: the same cause gives the same command.
fn derived(reactor: &'static str, cause: &[u8]) -> Context {
    const REACTORS: Uuid = Uuid::from_u128(0x8f0e_4f7c_6c0d_4f6c_9d53_3b0f_72c1_5a11);
    let command = Uuid::new_v5(&Uuid::new_v5(&REACTORS, reactor.as_bytes()), cause);
    Context { actor: Actor::Reactor(reactor), command, correlation: command, causation: None, trace: None, key: None }
}

/// The id a stream or a deadline speaks of.
fn subject<I: FromStr<Err = uuid::Error>>(text: &str) -> Result<I, DomainError> {
    text.parse().map_err(|_| DomainError("a stream of this type is named by a UUID".to_owned()))
}

/// What a refusal means to a reactor: there is nothing left to do, now or later. A failure is tried again.
fn settled<T, E: std::error::Error>(outcome: Result<T, CommandError<E>>) -> Result<(), ReactorError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(CommandError::Failed(failure)) => Err(failure.into()),
        Err(CommandError::Refused(error)) => {
            tracing::error!(%error, "a reactor was refused");
            Ok(())
        }
        Err(CommandError::Forbidden(error)) => {
            tracing::error!(%error, "a reactor was refused");
            Ok(())
        }
    }
}

/// The reactors that are running.
pub struct Reactors {
    desk: Desk,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Reactors {
    pub(crate) fn new(desk: Desk) -> Self {
        Self { desk, stop: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    /// Starts one, where its bookmark is; at the beginning of the log where it has none.
    pub(crate) fn start(&self, reactor: impl Reactor) {
        let runner = Runner::new(self.desk.clone(), Arc::new(reactor));
        self.tasks.spawn(runner.run(self.stop.clone()));
    }

    /// Turns deadlines into commands when they are due.
    pub(crate) fn keep_deadlines(&self, orders: Orders, carts: Carts) {
        let (desk, stop) = (self.desk.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            while stop.run_until_cancelled(desk.clock().tick()).await.is_some() {
                if let Err(error) = meet_deadlines(&desk, &orders, &carts).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "deadlines cannot be met");
                    stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await;
                }
            }
        });
    }

    /// Forgets idempotency keys when their time is over.
    pub(crate) fn keep_house(&self) {
        const HOUR: Duration = Duration::from_hours(1);
        let (desk, stop) = (self.desk.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(HOUR)).await.is_some() {
                let before = micros(desk.now()).saturating_sub(store::transaction::KEY_LIFE);
                if let Err(error) = desk.log().forget_keys(before).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old keys cannot be forgotten");
                }
            }
        });
    }

    /// Lets what is under way end, keeps the bookmarks, and stops.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Sends the commands of the deadlines that are due, and strikes those off that were met.
async fn meet_deadlines(desk: &Desk, orders: &Orders, carts: &Carts) -> Result<(), StoreError> {
    const AT_ONCE: u32 = 100;
    let mut met = Vec::new();
    for deadline in desk.log().due(micros(desk.now()), AT_ONCE).await? {
        let cause = [deadline.id.as_bytes().as_slice(), &deadline.due_at.to_be_bytes()].concat();
        let outcome = match deadline.kind.as_str() {
            expire_orders::KIND => {
                expire_orders::meet(orders, &derived("expire-orders", &cause), &deadline.subject).await
            }
            expire_carts::KIND => expire_carts::meet(carts, &derived("expire-carts", &cause), &deadline.subject).await,
            kind => {
                tracing::error!(kind, "nobody keeps deadlines of this kind");
                Ok(())
            }
        };
        match outcome {
            Ok(()) => met.push(AgendaChange::Met(deadline)),
            Err(error) => {
                let fault = &error as &dyn std::error::Error;
                tracing::warn!(error = fault, kind = deadline.kind, "a deadline is not met yet");
            }
        }
    }
    if met.is_empty() {
        return Ok(());
    }
    // No event is told here, so this bookmark never moves.
    desk.log().advance("deadlines", Position::START, met).await
}

/// One reactor at work.
struct Runner<R> {
    desk: Desk,
    reactor: Arc<R>,
    /// What is being answered, by position.
    open: BTreeSet<Position>,
    /// What waits for the event before it in its stream.
    queues: HashMap<StreamName, VecDeque<Recorded>>,
    answers: JoinSet<(Recorded, Vec<AgendaChange>)>,
    /// What is to be kept, and when.
    changes: Vec<AgendaChange>,
    keep_at: Instant,
}

impl<R: Reactor> Runner<R> {
    fn new(desk: Desk, reactor: Arc<R>) -> Self {
        Self {
            desk,
            reactor,
            open: BTreeSet::new(),
            queues: HashMap::new(),
            answers: JoinSet::new(),
            changes: Vec::new(),
            keep_at: Instant::now(),
        }
    }

    async fn run(mut self, stop: CancellationToken) {
        let Some(start) = stop.run_until_cancelled(self.start()).await else { return };
        let mut follower = self.desk.log().follow(start);
        let mut kept = start;
        loop {
            tokio::select! {
                page = follower.next(), if self.open.len() < WINDOW => match page {
                    Ok(page) => page.events().for_each(|event| self.take(event)),
                    Err(error) => self.fault(&error, "the log cannot be followed").await,
                },
                Some(answer) = self.answers.join_next(), if !self.answers.is_empty() => self.answered(answer),
                () = tokio::time::sleep_until(self.keep_at), if !self.changes.is_empty() => {}
                () = stop.cancelled() => break,
            }
            self.keep(follower.at(), &mut kept).await;
        }
        // What is under way may still end; what does not is told again at the next start.
        let ending = async {
            while let Some(answer) = self.answers.join_next().await {
                self.answered(answer);
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), ending).await;
        self.keep_now(follower.at(), &mut kept).await;
    }

    async fn start(&self) -> Position {
        loop {
            match self.desk.log().bookmark(self.reactor.name()).await {
                Ok(bookmark) => return bookmark.unwrap_or(Position::START),
                Err(error) => self.fault(&error, "a bookmark cannot be read").await,
            }
        }
    }

    fn take(&mut self, event: &Recorded) {
        if !self.reactor.answers(&event.event_type) {
            return;
        }
        self.open.insert(event.position);
        if !self.reactor.in_order() {
            self.answer(event.clone());
        } else if let Some(queue) = self.queues.get_mut(&event.stream) {
            queue.push_back(event.clone());
        } else {
            self.queues.insert(event.stream.clone(), VecDeque::new());
            self.answer(event.clone());
        }
    }

    fn answer(&mut self, event: Recorded) {
        let reactor = Arc::clone(&self.reactor);
        self.answers.spawn(async move {
            let mut wait = Duration::from_millis(100);
            loop {
                match reactor.react(&event).await {
                    Ok(changes) => return (event, changes),
                    Err(error) => tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        reactor = reactor.name(),
                        position = event.position.0,
                        "an event is not answered yet"
                    ),
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_mins(1));
            }
        });
    }

    fn answered(&mut self, answer: Result<(Recorded, Vec<AgendaChange>), tokio::task::JoinError>) {
        let Ok((event, changes)) = answer else {
            // A reactor that panics stays before the event: its position is open for ever, and is told again.
            tracing::error!(reactor = self.reactor.name(), "a reactor panicked");
            return;
        };
        self.open.remove(&event.position);
        if self.changes.is_empty() {
            self.keep_at = Instant::now() + SOON;
        }
        self.changes.extend(changes);
        if let Some(next) = self.queues.get_mut(&event.stream).and_then(VecDeque::pop_front) {
            self.answer(next);
        } else {
            self.queues.remove(&event.stream);
        }
    }

    /// Keeps the agenda when it is time, many changes at once, and the bookmark with it; the bookmark alone only now and
    /// then.
    async fn keep(&mut self, at: Position, kept: &mut Position) {
        const STRIDE: u64 = 1_000;
        let far = self.done(at).0 >= kept.0 + STRIDE;
        let time = !self.changes.is_empty() && Instant::now() >= self.keep_at;
        if far || time || self.changes.len() >= MANY {
            self.keep_now(at, kept).await;
        }
    }

    async fn keep_now(&mut self, at: Position, kept: &mut Position) {
        let done = self.done(at);
        if self.changes.is_empty() && done <= *kept {
            return;
        }
        let changes = self.changes.clone();
        match self.desk.log().advance(self.reactor.name(), done, changes).await {
            Ok(()) => {
                self.changes.clear();
                *kept = done;
            }
            Err(error) => {
                self.keep_at = Instant::now() + RETRY;
                self.fault(&error, "a bookmark cannot be kept").await;
            }
        }
    }

    /// The last event before which all are answered.
    fn done(&self, at: Position) -> Position {
        self.open.first().map_or(at, |first| Position(first.0 - 1))
    }

    async fn fault(&self, error: &StoreError, what: &'static str) {
        tracing::warn!(error = error as &dyn std::error::Error, reactor = self.reactor.name(), "{what}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
