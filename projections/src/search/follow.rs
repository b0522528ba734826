//! How the search follows the log: the fold of the view of products, kept in memory.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use store::{Log, Position, Recorded, StoreError, Vault};
use tantivy::TantivyError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    NAME, Search, Snapshot, broken,
    index::{Dictionary, Texts},
    shelf::Shelf,
    words::Analyzer,
};
use crate::{
    FoldError, Origin, QueryError, ReadModel as _, RebuildError, State, Status, Table, Told,
    job::Job,
    meter::Meter,
    products::{ProductRow, Products, Status as Stage},
    projector::Follow,
    told,
};

/// How many events are folded at once when everything is made again.
const PAGE: u32 = 5_000;

/// What follows the log for the search.
pub(crate) struct Follower {
    search: Search,
    products: Table<Products>,
    log: Log,
    vault: Vault,
    reached: watch::Sender<Position>,
    state: Mutex<State>,
    set_aside: AtomicU64,
    meter: Meter,
    /// `None` after it broke, until it is made again.
    made: tokio::sync::Mutex<Option<Made>>,
}

/// Everything the search is made of, as it is written.
struct Made {
    at: Position,
    set_aside: u64,
    rows: HashMap<String, (u32, Option<Arc<ProductRow>>)>,
    shelf: Shelf,
    texts: Texts,
    dictionary: Arc<Dictionary>,
    analyzer: Analyzer,
}

impl Made {
    fn nothing() -> Result<Self, TantivyError> {
        let mut texts = Texts::make()?;
        let dictionary = Arc::new(texts.publish()?);
        let (shelf, analyzer) = (Shelf::default(), Analyzer::new());
        Ok(Self { at: Position::START, set_aside: 0, rows: HashMap::new(), shelf, texts, dictionary, analyzer })
    }

    fn of(at: Position, rows: Vec<ProductRow>) -> Result<Self, TantivyError> {
        let mut made = Self { at, ..Self::nothing()? };
        made.apply(rows.into_iter().map(|row| (row.key().to_owned(), Some(row))))?;
        Ok(made)
    }

    /// What those see who search from here on.
    fn snapshot(&self) -> Snapshot {
        Snapshot { dictionary: Arc::clone(&self.dictionary), shelf: self.shelf.clone() }
    }

    /// What a page of events makes of the rows it speaks of.
    fn fold(
        &mut self,
        told: Vec<(&Recorded, Result<Told<'_>, domain::DomainError>)>,
    ) -> HashMap<String, Option<ProductRow>> {
        let mut changed: HashMap<String, Option<ProductRow>> = HashMap::new();
        for (recorded, told) in told {
            let outcome = told.map_err(FoldError::from).and_then(|told| match Products::key(&told) {
                None => Ok(()),
                Some(key) => {
                    let known = |key: &String| Some((**self.rows.get(key)?.1.as_ref()?).clone());
                    Products::fold(changed.entry(key).or_insert_with_key(known), &told)
                }
            });
            if let Err(error) = outcome {
                tracing::error!(projection = NAME, position = recorded.position.0, %error, "an event cannot be folded");
                self.set_aside += 1;
            }
        }
        changed
    }

    /// Takes changed rows over: what is filtered and shown at once, text only where it says something else.
    fn apply(&mut self, rows: impl Iterator<Item = (String, Option<ProductRow>)>) -> Result<(), TantivyError> {
        let mut rewritten = false;
        for (key, row) in rows {
            let Some(row) = row.map(Arc::new) else { continue };
            let next = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            let slot = self.rows.entry(key).or_insert((next, None));
            slot.1 = Some(Arc::clone(&row));
            if self.shelf.put(&mut self.analyzer, slot.0, &row) {
                rewritten = true;
                if row.document.0.status == Stage::Published {
                    self.texts.put(slot.0, &row.document.0)?;
                } else {
                    self.texts.remove(slot.0);
                }
            }
        }
        if rewritten {
            self.dictionary = Arc::new(self.texts.publish()?);
        }
        Ok(())
    }
}

impl Follower {
    /// Makes the search as the view of products is now, so that it can be asked at once, like the views in tables.
    pub(crate) async fn open(products: Table<Products>, log: &Log, vault: &Vault) -> Result<Arc<Self>, StoreError> {
        let made = make(&products).await?;
        let (reached, at) = watch::channel(made.at);
        let snapshot = Arc::new(RwLock::new(Arc::new(made.snapshot())));
        Ok(Arc::new(Self {
            search: Search { snapshot, reached: at, analyzer: Analyzer::new() },
            products,
            log: log.clone(),
            vault: vault.clone(),
            reached,
            state: Mutex::new(State::Following),
            set_aside: AtomicU64::new(0),
            meter: Meter::default(),
            made: tokio::sync::Mutex::new(Some(made)),
        }))
    }

    pub(crate) fn search(&self) -> Search {
        self.search.clone()
    }

