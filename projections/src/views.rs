//! All views together: opened, followed, made again, closed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::Timestamp;
use store::{Db, Log, Position, StoreError, Target, Vault, db::Durability};
use tokio::sync::{oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Origin, RebuildError, Status, Table,
    carts::Carts,
    histories::Histories,
    invoices::Invoices,
    job::Job,
    orders::Orders,
    products::Products,
    projector::{self, Projector},
    promo_uses::PromoUses,
    promos::Promos,
    sales::SalesByDay,
    search::{self, Search},
};

/// How long queries may still read a table that is not live any more, here or in another process.
const GRACE: Duration = Duration::from_secs(3);

/// The views, open.
#[derive(Clone)]
pub struct Views {
    /// Every product.
    pub products: Table<Products>,
    /// Every cart.
    pub carts: Table<Carts>,
    /// Every order.
    pub orders: Table<Orders>,
    /// What happened to every order.
    pub histories: Table<Histories>,
    /// Every promo code.
    pub promos: Table<Promos>,
    /// Which orders used every promo code.
    pub promo_uses: Table<PromoUses>,
    /// Every invoice and credit note.
    pub invoices: Table<Invoices>,
    /// What was sold every day.
    pub sales: Table<SalesByDay>,
    /// What is for sale, to be searched.
    pub search: Search,
    db: Db,
    log: Log,
    projectors: Arc<[Arc<dyn projector::Follow>]>,
    /// The last rebuild of each view since the program started.
    jobs: Arc<Mutex<HashMap<&'static str, Arc<Job>>>>,
    stop: CancellationToken,
    stop_rebuilds: CancellationToken,
    tasks: TaskTracker,
}

