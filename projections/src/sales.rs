//! Read model `sales`: what was sold and given back each day, as the documents of that day say.

use std::collections::BTreeMap;

use domain::{
    BusinessDate, Event, ProductId, VatRate,
    invoice::InvoiceEvent,
    order::{Part, PartOf},
    promo::PromoCode,
    register::Series,
};
use serde::{Deserialize, Serialize};
use store::on_db;

use crate::{Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told, table::read_row};

/// What was sold in one day, or in several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sales {
    /// How many invoices there are.
    pub invoices: u64,
    /// How many credit notes there are.
    pub credit_notes: u64,
    /// What the invoices come to, VAT included, in cents.
    pub sold: i64,
    /// What the credit notes come to, VAT included, in cents.
    pub given_back: i64,
    /// What shipping comes to, less what was given back, VAT included, in cents.
    pub shipping: i64,
    /// Net and VAT by rate in basis points, less what was given back, in cents.
    pub vat: BTreeMap<VatRate, NetAndVat>,
    /// What was sold of each product.
    pub products: BTreeMap<ProductId, Sold>,
    /// What each promo code took off.
    pub promos: BTreeMap<PromoCode, TakenOff>,
}

/// What one rate of VAT comes to, in cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetAndVat {
    /// Without VAT.
    pub net: i64,
    /// The VAT.
    pub vat: i64,
}

/// What was sold of one product, less what was given back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// How many pieces.
    pub quantity: i64,
    /// What was paid for them after discounts, VAT included, in cents.
    pub total: i64,
}

/// What a promo code took off invoices. A refund gives nothing of it back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOff {
    /// How many invoices.
    pub uses: u64,
    /// How much, VAT included, in cents.
    pub discount: i64,
}

impl Sales {
    /// Adds what was sold in another day.
    pub fn add(&mut self, other: &Self) {
        self.invoices += other.invoices;
        self.credit_notes += other.credit_notes;
        self.sold += other.sold;
        self.given_back += other.given_back;
        self.shipping += other.shipping;
        for (rate, other) in &other.vat {
            let sum = self.vat.entry(*rate).or_default();
            *sum = NetAndVat { net: sum.net + other.net, vat: sum.vat + other.vat };
        }
        for (product, other) in &other.products {
            let sum = self.products.entry(*product).or_default();
            *sum = Sold { quantity: sum.quantity + other.quantity, total: sum.total + other.total };
        }
        for (code, other) in &other.promos {
            let sum = self.promos.entry(code.clone()).or_default();
            *sum = TakenOff { uses: sum.uses + other.uses, discount: sum.discount + other.discount };
        }
    }

    /// Adds the parts of a document; takes them away where `sign` is −1.
    fn add_parts(&mut self, parts: &[Part], sign: i64) {
        for Part { of, quantity, amount, .. } in parts {
            match of {
                PartOf::Shipping => self.shipping += sign * amount.amount,
                PartOf::Product(product) => {
                    let sold = self.products.entry(*product).or_default();
                    sold.quantity += sign * i64::from(*quantity);
                    sold.total += sign * amount.amount;
                }
            }
        }
    }
}

/// A row: the sales of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesRow {
    key: String,
    document: Document<Sales>,
}

impl Table<SalesByDay> {
    /// What was sold each day from `from` to `to`, both included. Days without a document are left out.
    pub async fn between(
        &self,
        from: BusinessDate,
        to: BusinessDate,
    ) -> Result<BTreeMap<BusinessDate, Sales>, QueryError> {
        let statement = self.statement("select {row} from {table} where key >= $1 and key <= $2 order by key");
        let rows: Vec<String> = on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement)
            .bind(from.to_string())
            .bind(to.to_string())
            .fetch_all(pool)
            .await?);
        let mut days = BTreeMap::new();
        for json in &rows {
            let SalesRow { key, document } = read_row::<SalesByDay>(json)?;
            let day = key.parse().map_err(|_| store::StoreError::Corrupt(format!("{key:?} is no day")))?;
            days.insert(day, document.0);
        }
        Ok(days)
    }
}

/// The projection behind this query.
pub struct SalesByDay;

impl ReadModel for SalesByDay {
    const NAME: &'static str = "sales";
    const VERSION: u32 = 1;
    const DDL: &'static str = "create table {table} (key text {binary} primary key, document text not null)";
    const COLUMNS: &'static [&'static str] = &["key", "document"];
    const STREAMS: &'static [&'static str] = &["invoice"];
    const ON_POISON: OnPoison = OnPoison::Halt;
    type Row = SalesRow;

    fn key(told: &Told<'_>) -> Option<String> {
        match &told.event {
            Event::Invoice(InvoiceEvent::Issued { on, .. }) => Some(on.to_string()),
            _ => None,
        }
    }

    fn fold(row: &mut Option<SalesRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let Event::Invoice(InvoiceEvent::Issued { number, parts, discounts, vat, total, on, .. }) = &told.event else {
            return Ok(());
        };
        let row = row.get_or_insert_with(|| SalesRow { key: on.to_string(), document: Document(Sales::default()) });
        let sales = &mut row.document.0;
        let sign = match number.series() {
            Series::Invoice => {
                sales.invoices += 1;
                sales.sold += total.amount;
                1
            }
            Series::CreditNote => {
                sales.credit_notes += 1;
                sales.given_back += total.amount;
                -1
            }
        };
        sales.add_parts(parts, sign);
        for rate in vat {
            let sum = sales.vat.entry(rate.rate).or_default();
            *sum = NetAndVat { net: sum.net + sign * rate.net.amount, vat: sum.vat + sign * rate.vat.amount };
        }
        for discount in discounts {
            let taken_off = sales.promos.entry(discount.code.clone()).or_default();
            taken_off.uses += 1;
            taken_off.discount += discount.amount.amount;
        }
        Ok(())
    }
}
