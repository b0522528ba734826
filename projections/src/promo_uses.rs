//! Read model `promo_uses`: which orders hold a promo code, have used it or gave it back.

use domain::{
    Event, Money, OrderId, Timestamp,
    promo::{PromoCode, PromoEvent},
};
use serde::{Deserialize, Serialize};
use store::on_db;

use crate::{
    Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told,
    page::{Page, read_mark},
    table::read_row,
};

/// What an order did with a promo code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromoUse {
    /// The order.
    pub order: OrderId,
    /// What it took off, VAT included.
    pub discount: Money,
    /// What became of it.
    pub state: UseState,
    /// When it was taken.
    pub reserved_at: Timestamp,
}

/// What became of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UseState {
    /// The order is not paid yet.
    Reserved,
    /// The order is paid.
    Used,
    /// The order fell through.
    Released,
}

/// A row: the view, and what it is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseRow {
    key: String,
    code: String,
    position: i64,
    document: Document<PromoUse>,
}

impl Table<PromoUses> {
    /// A page of the uses of a code, the newest first.
    pub async fn of_code(
        &self,
        code: &PromoCode,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<PromoUse>, QueryError> {
        let mark: i64 = read_mark(after)?.unwrap_or(i64::MAX);
        let statement = self
            .statement("select {row} from {table} where code = $1 and position < $2 order by position desc limit $3");
        let rows: Vec<String> = on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement)
            .bind(code.as_str())
            .bind(mark)
            .bind(i64::from(limit) + 1)
            .fetch_all(pool)
            .await?);
        let rows: Vec<UseRow> = rows.iter().map(|json| read_row::<PromoUses>(json)).collect::<Result<_, _>>()?;
        Ok(Page::of(rows, limit, |row| row.position)?.map(|row| row.document.0))
    }
}

/// The projection behind this query.
pub struct PromoUses;

impl ReadModel for PromoUses {
    const NAME: &'static str = "promo_uses";
    const VERSION: u32 = 1;
    const DDL: &'static str = "
        create table {table} (
            key text primary key, code text not null, position bigint not null, document text not null
        );
        create index {table}_code on {table} (code, position)";
    const COLUMNS: &'static [&'static str] = &["key", "code", "position", "document"];
    const STREAMS: &'static [&'static str] = &["promo"];
    const ON_POISON: OnPoison = OnPoison::SetAside;
    type Row = UseRow;

    fn key(told: &Told<'_>) -> Option<String> {
        let code = told.recorded.stream.id();
        match &told.event {
            Event::Promo(
                PromoEvent::Reserved { order, .. }
                | PromoEvent::Confirmed { order }
                | PromoEvent::Released { order, .. },
            ) => Some(format!("{code}:{order}")),
            _ => None,
        }
    }

    fn fold(row: &mut Option<UseRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let Event::Promo(event) = &told.event else { return Ok(()) };
        let state = match event {
            PromoEvent::Reserved { order, discount, .. } => {
                let code = told.recorded.stream.id().to_owned();
                let promo_use = PromoUse {
                    order: *order,
                    discount: *discount,
                    state: UseState::Reserved,
                    reserved_at: Timestamp::from_timestamp_micros(told.recorded.recorded_at).unwrap_or_default(),
                };
                *row = Some(UseRow {
                    key: format!("{code}:{order}"),
                    code,
                    position: told.recorded.position.to_column(),
                    document: Document(promo_use),
                });
                return Ok(());
            }
            PromoEvent::Confirmed { .. } => UseState::Used,
            PromoEvent::Released { .. } => UseState::Released,
            PromoEvent::Issued { .. }
            | PromoEvent::Amended { .. }
            | PromoEvent::Deactivated
            | PromoEvent::Activated => return Ok(()),
        };
        row.as_mut().ok_or(FoldError::NoRow)?.document.0.state = state;
        Ok(())
    }
}
