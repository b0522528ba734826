//! `/api/search`

use axum::{Json, extract::State, http::HeaderMap};
use domain::{Localized, Slug};
use projections::{
    page::{MAX_ROWS, ROWS},
    search::{Choice, Facets, Found, Query, Sort, Suggestion},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{LocalizedBody, QueryHeaders, QueryProblems, QuestionProblems},
    error::{ApiError, Fields},
    language::language,
    product::{KindBody, ProductBody},
    request::{After, Asked, Question},
    strict,
};

/// The most characters of a text that is searched for.
const MAX_TEXT: usize = 200;
/// The most choices of one filter.
const MAX_CHOICES: usize = 20;
/// The highest price that is asked for, in cents.
const MAX_PRICE: i64 = 100_000_000;

/// The queries below `/api/search`. One of them is posted, for what it asks is too long for an address; it changes nothing
/// and needs no key.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find)).routes(routes!(filters)).routes(routes!(suggest))
}

/// What is searched for. Everything may be left out; nothing at all finds every product that is for sale.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductSearch)]
struct SearchBody {
    /// Words in French or English, as customers write them: at most 200 characters. Nothing in them is an operator.
    #[schema(example = "afiche mer", max_length = 200)]
    query: Option<String>,
    /// On any of these shelves, at most 20.
    #[serde(default)]
    #[schema(example = json!(["tirages"]), max_items = 20)]
    category: Vec<String>,
    /// With any of these tags, at most 20.
    #[serde(default)]
    #[schema(example = json!(["mer", "paysage"]), max_items = 20)]
    tags: Vec<String>,
    /// Of any of these kinds.
    #[serde(default, deserialize_with = "strict::words")]
    #[schema(example = json!(["physical"]), max_items = 20)]
    kind: Vec<KindBody>,
    /// Costing at least so many cents.
    #[schema(example = 1000, minimum = 0, maximum = 100_000_000)]
    price_min: Option<i64>,
    /// Costing at most so many cents.
    #[schema(example = 5000, minimum = 0, maximum = 100_000_000)]
    price_max: Option<i64>,
    /// Only what can be bought now.
    #[serde(default)]
    in_stock: bool,
    /// In which order.
    #[serde(default, deserialize_with = "strict::word")]
    #[schema(inline)]
    sort: SortBody,
    /// At most so many.
    #[schema(default = 20, minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The mark that ended the page before.
    after: Option<String>,
}

/// How found products are sorted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SearchSort)]
enum SortBody {
    /// The best match first; the newest, where no words are asked for.
    #[default]
    Relevance,
    /// The cheapest first.
    PriceUp,
    /// The dearest first.
    PriceDown,
    /// The newest first.
    Newest,
    /// By name, in the language of the reader.
    Name,
}

impl SortBody {
    const ALL: [Self; 5] = [Self::Relevance, Self::PriceUp, Self::PriceDown, Self::Newest, Self::Name];
}

impl From<SortBody> for Sort {
    fn from(body: SortBody) -> Self {
        match body {
            SortBody::Relevance => Self::Relevance,
            SortBody::PriceUp => Self::PriceUp,
            SortBody::PriceDown => Self::PriceDown,
            SortBody::Newest => Self::Newest,
            SortBody::Name => Self::Name,
        }
    }
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FoundProducts)]
struct FoundBody {
    items: Vec<ProductBody>,
    /// How many there are on all pages.
    #[schema(example = 4)]
    total: u32,
    /// Whether no product has all the words, and those that have any of them are shown.
    relaxed: bool,
    facets: FacetsBody,
    /// The mark to ask the next page with; `null` at the end.
    next: Option<String>,
}

/// What a search can be narrowed by. The counts of a group are over what matches everything but the group's own filter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchFacets)]
struct FacetsBody {
    /// The fullest first.
    category: Vec<WordBody>,
    /// The most frequent first.
    tags: Vec<WordBody>,
    kind: Vec<KindCountBody>,
    /// How many can be bought now.
    #[schema(example = 12)]
    in_stock: u32,
    price: PricesBody,
}

