//! `/api/products`

use axum::{
    extract::State,
    http::{StatusCode, header},
};
use commands::product::{Changes, DraftError, NewProduct};
use domain::{
    Line, Localized, Money, ProductId, Prose, Slug, VatRate,
    product::{Description, Kind as ProductKind, ProductError, Revision},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{Accepted, Answer, CommandHeaders, CommandProblems, LocalizedBody, MoneyBody, StaffProblems},
    error::{ApiError, Fields, Kind},
    request::{Command, Id, Nothing},
    strict,
};

mod queries;

pub(crate) use self::queries::{ProductBody, queries};

const UNKNOWN: Kind = Kind::new(StatusCode::NOT_FOUND, "product-unknown", "Produit inconnu", "Unknown product");
const EXISTS: Kind = Kind::new(StatusCode::CONFLICT, "product-exists", "Le produit existe déjà", "The product exists");
const NOT_FOR_SALE: Kind =
    Kind::new(StatusCode::CONFLICT, "product-not-for-sale", "Ce produit n’est pas en vente", "Not for sale");
const ARCHIVED: Kind = Kind::new(StatusCode::CONFLICT, "product-archived", "Ce produit est archivé", "Archived");
const STOCKLESS: Kind =
    Kind::new(StatusCode::CONFLICT, "product-stockless", "Ce produit n’a pas de stock", "This product has no stock");
const OUT_OF_STOCK: Kind = Kind::new(StatusCode::CONFLICT, "product-out-of-stock", "Stock épuisé", "Out of stock");
const IMPOSSIBLE_STOCK: Kind = Kind::new(
    StatusCode::CONFLICT,
    "product-stock-impossible",
    "Le stock ne peut pas devenir celui-ci",
    "The stock cannot become this",
);
const PRICE_CHANGED: Kind =
    Kind::new(StatusCode::CONFLICT, "product-price-changed", "Le prix a changé", "The price has changed");
const TOO_MANY_TAGS: Kind =
    Kind::new(StatusCode::UNPROCESSABLE_ENTITY, "product-tags", "Trop de mots-clés", "Too many tags");
const SLUG_TAKEN: Kind = Kind::new(
    StatusCode::CONFLICT,
    "product-slug-taken",
    "Un autre produit porte ce nom d’adresse",
    "Another product has this slug",
);

impl From<ProductError> for ApiError {
    fn from(refusal: ProductError) -> Self {
        let kind = match refusal {
            ProductError::Unknown => UNKNOWN,
            ProductError::AlreadyDrafted => EXISTS,
            ProductError::NotForSale => NOT_FOR_SALE,
            ProductError::Archived => ARCHIVED,
            ProductError::Stockless => STOCKLESS,
            ProductError::OutOfStock { available } => {
                return Self::refused(OUT_OF_STOCK, &refusal).with_present("available", available);
            }
            ProductError::ImpossibleStock => IMPOSSIBLE_STOCK,
            ProductError::PriceChanged => PRICE_CHANGED,
            ProductError::TooManyTags => TOO_MANY_TAGS,
        };
        Self::refused(kind, &refusal)
    }
}

impl From<DraftError> for ApiError {
    fn from(refusal: DraftError) -> Self {
        match refusal {
            DraftError::SlugTaken => Self::refused(SLUG_TAKEN, &refusal),
            DraftError::Product(refusal) => refusal.into(),
        }
    }
}

/// The commands below `/api/products`.
pub(crate) fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(draft))
        .routes(routes!(change))
        .routes(routes!(publish))
        .routes(routes!(archive))
        .routes(routes!(adjust_stock))
}

/// A product to be drafted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProduct)]
struct NewProductBody {
    /// Its name in addresses: lower-case words joined by hyphens.
    #[schema(example = "affiche-lignes-de-brume-50x70")]
    slug: String,
    #[serde(deserialize_with = "strict::word")]
    kind: KindBody,
    /// At most 200 characters a language.
    #[serde(deserialize_with = "strict::object")]
    name: LocalizedBody,
    /// At most 4,000 characters a language.
    #[serde(deserialize_with = "strict::object")]
    description: LocalizedBody,
    /// VAT included: 0 to 1,000,000.00.
    #[serde(deserialize_with = "strict::object")]
    price: MoneyBody,
    /// Basis points: 2000 is 20 %.
    #[schema(example = 2000)]
    vat_rate: i64,
    /// The shelf it stands on.
    #[schema(example = "tirages")]
    category: String,
    /// At most 20.
    #[serde(default)]
    tags: Vec<String>,
}

