//! An order: what someone bought, and the money for it.
//!
//! It is placed as a full copy of its cart, then paid in one of several attempts, then fulfilled; or it expires, or is
//! cancelled, before it is paid. What a payment provider says is a fact and is always recorded: money that comes too
//! late, or a second time, is recorded and asked back to its owner.

use std::collections::BTreeMap;

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, BusinessDate, BuyerId, CartId, Contact, Line, Localized, Money, OrderId, Personal, ProductId, Quantity,
    Sealed, Slug, Timestamp, VatRate, pricing::Totals, product::Kind, sealed::SealedField,
};

/// One product of an order, as it was when it was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What.
    pub product: ProductId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name.
    pub name: Localized<Line<200>>,
    /// What it physically is.
    pub kind: Kind,
    /// How many.
    pub quantity: Quantity,
    /// The price of one, VAT included.
    pub unit_price: Money,
    /// The VAT inside `unit_price`.
    pub vat_rate: VatRate,
    /// The price of all, VAT included.
    pub total: Money,
}

/// What pays: a token of the payment provider's, never a card number.
pub type PaymentMethod = Line<64>;

/// What a provider said of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// The money is there.
    Succeeded {
        /// The provider's name for the payment.
        reference: Line<200>,
    },
    /// There will be none.
    Declined {
        /// The provider's reason, a stable word.
        reason: Line<100>,
    },
}

/// Why money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefundReason {
    /// It came after the order had expired or was cancelled.
    Late,
    /// The order was paid already.
    Duplicate,
}

/// Everything an order is placed with.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Its id.
    pub order: OrderId,
    /// The cart it was.
    pub cart: CartId,
    /// Who buys, as a keyed hash.
    pub buyer: BuyerId,
    /// Who buys.
    pub contact: Sealed<Contact>,
    /// What is bought, at the prices of this moment.
    pub lines: Vec<OrderLine>,
    /// What it comes to.
    pub totals: Totals,
    /// The day it counts for.
    pub on: BusinessDate,
    /// When it expires unless it is paid.
    pub expires_at: Timestamp,
}

/// What may be asked of an order.
#[derive(Debug, Clone)]
pub enum OrderCommand {
    /// Come into being.
    Place(Box<Placement>),
    /// Try to pay with `method`.
    RequestPayment { method: PaymentMethod },
    /// Take note of what the provider said of an attempt.
    RecordPayment { attempt: AttemptId, outcome: PaymentOutcome, on: BusinessDate },
    /// Take note that the money of an attempt went back.
    RecordRefund { attempt: AttemptId, reference: Line<200>, on: BusinessDate },
    /// Fall through: nobody paid in time.
    Expire,
    /// Fall through: somebody does not want it any more.
    Cancel,
    /// Everything was handed over.
    Fulfil,
}

/// What has happened to an order. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderEvent {
    /// It exists, and waits for its money.
    Placed {
        order: OrderId,
        cart: CartId,
        buyer: BuyerId,
        contact: Sealed<Contact>,
        lines: Vec<OrderLine>,
        totals: Totals,
        on: BusinessDate,
        expires_at: Timestamp,
    },
    /// The provider was asked for the money.
    PaymentRequested { attempt: AttemptId, amount: Money, method: PaymentMethod },
    /// The provider has the money.
    PaymentSucceeded { attempt: AttemptId, amount: Money, reference: Line<200>, on: BusinessDate },
    /// The provider will not have the money.
    PaymentDeclined { attempt: AttemptId, reason: Line<100> },
    /// It is paid in full.
    Paid { amount: Money, on: BusinessDate },
    /// Money that is not owed must go back.
    RefundRequested { attempt: AttemptId, amount: Money, reason: RefundReason },
    /// The money went back.
    Refunded { attempt: AttemptId, amount: Money, reference: Line<200>, on: BusinessDate },
    /// Nobody paid in time.
    Expired,
    /// Somebody did not want it any more.
    Cancelled,
    /// Everything was handed over.
    Fulfilled,
}

/// Why an order refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No event speaks of it.
    #[error("there is no such order")]
    Unknown,
    /// Its id is in use.
    #[error("this order exists already")]
    AlreadyPlaced,
    /// The provider has not answered the last attempt yet.
    #[error("a payment of this order is under way")]
    PaymentInProgress,
    /// It is paid.
    #[error("this order is paid")]
    AlreadyPaid,
    /// It is not paid.
    #[error("this order is not paid")]
    NotPaid,
    /// It expired or was cancelled.
    #[error("this order is closed")]
    Closed,
    /// The provider speaks of an attempt nobody made.
    #[error("there was no such payment")]
    UnknownAttempt,
}

/// An order as its events have left it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Order {
    /// No event speaks of it.
    #[default]
    Unplaced,
    /// It exists.
    Placed(Purchase),
}

