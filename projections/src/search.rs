//! Product search: what is for sale, found by words, filters and choices, on this node, from memory.
//!
//! `follow` makes it from the log as the other views are made, starting from the rows of the view of products. `words`
//! takes text apart, `index` keeps it, `matching` finds what a customer means, `facets` counts what it can be narrowed by,
//! `order` turns pages. `shelf` holds the products themselves, so that what is shown is of the same moment as what was
//! found, and a piece of stock that moves touches no text.
//!
//! The index is in memory and not in a folder: what it is made from is in the view of products already, with a checkpoint
//! that was proved against the log. There is no second copy on disk to be behind, foreign or damaged, nodes share nothing,
//! and a start reads the products, however many events the log holds.

mod facets;
mod follow;
mod index;
mod matching;
mod order;
mod shelf;
mod suggest;
mod words;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use domain::{Language, product::Kind};
use store::{Position, StoreError};
use tokio::sync::watch;

pub(crate) use self::follow::Follower;
pub use self::{
    facets::{Choice, Facets, Range},
    order::Sort,
    suggest::{Suggestion, Suggestions},
};
use self::{
    facets::{Counts, Filters},
    index::Dictionary,
    matching::{Asked, Matches, Reading},
    order::{Mark, Order},
    shelf::{Item, Shelf},
    words::Analyzer,
};
use crate::{QueryError, products::ProductView};

/// The name of this view.
pub(crate) const NAME: &str = "search";
/// How long a search waits for the index.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a product is worth besides, whose name holds the query, is it, or begins with it.
const NAMED: u32 = 400;
const CALLED: u32 = 2_000;
const BEGINS: u32 = 50;

/// What is searched for, and how it is shown.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The words, as the customer wrote them; nothing in them is an operator.
    pub text: String,
    /// On any of these shelves; on all where there are none.
    pub categories: Vec<String>,
    /// With any of these tags.
    pub tags: Vec<String>,
    /// Of any of these kinds.
    pub kinds: Vec<Kind>,
    /// Costing at least this many cents.
    pub price_min: Option<i64>,
    /// Costing at most this many cents.
    pub price_max: Option<i64>,
    /// That can be bought now.
    pub in_stock: bool,
    /// In this order.
    pub sort: Sort,
    /// For a reader of this language.
    pub language: Language,
    /// After this mark.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// A page of it.
    pub items: Vec<ProductView>,
    /// How many products that is in all.
    pub total: u32,
    /// Whether nothing holds all the words, and what holds any of them is shown.
    pub relaxed: bool,
    /// What it can be narrowed by.
    pub facets: Facets,
    /// What to ask the next page with; `None` at the end.
    pub next: Option<String>,
}

/// The index as it was at a moment, with the products it speaks of.
struct Snapshot {
    dictionary: Arc<Dictionary>,
    shelf: Shelf,
}

/// The search, open for queries. Clones are the same.
#[derive(Clone)]
pub struct Search {
    snapshot: Arc<RwLock<Arc<Snapshot>>>,
    reached: watch::Receiver<Position>,
    analyzer: Analyzer,
}

impl Search {
    /// Waits until the index has seen `position`: 2 seconds, no longer.
    pub async fn wait(&self, position: Position) -> Result<(), QueryError> {
        let mut reached = self.reached.clone();
        let there = reached.wait_for(|at| *at >= position);
        if !matches!(tokio::time::timeout(PATIENCE, there).await, Ok(Ok(_))) {
            return Err(QueryError::Behind { view: NAME, at: *self.reached.borrow() });
        }
        Ok(())
    }

    /// Waits until the index moves on from where it is.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.reached.clone()
    }

    /// A page of the products that are for sale and match.
    pub fn find(&self, query: &Query) -> Result<Found, QueryError> {
        let snapshot = self.snapshot();
        let products = &snapshot.shelf;
        let mut analyzer = self.analyzer.clone();
        let asked = Asked::read(&mut analyzer, &query.text);
        let sort = match (query.sort, &asked) {
            (Sort::Relevance, None) => Sort::Newest,
            (sort, _) => sort,
        };
        let order = Order { sort, language: query.language };
        let mark = Mark::read(query.after.as_deref(), order)?;
        let reading = mark.as_ref().and_then(Mark::reading);
        let matches = asked.as_ref().map(|asked| snapshot.matches(&mut analyzer, asked, reading)).transpose()?;

        let filters = Filters::of(query, products);
        let mut counts = Counts::new(products);
        let mut found: Vec<(Arc<Item>, u32)> = Vec::new();
        for (number, item) in products.for_sale() {
            let score = matches.as_ref().map_or(1, |matches| matches.scores[number]);
            if score > 0 && counts.count(&filters, item) {
                let score = score + asked.as_ref().map_or(0, |asked| name_worth(item, asked));
                found.push((Arc::clone(item), score));
            }
        }
        let reading = matches.map(|matches| matches.reading);
        let page = order.page(&found, mark.as_ref(), reading.filter(|_| sort == Sort::Relevance), query.limit)?;
        Ok(Found {
            items: page.items.iter().map(|item| item.view().clone()).collect(),
            total: u32::try_from(found.len()).unwrap_or(u32::MAX),
            relaxed: reading == Some(Reading::Relaxed) && !found.is_empty(),
            facets: counts.finish(products, query),
            next: page.next,
        })
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Snapshot {
    fn matches(&self, analyzer: &mut Analyzer, asked: &Asked, reading: Option<Reading>) -> Result<Matches, QueryError> {
        let count = self.shelf.items.len();
        let matches = matching::find(&self.dictionary, analyzer, asked, count, reading);
        matches.map_err(|error| broken(&error).into())
    }
}

/// What a product is worth besides, for how it is called.
fn name_worth(item: &Item, asked: &Asked) -> u32 {
    let worth = |name: &str| match name.strip_prefix(asked.phrase.as_str()) {
        Some("") => CALLED,
        Some(_) => NAMED + BEGINS,
        None if name.contains(asked.phrase.as_str()) => NAMED,
        None => 0,
    };
    item.named.iter().map(|name| worth(name)).max().unwrap_or(0)
}

fn broken(error: &tantivy::TantivyError) -> StoreError {
    StoreError::Corrupt(format!("the index of the search is broken: {error}"))
}