/// What is to be different about a product; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProductChanges)]
struct ChangesBody {
    #[serde(default, deserialize_with = "strict::maybe_object")]
    name: Option<LocalizedBody>,
    #[serde(default, deserialize_with = "strict::maybe_object")]
    description: Option<LocalizedBody>,
    #[serde(default, deserialize_with = "strict::maybe_object")]
    price: Option<MoneyBody>,
    vat_rate: Option<i64>,
    category: Option<String>,
    tags: Option<Vec<String>>,
}

/// Pieces that came or went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockChange)]
struct StockBody {
    /// How many came; negative where they went.
    #[schema(example = 25)]
    change: i64,
}

/// What a product physically is. Only physical products have stock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProductKind)]
pub(crate) enum KindBody {
    /// Goods on a shelf.
    Physical,
    /// A file to download.
    Digital,
    /// Work for the customer.
    Service,
    /// Credits that pay for generations.
    Credits,
}

impl From<KindBody> for ProductKind {
    fn from(body: KindBody) -> Self {
        match body {
            KindBody::Physical => Self::Physical,
            KindBody::Digital => Self::Digital,
            KindBody::Service => Self::Service,
            KindBody::Credits => Self::Credits,
        }
    }
}

impl From<ProductKind> for KindBody {
    fn from(kind: ProductKind) -> Self {
        match kind {
            ProductKind::Physical => Self::Physical,
            ProductKind::Digital => Self::Digital,
            ProductKind::Service => Self::Service,
            ProductKind::Credits => Self::Credits,
        }
    }
}

/// A product that was drafted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DraftedProduct)]
struct DraftedBody {
    #[schema(value_type = uuid::Uuid)]
    id: ProductId,
    /// A query that sends this as `Webox-Position` sees what was done.
    position: u64,
}

impl NewProductBody {
    fn parse(self) -> Result<NewProduct, ApiError> {
        let mut fields = Fields::default();
        let slug = fields.take("slug", Slug::parse(&self.slug));
        let name = text(&mut fields, "name", &self.name, Line::parse);
        let text = text(&mut fields, "description", &self.description, Prose::parse);
        let category = fields.take("category", Slug::parse(&self.category));
        let tags = tags(&mut fields, &self.tags);
        let price = price(&mut fields, self.price);
        let vat_rate = vat_rate(&mut fields, self.vat_rate);
        let kind = self.kind.into();
        let whole = (|| {
            let description = Description { name: name?, text: text?, category: category?, tags: tags? };
            Some(NewProduct { slug: slug?, kind, description, price: price?, vat_rate: vat_rate? })
        })();
        fields.finish(whole)
    }
}

impl ChangesBody {
    fn parse(self) -> Result<Changes, ApiError> {
        let mut fields = Fields::default();
        let changes = Changes {
            revision: Revision {
                name: self.name.and_then(|name| text(&mut fields, "name", &name, Line::parse)),
                text: self.description.and_then(|body| text(&mut fields, "description", &body, Prose::parse)),
                category: fields.maybe("category", self.category.as_deref().map(Slug::parse)),
                tags: self.tags.and_then(|body| tags(&mut fields, &body)),
            },
            price: self.price.and_then(|body| price(&mut fields, body)),
            vat_rate: self.vat_rate.and_then(|rate| vat_rate(&mut fields, rate)),
        };
        fields.finish(Some(changes))
    }
}

fn text<T, E: ToString>(
    fields: &mut Fields,
    field: &str,
    body: &LocalizedBody,
    parse: fn(&str) -> Result<T, E>,
) -> Option<Localized<T>> {
    let fr = fields.take(&format!("{field}.fr"), parse(&body.fr));
    let en = fields.maybe(&format!("{field}.en"), body.en.as_deref().map(parse));
    Some(Localized { fr: fr?, en })
}

