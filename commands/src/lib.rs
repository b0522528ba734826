//! Everything that changes the shop.
//!
//! [`desk`] is how a change happens: load, decide, append. One file for each aggregate then says what can be done with
//! it, and by whom: [`shop`], [`product`], [`cart`], [`order`]. What the shop does by itself is in [`reactors`].

pub mod actor;
pub mod cart;
pub mod clock;
pub mod desk;
pub mod order;
pub mod product;
pub mod reactors;
pub mod shop;
pub mod tokens;

use std::{sync::Arc, time::Duration};

use domain::ports::Payments;
use store::{Log, StoreError, Vault};

pub use actor::{Actor, Context, RequestKey};
pub use clock::{Clock, ManualClock, SystemClock};
pub use desk::{CommandError, Desk, Done, Failure};

use crate::{cart::Carts, order::Orders, product::Products, reactors::Reactors, shop::Shops, tokens::Tokens};

/// How long the shop waits for people.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long an order waits for its money.
    pub order: Duration,
    /// How long a cart waits to be touched again.
    pub cart: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { order: Duration::from_mins(30), cart: Duration::from_hours(720) }
    }
}

/// The table of what can be done.
#[derive(Clone)]
pub struct Commands {
    /// With the shop itself.
    pub shop: Shops,
    /// With products.
    pub products: Products,
    /// With carts.
    pub carts: Carts,
    /// With orders.
    pub orders: Orders,
    desk: Desk,
}

impl Commands {
    /// Opens the desks on `log` and `vault`.
    pub async fn open(
        log: Log,
        vault: Vault,
        clock: Arc<dyn Clock>,
        payments: Arc<dyn Payments>,
        patience: Patience,
    ) -> Result<Self, StoreError> {
        let tokens = Tokens::open(&vault).await?;
        let desk = Desk::new(log, vault, clock);
        Ok(Self {
            shop: Shops::new(desk.clone()),
            products: Products::new(desk.clone()),
            carts: Carts::new(desk.clone(), tokens.clone()),
            orders: Orders::new(desk.clone(), tokens, payments, patience.order),
            desk,
        })
    }

    /// Starts what the shop does by itself: payments are taken, what is not paid expires.
    pub fn react(&self, patience: Patience) -> Reactors {
        let reactors = Reactors::new(self.desk.clone());
        reactors.start(reactors::TakePayments { orders: self.orders.clone() });
        reactors.start(reactors::ReturnPayments { orders: self.orders.clone() });
        reactors.start(reactors::ExpireOrders);
        reactors.start(reactors::ExpireCarts { after: patience.cart });
        reactors.keep_deadlines(self.orders.clone(), self.carts.clone());
        reactors.keep_house();
        reactors
    }

    /// The clock everything is decided by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.desk.clock()
    }

    /// Forgets what others have changed, for as long as the log is shared with other processes.
    pub async fn follow_others(&self) {
        self.desk.follow_others().await;
    }
}
