//! Read model `histories`: what happened to every order, with the proof that it did.

use domain::{Contact, Event, OrderId, Sealed, Timestamp, order::OrderEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Metadata, Position, chain::hex, on_db};

use crate::{Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told, table::read_row};

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its place in the log.
    pub position: Position,
    /// Its place in the order's own stream.
    pub version: u64,
    /// What: `OrderPaid`.
    pub event: String,
    /// When.
    pub at: Timestamp,
    /// Who asked for it: guest, staff, reactor, shop.
    pub actor: String,
    /// Which one, where the kind has several.
    pub actor_id: Option<String>,
    /// The command that decided it.
    pub command: String,
    /// What everything that follows from one request has in common.
    pub correlation: String,
    /// The event it answers.
    pub causation: Option<String>,
    /// What it says, as it is stored: sealed fields are ciphertext.
    pub payload: Value,
    /// What its sealed part says, for those who may read it; `None` where there is none, or where it is erased.
    pub contact: Option<Contact>,
    /// The chain of hashes up to here.
    pub hash: String,
}

/// A row: the view, and what it is found by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    key: String,
    order_id: String,
    position: i64,
    document: Document<HistoryEntry>,
}

impl Table<Histories> {
    /// Everything that happened to an order, the first thing first. An order's events are few.
    pub async fn of_order(&self, order: OrderId) -> Result<Vec<HistoryEntry>, QueryError> {
        let statement = self.statement("select {row} from {table} where order_id = $1 order by position limit 1000");
        let rows: Vec<String> = on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement)
            .bind(order.to_string())
            .fetch_all(pool)
            .await?);
        rows.iter().map(|json| Ok(read_row::<Histories>(json)?.document.0)).collect()
    }
}

/// The projection behind this query.
pub struct Histories;

impl ReadModel for Histories {
    const NAME: &'static str = "histories";
    const VERSION: u32 = 1;
    const DDL: &'static str = "
        create table {table} (
            key text primary key,
            order_id text not null,
            position bigint not null,
            document text not null
        );
        create index {table}_order on {table} (order_id, position)";
    const COLUMNS: &'static [&'static str] = &["key", "order_id", "position", "document"];
    const STREAMS: &'static [&'static str] = &["order"];
    const ON_POISON: OnPoison = OnPoison::Halt;
    type Row = HistoryRow;

    fn key(told: &Told<'_>) -> Option<String> {
        Some(format!("{}:{}", told.recorded.stream.id(), told.recorded.version))
    }

    fn fold(row: &mut Option<HistoryRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let (recorded, Event::Order(event)) = (told.recorded, &told.event) else { return Ok(()) };
        let unreadable = |error: serde_json::Error| domain::DomainError(error.to_string());
        let metadata: Metadata = serde_json::from_str(&recorded.metadata).map_err(unreadable)?;
        let contact = match event {
            OrderEvent::Placed { contact, .. } => Sealed::value(contact).cloned(),
            OrderEvent::PaymentRequested { .. }
            | OrderEvent::PaymentActionRequired { .. }
            | OrderEvent::PaymentSucceeded { .. }
            | OrderEvent::PaymentDeclined { .. }
            | OrderEvent::Paid { .. }
            | OrderEvent::RefundRequested { .. }
            | OrderEvent::Refunded { .. }
            | OrderEvent::RefundGranted { .. }
            | OrderEvent::RefundPaid { .. }
            | OrderEvent::Expired
            | OrderEvent::Cancelled
            | OrderEvent::Fulfilled => None,
        };
        let entry = HistoryEntry {
            position: recorded.position,
            version: recorded.version,
            event: recorded.event_type.clone(),
            at: Timestamp::from_timestamp_micros(recorded.recorded_at).unwrap_or_default(),
            actor: metadata.actor,
            actor_id: metadata.actor_id,
            command: metadata.command.to_string(),
            correlation: metadata.correlation.to_string(),
            causation: metadata.causation.map(|causation| causation.to_string()),
            payload: serde_json::from_str(&recorded.payload).map_err(unreadable)?,
            contact,
            hash: hex(&recorded.hash),
        };
        *row = Some(HistoryRow {
            key: format!("{}:{}", recorded.stream.id(), recorded.version),
            order_id: recorded.stream.id().to_owned(),
            position: recorded.position.to_column(),
            document: Document(entry),
        });
        Ok(())
    }
}