/// A word to choose, and how many products it shows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WordCount)]
struct WordBody {
    #[schema(example = "tirages")]
    value: String,
    #[schema(example = 10)]
    count: u32,
}

/// A kind to choose, and how many products it shows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KindCount)]
struct KindCountBody {
    value: KindBody,
    #[schema(example = 10)]
    count: u32,
}

/// Prices, in cents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceFacet)]
struct PricesBody {
    /// The lowest; `null` where there is nothing.
    #[schema(example = 1290)]
    min: Option<i64>,
    /// The highest.
    #[schema(example = 18900)]
    max: Option<i64>,
    /// Ranges that hold something.
    ranges: Vec<RangeBody>,
}

/// A range of prices, to be sent as `price_min` and `price_max`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceRange)]
struct RangeBody {
    #[schema(example = 1000)]
    min: i64,
    /// `null` where the range has no end.
    #[schema(example = 2499)]
    max: Option<i64>,
    #[schema(example = 6)]
    count: u32,
}

impl From<Facets> for FacetsBody {
    fn from(facets: Facets) -> Self {
        let words = |choices: Vec<Choice<String>>| {
            choices.into_iter().map(|Choice { value, count }| WordBody { value, count }).collect()
        };
        let kinds = facets.kinds.into_iter();
        let ranges = facets.ranges.into_iter();
        Self {
            category: words(facets.categories),
            tags: words(facets.tags),
            kind: kinds.map(|kind| KindCountBody { value: kind.value.into(), count: kind.count }).collect(),
            in_stock: facets.in_stock,
            price: PricesBody {
                min: facets.prices.map(|(min, _)| min),
                max: facets.prices.map(|(_, max)| max),
                ranges: ranges.map(|range| RangeBody { min: range.min, max: range.max, count: range.count }).collect(),
            },
        }
    }
}

impl From<Found> for FoundBody {
    fn from(found: Found) -> Self {
        Self {
            items: found.items.into_iter().map(ProductBody::from).collect(),
            total: found.total,
            relaxed: found.relaxed,
            facets: found.facets.into(),
            next: found.next,
        }
    }
}

impl SearchBody {
    fn parse(self, headers: &HeaderMap) -> Result<Query, ApiError> {
        let mut fields = Fields::default();
        let text = self.query.unwrap_or_default();
        if text.chars().count() > MAX_TEXT {
            fields.refuse("query", &format!("must have at most {MAX_TEXT} characters"));
        }
        let categories = slugs(&mut fields, "category", &self.category);
        let tags = slugs(&mut fields, "tags", &self.tags);
        if self.kind.len() > MAX_CHOICES {
            fields.refuse("kind", &format!("at most {MAX_CHOICES}"));
        }
        for (field, price) in [("price_min", self.price_min), ("price_max", self.price_max)] {
            if price.is_some_and(|price| !(0..=MAX_PRICE).contains(&price)) {
                fields.refuse(field, &format!("must be 0 to {MAX_PRICE}"));
            }
        }
        if let (Some(min), Some(max)) = (self.price_min, self.price_max)
            && min > max
        {
            fields.refuse("price_min", "must not be more than price_max");
        }
        let limit = self.limit.unwrap_or(ROWS);
        if !(1..=MAX_ROWS).contains(&limit) {
            fields.refuse("limit", &format!("must be 1 to {MAX_ROWS}"));
        }
        fields.finish(Some(Query {
            text,
            categories,
            tags,
            kinds: self.kind.into_iter().map(Into::into).collect(),
            price_min: self.price_min,
            price_max: self.price_max,
            in_stock: self.in_stock,
            sort: self.sort.into(),
            language: language(headers),
            after: self.after,
            limit,
        }))
    }
}

fn slugs(fields: &mut Fields, field: &str, words: &[String]) -> Vec<String> {
    if words.len() > MAX_CHOICES {
        fields.refuse(field, &format!("at most {MAX_CHOICES}"));
        return Vec::new();
    }
    let slugs =
        words.iter().enumerate().filter_map(|(at, word)| fields.take(&format!("{field}[{at}]"), Slug::parse(word)));
    slugs.map(|slug| slug.to_string()).collect()
}

