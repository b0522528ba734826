//! What happened to an order, event by event.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use domain::OrderId;
use projections::histories::HistoryEntry;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::OrderHeader;
use crate::{
    App,
    answer::{QueryHeaders, QueryProblems},
    contact::ContactBody,
    error::ApiError,
    request::{After, Caller, Id},
};

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
pub(super) struct HistoryBody {
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
pub(super) async fn history(
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
