//! A key that only one thing may have: a slug, later an e-mail address.
//!
//! The key itself is the id of the stream, so two claims of one key meet in one place, and the claim is appended
//! together with the event that needs it.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Personal, Slug};

/// The id of the reservation of a product's slug.
pub fn of_slug(slug: &Slug) -> String {
    format!("slug:{slug}")
}

/// What may be asked of a reservation.
#[derive(Debug, Clone)]
pub enum ReservationCommand {
    /// Take the key for `owner`.
    Claim { owner: Uuid },
    /// Give the key back, if `owner` has it.
    Release { owner: Uuid },
}

/// What has happened to a key. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReservationEvent {
    /// The key is `owner`'s from here on.
    Claimed { owner: Uuid },
    /// The key is free again.
    Released { owner: Uuid },
}

/// Why a reservation refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReservationError {
    /// Somebody else has it.
    #[error("this is already taken")]
    Taken,
}

/// A key as its events have left it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Reservation {
    /// Anybody may claim it.
    #[default]
    Free,
    /// Its owner has it.
    Held { owner: Uuid },
}

impl Reservation {
    fn decide(&self, command: &ReservationCommand) -> Result<Vec<ReservationEvent>, ReservationError> {
        match (self, command) {
            (Self::Free, ReservationCommand::Claim { owner }) => Ok(vec![ReservationEvent::Claimed { owner: *owner }]),
            (Self::Held { owner: held }, ReservationCommand::Claim { owner }) if held == owner => Ok(vec![]),
            (Self::Held { .. }, ReservationCommand::Claim { .. }) => Err(ReservationError::Taken),

            (Self::Held { owner: held }, ReservationCommand::Release { owner }) if held == owner => {
                Ok(vec![ReservationEvent::Released { owner: *owner }])
            }
            (_, ReservationCommand::Release { .. }) => Ok(vec![]),
        }
    }
}

impl Aggregate for Reservation {
    const TYPE: &'static str = "reservation";
    type Command = ReservationCommand;
    type Event = ReservationEvent;
    type Error = ReservationError;
    type Services = ();

    async fn handle(
        &mut self,
        command: ReservationCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), ReservationError> {
        for event in self.decide(&command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ReservationEvent) {
        *self = match event {
            ReservationEvent::Claimed { owner } => Self::Held { owner },
            ReservationEvent::Released { .. } => Self::Free,
        };
    }
}

impl DomainEvent for ReservationEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Claimed { .. } => "ReservationClaimed",
            Self::Released { .. } => "ReservationReleased",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for ReservationEvent {}

#[cfg(test)]
mod tests {
    use cqrs_es::test::{AggregateTestExecutor, TestFramework};

    use super::*;

    #[test]
    fn a_key_has_one_owner() {
        given([]).when(claim(1)).then_expect_events(vec![claimed(1)]);
        given([claimed(1)]).when(claim(1)).then_expect_events(vec![]);
        given([claimed(1)]).when(claim(2)).then_expect_error(ReservationError::Taken);
    }

    #[test]
    fn only_its_owner_gives_a_key_back() {
        given([claimed(1)]).when(release(2)).then_expect_events(vec![]);
        given([claimed(1)]).when(release(1)).then_expect_events(vec![released(1)]);
        given([claimed(1), released(1)]).when(claim(2)).then_expect_events(vec![claimed(2)]);
    }

    fn given<const N: usize>(history: [ReservationEvent; N]) -> AggregateTestExecutor<Reservation> {
        TestFramework::with(()).given(history.into())
    }

    fn claim(owner: u128) -> ReservationCommand {
        ReservationCommand::Claim { owner: Uuid::from_u128(owner) }
    }

    fn release(owner: u128) -> ReservationCommand {
        ReservationCommand::Release { owner: Uuid::from_u128(owner) }
    }

    fn claimed(owner: u128) -> ReservationEvent {
        ReservationEvent::Claimed { owner: Uuid::from_u128(owner) }
    }

    fn released(owner: u128) -> ReservationEvent {
        ReservationEvent::Released { owner: Uuid::from_u128(owner) }
    }
}
