//! An order: what someone bought, and the money for it.
//!
//! It is placed as a full copy of its cart, then paid in one of several attempts, then fulfilled; or it expires, or is
//! cancelled, before it is paid. What a payment provider says is a fact and is always recorded: money that comes too
//! late, or a second time, is recorded and asked back to its owner. What was paid can be given back, in parts or whole,
//! and never more than that. The words of the [`sale`], its `event`s, its [`payment`]s and its [`refund`]s are in files of
//! their own.

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, BusinessDate, BuyerId, Line, Money, OrderId, ProductId, RefundId, product::Kind, promo::PromoCode,
};

mod event;
pub mod payment;
pub mod refund;
pub mod sale;

pub use event::OrderEvent;
use payment::{Attempts, surplus};
pub use payment::{PaymentMethod, PaymentOutcome, RefundReason};
use refund::Ledger;
pub use refund::{Extent, Part, PartOf, Returned, parts};
pub use sale::{Consents, OrderLine, Placement, Shipment};

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
    /// Give money back for `reason`, and the pieces to the shelf where `restock` says so.
    Refund { extent: Extent, restock: bool, reason: Line<200>, on: BusinessDate },
    /// Take note that a refund reached its owner.
    RecordRefundPaid { refund: RefundId, reference: Line<200>, on: BusinessDate },
    /// Fall through: nobody paid in time.
    Expire,
    /// Fall through: somebody does not want it any more.
    Cancel,
    /// Everything was handed over.
    Fulfil,
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
    /// The customer does not agree to the terms of sale.
    #[error("the terms of sale are not accepted")]
    TermsNotAccepted,
    /// The customer does not agree that digital goods are handed over before the withdrawal period ends.
    #[error("the start before the end of the withdrawal period is not accepted")]
    StartNotAccepted,
    /// Nothing would be given back.
    #[error("there is nothing to give back")]
    NothingToRefund,
    /// More would be given back than is left.
    #[error("more than is left would be given back")]
    RefundTooLarge {
        /// What is left.
        left: Money,
    },
    /// A product would be given back that was not bought.
    #[error("this product is not in the order")]
    NotInOrder {
        /// Which.
        product: ProductId,
    },
    /// More pieces would be given back than were bought and not given back yet.
    #[error("only {left} of this product can still be given back")]
    AlreadyReturned {
        /// Which.
        product: ProductId,
        /// How many can still be given back.
        left: u32,
    },
    /// The shop has promised no such refund.
    #[error("there is no such refund")]
    UnknownRefund,
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
    ties: Ties,
    attempts: Attempts,
    paid_on: Option<BusinessDate>,
    ledger: Ledger,
    refunds: Vec<Granted>,
}

/// What else an order holds while it waits for its money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    /// Who buys.
    pub buyer: BuyerId,
    /// The physical products that stock is held for.
    pub goods: Vec<ProductId>,
    /// The promo codes that are reserved.
    pub promos: Vec<PromoCode>,
}

/// A refund that was granted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Granted {
    refund: RefundId,
    amount: Money,
    paid: bool,
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
    /// It was paid, and everything is given back.
    Refunded,
    /// Nobody paid in time.
    Expired,
    /// Somebody did not want it any more.
    Cancelled,
}

impl Order {
    /// Where it stands, where it exists.
    pub fn stage(&self) -> Option<Stage> {
        Some(self.purchase()?.stage)
    }

    /// What else it holds, where it exists.
    pub fn ties(&self) -> Option<&Ties> {
        Some(&self.purchase()?.ties)
    }

    /// The attempt that the provider has not settled yet.
    pub fn pending_attempt(&self) -> Option<AttemptId> {
        self.purchase()?.attempts.pending()
    }

    /// The attempt that waits for the customer to do something.
    pub fn awaited_attempt(&self) -> Option<AttemptId> {
        self.purchase()?.attempts.awaited()
    }

    /// The day it was paid, where it was.
    pub fn paid_on(&self) -> Option<BusinessDate> {
        self.purchase()?.paid_on
    }