fn tags(fields: &mut Fields, tags: &[String]) -> Option<Vec<Slug>> {
    if tags.len() > Description::MAX_TAGS {
        fields.refuse("tags", &format!("at most {}", Description::MAX_TAGS));
        return None;
    }
    tags.iter().enumerate().map(|(index, tag)| fields.take(&format!("tags[{index}]"), Slug::parse(tag))).collect()
}

fn price(fields: &mut Fields, body: MoneyBody) -> Option<Money> {
    fields.within("price.amount", Money::price(body.amount, body.currency), "must be 0 to 100000000")
}

fn vat_rate(fields: &mut Fields, rate: i64) -> Option<VatRate> {
    fields.within("vat_rate", VatRate::parse(rate), &format!("must be one of {:?}", VatRate::ALLOWED))
}

/// Draft a product
///
/// Nobody can buy it yet. Its slug is unique.
#[utoipa::path(post, operation_id = "draft_product", path = "/api/products", tag = "products",
    security(("staff" = [])), params(CommandHeaders),
    request_body = NewProductBody,
    responses((status = 201, body = DraftedBody), CommandProblems, StaffProblems))]
async fn draft(State(app): State<App>, command: Command<NewProductBody>) -> Result<Answer<DraftedBody>, ApiError> {
    command.caller.must_be_staff()?;
    let context = command.context();
    let done = app.commands.products.draft(&context, command.body.parse()?).await?;
    let location = format!("/api/products/{}", done.value);
    let answer = Answer::of(StatusCode::CREATED, done, |id, position| DraftedBody { id, position: position.0 });
    Ok(answer.with_header(header::LOCATION, &location))
}

/// Change a product
///
/// A new price counts from now on; what was is in its history. Orders keep the price they were placed at.
#[utoipa::path(patch, operation_id = "change_product", path = "/api/products/{id}", tag = "products",
    security(("staff" = [])),
    params(("id" = uuid::Uuid, Path), CommandHeaders), request_body = ChangesBody,
    responses((status = 200, body = Accepted), CommandProblems, StaffProblems))]
async fn change(
    State(app): State<App>,
    Id(id): Id<ProductId>,
    command: Command<ChangesBody>,
) -> Result<Answer<Accepted>, ApiError> {
    command.caller.must_be_staff()?;
    let context = command.context();
    Ok(Answer::accepted(app.commands.products.change(&context, id, command.body.parse()?).await?))
}

/// Offer a product
#[utoipa::path(post, operation_id = "publish_product", path = "/api/products/{id}/publish", tag = "products",
    security(("staff" = [])),
    params(("id" = uuid::Uuid, Path), CommandHeaders),
    responses((status = 200, body = Accepted), CommandProblems, StaffProblems))]
async fn publish(
    State(app): State<App>,
    Id(id): Id<ProductId>,
    command: Command<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    Ok(Answer::accepted(app.commands.products.publish(&command.context(), id).await?))
}

/// Offer a product no more
#[utoipa::path(post, operation_id = "archive_product", path = "/api/products/{id}/archive", tag = "products",
    security(("staff" = [])),
    params(("id" = uuid::Uuid, Path), CommandHeaders),
    responses((status = 200, body = Accepted), CommandProblems, StaffProblems))]
async fn archive(
    State(app): State<App>,
    Id(id): Id<ProductId>,
    command: Command<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    Ok(Answer::accepted(app.commands.products.archive(&command.context(), id).await?))
}

/// Count pieces in or out
///
/// The shelf never holds less than is promised to orders.
#[utoipa::path(post, operation_id = "adjust_stock", path = "/api/products/{id}/stock", tag = "products",
    security(("staff" = [])),
    params(("id" = uuid::Uuid, Path), CommandHeaders), request_body = StockBody,
    responses((status = 200, body = Accepted), CommandProblems, StaffProblems))]
async fn adjust_stock(
    State(app): State<App>,
    Id(id): Id<ProductId>,
    command: Command<StockBody>,
) -> Result<Answer<Accepted>, ApiError> {
    let change = command.body.change;
    Ok(Answer::accepted(app.commands.products.adjust_stock(&command.context(), id, change).await?))
}
