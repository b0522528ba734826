//! Everything that changes the shop.
//!
//! [`desk`] is how a change happens: load, decide, append. One file for each aggregate then says what can be done with
//! it, and by whom: [`shop`], [`product`], [`promo`], [`cart`], [`order`], [`invoice`]. What the shop does by itself is in
//! [`reactors`]; how it trades is in [`trade`].

pub mod actor;
mod basket;
pub mod cart;
pub mod clock;
pub mod desk;
pub mod invoice;
pub mod order;
pub mod product;
pub mod promo;
pub mod reactors;
pub mod shop;
pub mod tokens;
pub mod trade;

use std::{sync::Arc, time::Duration};

use domain::ports::{Payments, Printer};
use store::{Archive, Log, StoreError, Vault};

pub use actor::{Actor, Context, RequestKey};
pub use clock::{Clock, ManualClock, SystemClock};
pub use desk::{CommandError, Desk, Done, Failure};

use crate::{
    cart::Carts, invoice::Invoices, order::Orders, product::Products, promo::Promos, reactors::Reactors, shop::Shops,
    tokens::Tokens, trade::Trade,
};

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

/// What the shop is opened with, besides its log and its vault.
pub struct Setting {
    /// The clock everything is decided by.
    pub clock: Arc<dyn Clock>,
    /// Who takes the money.
    pub payments: Arc<dyn Payments>,
    /// Who prints documents.
    pub printer: Arc<dyn Printer>,
    /// Where documents are kept.
    pub archive: Archive,
    /// How this shop trades.
    pub trade: Trade,
    /// How long the shop waits for people.
    pub patience: Patience,
}

/// The table of what can be done.
#[derive(Clone)]
pub struct Commands {
    /// With the shop itself.
    pub shop: Shops,
    /// With products.
    pub products: Products,
    /// With promo codes.
    pub promos: Promos,
    /// With carts.
    pub carts: Carts,
    /// With orders.
    pub orders: Orders,
    /// With invoices.
    pub invoices: Invoices,
    desk: Desk,
    trade: Arc<Trade>,
    patience: Patience,
}

impl Commands {
    /// Opens the desks on `log` and `vault`.
    pub async fn open(log: Log, vault: Vault, setting: Setting) -> Result<Self, StoreError> {
        let Setting { clock, payments, printer, archive, trade, patience } = setting;
        let tokens = Tokens::open(&vault).await?;
        let trade = Arc::new(trade);
        let desk = Desk::new(log, vault, clock);
        let payments_of = Arc::clone(&payments);
        let invoices = Invoices::new(desk.clone(), tokens.clone(), Arc::clone(&trade), payments_of, printer, archive);
        Ok(Self {
            shop: Shops::new(desk.clone()),
            products: Products::new(desk.clone()),
            promos: Promos::new(desk.clone(), tokens.clone(), Arc::clone(&trade)),
            carts: Carts::new(desk.clone(), tokens.clone(), Arc::clone(&trade)),
            orders: Orders::new(desk.clone(), tokens, payments, invoices.clone(), Arc::clone(&trade), patience.order),
            invoices,
            desk,
            trade,
            patience,
        })
    }

    /// Starts what the shop does by itself: payments are taken, what is not paid expires.
    pub fn react(&self) -> Reactors {
        let reactors = Reactors::new(self.desk.clone());
        reactors.start(reactors::TakePayments { orders: self.orders.clone() });
        reactors.start(reactors::ReturnPayments { orders: self.orders.clone() });
        reactors.start(reactors::PrintInvoices { invoices: self.invoices.clone() });
        reactors.start(reactors::ExpireOrders);
        reactors.start(reactors::ExpireCarts { after: self.patience.cart });
        reactors.keep_deadlines(self.orders.clone(), self.carts.clone());
        reactors.keep_house();
        reactors
    }

    /// How this shop trades.
    pub fn trade(&self) -> &Trade {
        &self.trade
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
