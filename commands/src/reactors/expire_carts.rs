//! A cart is left behind: when nobody touched it for long enough it is closed.

use std::time::Duration;

use async_trait::async_trait;
use domain::{CartId, DomainError, cart::CartEvent};
use store::{AgendaChange, Deadline, Recorded};
use uuid::Uuid;

use super::{Reactor, ReactorError, settled};
use crate::{Context, cart::Carts};

/// The kind of its deadlines.
pub(super) const KIND: &str = "expire-cart";

/// The habit.
pub struct ExpireCarts {
    pub(crate) after: Duration,
}

#[async_trait]
impl Reactor for ExpireCarts {
    fn name(&self) -> &'static str {
        "expire-carts"
    }

    fn answers(&self, event_type: &str) -> bool {
        event_type.starts_with("Cart")
    }

    async fn react(&self, recorded: &Recorded) -> Result<Vec<AgendaChange>, ReactorError> {
        let cart = recorded.stream.id();
        let id = deadline_of(cart);
        Ok(match domain::event::decode(&recorded.event_type, recorded.schema, &recorded.payload)? {
            CartEvent::ItemAdded { .. }
            | CartEvent::QuantityChanged { .. }
            | CartEvent::ItemRemoved { .. }
            | CartEvent::PromoApplied { .. }
            | CartEvent::PromoRemoved { .. } => {
                let after = i64::try_from(self.after.as_micros()).unwrap_or(i64::MAX);
                let due_at = recorded.recorded_at.saturating_add(after);
                let subject = format!("{cart}@{}", recorded.version);
                vec![AgendaChange::Schedule(Deadline { id, kind: KIND.to_owned(), subject, due_at })]
            }
            CartEvent::CheckedOut { .. } | CartEvent::Expired => vec![AgendaChange::Cancel(id)],
        })
    }
}

fn deadline_of(cart: &str) -> Uuid {
    const DEADLINES: Uuid = Uuid::from_u128(0x77a3_0f2e_1f7b_4a57_a9a8_0f6b_3c9d_12e4);
    Uuid::new_v5(&DEADLINES, cart.as_bytes())
}

/// The time of a cart is over, as it was left at a version: it may have been touched since, and this deadline be about to
/// move.
pub(super) async fn meet(carts: &Carts, context: &Context, subject: &str) -> Result<(), ReactorError> {
    let (cart, version) = subject.split_once('@').unwrap_or((subject, ""));
    let cart: CartId = super::subject(cart)?;
    let left_at =
        version.parse().map_err(|_| DomainError("a cart is left behind at one of its versions".to_owned()))?;
    settled(carts.expire(context, cart, left_at).await)
}
