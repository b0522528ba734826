//! What a customer who is still typing may mean.

use domain::Localized;

use super::{Search, Snapshot, matching::Asked, name_worth};
use crate::QueryError;

/// The most suggestions.
const MOST: usize = 8;
/// The most categories and tags among them.
const MOST_LABELS: usize = 3;

/// Something to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// A product.
    Product {
        /// Its name in addresses.
        slug: String,
        /// Its name.
        name: Localized<String>,
    },
    /// A shelf.
    Category {
        /// Which one.
        category: String,
        /// How many products are on it.
        count: u32,
    },
    /// A tag.
    Tag {
        /// Which one.
        tag: String,
        /// How many products have it.
        count: u32,
    },
}

/// Suggestions, the best first.
pub type Suggestions = Vec<Suggestion>;

impl Search {
    /// At most 8 things that `text` may be the beginning of.
    pub fn suggest(&self, text: &str) -> Result<Suggestions, QueryError> {
        let snapshot = self.snapshot();
        let mut analyzer = self.analyzer.clone();
        let Some(asked) = Asked::read(&mut analyzer, text) else { return Ok(Vec::new()) };
        let matches = snapshot.matches(&mut analyzer, &asked, None)?;
        let Snapshot { shelf: on_shelf, .. } = &*snapshot;

        let (mut categories, mut tags) =
            (vec![0; on_shelf.categories.words().len()], vec![0; on_shelf.tags.words().len()]);
        let mut products = Vec::new();
        for (number, item) in on_shelf.for_sale() {
            categories[item.category as usize] += 1;
            for tag in &item.tags {
                tags[*tag as usize] += 1;
            }
            let score = matches.scores[number];
            if score > 0 {
                let best_first = std::cmp::Reverse((score + name_worth(item, &asked), item.row.since()));
                products.push((best_first, item));
            }
        }
        products.sort_unstable_by_key(|(best_first, _)| *best_first);

        let begins = |label: &str| format!(" {}", label.replace('-', " ")).contains(asked.phrase.as_str());
        let labels = |words: &[std::sync::Arc<str>], counts: Vec<u32>| {
            let mut labels: Vec<(u32, String)> = counts
                .into_iter()
                .zip(words)
                .filter(|(count, word)| *count > 0 && begins(word))
                .map(|(count, word)| (count, word.to_string()))
                .collect();
            labels.sort_unstable_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
            labels
        };
        let categories = labels(on_shelf.categories.words(), categories).into_iter();
        let tags = labels(on_shelf.tags.words(), tags).into_iter();
        let mut suggestions: Suggestions = categories
            .map(|(count, category)| Suggestion::Category { category, count })
            .chain(tags.map(|(count, tag)| Suggestion::Tag { tag, count }))
            .take(MOST_LABELS)
            .collect();
        let products = products
            .into_iter()
            .map(|(_, item)| Suggestion::Product { slug: item.view().slug.clone(), name: item.view().name.clone() });
        suggestions.extend(products.take(MOST - suggestions.len()));
        Ok(suggestions)
    }
}
