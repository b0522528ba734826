//! Read model `invoices`: every invoice and every credit note, as the books count them.

use domain::{
    BusinessDate, Event, InvoiceId, Money, OrderId, RefundId, Timestamp,
    invoice::InvoiceEvent,
    pricing::VatTotal,
    register::{DocumentNumber, Series},
};
use serde::{Deserialize, Serialize};
use store::on_db;

use crate::{
    Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told,
    page::{Page, read_mark},
    table::read_row,
};

/// A document as its events have left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvoiceView {
    /// Its id.
    pub id: InvoiceId,
    /// Its number.
    pub number: DocumentNumber,
    /// Whether it is an invoice or a credit note.
    pub series: Series,
    /// The order it is for.
    pub order: OrderId,
    /// The refund that a credit note is for.
    pub refund: Option<RefundId>,
    /// The invoice that a credit note takes back.
    pub corrects: Option<DocumentNumber>,
    /// Net and VAT by rate.
    pub vat: Vec<VatTotal>,
    /// VAT included.
    pub total: Money,
    /// The day it counts for.
    pub on: BusinessDate,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The hash of its PDF, hexadecimal, once that is made.
    pub sha256: Option<String>,
}

/// A row: the view, and what it is found by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvoiceRow {
    key: String,
    order_id: String,
    position: i64,
    document: Document<InvoiceView>,
}

impl Table<Invoices> {
    /// A document.
    pub async fn invoice(&self, id: InvoiceId) -> Result<Option<InvoiceView>, QueryError> {
        Ok(self.find(&id.to_string()).await?.map(|row| row.document.0))
    }

    /// A page of documents, the newest first; of one order where one is named.
    pub async fn list(
        &self,
        order: Option<OrderId>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<InvoiceView>, QueryError> {
        let mark: i64 = read_mark(after)?.unwrap_or(i64::MAX);
        let statement = self.statement(
            "select {row} from {table} where (cast($1 as text) is null or order_id = $1) and position < $2
             order by position desc limit $3",
        );
        let rows: Vec<String> = on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement)
            .bind(order.map(|order| order.to_string()))
            .bind(mark)
            .bind(i64::from(limit) + 1)
            .fetch_all(pool)
            .await?);
        let rows: Vec<InvoiceRow> = rows.iter().map(|json| read_row::<Invoices>(json)).collect::<Result<_, _>>()?;
        Ok(Page::of(rows, limit, |row| row.position)?.map(|row| row.document.0))
    }
}

/// The projection behind these queries.
pub struct Invoices;

impl ReadModel for Invoices {
    const NAME: &'static str = "invoices";
    const VERSION: u32 = 1;
    const DDL: &'static str = "
        create table {table} (
            key text primary key, order_id text not null, position bigint not null, document text not null
        );
        create index {table}_newest on {table} (position);
        create index {table}_order on {table} (order_id, position)";
    const COLUMNS: &'static [&'static str] = &["key", "order_id", "position", "document"];
    const STREAMS: &'static [&'static str] = &["invoice"];
    const ON_POISON: OnPoison = OnPoison::Halt;
    type Row = InvoiceRow;

    fn key(told: &Told<'_>) -> Option<String> {
        matches!(told.event, Event::Invoice(_)).then(|| told.recorded.stream.id().to_owned())
    }

    fn fold(row: &mut Option<InvoiceRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let Event::Invoice(event) = &told.event else { return Ok(()) };
        match event {
            InvoiceEvent::Issued { invoice, number, order, refund, corrects, vat, total, on, .. } => {
                let view = InvoiceView {
                    id: *invoice,
                    number: number.clone(),
                    series: number.series(),
                    order: *order,
                    refund: *refund,
                    corrects: corrects.clone(),
                    vat: vat.clone(),
                    total: *total,
                    on: *on,
                    issued_at: Timestamp::from_timestamp_micros(told.recorded.recorded_at).unwrap_or_default(),
                    sha256: None,
                };
                *row = Some(InvoiceRow {
                    key: invoice.to_string(),
                    order_id: order.to_string(),
                    position: told.recorded.position.to_column(),
                    document: Document(view),
                });
            }
            InvoiceEvent::Printed { sha256, .. } => {
                row.as_mut().ok_or(FoldError::NoRow)?.document.0.sha256 = Some(sha256.clone());
            }
        }
        Ok(())
    }
}