    /// The id that its next refund will have, where it exists.
    pub fn next_refund(&self) -> Option<RefundId> {
        Some(self.purchase()?.next_refund())
    }

    fn purchase(&self) -> Option<&Purchase> {
        match self {
            Self::Unplaced => None,
            Self::Placed(purchase) => Some(purchase),
        }
    }

    fn decide(&self, command: OrderCommand) -> Result<Vec<OrderEvent>, OrderError> {
        match (self, command) {
            (Self::Unplaced, OrderCommand::Place(placement)) => place(*placement),
            (Self::Unplaced, _) => Err(OrderError::Unknown),
            (Self::Placed(_), OrderCommand::Place(_)) => Err(OrderError::AlreadyPlaced),
            (Self::Placed(purchase), command) => purchase.decide(command),
        }
    }
}

fn place(placement: Placement) -> Result<Vec<OrderEvent>, OrderError> {
    if placement.consents.is_none() {
        return Err(OrderError::TermsNotAccepted);
    }
    if placement.lacks_immediate_start() {
        return Err(OrderError::StartNotAccepted);
    }
    let Placement { order, cart, buyer, contact, lines, discounts, shipping, totals, consents, on, expires_at } =
        placement;
    let amount = totals.total;
    let mut events = vec![OrderEvent::Placed {
        order,
        cart,
        buyer,
        contact,
        lines,
        discounts,
        shipping,
        totals,
        consents,
        on,
        expires_at,
    }];
    if amount.is_nothing() {
        events.push(OrderEvent::Paid { amount, on }); // Nothing is owed, so nobody need pay.
    }
    Ok(events)
}

impl Purchase {
    /// The whole rule book: one line for each thing that may be asked at each stage.
    fn decide(&self, command: OrderCommand) -> Result<Vec<OrderEvent>, OrderError> {
        use OrderCommand as Ask;
        match (self.stage, command) {
            (_, Ask::Place(_)) => Err(OrderError::AlreadyPlaced),

            (Stage::AwaitingPayment, Ask::RequestPayment { method }) => {
                self.attempts.request(self.order, self.total, method)
            }
            (Stage::Paid | Stage::Fulfilled, Ask::RequestPayment { .. }) => Err(OrderError::AlreadyPaid),
            (_, Ask::RequestPayment { .. }) => Err(OrderError::Closed),

            (stage, Ask::RecordPayment { attempt, outcome, on }) => {
                self.attempts.record(attempt, self.total, outcome, on, surplus(stage))
            }
            (_, Ask::RecordRefund { attempt, reference, on }) => {
                self.attempts.record_refund(attempt, self.total, reference, on)
            }

            (Stage::Paid | Stage::Fulfilled, Ask::Refund { extent, restock, reason, on }) => {
                self.refund(&extent, restock, reason, on)
            }
            (Stage::AwaitingPayment, Ask::Refund { .. }) => Err(OrderError::NotPaid),
            (Stage::Refunded, Ask::Refund { .. }) => Err(OrderError::NothingToRefund),
            (Stage::Expired | Stage::Cancelled, Ask::Refund { .. }) => Err(OrderError::Closed),
            (_, Ask::RecordRefundPaid { refund, reference, on }) => self.record_refund_paid(refund, reference, on),

            (Stage::AwaitingPayment, Ask::Expire) => Ok(vec![OrderEvent::Expired]),
            (_, Ask::Expire) => Ok(vec![]),

            (Stage::AwaitingPayment, Ask::Cancel) => Ok(vec![OrderEvent::Cancelled]),
            (Stage::Cancelled, Ask::Cancel) => Ok(vec![]),
            (Stage::Paid | Stage::Fulfilled, Ask::Cancel) => Err(OrderError::AlreadyPaid),
            (Stage::Expired | Stage::Refunded, Ask::Cancel) => Err(OrderError::Closed),

            (Stage::Paid, Ask::Fulfil) => Ok(vec![OrderEvent::Fulfilled]),
            (Stage::Fulfilled, Ask::Fulfil) => Ok(vec![]),
            (Stage::AwaitingPayment, Ask::Fulfil) => Err(OrderError::NotPaid),
            (Stage::Expired | Stage::Cancelled | Stage::Refunded, Ask::Fulfil) => Err(OrderError::Closed),
        }
    }

