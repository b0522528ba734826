//! Every event of the shop, for those who read the whole log.

use cqrs_es::{Aggregate, DomainEvent};
use serde::de::DeserializeOwned;

use crate::{
    DomainError, Personal,
    buyer::{Buyer, BuyerEvent},
    cart::{Cart, CartEvent},
    invoice::{InvoiceEvent, InvoiceRecord},
    order::{Order, OrderEvent},
    product::{Product, ProductEvent},
    promo::{Promo, PromoEvent},
    register::{Register, RegisterEvent},
    reservation::{Reservation, ReservationEvent},
    sealed::SealedField,
    shop::{Shop, ShopEvent},
};

/// An event of any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Of a buyer.
    Buyer(BuyerEvent),
    /// Of a cart.
    Cart(CartEvent),
    /// Of an invoice or a credit note.
    Invoice(InvoiceEvent),
    /// Of an order.
    Order(OrderEvent),
    /// Of a product.
    Product(ProductEvent),
    /// Of a promo code.
    Promo(PromoEvent),
    /// Of a register of documents.
    Register(RegisterEvent),
    /// Of a key that only one may have.
    Reservation(ReservationEvent),
    /// Of the shop itself.
    Shop(ShopEvent),
}

impl Event {
    /// Reads a stored event. An unknown stream type, event type or schema is an error: nobody may skip what they do
    /// not understand.
    pub fn decode(stream_type: &str, event_type: &str, schema: u32, payload: &str) -> Result<Self, DomainError> {
        match stream_type {
            Buyer::TYPE => decode(event_type, schema, payload).map(Self::Buyer),
            Cart::TYPE => decode(event_type, schema, payload).map(Self::Cart),
            InvoiceRecord::TYPE => decode(event_type, schema, payload).map(Self::Invoice),
            Order::TYPE => decode(event_type, schema, payload).map(Self::Order),
            Product::TYPE => decode(event_type, schema, payload).map(Self::Product),
            Promo::TYPE => decode(event_type, schema, payload).map(Self::Promo),
            Register::TYPE => decode(event_type, schema, payload).map(Self::Register),
            Reservation::TYPE => decode(event_type, schema, payload).map(Self::Reservation),
            Shop::TYPE => decode(event_type, schema, payload).map(Self::Shop),
            _ => Err(DomainError(format!("no aggregate writes streams of the type {stream_type:?}"))),
        }
    }
}

impl Personal for Event {
    fn sealed_fields(&mut self) -> Vec<(&'static str, &mut dyn SealedField)> {
        match self {
            Self::Buyer(event) => event.sealed_fields(),
            Self::Cart(event) => event.sealed_fields(),
            Self::Invoice(event) => event.sealed_fields(),
            Self::Order(event) => event.sealed_fields(),
            Self::Product(event) => event.sealed_fields(),
            Self::Promo(event) => event.sealed_fields(),
            Self::Register(event) => event.sealed_fields(),
            Self::Reservation(event) => event.sealed_fields(),
            Self::Shop(event) => event.sealed_fields(),
        }
    }
}

/// Reads a stored event of one aggregate: the payload must be what its stored name and schema say.
pub fn decode<E: DomainEvent + DeserializeOwned>(
    event_type: &str,
    schema: u32,
    payload: &str,
) -> Result<E, DomainError> {
    let event: E = serde_json::from_str(payload)
        .map_err(|error| DomainError(format!("{event_type} has an unknown form: {error}")))?;
    if event.event_type() != event_type || event.event_version() != schema.to_string() {
        return Err(DomainError(format!("{event_type} of schema {schema} is not what its payload says")));
    }
    Ok(event)
}
