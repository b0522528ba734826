//! `/api/checkout` and `/api/orders`

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use commands::{Done, order::Checkout};
use domain::{AttemptId, Line, OrderId, Slug};
use projections::orders::{OrderView, PaymentStatus, PaymentView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{Accepted, Answer, CommandHeaders, CommandProblems, MoneyBody, StaffProblems},
    cart::{CartHeader, held},
    contact::ContactBody,
    error::{ApiError, Fields},
    request::{Command, Id, Nothing},
    strict,
};

mod history;
mod queries;
mod refund;
mod refusals;

use self::queries::OrderBody;
pub(crate) use self::queries::queries;

/// The commands on orders.
pub(crate) fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(check_out))
        .routes(routes!(pay))
        .routes(routes!(confirm))
        .routes(routes!(cancel))
        .routes(routes!(fulfil))
        .routes(routes!(refund::refund))
}

/// The header with which a guest reads an order.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) struct OrderHeader {
    /// What the checkout answered as `token`.
    #[param(rename = "Webox-Order-Token", required = false)]
    webox_order_token: Option<String>,
}

/// A cart to be turned into an order, as it was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Checkout)]
struct CheckoutBody {
    /// The version that was shown.
    cart_version: u64,
    /// The total that was shown, with the way of shipping that is named here.
    #[serde(deserialize_with = "strict::object")]
    expected_total: MoneyBody,
    #[serde(deserialize_with = "strict::object")]
    contact: ContactBody,
    /// How it is shipped: one of the ways that the cart shows. Needed where there is something to ship.
    #[schema(example = "standard")]
    shipping: Option<String>,
    /// What the customer agrees to.
    #[serde(default, deserialize_with = "strict::object")]
    consents: ConsentsBody,
}

/// What a customer agrees to. Both are recorded in the order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Consents)]
struct ConsentsBody {
    /// To the terms of sale. No order without.
    #[serde(default)]
    #[schema(example = true)]
    terms: bool,
    /// That digital goods are handed over at once, which ends the right of withdrawal. No order of digital goods without.
    #[serde(default)]
    immediate_start: bool,
}

/// An order that was placed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlacedOrder)]
struct PlacedBody {
    #[schema(value_type = uuid::Uuid)]
    order: OrderId,
    /// With this as `Webox-Order-Token`, a guest reads and pays the order. It is nowhere stored.
    token: String,
    /// A query that sends this as `Webox-Position` sees what was done.
    position: u64,
}

/// Turn the cart into an order
///
/// One step: the cart is closed, the stock is held, the order is placed, or nothing of it. A cart that is an order
/// already answers that order (200). Where the version or the total is not what was shown, the answer is 409
/// `cart-changed` with the present ones.
#[utoipa::path(post, operation_id = "check_out", path = "/api/checkout", tag = "orders",
    params(CommandHeaders, CartHeader),
    request_body = CheckoutBody,
    responses((status = 201, body = PlacedBody), (status = 200, body = PlacedBody, description = "It was placed before"),
        CommandProblems))]
async fn check_out(State(app): State<App>, command: Command<CheckoutBody>) -> Result<Answer<PlacedBody>, ApiError> {
    let cart = held(&command.caller)?.cart();
    let context = command.context();
    let CheckoutBody { cart_version, expected_total, contact, shipping, consents } = command.body;
    let contact = contact.parse("contact")?;
    let mut fields = Fields::default();
    let shipping = fields.maybe("shipping", shipping.as_deref().map(Slug::parse));
    fields.finish(Some(()))?;
    let checkout = Checkout {
        cart,
        cart_version,
        expected_total: expected_total.into(),
        contact,
        shipping,
        accepts_terms: consents.terms,
        accepts_immediate_start: consents.immediate_start,
    };
    let done = app.commands.orders.check_out(&context, &checkout).await?;
    let status = if done.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let location = format!("/api/orders/{}", done.value);
    let tokens = app.commands.orders.tokens();
    let placed =
        |order, position: store::Position| PlacedBody { order, token: tokens.order(order), position: position.0 };
    Ok(Answer::of(status, done, placed).with_header(header::LOCATION, &location))
}

/// What pays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentRequest)]
struct PayBody {
    /// A token of the payment provider's. The sandbox knows `sandbox_ok`, `sandbox_declined`, `sandbox_slow`,
    /// `sandbox_duplicate`, `sandbox_late_success` and `sandbox_requires_action`.
    #[schema(example = "sandbox_ok")]
    method: String,
}

