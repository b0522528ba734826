//! A payment was asked for: the provider is asked for the money, and what it says is recorded.
//!
//! The event that asks is the intent: it is durable before the provider hears of it. The attempt is the provider's
//! idempotency key, so asking again after a crash does not charge again.

use async_trait::async_trait;
use domain::{OrderId, order::OrderEvent, ports::Charge};
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

    async fn react(&self, recorded: &Recorded) -> Result<Vec<AgendaChange>, ReactorError> {
        let OrderEvent::PaymentRequested { attempt, amount, method } =
            domain::event::decode(&recorded.event_type, recorded.schema, &recorded.payload)?
        else {
            return Ok(vec![]);
        };
        let order: OrderId = super::subject(recorded.stream.id())?;
        let outcome = self.orders.payments().charge(&Charge { order, attempt, amount, method }).await?;
        let context = answering(self.name(), recorded, 0);
        settled(self.orders.record_payment(&context, order, attempt, outcome).await)?;
        Ok(vec![])
    }
}