    fn refund(
        &self,
        extent: &Extent,
        restock: bool,
        reason: Line<200>,
        on: BusinessDate,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        // What cost nothing was paid by nobody, and there is nobody to give it back to.
        let attempt = self.attempts.paid_by().ok_or(OrderError::NothingToRefund)?;
        let parts = self.ledger.claim(extent)?;
        let amount = refund::sum(&parts);
        Ok(vec![OrderEvent::RefundGranted {
            refund: self.next_refund(),
            attempt,
            amount,
            vat: self.ledger.vat(&parts),
            returned: if restock { self.ledger.returned(&parts) } else { Vec::new() },
            reason,
            left: Money { amount: self.ledger.left().amount - amount.amount, ..amount },
            on,
            parts,
        }])
    }

    fn record_refund_paid(
        &self,
        refund: RefundId,
        reference: Line<200>,
        on: BusinessDate,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        match self.granted(refund) {
            None => Err(OrderError::UnknownRefund),
            Some(Granted { paid: true, .. }) => Ok(vec![]),
            Some(Granted { amount, .. }) => Ok(vec![OrderEvent::RefundPaid { refund, amount: *amount, reference, on }]),
        }
    }

    fn next_refund(&self) -> RefundId {
        let number = u32::try_from(self.refunds.len()).unwrap_or(u32::MAX).saturating_add(1);
        RefundId::of_order(self.order, number)
    }

    fn granted(&self, refund: RefundId) -> Option<&Granted> {
        self.refunds.iter().find(|granted| granted.refund == refund)
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
            (_, OrderEvent::Placed { order, buyer, lines, discounts, shipping, totals, .. }) => {
                let physical = lines.iter().filter(|line| line.kind == Kind::Physical);
                *self = Self::Placed(Purchase {
                    stage: Stage::AwaitingPayment,
                    order,
                    total: totals.total,
                    ties: Ties {
                        buyer,
                        goods: physical.map(|line| line.product).collect(),
                        promos: discounts.into_iter().map(|discount| discount.code).collect(),
                    },
                    attempts: Attempts::default(),
                    paid_on: None,
                    ledger: Ledger::of(&lines, shipping.as_ref()),
                    refunds: Vec::new(),
                });
            }
            (Self::Placed(purchase), event) => purchase.apply(&event),
            (Self::Unplaced, _) => {}
        }
    }
}

impl Purchase {
    fn apply(&mut self, event: &OrderEvent) {
        self.attempts.apply(event);
        match event {
            OrderEvent::Placed { .. }
            | OrderEvent::PaymentRequested { .. }
            | OrderEvent::PaymentActionRequired { .. }
            | OrderEvent::PaymentSucceeded { .. }
            | OrderEvent::PaymentDeclined { .. }
            | OrderEvent::RefundRequested { .. }
            | OrderEvent::Refunded { .. } => {}
            OrderEvent::RefundGranted { refund, amount, parts, left, .. } => {
                self.ledger.take(parts);
                self.refunds.push(Granted { refund: *refund, amount: *amount, paid: false });
                if left.is_nothing() {
                    self.stage = Stage::Refunded;
                }
            }
            OrderEvent::RefundPaid { refund, .. } => {
                for granted in self.refunds.iter_mut().filter(|granted| granted.refund == *refund) {
                    granted.paid = true;
                }
            }
            OrderEvent::Paid { on, .. } => {
                self.stage = Stage::Paid;
                self.paid_on = Some(*on);
            }
            OrderEvent::Expired => self.stage = Stage::Expired,
            OrderEvent::Cancelled => self.stage = Stage::Cancelled,
            OrderEvent::Fulfilled => self.stage = Stage::Fulfilled,
        }
    }
}

#[cfg(test)]
mod tests;