/// Pay an order
///
/// Waits up to 2 seconds for the provider's answer: 200 with the order; 202 where there is none yet. A second click
/// joins the payment that is under way.
#[utoipa::path(post, operation_id = "pay_order", path = "/api/orders/{id}/pay", tag = "orders",
    params(("id" = uuid::Uuid, Path), CommandHeaders, OrderHeader), request_body = PayBody,
    responses((status = 200, body = OrderBody),
        (status = 202, body = OrderBody, description = "The provider has not answered yet"), CommandProblems))]
async fn pay(State(app): State<App>, Id(id): Id<OrderId>, command: Command<PayBody>) -> Result<Response, ApiError> {
    command.caller.must_own(&app, id)?;
    let mut fields = Fields::default();
    let method = fields.take("method", Line::parse(&command.body.method));
    let method = fields.finish(method)?;
    let done = app.commands.orders.pay(&command.context(), id, method).await?;
    paid(&app, id, done).await
}

/// What the customer did.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentConfirmation)]
struct ConfirmBody {
    /// Whether the customer approved the payment.
    approved: bool,
}

/// Answer the bank
///
/// For a payment that is `action_required`, where the provider has no page of its own to ask on: so it is with the
/// sandbox. Answers as `pay` does.
#[utoipa::path(post, operation_id = "confirm_payment", path = "/api/orders/{id}/confirm", tag = "orders",
    params(("id" = uuid::Uuid, Path), CommandHeaders, OrderHeader), request_body = ConfirmBody,
    responses((status = 200, body = OrderBody),
        (status = 202, body = OrderBody, description = "The provider has not answered yet"),
        CommandProblems))]
async fn confirm(
    State(app): State<App>,
    Id(id): Id<OrderId>,
    command: Command<ConfirmBody>,
) -> Result<Response, ApiError> {
    command.caller.must_own(&app, id)?;
    let done = app.commands.orders.act(&command.context(), id, command.body.approved).await?;
    paid(&app, id, done).await
}

/// The order, once the attempt is settled or the customer was kept waiting long enough.
async fn paid(app: &App, id: OrderId, done: Done<AttemptId>) -> Result<Response, ApiError> {
    app.views.orders.wait(done.position).await?;
    let order = settled(app, id, done.value).await?;
    // The answer may tell of more than the command did: the next query must see that, too.
    let position = done.position.max(*app.log.watch().borrow());
    let done = Done { position, ..done };
    let open = order.payments.iter().any(|payment| payment.status == PaymentStatus::Pending);
    let status = if open { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(Answer::of(status, done, |_, _| OrderBody::from(order)).into_response())
}

/// The order once `attempt` is answered, or as it is after 2 seconds.
async fn settled(app: &App, id: OrderId, attempt: AttemptId) -> Result<OrderView, ApiError> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut moves = app.views.orders.watch();
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        moves.mark_unchanged();
        let order = app.views.orders.order(id).await?.ok_or_else(ApiError::not_found)?;
        let pending = |payment: &PaymentView| payment.attempt == attempt && payment.status == PaymentStatus::Pending;
        let over = !order.payments.iter().any(pending);
        if over || !matches!(tokio::time::timeout_at(end, moves.changed()).await, Ok(Ok(()))) {
            return Ok(order);
        }
    }
}

/// Cancel an order that is not paid
///
/// Its stock comes back.
#[utoipa::path(post, operation_id = "cancel_order", path = "/api/orders/{id}/cancel", tag = "orders",
    params(("id" = uuid::Uuid, Path), CommandHeaders, OrderHeader),
    responses((status = 200, body = Accepted), CommandProblems))]
async fn cancel(
    State(app): State<App>,
    Id(id): Id<OrderId>,
    command: Command<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    command.caller.must_own(&app, id)?;
    Ok(Answer::accepted(app.commands.orders.cancel(&command.context(), id).await?))
}

/// Say that everything was handed over
#[utoipa::path(post, operation_id = "fulfil_order", path = "/api/orders/{id}/fulfil", tag = "orders",
    security(("staff" = [])),
    params(("id" = uuid::Uuid, Path), CommandHeaders),
    responses((status = 200, body = Accepted), CommandProblems, StaffProblems))]
async fn fulfil(
    State(app): State<App>,
    Id(id): Id<OrderId>,
    command: Command<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    Ok(Answer::accepted(app.commands.orders.fulfil(&command.context(), id).await?))
}
