//! What a search can be narrowed by, and how many products each choice would show.
//!
//! The counts of a group are over what matches everything but the group's own filter, so that another choice of the same
//! group shows what it would bring. One pass counts all groups: a product that fails no group counts for all of them, one
//! that fails a single group counts for that group alone.

use domain::product::Kind;

use super::{
    Query,
    shelf::{Item, Numbered, Shelf},
};

/// The most choices of one group that are told; those that are asked for are told besides.
const MAX_CHOICES: usize = 100;
/// Where the ranges of prices begin, in cents.
const RANGES: [i64; 6] = [0, 1_000, 2_500, 5_000, 10_000, 25_000];
const KINDS: [Kind; 4] = [Kind::Physical, Kind::Digital, Kind::Service, Kind::Credits];

/// A choice, and how many products it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    /// What can be chosen.
    pub value: T,
    /// How many products that is.
    pub count: u32,
}

/// A range of prices, both ends in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// From so many cents on.
    pub min: i64,
    /// To so many cents; `None` where it has no end.
    pub max: Option<i64>,
    /// How many products that is.
    pub count: u32,
}

/// What a search can be narrowed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets {
    /// The shelves, the fullest first.
    pub categories: Vec<Choice<String>>,
    /// The tags, the most frequent first.
    pub tags: Vec<Choice<String>>,
    /// The kinds, in the order of the shop.
    pub kinds: Vec<Choice<Kind>>,
    /// How many can be bought now.
    pub in_stock: u32,
    /// The lowest and the highest price, in cents; `None` where there is nothing.
    pub prices: Option<(i64, i64)>,
    /// Ranges of prices that hold something.
    pub ranges: Vec<Range>,
}

/// The filters of a query, in numbers.
pub(super) struct Filters {
    categories: Option<Vec<u32>>,
    tags: Option<Vec<u32>>,
    kinds: Vec<Kind>,
    min: i64,
    max: i64,
    in_stock: bool,
}

const CATEGORY: u8 = 1;
const TAG: u8 = 1 << 1;
const KIND: u8 = 1 << 2;
const STOCK: u8 = 1 << 3;
const PRICE: u8 = 1 << 4;

impl Filters {
    pub(super) fn of(query: &Query, shelf: &Shelf) -> Self {
        let numbers = |asked: &[String], known: &Numbered| {
            (!asked.is_empty()).then(|| asked.iter().filter_map(|word| known.find(word)).collect())
        };
        Self {
            categories: numbers(&query.categories, &shelf.categories),
            tags: numbers(&query.tags, &shelf.tags),
            kinds: query.kinds.clone(),
            min: query.price_min.unwrap_or(i64::MIN),
            max: query.price_max.unwrap_or(i64::MAX),
            in_stock: query.in_stock,
        }
    }

    /// The groups whose filter an item does not pass, a bit for each.
    fn failed(&self, item: &Item) -> u8 {
        let mut failed = 0;
        if self.categories.as_ref().is_some_and(|wanted| !wanted.contains(&item.category)) {
            failed |= CATEGORY;
        }
        if self.tags.as_ref().is_some_and(|wanted| !item.tags.iter().any(|tag| wanted.contains(tag))) {
            failed |= TAG;
        }
        if !self.kinds.is_empty() && !self.kinds.contains(&item.kind()) {
            failed |= KIND;
        }
        if self.in_stock && !item.in_stock {
            failed |= STOCK;
        }
        if !(self.min..=self.max).contains(&item.price()) {
            failed |= PRICE;
        }
        failed
    }
}

/// Counts while products pass by.
pub(super) struct Counts {
    categories: Vec<u32>,
    tags: Vec<u32>,
    kinds: [u32; KINDS.len()],
    in_stock: u32,
    prices: Option<(i64, i64)>,
    ranges: [u32; RANGES.len()],
}

impl Counts {
    pub(super) fn new(shelf: &Shelf) -> Self {
        Self {
            categories: vec![0; shelf.categories.words().len()],
            tags: vec![0; shelf.tags.words().len()],
            kinds: [0; KINDS.len()],
            in_stock: 0,
            prices: None,
            ranges: [0; RANGES.len()],
        }
    }

    /// Counts an item for the groups it belongs to. Answers whether it passes all filters.
    pub(super) fn count(&mut self, filters: &Filters, item: &Item) -> bool {
        let failed = filters.failed(item);
        let counts_for = |group: u8| failed & !group == 0;
        if failed.count_ones() > 1 {
            return false;
        }
        if counts_for(CATEGORY) {
            self.categories[item.category as usize] += 1;
        }
        if counts_for(TAG) {
            for tag in &item.tags {
                self.tags[*tag as usize] += 1;
            }
        }
        if counts_for(KIND) {
            self.kinds[item.kind() as usize] += 1;
        }
        if counts_for(STOCK) {
            self.in_stock += u32::from(item.in_stock);
        }
        if counts_for(PRICE) {
            let price = item.price();
            let (min, max) = self.prices.unwrap_or((price, price));
            self.prices = Some((min.min(price), max.max(price)));
            let range = RANGES.iter().rposition(|from| price >= *from).unwrap_or(0);
            self.ranges[range] += 1;
        }
        failed == 0
    }

    /// What was counted, with the choices of `query` in any case.
    pub(super) fn finish(self, products: &Shelf, query: &Query) -> Facets {
        let ranges = RANGES.iter().enumerate().zip(self.ranges);
        Facets {
            categories: choices(&products.categories, &self.categories, &query.categories),
            tags: choices(&products.tags, &self.tags, &query.tags),
            kinds: KINDS
                .into_iter()
                .zip(self.kinds)
                .filter(|(kind, count)| *count > 0 || query.kinds.contains(kind))
                .map(|(value, count)| Choice { value, count })
                .collect(),
            in_stock: self.in_stock,
            prices: self.prices,
            ranges: ranges
                .filter(|(_, count)| *count > 0)
                .map(|((at, min), count)| Range { min: *min, max: RANGES.get(at + 1).map(|next| next - 1), count })
                .collect(),
        }
    }
}

fn choices(known: &Numbered, counts: &[u32], asked: &[String]) -> Vec<Choice<String>> {
    let mut choices: Vec<(&str, u32)> =
        known.words().iter().map(|word| &**word).zip(counts.iter().copied()).filter(|(_, count)| *count > 0).collect();
    choices.sort_unstable_by(|(one, one_count), (other, other_count)| {
        other_count.cmp(one_count).then_with(|| one.cmp(other))
    });
    let is_asked = |word: &str| asked.iter().any(|asked| asked == word);
    let mut told = 0;
    choices.retain(|(word, _)| {
        told += 1;
        told <= MAX_CHOICES || is_asked(word)
    });
    for word in asked {
        if !choices.iter().any(|(known, _)| known == word) {
            choices.push((word, 0));
        }
    }
    choices.into_iter().map(|(value, count)| Choice { value: value.to_owned(), count }).collect()
}
