//! Money goes back to its owner, because it is not owed or because the shop granted it, and that is recorded.

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
        matches!(event_type, "OrderRefundRequested" | "OrderRefundGranted")
    }

    async fn react(&self, recorded: &Recorded) -> Result<Vec<AgendaChange>, ReactorError> {
        let order: OrderId = super::subject(recorded.stream.id())?;
        let context = answering(self.name(), recorded, 0);
        match domain::event::decode(&recorded.event_type, recorded.schema, &recorded.payload)? {
            OrderEvent::RefundRequested { attempt, amount, .. } => {
                let refund = Refund { order, attempt, key: attempt.0, amount };
                let reference = self.orders.payments().refund(&refund).await?;
                settled(self.orders.record_refund(&context, order, attempt, reference).await)?;
            }
            OrderEvent::RefundGranted { refund: id, attempt, amount, .. } => {
                let refund = Refund { order, attempt, key: id.0, amount };
                let reference = self.orders.payments().refund(&refund).await?;
                settled(self.orders.record_refund_paid(&context, order, id, reference).await)?;
            }
            _ => {}
        }
        Ok(vec![])
    }
}
