//! The shop itself: opened once, in one mode, with one currency, on one log.
//!
//! Its first event says what the log is for. A program that was started for something else is refused before it can
//! write: a demo never lands in the books of a real shop.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{Currency, LogId, Personal};

/// The id of the one shop in a log.
pub const SHOP: &str = "main";

/// Whether what is sold is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sample products and sandbox payments.
    Demo,
    /// A shop that sells.
    Live,
}

/// What may be asked of the shop.
#[derive(Debug, Clone)]
pub enum ShopCommand {
    /// Open it, or confirm that it was opened like this.
    Open { mode: Mode, currency: Currency, log: LogId },
}

/// What has happened to the shop. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShopEvent {
    /// The shop exists from here on.
    Opened { mode: Mode, currency: Currency, log: LogId },
}

/// Why the shop refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShopError {
    /// A demo was started on a real shop, or the other way round.
    #[error("this log belongs to a {is:?} shop, and the program was started for a {asked:?} one")]
    OtherMode { is: Mode, asked: Mode },
    /// The books are in another currency.
    #[error("this shop keeps its books in another currency")]
    OtherCurrency,
    /// The events came from another log.
    #[error("this shop was opened on another log")]
    OtherLog,
}

/// The shop as its events have left it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Shop {
    /// Nothing has been sold here yet, and nobody said what for.
    #[default]
    Unopened,
    /// What it was opened as.
    Open { mode: Mode, currency: Currency, log: LogId },
}

impl Shop {
    fn decide(&self, command: &ShopCommand) -> Result<Vec<ShopEvent>, ShopError> {
        let ShopCommand::Open { mode, currency, log } = *command;
        match self {
            Self::Unopened => Ok(vec![ShopEvent::Opened { mode, currency, log }]),
            Self::Open { mode: is, .. } if *is != mode => Err(ShopError::OtherMode { is: *is, asked: mode }),
            Self::Open { currency: is, .. } if *is != currency => Err(ShopError::OtherCurrency),
            Self::Open { log: is, .. } if *is != log => Err(ShopError::OtherLog),
            Self::Open { .. } => Ok(vec![]),
        }
    }
}

impl Aggregate for Shop {
    const TYPE: &'static str = "shop";
    type Command = ShopCommand;
    type Event = ShopEvent;
    type Error = ShopError;
    type Services = ();

    async fn handle(&mut self, command: ShopCommand, (): &(), sink: &EventSink<Self>) -> Result<(), ShopError> {
        for event in self.decide(&command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ShopEvent) {
        let ShopEvent::Opened { mode, currency, log } = event;
        *self = Self::Open { mode, currency, log };
    }
}

impl DomainEvent for ShopEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Opened { .. } => "ShopOpened",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for ShopEvent {}

#[cfg(test)]
mod tests {
    use cqrs_es::test::TestFramework;

    use super::*;

    #[test]
    fn a_shop_is_opened_once() {
        TestFramework::<Shop>::with(())
            .given_no_previous_events()
            .when(open(Mode::Demo, 1))
            .then_expect_events(vec![opened()]);
        TestFramework::<Shop>::with(()).given(vec![opened()]).when(open(Mode::Demo, 1)).then_expect_events(vec![]);
    }

    #[test]
    fn a_demo_is_never_a_real_shop() {
        TestFramework::<Shop>::with(())
            .given(vec![opened()])
            .when(open(Mode::Live, 1))
            .then_expect_error(ShopError::OtherMode { is: Mode::Demo, asked: Mode::Live });
    }

    #[test]
    fn a_shop_stays_on_its_log() {
        TestFramework::<Shop>::with(())
            .given(vec![opened()])
            .when(open(Mode::Demo, 2))
            .then_expect_error(ShopError::OtherLog);
    }

    fn open(mode: Mode, log: u128) -> ShopCommand {
        ShopCommand::Open { mode, currency: Currency::Eur, log: LogId(uuid::Uuid::from_u128(log)) }
    }

    fn opened() -> ShopEvent {
        ShopEvent::Opened { mode: Mode::Demo, currency: Currency::Eur, log: LogId(uuid::Uuid::from_u128(1)) }
    }
}
