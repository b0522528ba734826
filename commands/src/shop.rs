//! What can be done with the shop itself.

use domain::{
    Currency, LogId,
    shop::{SHOP, Shop, ShopCommand, ShopError},
};

pub use domain::shop::Mode;

use crate::{Actor, CommandError, Context, Desk};

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

    /// What the shop was opened as, where it was.
    pub async fn mode(&self) -> Result<Option<Mode>, crate::Failure> {
        let mode = |shop: &Shop, _| match shop {
            Shop::Unopened => None,
            Shop::Open { mode, .. } => Some(*mode),
        };
        self.desk.read(SHOP, mode).await
    }
}
