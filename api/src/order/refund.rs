//! Money that the staff gives back.

use axum::{extract::State, http::StatusCode};
use commands::order::RefundRequest;
use domain::{Line, OrderId, ProductId, Quantity, RefundId, order::Extent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App,
    answer::{Answer, CommandHeaders, CommandProblems, MoneyBody, StaffProblems},
    error::{ApiError, Fields},
    request::{Command, Id},
    strict,
};

/// What is to be given back: everything that is left, or parts of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundRequest)]
pub(super) struct RefundBody {
    /// Everything that is left. Not together with parts.
    #[serde(default)]
    everything: bool,
    /// Pieces, at what was paid for them.
    #[serde(default, deserialize_with = "strict::objects")]
    lines: Vec<RefundLineBody>,
    /// The shipping.
    #[serde(default)]
    shipping: bool,
    /// An amount, VAT included, taken evenly of all that is left: a goodwill, a part of the price.
    #[serde(default, deserialize_with = "strict::maybe_object")]
    amount: Option<MoneyBody>,
    /// Whether the pieces go back on the shelf.
    #[serde(default)]
    restock: bool,
    /// Why, as the credit note says it.
    #[schema(example = "Retour du client")]
    reason: String,
}

/// Pieces of one product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundLine)]
struct RefundLineBody {
    /// Which product.
    #[schema(value_type = uuid::Uuid)]
    product: ProductId,
    /// How many: 1 to 10,000.
    quantity: i64,
}

/// A refund that was granted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GrantedRefund)]
pub(super) struct GrantedBody {
    #[schema(value_type = uuid::Uuid)]
    refund: RefundId,
    /// Its credit note, below `/api/invoice/download`.
    #[schema(value_type = uuid::Uuid)]
    credit_note: domain::InvoiceId,
    /// A query that sends this as `Webox-Position` sees what was done.
    position: u64,
}

impl RefundBody {
    fn parse(self) -> Result<RefundRequest, ApiError> {
        const MAX_LINES: usize = 500;
        let mut fields = Fields::default();
        let parts = !self.lines.is_empty() || self.shipping || self.amount.is_some();
        if self.everything == parts {
            fields.refuse("everything", "must be true, or parts must be named: not both, not neither");
        }
        if self.lines.len() > MAX_LINES {
            fields.refuse("lines", "must be at most 500");
        }
        let mut lines = Vec::with_capacity(self.lines.len());
        for (index, line) in self.lines.iter().enumerate() {
            let field = format!("lines[{index}].quantity");
            let quantity = fields.within(&field, Quantity::parse(line.quantity), "must be 1 to 10000");
            lines.extend(quantity.map(|quantity| (line.product, quantity)));
        }
        if self.amount.is_some_and(|amount| amount.amount <= 0) {
            fields.refuse("amount.amount", "must be more than nothing");
        }
        let reason = fields.take("reason", Line::parse(&self.reason));
        let extent = if self.everything {
            Extent::Everything
        } else {
            Extent::Parts { lines, shipping: self.shipping, amount: self.amount.map(Into::into) }
        };
        let restock = self.restock;
        fields.finish(reason.map(|reason| RefundRequest { extent, restock, reason }))
    }
}

/// Give money back
///
/// Never more than was paid. The credit note is issued in the same step, and the provider is asked after it: the order
/// shows the refund's `reference` once the money is with its owner. Stock comes back only where `restock` says so. A
/// promo code that was used stays used.
#[utoipa::path(post, operation_id = "refund_order", path = "/api/orders/{id}/refund", tag = "orders",
    security(("staff" = [])),
    params(("id" = uuid::Uuid, Path), CommandHeaders), request_body = RefundBody,
    responses((status = 201, body = GrantedBody), (status = 200, body = GrantedBody, description = "It was granted before"),
        CommandProblems, StaffProblems))]
pub(super) async fn refund(
    State(app): State<App>,
    Id(id): Id<OrderId>,
    command: Command<RefundBody>,
) -> Result<Answer<GrantedBody>, ApiError> {
    command.caller.must_be_staff()?;
    let context = command.context();
    let request = command.body.parse()?;
    let done = app.commands.orders.refund(&context, id, &request).await?;
    let status = if done.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let granted = |refund, position: store::Position| GrantedBody {
        refund,
        credit_note: domain::InvoiceId::of_refund(refund),
        position: position.0,
    };
    Ok(Answer::of(status, done, granted))
}
