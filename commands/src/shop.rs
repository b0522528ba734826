//! What can be done with the shop itself.

use cqrs_es::Aggregate as _;
use domain::{
    Currency, LogId,
    shop::{SHOP, Shop, ShopCommand, ShopError, ShopEvent},
};
use store::{Log, StreamName};

pub use domain::shop::Mode;

use crate::{Actor, CommandError, Context, Desk, Failure};

/// The shop's own desk.
#[derive(Clone)]
pub struct Shops {
    desk: Desk,
}

impl Shops {
    pub(crate) const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// Opens the shop in `mode`, or confirms that it was opened so. A log that belongs to another shop is refused.
    pub async fn open(&self, mode: Mode) -> Result<(), CommandError<ShopError>> {
        let log = LogId(self.desk.log().id());
        let command = ShopCommand::Open { mode, currency: Currency::Eur, log };
        self.desk.send::<Shop>(&Context::new(Actor::Shop), SHOP, command).await?;
        Ok(())
    }
}

/// What the shop on `log` was opened as, where it was.
pub async fn mode_of(log: &Log) -> Result<Option<Mode>, Failure> {
    let mut mode = None;
    for event in log.read_stream(&StreamName::new(Shop::TYPE, SHOP), 0, 1).await? {
        let ShopEvent::Opened { mode: opened, .. } =
            domain::event::decode(&event.event_type, event.schema, &event.payload)?;
        mode = Some(opened);
    }
    Ok(mode)
}
