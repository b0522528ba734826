//! A buyer: what one person has already used, so that a limit for each person holds for guests, too.
//!
//! The stream is named by a keyed hash of the e-mail address; it holds no personal data. An order is entered when it is
//! placed, settled when it is paid, and struck out when it falls through.

use std::collections::BTreeMap;

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{
    OrderId, Personal,
    promo::{PromoCode, Terms},
};

/// What may be asked of a buyer.
#[derive(Debug, Clone)]
pub enum BuyerCommand {
    /// Place `order` with these promos.
    Order { order: OrderId, promos: Vec<(PromoCode, Terms)> },
    /// Count `order` for good: it is paid.
    Settle { order: OrderId },
    /// Forget `order`: it fell through.
    Release { order: OrderId },
}

/// What has happened to a buyer. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuyerEvent {
    /// An order was placed with these promos.
    Ordered { order: OrderId, promos: Vec<PromoCode> },
    /// An order counts for good.
    Settled { order: OrderId },
    /// An order fell through.
    Released { order: OrderId },
}

/// Why a buyer may not use a promo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuyerError {
    /// It is for people who have never ordered.
    #[error("this promo code is for a first order")]
    NotFirstOrder {
        /// The code.
        code: PromoCode,
    },
    /// This person has used it as often as one person may.
    #[error("this promo code was used as often as one person may use it")]
    UsedUp {
        /// The code.
        code: PromoCode,
    },
}

/// A buyer as the events have left it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Buyer {
    /// Orders that are not paid yet, with their promos.
    open: BTreeMap<OrderId, Vec<PromoCode>>,
    /// How many orders count for good.
    settled: u32,
    /// How often each promo was used for good.
    used: BTreeMap<PromoCode, u32>,
}

impl Buyer {
    /// Whether this person may use `code` once more.
    pub fn may_use(&self, code: &PromoCode, terms: &Terms) -> Result<(), BuyerError> {
        if terms.first_order_only && (self.settled > 0 || !self.open.is_empty()) {
            return Err(BuyerError::NotFirstOrder { code: code.clone() });
        }
        let held = self.open.values().filter(|promos| promos.contains(code)).count();
        let uses = self.used.get(code).copied().unwrap_or(0).saturating_add(u32::try_from(held).unwrap_or(u32::MAX));
        if terms.limit_per_buyer.is_some_and(|limit| uses >= limit) {
            return Err(BuyerError::UsedUp { code: code.clone() });
        }
        Ok(())
    }

    fn decide(&self, command: BuyerCommand) -> Result<Vec<BuyerEvent>, BuyerError> {
        match command {
            BuyerCommand::Order { order, .. } if self.open.contains_key(&order) => Ok(vec![]),
            BuyerCommand::Order { order, promos } => {
                for (code, terms) in &promos {
                    self.may_use(code, terms)?;
                }
                let promos = promos.into_iter().map(|(code, _)| code).collect();
                Ok(vec![BuyerEvent::Ordered { order, promos }])
            }
            BuyerCommand::Settle { order } | BuyerCommand::Release { order } if !self.open.contains_key(&order) => {
                Ok(vec![])
            }
            BuyerCommand::Settle { order } => Ok(vec![BuyerEvent::Settled { order }]),
            BuyerCommand::Release { order } => Ok(vec![BuyerEvent::Released { order }]),
        }
    }
}

impl Aggregate for Buyer {
    const TYPE: &'static str = "buyer";
    type Command = BuyerCommand;
    type Event = BuyerEvent;
    type Error = BuyerError;
    type Services = ();

    async fn handle(&mut self, command: BuyerCommand, (): &(), sink: &EventSink<Self>) -> Result<(), BuyerError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: BuyerEvent) {
        match event {
            BuyerEvent::Ordered { order, promos } => {
                self.open.insert(order, promos);
            }
            BuyerEvent::Settled { order } => {
                self.settled = self.settled.saturating_add(1);
                for code in self.open.remove(&order).unwrap_or_default() {
                    *self.used.entry(code).or_default() += 1;
                }
            }
            BuyerEvent::Released { order } => {
                self.open.remove(&order);
            }
        }
    }
}

impl DomainEvent for BuyerEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Ordered { .. } => "BuyerOrdered",
            Self::Settled { .. } => "BuyerSettled",
            Self::Released { .. } => "BuyerReleased",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for BuyerEvent {}

#[cfg(test)]
mod tests {
    use cqrs_es::test::{AggregateTestExecutor, TestFramework};
    use uuid::Uuid;

    use super::*;
    use crate::promo::Reduction;

    #[test]
    fn a_first_order_is_one_beside_which_there_is_no_other() {
        let refused = || BuyerError::NotFirstOrder { code: code() };
        given([]).when(place(1, first())).then_expect_events(vec![ordered(1)]);
        given([ordered(1)]).when(place(2, first())).then_expect_error(refused());
        given([ordered(1), settled(1)]).when(place(2, first())).then_expect_error(refused());
        given([ordered(1), released(1)]).when(place(2, first())).then_expect_events(vec![ordered(2)]);
    }

    #[test]
    fn one_person_has_a_limit_of_their_own() {
        let limited = || Terms { limit_per_buyer: Some(2), ..terms() };
        let refused = || BuyerError::UsedUp { code: code() };
        given([ordered(1), settled(1)]).when(place(2, limited())).then_expect_events(vec![ordered(2)]);
        given([ordered(1), settled(1), ordered(2)]).when(place(3, limited())).then_expect_error(refused());
        given([ordered(1), settled(1), ordered(2), released(2)])
            .when(place(3, limited()))
            .then_expect_events(vec![ordered(3)]);
    }

    #[test]
    fn asking_twice_counts_once() {
        given([ordered(1)]).when(place(1, first())).then_expect_events(vec![]);
        given([ordered(1), settled(1)]).when(BuyerCommand::Settle { order: order(1) }).then_expect_events(vec![]);
        given([ordered(1), settled(1)]).when(BuyerCommand::Release { order: order(1) }).then_expect_events(vec![]);
        given([]).when(BuyerCommand::Release { order: order(1) }).then_expect_events(vec![]);
    }

    fn given<const N: usize>(history: [BuyerEvent; N]) -> AggregateTestExecutor<Buyer> {
        TestFramework::with(()).given(history.into())
    }

    fn terms() -> Terms {
        Terms::granting(Reduction::Percent(1_000))
    }

    fn first() -> Terms {
        Terms { first_order_only: true, ..terms() }
    }

    fn place(id: u128, terms: Terms) -> BuyerCommand {
        BuyerCommand::Order { order: order(id), promos: vec![(code(), terms)] }
    }

    fn ordered(id: u128) -> BuyerEvent {
        BuyerEvent::Ordered { order: order(id), promos: vec![code()] }
    }

    fn settled(id: u128) -> BuyerEvent {
        BuyerEvent::Settled { order: order(id) }
    }

    fn released(id: u128) -> BuyerEvent {
        BuyerEvent::Released { order: order(id) }
    }

    fn code() -> PromoCode {
        PromoCode::parse("BIENVENUE10").unwrap()
    }

    fn order(id: u128) -> OrderId {
        OrderId(Uuid::from_u128(id))
    }
}
