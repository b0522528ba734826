//! Read model `products`: every product as the shop shows it.

use std::collections::HashMap;

use domain::{
    Event, Language, Localized, Money, ProductId, VatRate,
    product::{Kind, ProductEvent},
};
use serde::{Deserialize, Serialize};
use store::{Position, on_db};

use crate::{
    Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told,
    page::{Page, read_mark},
    table::read_row,
};

/// What a product is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Seen by the shop alone.
    Draft,
    /// For sale.
    Published,
    /// No longer for sale.
    Archived,
}

/// A product as the shop shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductView {
    /// Its id.
    pub id: ProductId,
    /// Its name in addresses.
    pub slug: String,
    /// What it is at the moment.
    pub status: Status,
    /// What it physically is.
    pub kind: Kind,
    /// Its name.
    pub name: Localized<String>,
    /// What the customer should know.
    pub description: Localized<String>,
    /// The shelf it stands on.
    pub category: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What one costs, VAT included.
    pub price: Money,
    /// The VAT inside the price.
    pub vat_rate: VatRate,
    /// How many are on the shelf; `None` where there is no stock to count.
    pub on_hand: Option<i64>,
    /// How many can still be bought; `None` where there is no stock to count.
    pub available: Option<i64>,
}

/// A row: the view, and what it is found and sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRow {
    key: String,
    slug: String,
    status: Status,
    kind: Kind,
    category: String,
    tags: String,
    price: i64,
    available: i64,
    name: String,
    position: i64,
    /// The view.
    pub document: Document<ProductView>,
}

/// How products are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// The cheapest first.
    PriceUp,
    /// The dearest first.
    PriceDown,
    /// By name.
    Name,
}

/// Which products are listed, and how.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this status; only published ones where it is `None`.
    pub status: Option<Status>,
    /// On this shelf.
    pub category: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// With this tag.
    pub tag: Option<String>,
    /// Costing at least this many cents.
    pub price_min: Option<i64>,
    /// Costing at most this many cents.
    pub price_max: Option<i64>,
    /// That can be bought now.
    pub in_stock: bool,
    /// In this order.
    pub sort: Sort,
    /// After this mark.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// Where a row stands in the order of the list.
#[derive(Serialize, Deserialize)]
struct Mark {
    number: i64,
    text: String,
    position: i64,
}

impl Sort {
    /// The order, and the condition that a row comes after the mark ($8 number, $9 text, $10 position).
    const fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest => ("position desc", "position < $10"),
            Self::PriceUp => ("price, position", "(price, position) > ($8, $10)"),
            Self::PriceDown => ("price desc, position desc", "(price, position) < ($8, $10)"),
            Self::Name => ("name, position", "(name, position) > ($9, $10)"),
        }
    }
}

impl Table<Products> {
    /// The product with this slug.
    pub async fn by_slug(&self, slug: &str) -> Result<Option<ProductView>, QueryError> {
        let statement = self.statement("select {row} from {table} where slug = $1");
        let json: Option<String> =
            on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement).bind(slug).fetch_optional(pool).await?);
        json.map(|json| Ok(read_row::<Products>(&json)?.document.0)).transpose()
    }

    /// These products, as far as they exist.
    pub async fn all(
        &self,
        ids: impl Iterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, ProductView>, QueryError> {
        let keys: Vec<String> = ids.map(|id| id.to_string()).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.find_all(&keys).await?;
        Ok(rows.into_values().map(|row| (row.document.0.id, row.document.0)).collect())
    }

    /// Every product, published or not, and the position that all of them are at.
    pub(crate) async fn all_at_once(&self) -> Result<(Position, Vec<ProductRow>), QueryError> {
        let name = self.name();
        // One statement sees one moment.
        let statement = self.statement(&format!(
            "select (select position from checkpoints where projection = 'products' and table_name = '{name}'), {{row}}
             from {{table}}"
        ));
        let rows: Vec<(Option<i64>, String)> =
            on_db!(self.db(), read, |pool| sqlx::query_as(&statement).fetch_all(pool).await?);
        let Some(at) = rows.first().and_then(|(at, _)| u64::try_from((*at)?).ok()) else {
            return Ok((Position::START, Vec::new()));
        };
        let rows = rows.iter().map(|(_, json)| read_row::<Products>(json)).collect::<Result<_, _>>()?;
        Ok((Position(at), rows))
    }

    /// A page of products.
    pub async fn list(&self, filter: &Filter) -> Result<Page<ProductView>, QueryError> {
        let mark: Option<Mark> = read_mark(filter.after.as_deref())?;
        if mark.as_ref().is_some_and(|mark| mark.text.contains('\0')) {
            return Err(QueryError::Cursor); // No name holds it, and PostgreSQL takes no such text.
        }
        let (order, after) = filter.sort.sql();
        let statement = self.statement(&format!(
            "select {{row}} from {{table}}
             where status = $1
               and (cast($2 as text) is null or category = $2)
               and (cast($3 as text) is null or kind = $3)
               and (cast($4 as text) is null or tags like '% ' || $4 || ' %')
               and price >= $5 and price <= $6
               and ($7 = 0 or available > 0)
               and ($11 = 0 or {after})
             order by {order} limit $12"
        ));
        let rows: Vec<String> = on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement)
            .bind(word(filter.status.unwrap_or(Status::Published)))
            .bind(&filter.category)
            .bind(filter.kind.map(word))
            .bind(&filter.tag)
            .bind(filter.price_min.unwrap_or(0))
            .bind(filter.price_max.unwrap_or(i64::MAX))
            .bind(i64::from(filter.in_stock))
            .bind(mark.as_ref().map_or(0, |mark| mark.number))
            .bind(mark.as_ref().map_or("", |mark| &mark.text))
            .bind(mark.as_ref().map_or(0, |mark| mark.position))
            .bind(i64::from(mark.is_some()))
            .bind(i64::from(filter.limit) + 1)
            .fetch_all(pool)
            .await?);
        let rows: Vec<ProductRow> = rows.iter().map(|json| read_row::<Products>(json)).collect::<Result<_, _>>()?;
        let mark = |row: &ProductRow| Mark { number: row.price, text: row.name.clone(), position: row.position };
        Ok(Page::of(rows, filter.limit, mark)?.map(|row| row.document.0))
    }
}