/// What is known of an order that exists.
#[derive(Debug, Serialize, Deserialize)]
pub struct Purchase {
    stage: Stage,
    order: OrderId,
    total: Money,
    goods: Vec<ProductId>,
    attempts: BTreeMap<AttemptId, Attempt>,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It waits for its money.
    AwaitingPayment,
    /// It is paid.
    Paid,
    /// It is paid and handed over.
    Fulfilled,
    /// Nobody paid in time.
    Expired,
    /// Somebody did not want it any more.
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Attempt {
    Pending,
    Declined,
    Succeeded,
    Refunded,
}

impl Order {
    /// Where it stands, where it exists.
    pub fn stage(&self) -> Option<Stage> {
        Some(self.purchase()?.stage)
    }

    /// The physical products that stock is held for.
    pub fn goods(&self) -> &[ProductId] {
        self.purchase().map_or(&[], |purchase| &purchase.goods)
    }

    /// The attempt that the provider has not answered yet.
    pub fn pending_attempt(&self) -> Option<AttemptId> {
        self.purchase()?.pending()
    }

    fn purchase(&self) -> Option<&Purchase> {
        match self {
            Self::Unplaced => None,
            Self::Placed(purchase) => Some(purchase),
        }
    }

    fn decide(&self, command: OrderCommand) -> Result<Vec<OrderEvent>, OrderError> {
        match (self, command) {
            (Self::Unplaced, OrderCommand::Place(placement)) => Ok(place(*placement)),
            (Self::Unplaced, _) => Err(OrderError::Unknown),
            (Self::Placed(_), OrderCommand::Place(_)) => Err(OrderError::AlreadyPlaced),
            (Self::Placed(purchase), command) => purchase.decide(command),
        }
    }
}

/// Why money that comes at this stage must go back, where it must.
const fn surplus(stage: Stage) -> Option<RefundReason> {
    match stage {
        Stage::AwaitingPayment => None,
        Stage::Paid | Stage::Fulfilled => Some(RefundReason::Duplicate),
        Stage::Expired | Stage::Cancelled => Some(RefundReason::Late),
    }
}

fn place(placement: Placement) -> Vec<OrderEvent> {
    let Placement { order, cart, buyer, contact, lines, totals, on, expires_at } = placement;
    let amount = totals.total;
    let mut events = vec![OrderEvent::Placed { order, cart, buyer, contact, lines, totals, on, expires_at }];
    if amount.amount == 0 {
        events.push(OrderEvent::Paid { amount, on }); // Nothing is owed, so nobody need pay.
    }
    events
}

impl Purchase {
    /// The whole rule book: one line for each thing that may be asked at each stage.
    fn decide(&self, command: OrderCommand) -> Result<Vec<OrderEvent>, OrderError> {
        use OrderCommand as Ask;
        match (self.stage, command) {
            (_, Ask::Place(_)) => Err(OrderError::AlreadyPlaced),

            (Stage::AwaitingPayment, Ask::RequestPayment { method }) => self.request(method),
            (Stage::Paid | Stage::Fulfilled, Ask::RequestPayment { .. }) => Err(OrderError::AlreadyPaid),
            (Stage::Expired | Stage::Cancelled, Ask::RequestPayment { .. }) => Err(OrderError::Closed),

            (stage, Ask::RecordPayment { attempt, outcome, on }) => self.record(attempt, outcome, on, surplus(stage)),
            (_, Ask::RecordRefund { attempt, reference, on }) => self.record_refund(attempt, reference, on),

            (Stage::AwaitingPayment, Ask::Expire) => Ok(vec![OrderEvent::Expired]),
            (_, Ask::Expire) => Ok(vec![]),

            (Stage::AwaitingPayment, Ask::Cancel) => Ok(vec![OrderEvent::Cancelled]),
            (Stage::Cancelled, Ask::Cancel) => Ok(vec![]),
            (Stage::Paid | Stage::Fulfilled, Ask::Cancel) => Err(OrderError::AlreadyPaid),
            (Stage::Expired, Ask::Cancel) => Err(OrderError::Closed),

            (Stage::Paid, Ask::Fulfil) => Ok(vec![OrderEvent::Fulfilled]),
            (Stage::Fulfilled, Ask::Fulfil) => Ok(vec![]),
            (Stage::AwaitingPayment, Ask::Fulfil) => Err(OrderError::NotPaid),
            (Stage::Expired | Stage::Cancelled, Ask::Fulfil) => Err(OrderError::Closed),
        }
    }

    fn pending(&self) -> Option<AttemptId> {
        self.attempts.iter().find(|(_, state)| **state == Attempt::Pending).map(|(attempt, _)| *attempt)
    }

