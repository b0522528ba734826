//! In which order products are found, and where a page of them ends.
//!
//! What stands in a mark is the product's own: its score for this query, its price, its name. So a page goes on behind its
//! mark whatever came in or went meanwhile.

use std::{cmp::Ordering, sync::Arc};

use domain::Language;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{matching::Reading, shelf::Item};
use crate::{QueryError, page::Page, page::read_mark};

/// How found products are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Sort {
    /// The best match first; the newest, where no words are asked for.
    #[default]
    Relevance,
    /// The cheapest first.
    PriceUp,
    /// The dearest first.
    PriceDown,
    /// The newest first.
    Newest,
    /// By name, in the language of the query.
    Name,
}

/// Where a product stands, the smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'item> {
    number: i64,
    text: &'item str,
    /// Of two that are alike, the newer comes first where the best or the newest do.
    since: i64,
    id: Uuid,
}

/// The last product of a page, as the next one is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    sort: Sort,
    language: Option<Language>,
    reading: Option<Reading>,
    number: i64,
    text: String,
    since: i64,
    id: Uuid,
}

impl Mark {
    /// Reads a mark of this order, and of no other.
    pub(super) fn read(mark: Option<&str>, order: Order) -> Result<Option<Self>, QueryError> {
        let mark: Option<Self> = read_mark(mark)?;
        match mark {
            Some(mark) if (mark.sort, mark.language) != (order.sort, order.named_in()) => Err(QueryError::Cursor),
            Some(mark) if (order.sort == Sort::Relevance) != mark.reading.is_some() => Err(QueryError::Cursor),
            mark => Ok(mark),
        }
    }

    /// How the words were read on the pages before.
    pub(super) const fn reading(&self) -> Option<Reading> {
        self.reading
    }

    fn key(&self) -> Key<'_> {
        Key { number: self.number, text: &self.text, since: self.since, id: self.id }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) sort: Sort,
    pub(super) language: Language,
}

impl Order {
    fn named_in(self) -> Option<Language> {
        (self.sort == Sort::Name).then_some(self.language)
    }

    fn key(self, item: &Item, score: u32) -> Key<'_> {
        let (id, price, since) = (item.view().id.0, item.price(), -item.row.since());
        let key = Key { number: 0, text: "", since: 0, id };
        match self.sort {
            Sort::Relevance => Key { number: -i64::from(score), since, ..key },
            Sort::PriceUp => Key { number: price, ..key },
            Sort::PriceDown => Key { number: -price, ..key },
            Sort::Newest => Key { since, ..key },
            Sort::Name => Key { text: &item.sorted_as[self.language as usize], ..key },
        }
    }

    /// The page of `found` that comes after the mark.
    pub(super) fn page(
        self,
        found: &[(Arc<Item>, u32)],
        mark: Option<&Mark>,
        reading: Option<Reading>,
        limit: u32,
    ) -> Result<Page<Arc<Item>>, QueryError> {
        let keys = found.iter().map(|(item, score)| (self.key(item, *score), item));
        let mut rest: Vec<(Key<'_>, &Arc<Item>)> = match mark {
            Some(mark) => keys.filter(|(key, _)| *key > mark.key()).collect(),
            None => keys.collect(),
        };
        let by_key = |one: &(Key<'_>, &Arc<Item>), other: &(Key<'_>, &Arc<Item>)| -> Ordering { one.0.cmp(&other.0) };
        let most = limit as usize + 1;
        if rest.len() > most {
            rest.select_nth_unstable_by(most - 1, by_key);
            rest.truncate(most);
        }
        rest.sort_unstable_by(by_key);
        let page = Page::of(rest, limit, |(key, _)| Mark {
            sort: self.sort,
            language: self.named_in(),
            reading,
            number: key.number,
            text: key.text.to_owned(),
            since: key.since,
            id: key.id,
        })?;
        Ok(page.map(|(_, item)| Arc::clone(item)))
    }
}