/// The stored word of a status or a kind.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The projection behind these queries.
pub struct Products;

impl ReadModel for Products {
    const NAME: &'static str = "products";
    const VERSION: u32 = 1;
    const DDL: &'static str = "
        create table {table} (
            key text primary key,
            slug text not null,
            status text not null,
            kind text not null,
            category text not null,
            tags text not null,
            price bigint not null,
            available bigint not null,
            name text {binary} not null,
            position bigint not null,
            document text not null
        );
        create unique index {table}_slug on {table} (slug);
        create index {table}_newest on {table} (status, position);
        create index {table}_price on {table} (status, price, position);
        create index {table}_name on {table} (status, name, position)";
    const COLUMNS: &'static [&'static str] =
        &["key", "slug", "status", "kind", "category", "tags", "price", "available", "name", "position", "document"];
    const STREAMS: &'static [&'static str] = &["product"];
    const ON_POISON: OnPoison = OnPoison::SetAside;
    type Row = ProductRow;

    fn key(told: &Told<'_>) -> Option<String> {
        matches!(told.event, Event::Product(_)).then(|| told.recorded.stream.id().to_owned())
    }

    fn fold(row: &mut Option<ProductRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let Event::Product(event) = &told.event else { return Ok(()) };
        let mut view = match (event, &*row) {
            (ProductEvent::Drafted { .. }, _) => drafted(event, told)?,
            (_, Some(row)) => row.document.0.clone(),
            (_, None) => return Err(FoldError::NoRow),
        };
        let physical = view.kind == Kind::Physical;
        match event {
            ProductEvent::Drafted { .. } => {}
            ProductEvent::Revised { description } => {
                view.name = text(&description.name);
                view.description = text(&description.text);
                view.category = description.category.to_string();
                view.tags = description.tags.iter().map(ToString::to_string).collect();
            }
            ProductEvent::Repriced { price, vat_rate, .. } => {
                view.price = *price;
                view.vat_rate = *vat_rate;
            }
            ProductEvent::Published => view.status = Status::Published,
            ProductEvent::Archived => view.status = Status::Archived,
            ProductEvent::StockAdjusted { on_hand, available, .. }
            | ProductEvent::StockReturned { on_hand, available, .. } => {
                view.on_hand = physical.then_some(*on_hand);
                view.available = physical.then_some(*available);
            }
            ProductEvent::StockReserved { available, .. } | ProductEvent::StockReleased { available, .. } => {
                view.available = physical.then_some(*available);
            }
            ProductEvent::StockCommitted { on_hand, .. } => {
                view.on_hand = physical.then_some(*on_hand);
            }
        }
        // The list goes by when a product was first offered, so that the newest offer is the newest product.
        let position = match (event, &*row) {
            (ProductEvent::Published, _) | (_, None) => told.recorded.position.to_column(),
            (_, Some(row)) => row.position,
        };
        *row = Some(ProductRow::of(view, position));
        Ok(())
    }
}

impl ProductRow {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Where it was first offered; the higher, the newer.
    pub(crate) const fn since(&self) -> i64 {
        self.position
    }

    fn of(view: ProductView, position: i64) -> Self {
        Self {
            key: view.id.to_string(),
            slug: view.slug.clone(),
            status: view.status,
            kind: view.kind,
            category: view.category.clone(),
            tags: view.tags.iter().fold(" ".to_owned(), |tags, tag| tags + tag + " "),
            price: view.price.amount,
            available: view.available.unwrap_or(i64::MAX),
            name: view.name.get(Language::Fr).to_lowercase(),
            position,
            document: Document(view),
        }
    }
}

fn drafted(event: &ProductEvent, told: &Told<'_>) -> Result<ProductView, FoldError> {
    let ProductEvent::Drafted { slug, kind, description, price, vat_rate, .. } = event else {
        return Err(FoldError::NoRow);
    };
    let id = told.recorded.stream.id().parse();
    let stock = (*kind == Kind::Physical).then_some(0);
    Ok(ProductView {
        id: id.map_err(|_| domain::DomainError("a product is named by a UUID".to_owned()))?,
        slug: slug.to_string(),
        status: Status::Draft,
        kind: *kind,
        name: text(&description.name),
        description: text(&description.text),
        category: description.category.to_string(),
        tags: description.tags.iter().map(ToString::to_string).collect(),
        price: *price,
        vat_rate: *vat_rate,
        on_hand: stock,
        available: stock,
    })
}

fn text(text: &Localized<impl ToString>) -> Localized<String> {
    Localized { fr: text.fr.to_string(), en: text.en.as_ref().map(ToString::to_string) }
}
