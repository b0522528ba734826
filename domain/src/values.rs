//! The words every rule is written in: parsed once at the edge, then trusted.
//!
//! Deserializing does not parse again: what was stored under an older rule must stay readable for ever.

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod business;
mod contact;
mod money;
mod text;

pub use business::{Business, Seller, Siren, VatNumber, VatRegime};
pub use contact::{Address, Contact, Email};
pub use money::{Currency, Money, MoneyError, VatRate};
pub use text::{Language, Line, Localized, Prose, Slug, TextError};

/// A moment, in UTC, with microseconds.
pub type Timestamp = DateTime<Utc>;

/// A calendar day of the shop (Europe/Paris), as days and years are counted in its books.
pub type BusinessDate = NaiveDate;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

id!(
    /// A product. `UUIDv7`.
    ProductId
);
id!(
    /// A cart: `UUIDv5` of its token, so that the token is never stored and still finds its cart.
    CartId
);
id!(
    /// An order: `UUIDv5` of its cart and the cart's version, so that one cart becomes one order.
    OrderId
);
id!(
    /// One try to pay an order.
    AttemptId
);
id!(
    /// A person who buys, as a keyed hash of the e-mail address.
    BuyerId
);
id!(
    /// Whose key seals a value: a person's, or that of a fiscal year for what the law wants kept.
    SubjectId
);
id!(
    /// One return of money that the shop granted.
    RefundId
);
id!(
    /// An invoice or a credit note: `UUIDv5` of the order or of the refund it is for, so that there is one of it.
    InvoiceId
);
id!(
    /// A log, drawn when its store is made.
    LogId
);

impl OrderId {
    /// The order that `cart` at `version` becomes, whoever asks and however often.
    pub fn of_cart(cart: CartId, version: u64) -> Self {
        Self(Uuid::new_v5(&cart.0, &version.to_be_bytes()))
    }
}

impl AttemptId {
    /// The `number`th try to pay `order`, counted from 1.
    pub fn of_order(order: OrderId, number: u32) -> Self {
        Self(Uuid::new_v5(&order.0, &number.to_be_bytes()))
    }
}

impl From<BuyerId> for SubjectId {
    fn from(buyer: BuyerId) -> Self {
        Self(buyer.0)
    }
}

impl SubjectId {
    /// The fiscal year `on` is in: what is sealed for it can be read until its key is dropped, ten years after its end
    /// (Code de commerce, art. L123-22).
    pub fn fiscal_year(on: BusinessDate) -> Self {
        const YEARS: Uuid = Uuid::from_u128(0x6e2d_1f80_43cb_4b0a_9a57_7d0c_2be9_41f3);
        Self(Uuid::new_v5(&YEARS, &on.year().to_be_bytes()))
    }
}

impl RefundId {
    /// The `number`th refund of `order`, counted from 1.
    pub fn of_order(order: OrderId, number: u32) -> Self {
        const REFUNDS: Uuid = Uuid::from_u128(0x1b0e_6a52_87d5_4b3c_9d11_c0a7_34e0_58d2);
        Self(Uuid::new_v5(&Uuid::new_v5(&REFUNDS, order.0.as_bytes()), &number.to_be_bytes()))
    }
}

impl InvoiceId {
    /// The invoice of `order`.
    pub fn of_order(order: OrderId) -> Self {
        Self(Uuid::new_v5(&order.0, b"invoice"))
    }

    /// The credit note of `refund`.
    pub fn of_refund(refund: RefundId) -> Self {
        Self(Uuid::new_v5(&refund.0, b"credit note"))
    }
}

impl CartId {
    /// The cart that `token` (128 random bits) opens.
    pub fn of_token(token: &[u8; 16]) -> Self {
        const CARTS: Uuid = Uuid::from_u128(0x5d1c_7bb1_94f5_4c1e_8a37_2f0e_6d11_90aa);
        Self(Uuid::new_v5(&CARTS, token))
    }
}

/// How many of something: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    /// The most of one product that one cart may hold.
    pub const MAX: u32 = 10_000;

    /// `count`, if it is 1 to 10,000.
    pub fn parse(count: i64) -> Option<Self> {
        u32::try_from(count).ok().filter(|count| (1..=Self::MAX).contains(count)).map(Self)
    }

    /// This many and `more`, if that is not too many.
    pub fn plus(self, more: Self) -> Option<Self> {
        Self::parse(i64::from(self.0) + i64::from(more.0))
    }

    /// The count.
    pub fn get(self) -> u32 {
        self.0
    }
}
