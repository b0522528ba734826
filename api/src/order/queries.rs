//! How orders are shown: to the staff, and to whoever holds an order's token.

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{AttemptId, InvoiceId, OrderId, RefundId};
use projections::{
    orders::{OrderView, PaymentStatus, PaymentView, RefundView, Status},
    page::{MAX_ROWS, ROWS},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{OrderHeader, history};
use crate::{
    App,
    answer::{DiscountBody, LocalizedBody, MoneyBody, QueryHeaders, QueryProblems, StaffProblems, TotalsBody},
    contact::ContactBody,
    error::ApiError,
    product::KindBody,
    request::{After, Asked, Caller, Id},
};

/// The queries below `/api/orders`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(history::history))
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderBody {
    #[schema(value_type = uuid::Uuid)]
    id: OrderId,
    status: StatusBody,
    /// Who buys; absent where that person's data is erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactBody>,
    lines: Vec<OrderLineBody>,
    /// What each promo code took off.
    discounts: Vec<DiscountBody>,
    /// How it is shipped; absent where there is nothing to ship.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping: Option<ShipmentBody>,
    totals: TotalsBody,
    /// What the customer agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    consents: Option<AgreedBody>,
    payments: Vec<PaymentBody>,
    refunds: Vec<RefundViewBody>,
    placed_at: DateTime<Utc>,
    /// The day it counts for, in Paris.
    on: NaiveDate,
    /// When it expires unless it is paid.
    expires_at: DateTime<Utc>,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStatus)]
enum StatusBody {
    AwaitingPayment,
    Paid,
    Fulfilled,
    Refunded,
    Expired,
    Cancelled,
}

