//! An order stays unpaid: when its time is over it is closed, and its stock comes back.

use async_trait::async_trait;
use domain::{OrderId, order::OrderEvent};
use store::{AgendaChange, Deadline, Recorded};
use uuid::Uuid;

use super::{Reactor, ReactorError, settled};
use crate::{Context, clock::micros, order::Orders};

/// The kind of its deadlines.
pub(super) const KIND: &str = "expire-order";

/// The habit.
pub struct ExpireOrders;

#[async_trait]
impl Reactor for ExpireOrders {
    fn name(&self) -> &'static str {
        "expire-orders"
    }

    fn answers(&self, event_type: &str) -> bool {
        matches!(event_type, "OrderPlaced" | "OrderPaid" | "OrderExpired" | "OrderCancelled")
    }

    async fn react(&self, recorded: &Recorded) -> Result<Vec<AgendaChange>, ReactorError> {
        let event = domain::event::decode(&recorded.event_type, recorded.schema, &recorded.payload)?;
        let subject = recorded.stream.id().to_owned();
        let id = deadline_of(&subject);
        Ok(match event {
            OrderEvent::Placed { expires_at, .. } => {
                let due_at = micros(expires_at);
                vec![AgendaChange::Schedule(Deadline { id, kind: KIND.to_owned(), subject, due_at })]
            }
            OrderEvent::Paid { .. } | OrderEvent::Expired | OrderEvent::Cancelled => {
                vec![AgendaChange::Cancel(id)]
            }
            OrderEvent::PaymentRequested { .. }
            | OrderEvent::PaymentActionRequired { .. }
            | OrderEvent::PaymentSucceeded { .. }
            | OrderEvent::PaymentDeclined { .. }
            | OrderEvent::RefundRequested { .. }
            | OrderEvent::Refunded { .. }
            | OrderEvent::RefundGranted { .. }
            | OrderEvent::RefundPaid { .. }
            | OrderEvent::Fulfilled => vec![],
        })
    }
}

fn deadline_of(order: &str) -> Uuid {
    const DEADLINES: Uuid = Uuid::from_u128(0x2c61_8c4b_55ac_4e0e_b0f1_5f4f_4a9c_6e01);
    Uuid::new_v5(&DEADLINES, order.as_bytes())
}

/// The time of an order is over.
pub(super) async fn meet(orders: &Orders, context: &Context, order: &str) -> Result<(), ReactorError> {
    let order: OrderId = super::subject(order)?;
    settled(orders.expire(context, order).await)
}
