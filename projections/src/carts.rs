//! Read model `carts`: what is in every cart.

use domain::{CartId, Event, Money, OrderId, ProductId, Quantity, cart::CartEvent, promo::PromoCode};
use serde::{Deserialize, Serialize};

use crate::{Document, FoldError, OnPoison, QueryError, ReadModel, Table, Told};

/// A cart as its events have left it. What it costs is asked of the products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartView {
    /// Its version: what a checkout must name.
    pub version: u64,
    /// What is in it, in the order it came.
    pub lines: Vec<CartLineView>,
    /// Its promo codes, in the order they came.
    pub promos: Vec<PromoCode>,
    /// What became of it.
    pub state: CartState,
}

/// One product of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLineView {
    /// What.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// What one cost when it was put in.
    pub shown: Money,
}

/// What became of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum CartState {
    /// Things can be put in.
    Open,
    /// It became an order.
    CheckedOut {
        /// Which.
        order: OrderId,
    },
    /// It was left behind.
    Expired,
}

/// A row: the view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartRow {
    key: String,
    document: Document<CartView>,
}

impl Table<Carts> {
    /// A cart, where anything was ever put into it.
    pub async fn cart(&self, id: CartId) -> Result<Option<CartView>, QueryError> {
        Ok(self.find(&id.to_string()).await?.map(|row| row.document.0))
    }
}

/// The projection behind this query.
pub struct Carts;

impl ReadModel for Carts {
    const NAME: &'static str = "carts";
    const VERSION: u32 = 2;
    const DDL: &'static str = "create table {table} (key text primary key, document text not null)";
    const COLUMNS: &'static [&'static str] = &["key", "document"];
    const STREAMS: &'static [&'static str] = &["cart"];
    const ON_POISON: OnPoison = OnPoison::SetAside;
    type Row = CartRow;

    fn key(told: &Told<'_>) -> Option<String> {
        matches!(told.event, Event::Cart(_)).then(|| told.recorded.stream.id().to_owned())
    }

    fn fold(row: &mut Option<CartRow>, told: &Told<'_>) -> Result<(), FoldError> {
        let Event::Cart(event) = &told.event else { return Ok(()) };
        let mut view = match row.as_ref() {
            Some(row) => row.document.0.clone(),
            None => CartView { version: 0, lines: Vec::new(), promos: Vec::new(), state: CartState::Open },
        };
        view.version = told.recorded.version;
        match event.clone() {
            CartEvent::ItemAdded { product, quantity, shown } => match view.line(product) {
                Some(line) => *line = CartLineView { product, quantity, shown },
                None => view.lines.push(CartLineView { product, quantity, shown }),
            },
            CartEvent::QuantityChanged { product, quantity } => match view.line(product) {
                Some(line) => line.quantity = quantity,
                None => return Err(FoldError::NoRow),
            },
            CartEvent::ItemRemoved { product } => view.lines.retain(|line| line.product != product),
            CartEvent::PromoApplied { code } => view.promos.push(code),
            CartEvent::PromoRemoved { code } => view.promos.retain(|known| *known != code),
            CartEvent::CheckedOut { order } => view.state = CartState::CheckedOut { order },
            CartEvent::Expired => view.state = CartState::Expired,
        }
        *row = Some(CartRow { key: told.recorded.stream.id().to_owned(), document: Document(view) });
        Ok(())
    }
}

impl CartView {
    fn line(&mut self, product: ProductId) -> Option<&mut CartLineView> {
        self.lines.iter_mut().find(|line| line.product == product)
    }
}
