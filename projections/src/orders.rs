//! Read model `orders`: every order, where it stands and what was paid.

use domain::{
    AttemptId, BusinessDate, Contact, Event, Money, OrderId, RefundId, Sealed, Timestamp,
    order::{Consents, OrderEvent, OrderLine, Part, RefundReason, Shipment},
    pricing::{Discount, Totals},
};
use serde::{Deserialize, Serialize};
use store::on_db;

use crate::{
    Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told,
    page::{Page, read_mark},
    table::read_row,
};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for its money.
    AwaitingPayment,
    /// It is paid.
    Paid,
    /// It is paid and handed over.
    Fulfilled,
    /// It was paid, and everything is given back.
    Refunded,
    /// Nobody paid in time.
    Expired,
    /// Somebody did not want it any more.
    Cancelled,
}

impl Status {
    /// The word it is stored and asked for as.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Paid => "paid",
            Self::Fulfilled => "fulfilled",
            Self::Refunded => "refunded",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An order as its events have left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// Where it stands.
    pub status: Status,
    /// Who buys; `None` where that person's data is erased.
    pub contact: Option<Contact>,
    /// What is bought.
    pub lines: Vec<OrderLine>,
    /// What each promo code took off.
    pub discounts: Vec<Discount>,
    /// How it is shipped, where there is something to ship.
    pub shipping: Option<Shipment>,
    /// What it comes to.
    pub totals: Totals,
    /// What the customer agreed to; `None` in orders from before that was asked.
    pub consents: Option<Consents>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// The day it counts for.
    pub on: BusinessDate,
    /// When it expires unless it is paid.
    pub expires_at: Timestamp,
    /// Every try to pay it, the first one first.
    pub payments: Vec<PaymentView>,
    /// Everything that was given back, the first thing first.
    pub refunds: Vec<RefundView>,
}

/// Money that the shop gave back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    /// Its id.
    pub id: RefundId,
    /// How much, VAT included.
    pub amount: Money,
    /// Of what.
    pub parts: Vec<Part>,
    /// Why.
    pub reason: String,
    /// The day it counts for.
    pub on: BusinessDate,
    /// The provider's name for it, once the money is with its owner.
    pub reference: Option<String>,
}

/// A try to pay an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    /// Its id.
    pub attempt: AttemptId,
    /// How much.
    pub amount: Money,
    /// What pays.
    pub method: String,
    /// What became of it.
    pub status: PaymentStatus,
    /// The provider's name for the payment, where there is money.
    pub reference: Option<String>,
    /// Why it was declined, why its money goes back, or what it waits for.
    pub reason: Option<String>,
}

/// What became of a try to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The provider has not answered.
    Pending,
    /// The provider waits for the customer.
    ActionRequired,
    /// The money is there.
    Succeeded,
    /// There will be none.
    Declined,
    /// The money is there, is not owed, and goes back.
    Refunding,
    /// The money went back.
    Refunded,
}

/// A row: the view, and what it is found by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderRow {
    key: String,
    status: Status,
    position: i64,
    document: Document<OrderView>,
}

impl Table<Orders> {
    /// An order.
    pub async fn order(&self, id: OrderId) -> Result<Option<OrderView>, QueryError> {
        Ok(self.find(&id.to_string()).await?.map(|row| row.document.0))
    }