impl Views {
    /// Opens the views. One that belongs to another log, or was made by another version of itself, begins anew.
    pub async fn open(log: &Log, vault: &Vault, target: &Target) -> Result<Self, StoreError> {
        let db = Db::open(target, Durability::Relaxed).await?;
        projector::checkpoint::make_tables(&db).await?;
        let products = Projector::<Products>::open(&db, log, vault).await?;
        let carts = Projector::<Carts>::open(&db, log, vault).await?;
        let orders = Projector::<Orders>::open(&db, log, vault).await?;
        let histories = Projector::<Histories>::open(&db, log, vault).await?;
        let promos = Projector::<Promos>::open(&db, log, vault).await?;
        let promo_uses = Projector::<PromoUses>::open(&db, log, vault).await?;
        let invoices = Projector::<Invoices>::open(&db, log, vault).await?;
        let sales = Projector::<SalesByDay>::open(&db, log, vault).await?;
        let search = search::Follower::open(products.table(), log, vault).await?;
        Ok(Self {
            products: products.table(),
            carts: carts.table(),
            orders: orders.table(),
            histories: histories.table(),
            promos: promos.table(),
            promo_uses: promo_uses.table(),
            invoices: invoices.table(),
            sales: sales.table(),
            search: search.search(),
            db,
            log: log.clone(),
            projectors: [
                products.follow(),
                carts.follow(),
                orders.follow(),
                histories.follow(),
                promos.follow(),
                promo_uses.follow(),
                invoices.follow(),
                sales.follow(),
                search.follow(),
            ]
            .into(),
            jobs: Arc::default(),
            stop: CancellationToken::new(),
            stop_rebuilds: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Lets every view follow the log until [`Views::close`].
    pub fn start(&self) {
        for projector in self.projectors.iter() {
            let (projector, stop) = (Arc::clone(projector), self.stop.clone());
            self.tasks.spawn(async move { projector.run(stop).await });
        }
    }

    /// The names of all views.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.projectors.iter().map(|projector| projector.name())
    }

    /// Where every view is.
    pub fn statuses(&self) -> Vec<Status> {
        self.projectors.iter().map(|projector| self.status_of(&**projector)).collect()
    }

    /// How far every view is, to be waited on.
    pub fn watches(&self) -> Vec<watch::Receiver<Position>> {
        self.projectors.iter().map(|projector| projector.watch()).collect()
    }

    /// Whether the views can be read.
    pub async fn answer(&self) -> Result<(), StoreError> {
        self.db.answers().await
    }

    fn status_of(&self, projector: &dyn projector::Follow) -> Status {
        let head = *self.log.watch().borrow();
        let rebuild = self.jobs().get(projector.name()).map(|job| job.status(head));
        Status { rebuild, ..projector.status() }
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to make a view again, at `now`, in a task of its own; queries are answered meanwhile. Whoever asks again
    /// with the same `key` is told of the same rebuild, and `true`.
    pub async fn begin_rebuild(
        &self,
        name: &str,
        origin: Origin,
        key: Option<String>,
        now: Timestamp,
    ) -> Result<(Status, bool), RebuildError> {
        let projector = self.projectors.iter().find(|projector| projector.name() == name);
        let projector = Arc::clone(projector.ok_or(RebuildError::Unknown)?);
        let job = Arc::new(Job::new(origin, key.clone(), now));
        let before = {
            let mut jobs = self.jobs();
            match jobs.get(projector.name()) {
                Some(known) if known.is_of(origin, key.as_deref()) => {
                    drop(jobs);
                    return Ok((self.status_of(&*projector), true));
                }
                Some(known) if known.is_running() => return Err(RebuildError::Running),
                _ => jobs.insert(projector.name(), Arc::clone(&job)),
            }
        };
        let (task, doer, stop) = (Arc::clone(&projector), Arc::clone(&job), self.stop_rebuilds.clone());
        let made = self.tasks.spawn(async move { task.rebuild(&doer, &stop).await });
        // Whatever becomes of that task, and of whoever asked, this one hears of it.
        let (refuse, refused) = oneshot::channel();
        let (views, task, doer) = (self.clone(), Arc::clone(&projector), Arc::clone(&job));
        self.tasks.spawn(async move {
            let broke_off = |error| Err(StoreError::Corrupt(format!("the rebuild broke off: {error}")).into());
            let made = made.await.unwrap_or_else(broke_off);
            doer.ended(&made);
            match made {
                Ok(()) => {
                    if let Err(error) = task.retire(1, GRACE, &views.stop_rebuilds).await {
                        let fault = &error as &dyn std::error::Error;
                        tracing::warn!(error = fault, projection = task.name(), "an old table cannot be thrown away");
                    }
                }
                Err(error) if doer.has_begun() => {
                    let fault = &error as &dyn std::error::Error;
                    tracing::error!(error = fault, projection = task.name(), "a view was not made again");
                }
                Err(error) => {
                    // Nothing has happened, and what happened before is the last that did.
                    let mut jobs = views.jobs();
                    match before {
                        Some(before) => jobs.insert(task.name(), before),
                        None => jobs.remove(task.name()),
                    };
                    drop(jobs);
                    let _ = refuse.send(error);
                }
            }
        });
        tokio::select! {
            () = job.begins() => Ok((self.status_of(&*projector), false)),
            Ok(error) = refused => Err(error),
        }
    }

    /// Makes a view again and waits for the end of it. `progress` hears how far it is.
    pub async fn rebuild(
        &self,
        name: &str,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<Position, RebuildError> {
        const STEP: Duration = Duration::from_millis(20);
        let projector = self.projectors.iter().find(|projector| projector.name() == name);
        let projector = projector.ok_or(RebuildError::Unknown)?;
        let job = Job::new(Origin::Anew, None, Timestamp::default());
        let made = {
            let mut made = std::pin::pin!(projector.rebuild(&job, &self.stop_rebuilds));
            loop {
                tokio::select! {
                    made = &mut made => break made,
                    () = tokio::time::sleep(STEP) => progress(job.status(Position::START).position),
                }
            }
        };
        made?;
        let reached = job.status(Position::START).position;
        progress(reached);
        Ok(reached)
    }

    /// Throws away what is kept to go back to. Other processes on the same database are given the time to look away.
    pub async fn retire(&self) -> Result<(), StoreError> {
        if !self.log.exclusive() {
            tokio::time::sleep(GRACE).await;
        }
        for projector in self.projectors.iter() {
            projector.retire(0, Duration::ZERO, &self.stop_rebuilds).await?;
        }
        Ok(())
    }

    /// Ends the rebuilds under way; the views stay as they are.
    pub fn stop_rebuilds(&self) {
        self.stop_rebuilds.cancel();
    }

    /// Lets every view reach what is in the log now, then closes.
    pub async fn close(&self) {
        self.stop_rebuilds.cancel();
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.db.close().await;
    }
}
