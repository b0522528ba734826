//! Read model `promos`: every promo code, what it grants and how far it is used.

use std::collections::BTreeMap;

use domain::{
    Event, Money, OrderId,
    promo::{PromoCode, PromoEvent, Terms},
};
use serde::{Deserialize, Serialize};
use store::on_db;

use crate::{
    Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told,
    page::{Page, read_mark},
    table::read_row,
};

/// A promo code as its events have left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromoView {
    /// The code.
    pub code: String,
    /// What it grants, and on which conditions.
    pub terms: Terms,
    /// Whether it is switched on.
    pub active: bool,
    /// How many orders hold it that are not paid yet.
    pub reserved: u32,
    /// How many paid orders have used it.
    pub used: u32,
    /// What it took off all orders that hold it or have used it, VAT included.
    pub discount: Money,
}

impl PromoView {
    /// How many more orders may have it; `None` where that is not limited.
    pub fn left(&self) -> Option<u32> {
        Some(self.terms.limit?.saturating_sub(self.used.saturating_add(self.reserved)))
    }
}

/// A row: the view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromoRow {
    key: String,
    position: i64,
    document: Document<State>,
}

/// The view, and what every open order holds of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    view: PromoView,
    held: BTreeMap<OrderId, Money>,
}

impl Table<Promos> {
    /// A promo code.
    pub async fn promo(&self, code: &PromoCode) -> Result<Option<PromoView>, QueryError> {
        Ok(self.find(code.as_str()).await?.map(|row| row.document.0.view))
    }

    /// The promo codes of `codes` that exist.
    pub async fn promos(&self, codes: &[PromoCode]) -> Result<Vec<PromoView>, QueryError> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = codes.iter().map(ToString::to_string).collect();
        Ok(self.find_all(&keys).await?.into_values().map(|row| row.document.0.view).collect())
    }

    /// A page of promo codes, the newest first.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Page<PromoView>, QueryError> {
        let mark: i64 = read_mark(after)?.unwrap_or(i64::MAX);
        let statement = self.statement("select {row} from {table} where position < $1 order by position desc limit $2");
        let rows: Vec<String> = on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement)
            .bind(mark)
            .bind(i64::from(limit) + 1)
            .fetch_all(pool)
            .await?);
        let rows: Vec<PromoRow> = rows.iter().map(|json| read_row::<Promos>(json)).collect::<Result<_, _>>()?;
        Ok(Page::of(rows, limit, |row| row.position)?.map(|row| row.document.0.view))
    }
}

/// The projection behind these queries.
pub struct Promos;

impl ReadModel for Promos {
    const NAME: &'static str = "promos";
    const VERSION: u32 = 1;
    const DDL: &'static str = "
        create table {table} (key text primary key, position bigint not null, document text not null);
        create index {table}_newest on {table} (position)";
    const COLUMNS: &'static [&'static str] = &["key", "position", "document"];
    const STREAMS: &'static [&'static str] = &["promo"];
    const ON_POISON: OnPoison = OnPoison::SetAside;
    type Row = PromoRow;

    fn key(told: &Told<'_>) -> Option<String> {
        matches!(told.event, Event::Promo(_)).then(|| told.recorded.stream.id().to_owned())
    }

    fn fold(row: &mut Option<PromoRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let Event::Promo(event) = &told.event else { return Ok(()) };
        if let PromoEvent::Issued { terms } = event {
            let code = told.recorded.stream.id().to_owned();
            let view = PromoView {
                code: code.clone(),
                terms: terms.clone(),
                active: true,
                reserved: 0,
                used: 0,
                discount: Money::nothing(),
            };
            let position = told.recorded.position.to_column();
            let document = Document(State { view, held: BTreeMap::new() });
            *row = Some(PromoRow { key: code, position, document });
            return Ok(());
        }
        let State { view, held } = &mut row.as_mut().ok_or(FoldError::NoRow)?.document.0;
        match event {
            PromoEvent::Issued { .. } => {}
            PromoEvent::Amended { terms } => view.terms = terms.clone(),
            PromoEvent::Deactivated => view.active = false,
            PromoEvent::Activated => view.active = true,
            PromoEvent::Reserved { order, discount, .. } => {
                held.insert(*order, *discount);
                view.discount.amount = view.discount.amount.saturating_add(discount.amount);
            }
            PromoEvent::Confirmed { order } => {
                held.remove(order);
                view.used = view.used.saturating_add(1);
            }
            PromoEvent::Released { order, .. } => {
                let discount = held.remove(order).unwrap_or_else(Money::nothing);
                view.discount.amount = view.discount.amount.saturating_sub(discount.amount);
            }
        }
        view.reserved = u32::try_from(held.len()).unwrap_or(u32::MAX);
        Ok(())
    }
}
