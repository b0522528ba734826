//! `/api/products`

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
};
use commands::product::{Changes, DraftError, NewProduct};
use domain::{
    Line, Localized, Money, ProductId, Prose, Slug, TextError, VatRate,
    product::{Description, Kind as ProductKind, ProductError, Revision},
};
use projections::{
    page::{MAX_ROWS, ROWS},
    products::{Filter, ProductView, Sort, Status},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{
        Accepted, Answer, CommandHeaders, CommandProblems, LocalizedBody, MoneyBody, QueryHeaders, QueryProblems,
        StaffProblems,
    },
    error::{ApiError, Fields, Kind},
    request::{After, Asked, Caller, Command, Id, Nothing},
    strict,
};

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

/// The queries below `/api/products`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
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

/// A product as the shop shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductBody {
    #[schema(value_type = uuid::Uuid)]
    id: ProductId,
    #[schema(example = "affiche-lignes-de-brume-50x70")]
    slug: String,
    status: StatusBody,
    kind: KindBody,
    name: LocalizedBody,
    description: LocalizedBody,
    #[schema(example = "tirages")]
    category: String,
    tags: Vec<String>,
    /// VAT included.
    price: MoneyBody,
    /// Basis points: 2000 is 20 %.
    #[schema(example = 2000)]
    vat_rate: u16,
    /// How many can be bought; absent where there is no stock to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<i64>,
}

/// What a product is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProductStatus)]
enum StatusBody {
    /// Seen by the staff alone.
    Draft,
    /// For sale.
    Published,
    /// No longer for sale.
    Archived,
}

impl From<StatusBody> for Status {
    fn from(body: StatusBody) -> Self {
        match body {
            StatusBody::Draft => Self::Draft,
            StatusBody::Published => Self::Published,
            StatusBody::Archived => Self::Archived,
        }
    }
}

impl From<ProductView> for ProductBody {
    fn from(view: ProductView) -> Self {
        Self {
            id: view.id,
            slug: view.slug,
            status: match view.status {
                Status::Draft => StatusBody::Draft,
                Status::Published => StatusBody::Published,
                Status::Archived => StatusBody::Archived,
            },
            kind: view.kind.into(),
            name: view.name.into(),
            description: view.description.into(),
            category: view.category,
            tags: view.tags,
            price: view.price.into(),
            vat_rate: view.vat_rate.basis_points(),
            available: view.available,
        }
    }
}

/// Which products are listed, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// On this shelf.
    category: Option<String>,
    /// Of this kind.
    #[param(inline)]
    kind: Option<KindBody>,
    /// With this tag.
    tag: Option<String>,
    /// Costing at least so many cents.
    price_min: Option<i64>,
    /// Costing at most so many cents.
    price_max: Option<i64>,
    /// That can be bought now.
    #[serde(default)]
    in_stock: bool,
    /// For the staff: drafts or archived products instead of published ones.
    #[param(inline)]
    status: Option<StatusBody>,
    /// In which order.
    #[serde(default)]
    #[param(inline)]
    sort: SortBody,
    /// The mark that ended the page before.
    after: Option<String>,
    /// At most so many, 1 to 100.
    #[param(default = 20, minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// How products are sorted.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProductSort)]
enum SortBody {
    /// The newest first.
    #[default]
    Newest,
    /// The cheapest first.
    Price,
    /// The dearest first.
    PriceDesc,
    /// By French name.
    Name,
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Products)]
struct ProductsBody {
    items: Vec<ProductBody>,
    /// The mark to ask the next page with; `null` at the end.
    next: Option<String>,
}

/// List products
///
/// Keyset pages: a page ends with a mark, and `after` continues behind it.
#[utoipa::path(get, operation_id = "list_products", path = "/api/products", tag = "products",
    params(ListQuery, QueryHeaders),
    responses((status = 200, body = ProductsBody), QueryProblems))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    After(position): After,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<ProductsBody>, ApiError> {
    if query.status.is_some_and(|status| status != StatusBody::Published) {
        caller.must_be_staff()?;
    }
    app.views.products.wait(position).await?;
    let filter = Filter {
        status: query.status.map(Into::into),
        category: slug("category", query.category)?,
        kind: query.kind.map(Into::into),
        tag: slug("tag", query.tag)?,
        price_min: query.price_min,
        price_max: query.price_max,
        in_stock: query.in_stock,
        sort: match query.sort {
            SortBody::Newest => Sort::Newest,
            SortBody::Price => Sort::PriceUp,
            SortBody::PriceDesc => Sort::PriceDown,
            SortBody::Name => Sort::Name,
        },
        after: query.after,
        limit: query.limit.unwrap_or(ROWS).clamp(1, MAX_ROWS),
    };
    let page = app.views.products.list(&filter).await?.map(ProductBody::from);
    Ok(Json(ProductsBody { items: page.items, next: page.next }))
}

/// The slug that a filter asks for.
fn slug(field: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    let slug = text.map(|text| Slug::parse(&text)).transpose();
    let slug = slug.map_err(|error| ApiError::query_invalid(format!("{field} {error}")))?;
    Ok(slug.map(|slug| slug.to_string()))
}

/// What a product is called in its address.
enum Name {
    Id(ProductId),
    Slug(Slug),
}

impl std::str::FromStr for Name {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        text.parse().map_or_else(|_| Slug::parse(text).map(Self::Slug), |id| Ok(Self::Id(id)))
    }
}

/// Show a product
///
/// By its slug, or by its id. Drafts are shown to the staff alone.
#[utoipa::path(get, operation_id = "show_product", path = "/api/products/{id}", tag = "products",
    params(("id" = String, Path), QueryHeaders),
    responses((status = 200, body = ProductBody), QueryProblems))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    After(position): After,
    Id(name): Id<Name>,
) -> Result<Json<ProductBody>, ApiError> {
    app.views.products.wait(position).await?;
    let product = match name {
        Name::Id(id) => app.views.products.all([id].into_iter()).await?.remove(&id),
        Name::Slug(slug) => app.views.products.by_slug(slug.as_str()).await?,
    };
    product
        .filter(|product| caller.staff || product.status != Status::Draft)
        .map(|product| Json(product.into()))
        .ok_or_else(ApiError::not_found)
}
