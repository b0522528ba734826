//! The products as they are searched: numbered, with what they are filtered and sorted by, all in memory.
//!
//! A number is given once and is this process's own. A reader holds the shelf as it was when it looked; a change makes a
//! new one, which shares every product that stayed as it was.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use domain::{Language, product::Kind};

use super::words::{Analyzer, has_digit};
use crate::products::{ProductRow, ProductView, Status};

/// The words of a filter, numbered.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbered {
    words: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Numbered {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        let word: Arc<str> = word.into();
        self.words.push(Arc::clone(&word));
        self.numbers.insert(word, number);
        number
    }

    /// The number of a word; `None` where no product ever had it.
    pub(super) fn find(&self, word: &str) -> Option<u32> {
        self.numbers.get(word).copied()
    }

    pub(super) fn words(&self) -> &[Arc<str>] {
        &self.words
    }
}

/// A product that is for sale.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) row: Arc<ProductRow>,
    pub(super) category: u32,
    pub(super) tags: Box<[u32]>,
    pub(super) in_stock: bool,
    /// Its name in both languages as it is sorted: folded, numbers by their value.
    pub(super) sorted_as: [Box<str>; 2],
    /// The words of its name in both languages, each after a space.
    pub(super) named: [Box<str>; 2],
}

impl Item {
    pub(super) fn view(&self) -> &ProductView {
        &self.row.document.0
    }

    pub(super) fn price(&self) -> i64 {
        self.row.document.0.price.amount
    }

    pub(super) fn kind(&self) -> Kind {
        self.row.document.0.kind
    }
}

/// All products.
#[derive(Clone, Default)]
pub(super) struct Shelf {
    /// By their numbers; `None` where one is not for sale.
    pub(super) items: Arc<Vec<Option<Arc<Item>>>>,
    pub(super) categories: Arc<Numbered>,
    pub(super) tags: Arc<Numbered>,
}

impl Shelf {
    /// Puts a product on the shelf, as it is now, or takes it off where it is not for sale. Answers whether its text has
    /// to be read again.
    pub(super) fn put(&mut self, analyzer: &mut Analyzer, number: u32, row: &Arc<ProductRow>) -> bool {
        let items = Arc::make_mut(&mut self.items);
        let at = number as usize;
        if items.len() <= at {
            items.resize(at + 1, None);
        }
        let view = &row.document.0;
        let before = items[at].take();
        if view.status != Status::Published {
            return before.is_some();
        }
        let says_the_same = before.as_ref().is_some_and(|before| says_the_same(before.view(), view));
        let in_stock = view.available.is_none_or(|available| available > 0);
        let item = match before {
            Some(before) if says_the_same => Item {
                row: Arc::clone(row),
                category: before.category,
                tags: before.tags.clone(),
                in_stock,
                sorted_as: before.sorted_as.clone(),
                named: before.named.clone(),
            },
            _ => {
                let names = [Language::Fr, Language::En].map(|language| analyzer.words(view.name.get(language)));
                let tags = Arc::make_mut(&mut self.tags);
                Item {
                    row: Arc::clone(row),
                    category: Arc::make_mut(&mut self.categories).number(&view.category),
                    tags: view.tags.iter().map(|tag| tags.number(tag)).collect::<BTreeSet<_>>().into_iter().collect(),
                    in_stock,
                    sorted_as: names.each_ref().map(|words| sorted_as(words)),
                    named: names.each_ref().map(|words| format!(" {}", words.join(" ")).into()),
                }
            }
        };
        items[at] = Some(Arc::new(item));
        !says_the_same
    }

    /// Every product for sale, with its number.
    pub(super) fn for_sale(&self) -> impl Iterator<Item = (usize, &Arc<Item>)> {
        self.items.iter().enumerate().filter_map(|(number, item)| Some((number, item.as_ref()?)))
    }
}

fn says_the_same(one: &ProductView, other: &ProductView) -> bool {
    one.name == other.name
        && one.description == other.description
        && one.category == other.category
        && one.tags == other.tags
}

/// Words in the order of a dictionary, numbers in the order of their values.
fn sorted_as(words: &[String]) -> Box<str> {
    let words = words.iter().map(|word| if has_digit(word) { format!("{word:0>12}") } else { word.clone() });
    words.collect::<Vec<_>>().join(" ").into()
}
