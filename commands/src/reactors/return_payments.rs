//! Money came that is not owed: it goes back to its owner, and that is recorded.

use async_trait::async_trait;
use domain::{OrderId, order::OrderEvent, ports::Refund};
use store::{AgendaChange, Recorded};

use super::{Reactor, ReactorError, answering, settled};
use crate::order::Orders;

/// The habit.
pub struct ReturnPayments {
    pub(crate) orders: Orders,
}

#[async_trait]
impl Reactor for ReturnPayments {
    fn name(&self) -> &'static str {
        "return-payments"
    }

    fn answers(&self, event_type: &str) -> bool {
        event_type == "OrderRefundRequested"
    }

    async fn react(&self, recorded: &Recorded) -> Result<Vec<AgendaChange>, ReactorError> {
        let OrderEvent::RefundRequested { attempt, amount, .. } =
            domain::event::decode(&recorded.event_type, recorded.schema, &recorded.payload)?
        else {
            return Ok(vec![]);
        };
        let order: OrderId = super::subject(recorded.stream.id())?;
        let reference = self.orders.payments().refund(&Refund { order, attempt, amount }).await?;
        let context = answering(self.name(), recorded, 0);
        settled(self.orders.record_refund(&context, order, attempt, reference).await)?;
        Ok(vec![])
    }
}