    /// A page of orders, the newest first; of one status where one is named.
    pub async fn list(
        &self,
        status: Option<Status>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<OrderView>, QueryError> {
        let mark: i64 = read_mark(after)?.unwrap_or(i64::MAX);
        let statement = self.statement(
            "select {row} from {table} where (cast($1 as text) is null or status = $1) and position < $2
             order by position desc limit $3",
        );
        let rows: Vec<String> = on_db!(self.db(), read, |pool| sqlx::query_scalar(&statement)
            .bind(status.map(Status::word))
            .bind(mark)
            .bind(i64::from(limit) + 1)
            .fetch_all(pool)
            .await?);
        let rows: Vec<OrderRow> = rows.iter().map(|json| read_row::<Orders>(json)).collect::<Result<_, _>>()?;
        Ok(Page::of(rows, limit, |row| row.position)?.map(|row| row.document.0))
    }
}

/// The projection behind these queries.
pub struct Orders;

impl ReadModel for Orders {
    const NAME: &'static str = "orders";
    const VERSION: u32 = 2;
    const DDL: &'static str = "
        create table {table} (
            key text primary key,
            status text not null,
            position bigint not null,
            document text not null
        );
        create index {table}_newest on {table} (position);
        create index {table}_status on {table} (status, position)";
    const COLUMNS: &'static [&'static str] = &["key", "status", "position", "document"];
    const STREAMS: &'static [&'static str] = &["order"];
    const ON_POISON: OnPoison = OnPoison::Halt;
    type Row = OrderRow;

    fn key(told: &Told<'_>) -> Option<String> {
        matches!(told.event, Event::Order(_)).then(|| told.recorded.stream.id().to_owned())
    }

    fn fold(row: &mut Option<OrderRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let Event::Order(event) = &told.event else { return Ok(()) };
        if let OrderEvent::Placed {
            order, contact, lines, discounts, shipping, totals, consents, on, expires_at, ..
        } = event
        {
            let view = OrderView {
                id: *order,
                status: Status::AwaitingPayment,
                contact: Sealed::value(contact).cloned(),
                lines: lines.clone(),
                discounts: discounts.clone(),
                shipping: shipping.clone(),
                totals: totals.clone(),
                consents: consents.clone(),
                placed_at: Timestamp::from_timestamp_micros(told.recorded.recorded_at).unwrap_or_default(),
                on: *on,
                expires_at: *expires_at,
                payments: Vec::new(),
                refunds: Vec::new(),
            };
            *row = Some(OrderRow {
                key: order.to_string(),
                status: view.status,
                position: told.recorded.position.to_column(),
                document: Document(view),
            });
            return Ok(());
        }
        let row = row.as_mut().ok_or(FoldError::NoRow)?;
        row.document.0.take(event)?;
        row.status = row.document.0.status;
        Ok(())
    }
}

impl OrderView {
    fn take(&mut self, event: &OrderEvent) -> Result<(), FoldError> {
        match event {
            OrderEvent::Placed { .. } => {}
            OrderEvent::PaymentRequested { attempt, amount, method } => {
                self.payments.push(PaymentView {
                    attempt: *attempt,
                    amount: *amount,
                    method: method.to_string(),
                    status: PaymentStatus::Pending,
                    reference: None,
                    reason: None,
                });
            }
            OrderEvent::PaymentActionRequired { attempt, action } => {
                let payment = self.payment(*attempt)?;
                payment.status = PaymentStatus::ActionRequired;
                payment.reason = Some(action.to_string());
            }
            OrderEvent::PaymentSucceeded { attempt, reference, .. } => {
                let payment = self.payment(*attempt)?;
                payment.status = PaymentStatus::Succeeded;
                payment.reference = Some(reference.to_string());
                payment.reason = None;
            }
            OrderEvent::PaymentDeclined { attempt, reason } => {
                let payment = self.payment(*attempt)?;
                payment.status = PaymentStatus::Declined;
                payment.reason = Some(reason.to_string());
            }
            OrderEvent::RefundRequested { attempt, reason, .. } => {
                let payment = self.payment(*attempt)?;
                payment.status = PaymentStatus::Refunding;
                let reason = match reason {
                    RefundReason::Late => "late",
                    RefundReason::Duplicate => "duplicate",
                };
                payment.reason = Some(reason.to_owned());
            }
            OrderEvent::Refunded { attempt, .. } => {
                self.payment(*attempt)?.status = PaymentStatus::Refunded;
            }
            OrderEvent::RefundGranted { refund, amount, parts, reason, left, on, .. } => {
                self.refunds.push(RefundView {
                    id: *refund,
                    amount: *amount,
                    parts: parts.clone(),
                    reason: reason.to_string(),
                    on: *on,
                    reference: None,
                });
                if left.is_nothing() {
                    self.status = Status::Refunded;
                }
            }
            OrderEvent::RefundPaid { refund, reference, .. } => {
                let granted = self.refunds.iter_mut().find(|granted| granted.id == *refund);
                granted.ok_or(FoldError::NoRow)?.reference = Some(reference.to_string());
            }
            OrderEvent::Paid { .. } => self.status = Status::Paid,
            OrderEvent::Expired => self.status = Status::Expired,
            OrderEvent::Cancelled => self.status = Status::Cancelled,
            OrderEvent::Fulfilled => self.status = Status::Fulfilled,
        }
        Ok(())
    }

    fn payment(&mut self, attempt: AttemptId) -> Result<&mut PaymentView, FoldError> {
        self.payments.iter_mut().find(|payment| payment.attempt == attempt).ok_or(FoldError::NoRow)
    }
}
