//! A payment was asked for: the provider is asked for the money, and what it says is recorded, as often as it
//! says something.
//!
//! The event that asks is the intent: it is durable before the provider hears of it. The attempt is the provider's
//! idempotency key, so asking again after a crash does not charge again.

use async_trait::async_trait;
use domain::{OrderId, order::OrderEvent, ports::Charge};
use futures::StreamExt as _;
use store::{AgendaChange, Recorded};

use super::{Reactor, ReactorError, answering, settled};
use crate::order::Orders;

/// The habit.
pub struct TakePayments {
    pub(crate) orders: Orders,
}

#[async_trait]
impl Reactor for TakePayments {
    fn name(&self) -> &'static str {
        "take-payments"
    }

    fn answers(&self, event_type: &str) -> bool {
        event_type == "OrderPaymentRequested"
    }

    /// Attempts are strangers to each other: a second one does not wait until the provider has said its last word of the
    /// first.
    fn in_order(&self) -> bool {
        false
    }

    async fn react(&self, recorded: &Recorded) -> Result<Vec<AgendaChange>, ReactorError> {
        let OrderEvent::PaymentRequested { attempt, amount, method } =
            domain::event::decode(&recorded.event_type, recorded.schema, &recorded.payload)?
        else {
            return Ok(vec![]);
        };
        let order: OrderId = super::subject(recorded.stream.id())?;
        let mut outcomes = self.orders.payments().charge(Charge { order, attempt, amount, method });
        let mut number = 0;
        while let Some(outcome) = outcomes.next().await {
            let context = answering(self.name(), recorded, number);
            settled(self.orders.record_payment(&context, order, attempt, outcome?).await)?;
            number += 1;
        }
        Ok(vec![])
    }
}
