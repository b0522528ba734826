//! What is sold: the words an order is placed in.

use serde::{Deserialize, Serialize};

use crate::{
    BusinessDate, BuyerId, CartId, Contact, Line, Localized, Money, OrderId, ProductId, Quantity, Sealed, Slug,
    Timestamp, VatRate,
    pricing::{Discount, RateShare, Totals},
    product::Kind,
};

/// One product of an order, as it was when it was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What.
    pub product: ProductId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name.
    pub name: Localized<Line<200>>,
    /// What it physically is.
    pub kind: Kind,
    /// How many.
    pub quantity: Quantity,
    /// The price of one, VAT included.
    pub unit_price: Money,
    /// The VAT inside `unit_price`.
    pub vat_rate: VatRate,
    /// The price of all before discounts, VAT included.
    pub total: Money,
    /// What promo codes took off `total`.
    #[serde(default = "Money::nothing", skip_serializing_if = "Money::is_nothing")]
    pub discount: Money,
}

impl OrderLine {
    /// What is paid for all, VAT included.
    pub const fn paid(&self) -> Money {
        Money { amount: self.total.amount - self.discount.amount, ..self.total }
    }

    /// Whether the customer agreed to more than the sale when it was bought: what is handed over at once cannot be sent
    /// back for 14 days (Code de la consommation, art. L221-28, 13°).
    const fn starts_at_once(&self) -> bool {
        matches!(self.kind, Kind::Digital | Kind::Credits)
    }
}

/// How an order is shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// The way, as the shop's settings name it.
    pub method: Slug,
    /// The way, as customers read it.
    pub name: Localized<Line<100>>,
    /// What it costs, VAT included, by rate of VAT; nothing where it is free.
    pub by_rate: Vec<RateShare>,
}

/// What the customer agreed to when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    /// The version of the terms of sale.
    pub terms: Line<64>,
    /// That digital goods are handed over at once, and that the right of withdrawal ends with that (Code de la
    /// consommation, art. L221-28, 13°).
    pub immediate_start: bool,
}

/// Everything an order is placed with.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Its id.
    pub order: OrderId,
    /// The cart it was.
    pub cart: CartId,
    /// Who buys, as a keyed hash.
    pub buyer: BuyerId,
    /// Who buys.
    pub contact: Sealed<Contact>,
    /// What is bought, at the prices of this moment.
    pub lines: Vec<OrderLine>,
    /// What each promo code takes off.
    pub discounts: Vec<Discount>,
    /// How it is shipped, where there is something to ship.
    pub shipping: Option<Shipment>,
    /// What it comes to.
    pub totals: Totals,
    /// What the customer agrees to; `None` where that is nothing.
    pub consents: Option<Consents>,
    /// The day it counts for.
    pub on: BusinessDate,
    /// When it expires unless it is paid.
    pub expires_at: Timestamp,
}

impl Placement {
    /// Whether the customer must agree that something is handed over at once, and did not.
    pub(super) fn lacks_immediate_start(&self) -> bool {
        let agreed = self.consents.as_ref().is_some_and(|consents| consents.immediate_start);
        !agreed && self.lines.iter().any(OrderLine::starts_at_once)
    }
}
