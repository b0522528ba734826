//! How products are shown and listed.

use axum::{Json, extract::State};
use domain::{ProductId, Slug, TextError};
use projections::{
    page::{MAX_ROWS, ROWS},
    products::{Filter, ProductView, Sort, Status},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::KindBody;
use crate::{
    App,
    answer::{LocalizedBody, MoneyBody, QueryHeaders, QueryProblems},
    error::ApiError,
    request::{After, Asked, Caller, Id},
};

/// The queries below `/api/products`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
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