impl From<StatusBody> for Status {
    fn from(body: StatusBody) -> Self {
        match body {
            StatusBody::AwaitingPayment => Self::AwaitingPayment,
            StatusBody::Paid => Self::Paid,
            StatusBody::Fulfilled => Self::Fulfilled,
            StatusBody::Refunded => Self::Refunded,
            StatusBody::Expired => Self::Expired,
            StatusBody::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Status> for StatusBody {
    fn from(status: Status) -> Self {
        match status {
            Status::AwaitingPayment => Self::AwaitingPayment,
            Status::Paid => Self::Paid,
            Status::Fulfilled => Self::Fulfilled,
            Status::Refunded => Self::Refunded,
            Status::Expired => Self::Expired,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// One product of an order, as it was when it was bought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct OrderLineBody {
    product: uuid::Uuid,
    slug: String,
    name: LocalizedBody,
    kind: KindBody,
    quantity: u32,
    unit_price: MoneyBody,
    vat_rate: u16,
    /// Before discounts.
    total: MoneyBody,
    /// What promo codes took off.
    discount: MoneyBody,
}

/// How an order is shipped.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shipment)]
struct ShipmentBody {
    method: String,
    name: LocalizedBody,
}

/// What a customer agreed to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agreed)]
struct AgreedBody {
    /// The version of the terms of sale.
    terms: String,
    /// That digital goods are handed over at once, which ends the right of withdrawal.
    immediate_start: bool,
}

/// Money that was given back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
struct RefundViewBody {
    #[schema(value_type = uuid::Uuid)]
    id: RefundId,
    /// Its credit note, below `/api/invoice/download`.
    #[schema(value_type = uuid::Uuid)]
    credit_note: InvoiceId,
    amount: MoneyBody,
    reason: String,
    /// The day it counts for, in Paris.
    on: NaiveDate,
    /// The provider's name for it, once the money is with its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// A try to pay an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentBody {
    #[schema(value_type = uuid::Uuid)]
    attempt: AttemptId,
    amount: MoneyBody,
    method: String,
    status: PaymentStatusBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Why it was declined, why its money goes back, or what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of a try to pay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentStatus)]
enum PaymentStatusBody {
    Pending,
    ActionRequired,
    Succeeded,
    Declined,
    Refunding,
    Refunded,
}

impl From<OrderView> for OrderBody {
    fn from(view: OrderView) -> Self {
        let lines = view.lines.into_iter().map(|line| OrderLineBody {
            product: line.product.0,
            slug: line.slug.to_string(),
            name: line.name.into(),
            kind: line.kind.into(),
            quantity: line.quantity.get(),
            unit_price: line.unit_price.into(),
            vat_rate: line.vat_rate.basis_points(),
            total: line.total.into(),
            discount: line.discount.into(),
        });
        Self {
            id: view.id,
            status: view.status.into(),
            contact: view.contact.map(Into::into),
            lines: lines.collect(),
            discounts: view.discounts.into_iter().map(Into::into).collect(),
            shipping: view
                .shipping
                .map(|shipment| ShipmentBody { method: shipment.method.to_string(), name: shipment.name.into() }),
            totals: view.totals.into(),
            consents: view.consents.map(|consents| AgreedBody {
                terms: consents.terms.to_string(),
                immediate_start: consents.immediate_start,
            }),
            refunds: view.refunds.into_iter().map(Into::into).collect(),
            payments: view.payments.into_iter().map(Into::into).collect(),
            placed_at: view.placed_at,
            on: view.on,
            expires_at: view.expires_at,
        }
    }
}

impl From<RefundView> for RefundViewBody {
    fn from(view: RefundView) -> Self {
        Self {
            id: view.id,
            credit_note: InvoiceId::of_refund(view.id),
            amount: view.amount.into(),
            reason: view.reason,
            on: view.on,
            reference: view.reference,
        }
    }
}

impl From<PaymentView> for PaymentBody {
    fn from(view: PaymentView) -> Self {
        Self {
            attempt: view.attempt,
            amount: view.amount.into(),
            method: view.method,
            status: match view.status {
                PaymentStatus::Pending => PaymentStatusBody::Pending,
                PaymentStatus::ActionRequired => PaymentStatusBody::ActionRequired,
                PaymentStatus::Succeeded => PaymentStatusBody::Succeeded,
                PaymentStatus::Declined => PaymentStatusBody::Declined,
                PaymentStatus::Refunding => PaymentStatusBody::Refunding,
                PaymentStatus::Refunded => PaymentStatusBody::Refunded,
            },
            reference: view.reference,
            reason: view.reason,
        }
    }
}

/// Which orders are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Where they stand.
    #[param(inline)]
    status: Option<StatusBody>,
    /// The mark that ended the page before.
    after: Option<String>,
    /// At most so many, 1 to 100.
    #[param(default = 20, minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Orders)]
struct OrdersBody {
    items: Vec<OrderBody>,
    /// The mark to ask the next page with; `null` at the end.
    next: Option<String>,
}

/// List orders
///
/// The newest first.
#[utoipa::path(get, operation_id = "list_orders", path = "/api/orders/list", tag = "orders", security(("staff" = [])),
    params(ListQuery, QueryHeaders),
    responses((status = 200, body = OrdersBody), QueryProblems, StaffProblems))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    After(position): After,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<OrdersBody>, ApiError> {
    caller.must_be_staff()?;
    app.views.orders.wait(position).await?;
    let limit = query.limit.unwrap_or(ROWS).clamp(1, MAX_ROWS);
    let page = app.views.orders.list(query.status.map(Into::into), query.after.as_deref(), limit).await?;
    let page = page.map(OrderBody::from);
    Ok(Json(OrdersBody { items: page.items, next: page.next }))
}

/// Show an order
///
/// To the staff, and to whoever holds its token. To everybody else it does not exist.
#[utoipa::path(get, operation_id = "show_order", path = "/api/orders/{id}", tag = "orders",
    security((), ("staff" = [])),
    params(("id" = uuid::Uuid, Path), OrderHeader, QueryHeaders),
    responses((status = 200, body = OrderBody), QueryProblems))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<OrderId>,
    After(position): After,
) -> Result<Json<OrderBody>, ApiError> {
    caller.must_own(&app, id)?;
    app.views.orders.wait(position).await?;
    app.views.orders.order(id).await?.map(|order| Json(order.into())).ok_or_else(ApiError::not_found)
}