    fn request(&self, method: PaymentMethod) -> Result<Vec<OrderEvent>, OrderError> {
        if self.pending().is_some() {
            return Err(OrderError::PaymentInProgress);
        }
        let number = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let attempt = AttemptId::of_order(self.order, number);
        Ok(vec![OrderEvent::PaymentRequested { attempt, amount: self.total, method }])
    }

    /// What follows from `outcome`, when money that comes now must go back for the reason `surplus`.
    fn record(
        &self,
        attempt: AttemptId,
        outcome: PaymentOutcome,
        on: BusinessDate,
        surplus: Option<RefundReason>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        let amount = self.total;
        let state = self.attempts.get(&attempt).ok_or(OrderError::UnknownAttempt)?;
        match (state, outcome) {
            (Attempt::Pending | Attempt::Declined, PaymentOutcome::Succeeded { reference }) => Ok(vec![
                OrderEvent::PaymentSucceeded { attempt, amount, reference, on },
                match surplus {
                    None => OrderEvent::Paid { amount, on },
                    Some(reason) => OrderEvent::RefundRequested { attempt, amount, reason },
                },
            ]),
            (Attempt::Pending, PaymentOutcome::Declined { reason }) => {
                Ok(vec![OrderEvent::PaymentDeclined { attempt, reason }])
            }
            // Told twice, or told of a decline after the money came: the first word stands.
            (Attempt::Succeeded | Attempt::Refunded, _) | (Attempt::Declined, PaymentOutcome::Declined { .. }) => {
                Ok(vec![])
            }
        }
    }

    fn record_refund(
        &self,
        attempt: AttemptId,
        reference: Line<200>,
        on: BusinessDate,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        match self.attempts.get(&attempt) {
            Some(Attempt::Succeeded) => Ok(vec![OrderEvent::Refunded { attempt, amount: self.total, reference, on }]),
            Some(Attempt::Refunded) => Ok(vec![]),
            Some(Attempt::Pending | Attempt::Declined) | None => Err(OrderError::UnknownAttempt),
        }
    }
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OrderError;
    type Services = ();

    async fn handle(&mut self, command: OrderCommand, (): &(), sink: &EventSink<Self>) -> Result<(), OrderError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: OrderEvent) {
        match (&mut *self, event) {
            (_, OrderEvent::Placed { order, lines, totals, .. }) => {
                let goods = lines.iter().filter(|line| line.kind == Kind::Physical).map(|line| line.product).collect();
                let (stage, total, attempts) = (Stage::AwaitingPayment, totals.total, BTreeMap::new());
                *self = Self::Placed(Purchase { stage, order, total, goods, attempts });
            }
            (Self::Placed(purchase), event) => purchase.apply(&event),
            (Self::Unplaced, _) => {}
        }
    }
}

impl Purchase {
    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { .. } | OrderEvent::RefundRequested { .. } => {}
            OrderEvent::PaymentRequested { attempt, .. } => self.mark(*attempt, Attempt::Pending),
            OrderEvent::PaymentSucceeded { attempt, .. } => self.mark(*attempt, Attempt::Succeeded),
            OrderEvent::PaymentDeclined { attempt, .. } => self.mark(*attempt, Attempt::Declined),
            OrderEvent::Refunded { attempt, .. } => self.mark(*attempt, Attempt::Refunded),
            OrderEvent::Paid { .. } => self.stage = Stage::Paid,
            OrderEvent::Expired => self.stage = Stage::Expired,
            OrderEvent::Cancelled => self.stage = Stage::Cancelled,
            OrderEvent::Fulfilled => self.stage = Stage::Fulfilled,
        }
    }

    fn mark(&mut self, attempt: AttemptId, state: Attempt) {
        self.attempts.insert(attempt, state);
    }
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Placed { .. } => "OrderPlaced",
            Self::PaymentRequested { .. } => "OrderPaymentRequested",
            Self::PaymentSucceeded { .. } => "OrderPaymentSucceeded",
            Self::PaymentDeclined { .. } => "OrderPaymentDeclined",
            Self::Paid { .. } => "OrderPaid",
            Self::RefundRequested { .. } => "OrderRefundRequested",
            Self::Refunded { .. } => "OrderRefunded",
            Self::Expired => "OrderExpired",
            Self::Cancelled => "OrderCancelled",
            Self::Fulfilled => "OrderFulfilled",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for OrderEvent {
    fn sealed_fields(&mut self) -> Vec<(&'static str, &mut dyn SealedField)> {
        match self {
            Self::Placed { contact, .. } => vec![("contact", contact)],
            Self::PaymentRequested { .. }
            | Self::PaymentSucceeded { .. }
            | Self::PaymentDeclined { .. }
            | Self::Paid { .. }
            | Self::RefundRequested { .. }
            | Self::Refunded { .. }
            | Self::Expired
            | Self::Cancelled
            | Self::Fulfilled => vec![],
        }
    }
}

#[cfg(test)]
mod tests;
