//! Everything the shop shows: read models that follow the log.
//!
//! A read model is one file, named for what it lists: its table, its row, its queries, its fold. `projector` is how all
//! of them follow the log, `table` how their rows are read and written, `told` how an event is told to them. Views
//! live in a database, a schema or a file of their own and can be thrown away: the log makes them again.

pub mod carts;
pub mod histories;
pub mod orders;
pub mod page;
pub mod products;
mod projector;
mod read_model;
pub mod search;
mod table;
mod told;

use std::sync::Arc;

use store::{Db, Log, Position, StoreError, Target, Vault, db::Durability};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use projector::{State, Status};
pub use read_model::{FoldError, OnPoison, ReadModel};
pub use table::{Document, Table};
pub use told::Told;

use crate::{
    carts::Carts, histories::Histories, orders::Orders, products::Products, projector::Projector, search::Search,
};

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The view did not reach the position in time.
    #[error("the view {view} is at position {at}")]
    Behind {
        /// Which view.
        view: &'static str,
        /// Where it is.
        at: Position,
    },
    /// A page mark was not made here.
    #[error("this page mark is not one of this list")]
    Cursor,
    /// Something is broken.
    #[error("the views cannot be read")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

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
    /// What is for sale, to be searched.
    pub search: Search,
    db: Db,
    projectors: Arc<[Arc<dyn projector::Follow>]>,
    stop: CancellationToken,
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
        let search = search::Follower::open(products.table(), log, vault).await?;
        Ok(Self {
            products: products.table(),
            carts: carts.table(),
            orders: orders.table(),
            histories: histories.table(),
            search: search.search(),
            db,
            projectors: [products.follow(), carts.follow(), orders.follow(), histories.follow(), search.follow()]
                .into(),
            stop: CancellationToken::new(),
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
        self.projectors.iter().map(|projector| projector.status()).collect()
    }

    /// How far every view is, to be waited on.
    pub fn watches(&self) -> [watch::Receiver<Position>; 5] {
        [self.products.watch(), self.carts.watch(), self.orders.watch(), self.histories.watch(), self.search.watch()]
    }

    /// Whether the views can be read.
    pub async fn answer(&self) -> Result<(), StoreError> {
        self.db.answers().await
    }

    /// Throws one view away and makes it again from the log, while nobody else follows it. `progress` hears how far it is.
    pub async fn rebuild(
        &self,
        name: &str,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<Option<Position>, StoreError> {
        match self.projectors.iter().find(|projector| projector.name() == name) {
            Some(projector) => projector.rebuild(progress).await.map(Some),
            None => Ok(None),
        }
    }

    /// Lets every view reach what is in the log now, then closes.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.db.close().await;
    }
}