/// Search products
///
/// Finds what is for sale by words in French and English, forgives accents, plurals and typing mistakes, and counts what
/// the search can be narrowed by. Keyset pages: a page ends with a mark, and `after` continues behind it.
#[utoipa::path(post, operation_id = "search_products", path = "/api/search/products", tag = "search",
    params(QueryHeaders), request_body = SearchBody,
    responses((status = 200, body = FoundBody), QueryProblems, QuestionProblems))]
async fn find(
    State(app): State<App>,
    headers: HeaderMap,
    After(position): After,
    Question(body): Question<SearchBody>,
) -> Result<Json<FoundBody>, ApiError> {
    let query = body.parse(&headers)?;
    app.views.search.wait(position).await?;
    Ok(Json(app.views.search.find(&query)?.into()))
}

/// What the whole shop can be filtered and sorted by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchFilters)]
struct FiltersBody {
    /// How many products are for sale.
    #[schema(example = 40)]
    total: u32,
    #[serde(flatten)]
    facets: FacetsBody,
    #[schema(inline)]
    sorts: [SortBody; SortBody::ALL.len()],
}

/// Show what can be filtered by
///
/// Every choice of the whole shop, with how many products it shows.
#[utoipa::path(get, operation_id = "list_search_filters", path = "/api/search/filters", tag = "search",
    params(QueryHeaders),
    responses((status = 200, body = FiltersBody), QueryProblems))]
async fn filters(State(app): State<App>, After(position): After) -> Result<Json<FiltersBody>, ApiError> {
    app.views.search.wait(position).await?;
    let found = app.views.search.find(&Query { limit: 1, ..Query::default() })?;
    Ok(Json(FiltersBody { total: found.total, facets: found.facets.into(), sorts: SortBody::ALL }))
}

/// What a customer has typed so far.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SuggestQuery {
    /// The beginning of a query: at most 200 characters.
    #[serde(default)]
    #[param(example = "aff", max_length = 200)]
    q: String,
}

/// What a customer may mean, the best first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestions)]
struct SuggestionsBody {
    /// At most 8.
    items: Vec<SuggestionBody>,
}

/// Something to go on with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "type")]
#[schema(as = Suggestion)]
enum SuggestionBody {
    /// A product, to be shown.
    Product {
        #[schema(example = "affiche-maree-basse-30x40")]
        slug: String,
        name: LocalizedBody,
    },
    /// A shelf, to be filtered by.
    Category {
        #[schema(example = "tirages")]
        value: String,
        /// How many products are on it.
        count: u32,
    },
    /// A tag, to be filtered by.
    Tag {
        #[schema(example = "affiche")]
        value: String,
        /// How many products have it.
        count: u32,
    },
}

impl From<Suggestion> for SuggestionBody {
    fn from(suggestion: Suggestion) -> Self {
        match suggestion {
            Suggestion::Product { slug, name: Localized { fr, en } } => {
                Self::Product { slug, name: LocalizedBody { fr, en } }
            }
            Suggestion::Category { category, count } => Self::Category { value: category, count },
            Suggestion::Tag { tag, count } => Self::Tag { value: tag, count },
        }
    }
}

/// Suggest while somebody types
///
/// Products, categories and tags that the text may be the beginning of; typing mistakes are forgiven from three characters
/// on.
#[utoipa::path(get, operation_id = "suggest", path = "/api/search/suggest", tag = "search",
    params(SuggestQuery, QueryHeaders),
    responses((status = 200, body = SuggestionsBody), QueryProblems))]
async fn suggest(
    State(app): State<App>,
    After(position): After,
    Asked(query): Asked<SuggestQuery>,
) -> Result<Json<SuggestionsBody>, ApiError> {
    if query.q.chars().count() > MAX_TEXT {
        return Err(ApiError::query_invalid(format!("q must have at most {MAX_TEXT} characters")));
    }
    app.views.search.wait(position).await?;
    let suggestions = app.views.search.suggest(&query.q)?;
    Ok(Json(SuggestionsBody { items: suggestions.into_iter().map(SuggestionBody::from).collect() }))
}
