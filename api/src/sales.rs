//! `/api/admin/sales`

use std::collections::HashMap;

use axum::{Json, extract::State};
use chrono::NaiveDate;
use domain::ProductId;
use projections::{
    products::ProductView,
    sales::{NetAndVat, Sales},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{LocalizedBody, QueryHeaders, QueryProblems, StaffProblems},
    error::ApiError,
    request::{After, Asked, Caller},
};

/// The queries about sales.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SalesQuery {
    /// The first day, in Paris.
    #[param(example = "2026-11-01")]
    from: NaiveDate,
    /// The last day, in Paris: at most 366 days in all.
    #[param(example = "2026-11-30")]
    to: NaiveDate,
}

/// What was sold, as the invoices and the credit notes of these days say. Amounts are cents of euro, VAT included unless
/// they say otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sales)]
struct SalesBody {
    from: NaiveDate,
    to: NaiveDate,
    totals: DayBody,
    /// Every day with a document.
    days: Vec<DayBody>,
    /// What was sold of each product, the largest total first.
    products: Vec<ProductSalesBody>,
    /// What each promo code took off, the largest discount first.
    promos: Vec<PromoSalesBody>,
}

/// What was sold in one day, or in all of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SalesDay)]
struct DayBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<NaiveDate>,
    invoices: u64,
    credit_notes: u64,
    /// What the invoices come to.
    sold: i64,
    /// What the credit notes come to.
    given_back: i64,
    /// What is left of that.
    revenue: i64,
    /// The part of it that is shipping.
    shipping: i64,
    /// Net and VAT by rate.
    vat: Vec<RateBody>,
}

/// What one rate of VAT comes to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SalesRate)]
struct RateBody {
    /// In basis points: 2000 is 20 %.
    rate: u16,
    /// Without VAT.
    net: i64,
    /// The VAT.
    vat: i64,
}

/// What was sold of a product, less what was given back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductSales)]
struct ProductSalesBody {
    #[schema(value_type = uuid::Uuid)]
    product: ProductId,
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<LocalizedBody>,
    /// How many pieces.
    quantity: i64,
    /// After discounts.
    total: i64,
}

/// What a promo code took off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromoSales)]
struct PromoSalesBody {
    code: String,
    /// How many invoices.
    uses: u64,
    discount: i64,
}

/// Show what was sold
///
/// By day, product and promo code. Counted by the documents of those days, in Paris: what costs nothing has none.
#[utoipa::path(get, operation_id = "show_sales", path = "/api/admin/sales", tag = "administration",
    security(("staff" = [])), params(SalesQuery, QueryHeaders),
    responses((status = 200, body = SalesBody), QueryProblems, StaffProblems))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    After(position): After,
    Asked(query): Asked<SalesQuery>,
) -> Result<Json<SalesBody>, ApiError> {
    const MAX_DAYS: i64 = 366;
    caller.must_be_staff()?;
    let SalesQuery { from, to } = query;
    if !(0..MAX_DAYS).contains(&(to - from).num_days()) {
        return Err(ApiError::query_invalid("from and to must be 1 to 366 days"));
    }
    app.views.sales.wait(position).await?;
    let days = app.views.sales.between(from, to).await?;
    let mut sums = Sales::default();
    for day in days.values() {
        sums.add(day);
    }
    let products = app.views.products.all(sums.products.keys().copied()).await?;
    Ok(Json(SalesBody {
        from,
        to,
        totals: DayBody::of(None, &sums),
        days: days.iter().map(|(on, day)| DayBody::of(Some(*on), day)).collect(),
        products: by_product(&sums, &products),
        promos: by_promo(&sums),
    }))
}

impl DayBody {
    fn of(on: Option<NaiveDate>, sales: &Sales) -> Self {
        let rates =
            sales.vat.iter().map(|(rate, &NetAndVat { net, vat })| RateBody { rate: rate.basis_points(), net, vat });
        Self {
            on,
            invoices: sales.invoices,
            credit_notes: sales.credit_notes,
            sold: sales.sold,
            given_back: sales.given_back,
            revenue: sales.sold - sales.given_back,
            shipping: sales.shipping,
            vat: rates.collect(),
        }
    }
}

fn by_product(sales: &Sales, known: &HashMap<ProductId, ProductView>) -> Vec<ProductSalesBody> {
    let line = |(product, sold): (&ProductId, &projections::sales::Sold)| {
        let view = known.get(product);
        ProductSalesBody {
            product: *product,
            slug: view.map(|view| view.slug.clone()),
            name: view.map(|view| view.name.clone().into()),
            quantity: sold.quantity,
            total: sold.total,
        }
    };
    let mut products: Vec<ProductSalesBody> = sales.products.iter().map(line).collect();
    products.sort_by_key(|line| std::cmp::Reverse(line.total));
    products
}

fn by_promo(sales: &Sales) -> Vec<PromoSalesBody> {
    let line = |(code, taken): (&domain::promo::PromoCode, &projections::sales::TakenOff)| PromoSalesBody {
        code: code.to_string(),
        uses: taken.uses,
        discount: taken.discount,
    };
    let mut promos: Vec<PromoSalesBody> = sales.promos.iter().map(line).collect();
    promos.sort_by_key(|line| std::cmp::Reverse(line.discount));
    promos
}
