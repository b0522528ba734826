//! How orders are shown: to the staff, and to whoever holds an order's token.

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{AttemptId, OrderId};
use projections::{
    histories::HistoryEntry,
    orders::{OrderView, PaymentStatus, PaymentView, Status},
    page::{MAX_ROWS, ROWS},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::OrderHeader;
use crate::{
    App,
    answer::{LocalizedBody, MoneyBody, QueryHeaders, QueryProblems, StaffProblems, TotalsBody},
    contact::ContactBody,
    error::ApiError,
    product::KindBody,
    request::{After, Asked, Caller, Id},
};

/// The queries below `/api/orders`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(history))
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
    totals: TotalsBody,
    payments: Vec<PaymentBody>,
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
    Expired,
    Cancelled,
}

impl From<StatusBody> for Status {
    fn from(body: StatusBody) -> Self {
        match body {
            StatusBody::AwaitingPayment => Self::AwaitingPayment,
            StatusBody::Paid => Self::Paid,
            StatusBody::Fulfilled => Self::Fulfilled,
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
    total: MoneyBody,
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
    /// Why it was declined, or why its money goes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of a try to pay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentStatus)]
enum PaymentStatusBody {
    Pending,
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
        });
        Self {
            id: view.id,
            status: view.status.into(),
            contact: view.contact.map(Into::into),
            lines: lines.collect(),
            totals: view.totals.into(),
            payments: view.payments.into_iter().map(Into::into).collect(),
            placed_at: view.placed_at,
            on: view.on,
            expires_at: view.expires_at,
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

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
struct HistoryEntryBody {
    /// Its place in the log.
    position: u64,
    /// Its place among what happened to this order.
    version: u64,
    /// What.
    #[schema(example = "OrderPaid")]
    event: String,
    /// When.
    at: DateTime<Utc>,
    /// Who asked for it: guest, staff, reactor, shop.
    #[schema(example = "guest")]
    actor: String,
    /// Which one, where the kind has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_id: Option<String>,
    /// The command that decided it.
    command: String,
    /// What everything that follows from one request has in common.
    correlation: String,
    /// The event it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<String>,
    /// What it says. Sealed parts are ciphertext, and shown to the staff alone.
    payload: Value,
    /// What its sealed part says; absent where there is none, or where it is erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactBody>,
    /// SHA-256 of this event and everything before it in the log, hexadecimal.
    hash: String,
}

/// What happened to an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = History)]
struct HistoryBody {
    /// The first thing first.
    entries: Vec<HistoryEntryBody>,
}

/// Show what happened to an order
///
/// Every event with its place in the log, who asked for it, and its hash.
#[utoipa::path(get, operation_id = "show_order_history", path = "/api/orders/{id}/history", tag = "orders",
    security((), ("staff" = [])),
    params(("id" = uuid::Uuid, Path), OrderHeader, QueryHeaders),
    responses((status = 200, body = HistoryBody), QueryProblems))]
async fn history(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<OrderId>,
    After(position): After,
) -> Result<Json<HistoryBody>, ApiError> {
    caller.must_own(&app, id)?;
    app.views.histories.wait(position).await?;
    let entries = app.views.histories.of_order(id).await?;
    if entries.is_empty() {
        return Err(ApiError::not_found());
    }
    Ok(Json(HistoryBody { entries: entries.into_iter().map(|entry| HistoryEntryBody::of(entry, &caller)).collect() }))
}

impl HistoryEntryBody {
    fn of(mut entry: HistoryEntry, caller: &Caller) -> Self {
        if !caller.staff
            && let Some(placed) = entry.payload.get_mut("Placed").and_then(Value::as_object_mut)
        {
            placed.remove("contact"); // The owner reads it in the clear; the ciphertext is for those who prove.
        }
        Self {
            position: entry.position.0,
            version: entry.version,
            event: entry.event,
            at: entry.at,
            actor: entry.actor,
            actor_id: entry.actor_id,
            command: entry.command,
            correlation: entry.correlation,
            causation: entry.causation,
            payload: entry.payload,
            contact: entry.contact.map(Into::into),
            hash: entry.hash,
        }
    }
}