    pub(crate) fn follow(self: Arc<Self>) -> Arc<dyn Follow> {
        self
    }

    /// Shows what was made to those who search from here on.
    fn show(&self, made: &Made) {
        *self.search.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made.snapshot());
        self.set_aside.store(made.set_aside, Ordering::Relaxed);
        self.reached.send_replace(made.at);
        self.meter.note(made.at);
    }

    fn say(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Folds events that follow on what was made.
    async fn project(&self, mut made: Made, events: &[&Recorded]) -> Result<Made, StoreError> {
        let Some(last) = events.last() else { return Ok(made) };
        let end = last.position;
        let told = told::tell(&self.vault, Products::STREAMS, events.iter().copied()).await?;
        let changed = made.fold(told);
        if !changed.is_empty() {
            made = off_the_runtime(move || made.apply(changed.into_iter()).map(|()| made)).await?;
        }
        made.at = end;
        Ok(made)
    }

    /// Folds one more page of the log.
    async fn read_on(&self, made: Made, job: &Job, stop: &CancellationToken) -> Result<Made, RebuildError> {
        if stop.is_cancelled() {
            return Err(RebuildError::Stopped);
        }
        let events = self.log.read_all(made.at, PAGE).await?;
        let made = self.project(made, &events.iter().collect::<Vec<_>>()).await?;
        job.reached(made.at, *self.log.watch().borrow(), made.set_aside);
        Ok(made)
    }

    async fn follow_from_here(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let mut at = {
            let mut held = self.made.lock().await;
            let made = match held.take() {
                Some(made) => made,
                None => make(&self.products).await?,
            };
            self.show(&made);
            held.insert(made).at
        };
        let mut follower = self.log.follow(at);
        self.say(State::Following);
        loop {
            let page = tokio::select! {
                page = follower.next() => page?,
                () = stop.cancelled() => return Ok(()),
            };
            let mut held = self.made.lock().await;
            // Where it was made again meanwhile, it is somewhere else.
            let Some(made) = held.take_if(|made| made.at == at) else { return Ok(()) };
            let events: Vec<&Recorded> = page.events().collect();
            let made = self.project(made, &events).await?;
            self.show(&made);
            at = held.insert(made).at;
        }
    }
}

/// Makes everything from the rows of the view of products, which are of one moment.
async fn make(products: &Table<Products>) -> Result<Made, StoreError> {
    let (at, rows) = products.all_at_once().await.map_err(|error| match error {
        QueryError::Store(error) => error,
        error @ (QueryError::Behind { .. } | QueryError::Cursor) => StoreError::Corrupt(error.to_string()),
    })?;
    off_the_runtime(move || Made::of(at, rows)).await
}

/// Reading text takes its time, and others wait on the threads of the runtime.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TantivyError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| broken(&error)),
        Err(error) => Err(StoreError::Corrupt(format!("the index of the search could not be written: {error}"))),
    }
}

#[async_trait]
impl Follow for Follower {
    fn name(&self) -> &'static str {
        NAME
    }

    fn status(&self) -> Status {
        let (position, head) = (*self.reached.borrow(), *self.log.watch().borrow());
        Status {
            name: NAME,
            table: "in memory".to_owned(),
            position,
            lag: head.0.saturating_sub(position.0),
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            set_aside: self.set_aside.load(Ordering::Relaxed),
            rate: self.meter.rate(),
            rebuild: None,
        }
    }

    async fn run(&self, stop: CancellationToken) {
        const SOON: Duration = Duration::from_millis(20);
        const LATE: Duration = Duration::from_secs(5);
        let mut wait = SOON;
        while !stop.is_cancelled() {
            match self.follow_from_here(&stop).await {
                Ok(()) => wait = SOON,
                Err(error) => {
                    let fault = &error as &dyn std::error::Error;
                    tracing::warn!(error = fault, projection = NAME, "a view cannot follow the log");
                    self.say(State::Retrying { error: error.to_string() });
                    wait = (wait * 2).min(LATE);
                }
            }
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.search.watch()
    }

    /// Makes everything from the first event on, without the view of products, and shows it once it has seen what is shown
    /// now.
    async fn rebuild(&self, job: &Job, stop: &CancellationToken) -> Result<(), RebuildError> {
        if job.origin() == Origin::Kept {
            return Err(RebuildError::NothingKept);
        }
        job.begun(Position::START);
        let mut made = off_the_runtime(Made::nothing).await?;
        let end = self.log.head().await?.position;
        while made.at < end {
            made = self.read_on(made, job, stop).await?;
        }
        let mut held = self.made.lock().await; // From here on nobody follows, so the rest is short.
        while made.at < *self.reached.borrow() {
            made = self.read_on(made, job, stop).await?;
        }
        self.show(&made);
        *held = Some(made);
        Ok(())
    }

    async fn retire(&self, _: usize, _: Duration, _: &CancellationToken) -> Result<(), StoreError> {
        Ok(()) // Nothing is kept to go back to.
    }
}
