//! A cart: what someone wants, until it becomes an order.
//!
//! It exists from the first thing that is put into it. It never knows prices that count: the price it remembers is the
//! one that was shown, so that a change can be told. Checked out or expired it is closed for ever.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{Money, OrderId, Personal, ProductId, Quantity, promo::PromoCode};

/// What may be asked of a cart.
#[derive(Debug, Clone)]
pub enum CartCommand {
    /// Put `quantity` more of a product in, at the price the customer was shown.
    Add { product: ProductId, quantity: Quantity, shown: Money },
    /// Have exactly `quantity` of a product that is in.
    ChangeQuantity { product: ProductId, quantity: Quantity },
    /// Take a product out.
    Remove { product: ProductId },
    /// Have a promo code taken off, as long as it goes.
    ApplyPromo { code: PromoCode },
    /// Have a promo code taken off no more.
    RemovePromo { code: PromoCode },
    /// Become `order`.
    CheckOut { order: OrderId },
    /// Close: nobody touched it for too long.
    Expire,
}

/// What has happened to a cart. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CartEvent {
    /// A product went in; `quantity` is how many are in now.
    ItemAdded { product: ProductId, quantity: Quantity, shown: Money },
    /// There are `quantity` of a product now.
    QuantityChanged { product: ProductId, quantity: Quantity },
    /// A product is out.
    ItemRemoved { product: ProductId },
    /// A promo code is to be taken off.
    PromoApplied { code: PromoCode },
    /// A promo code is to be taken off no more.
    PromoRemoved { code: PromoCode },
    /// It became an order.
    CheckedOut { order: OrderId },
    /// It was left behind.
    Expired,
}

/// Why a cart refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// Nothing is in it.
    #[error("the cart is empty")]
    Empty,
    /// The product is not in it.
    #[error("this product is not in the cart")]
    NotInCart,
    /// More of one product than a cart may hold.
    #[error("a cart holds at most {} of one product", Quantity::MAX)]
    TooMany,
    /// More products than a cart may hold.
    #[error("a cart holds at most {} products", Cart::MAX_LINES)]
    TooManyLines,
    /// The promo code is not in it.
    #[error("this promo code is not in the cart")]
    PromoNotInCart,
    /// More promo codes than a cart may hold.
    #[error("a cart holds at most {} promo codes", Cart::MAX_PROMOS)]
    TooManyPromos,
    /// It became an order.
    #[error("this cart has become an order")]
    CheckedOut { order: OrderId },
    /// It was left behind.
    #[error("this cart has expired")]
    Expired,
}

/// A cart as its events have left it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Cart {
    /// What is in it.
    Open(Contents),
    /// It became this order.
    CheckedOut { order: OrderId },
    /// Nobody touched it for too long.
    Expired,
}

/// What is in an open cart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Its products in the order they came, each with how many.
    pub lines: Vec<CartLine>,
    /// Its promo codes in the order they came.
    pub promos: Vec<PromoCode>,
}

/// One product of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// What.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
}

impl Default for Cart {
    fn default() -> Self {
        Self::Open(Contents::default())
    }
}

impl Cart {
    /// The most products one cart may hold.
    pub const MAX_LINES: usize = 500;
    /// The most promo codes one cart may hold.
    pub const MAX_PROMOS: usize = 5;

    /// What is in it, or why nothing can be done with it any more.
    pub fn contents(&self) -> Result<&Contents, CartError> {
        match self {
            Self::Open(contents) => Ok(contents),
            Self::CheckedOut { order } => Err(CartError::CheckedOut { order: *order }),
            Self::Expired => Err(CartError::Expired),
        }
    }

    fn decide(&self, command: CartCommand) -> Result<Vec<CartEvent>, CartError> {
        match (self, command) {
            (Self::CheckedOut { order }, CartCommand::CheckOut { order: asked }) if *order == asked => Ok(vec![]),
            (Self::CheckedOut { .. } | Self::Expired, CartCommand::Expire) => Ok(vec![]),
            (Self::CheckedOut { order }, _) => Err(CartError::CheckedOut { order: *order }),
            (Self::Expired, _) => Err(CartError::Expired),

            (Self::Open(contents), command) => contents.decide(command),
        }
    }
}

impl Contents {
    fn decide(&self, command: CartCommand) -> Result<Vec<CartEvent>, CartError> {
        let Self { lines, promos } = self;
        match command {
            CartCommand::Add { product, quantity, shown } => add(lines, product, quantity, shown),
            CartCommand::ChangeQuantity { product, quantity } => change(lines, product, quantity),
            CartCommand::Remove { product } if find(lines, product).is_none() => Err(CartError::NotInCart),
            CartCommand::Remove { product } => Ok(vec![CartEvent::ItemRemoved { product }]),

            CartCommand::ApplyPromo { code } if promos.contains(&code) => Ok(vec![]),
            CartCommand::ApplyPromo { .. } if promos.len() >= Cart::MAX_PROMOS => Err(CartError::TooManyPromos),
            CartCommand::ApplyPromo { code } => Ok(vec![CartEvent::PromoApplied { code }]),
            CartCommand::RemovePromo { code } if !promos.contains(&code) => Err(CartError::PromoNotInCart),
            CartCommand::RemovePromo { code } => Ok(vec![CartEvent::PromoRemoved { code }]),

            CartCommand::CheckOut { .. } if lines.is_empty() => Err(CartError::Empty),
            CartCommand::CheckOut { order } => Ok(vec![CartEvent::CheckedOut { order }]),
            CartCommand::Expire => Ok(vec![CartEvent::Expired]),
        }
    }
}

fn add(lines: &[CartLine], product: ProductId, more: Quantity, shown: Money) -> Result<Vec<CartEvent>, CartError> {
    let quantity = match find(lines, product) {
        Some(line) => line.quantity.plus(more).ok_or(CartError::TooMany)?,
        None if lines.len() >= Cart::MAX_LINES => return Err(CartError::TooManyLines),
        None => more,
    };
    Ok(vec![CartEvent::ItemAdded { product, quantity, shown }])
}

fn change(lines: &[CartLine], product: ProductId, quantity: Quantity) -> Result<Vec<CartEvent>, CartError> {
    match find(lines, product) {
        None => Err(CartError::NotInCart),
        Some(line) if line.quantity == quantity => Ok(vec![]),
        Some(_) => Ok(vec![CartEvent::QuantityChanged { product, quantity }]),
    }
}

fn find(lines: &[CartLine], product: ProductId) -> Option<&CartLine> {
    lines.iter().find(|line| line.product == product)
}

impl Aggregate for Cart {
    const TYPE: &'static str = "cart";
    type Command = CartCommand;
    type Event = CartEvent;
    type Error = CartError;
    type Services = ();

    async fn handle(&mut self, command: CartCommand, (): &(), sink: &EventSink<Self>) -> Result<(), CartError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: CartEvent) {
        match (&mut *self, event) {
            (_, CartEvent::CheckedOut { order }) => *self = Self::CheckedOut { order },
            (_, CartEvent::Expired) => *self = Self::Expired,
            (Self::Open(contents), event) => contents.apply(event),
            (Self::CheckedOut { .. } | Self::Expired, _) => {}
        }
    }
}

impl Contents {
    fn apply(&mut self, event: CartEvent) {
        match event {
            CartEvent::ItemAdded { product, quantity, .. } | CartEvent::QuantityChanged { product, quantity } => {
                match self.lines.iter_mut().find(|line| line.product == product) {
                    Some(line) => line.quantity = quantity,
                    None => self.lines.push(CartLine { product, quantity }),
                }
            }
            CartEvent::ItemRemoved { product } => self.lines.retain(|line| line.product != product),
            CartEvent::PromoApplied { code } => self.promos.push(code),
            CartEvent::PromoRemoved { code } => self.promos.retain(|known| *known != code),
            CartEvent::CheckedOut { .. } | CartEvent::Expired => {}
        }
    }
}

impl DomainEvent for CartEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::ItemAdded { .. } => "CartItemAdded",
            Self::QuantityChanged { .. } => "CartQuantityChanged",
            Self::ItemRemoved { .. } => "CartItemRemoved",
            Self::PromoApplied { .. } => "CartPromoApplied",
            Self::PromoRemoved { .. } => "CartPromoRemoved",
            Self::CheckedOut { .. } => "CartCheckedOut",
            Self::Expired => "CartExpired",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for CartEvent {}

#[cfg(test)]
mod tests {
    use cqrs_es::test::{AggregateTestExecutor, TestFramework};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn adding_again_adds_up() {
        given([]).when(add(1, 2)).then_expect_events(vec![added(1, 2)]);
        given([added(1, 2)]).when(add(1, 3)).then_expect_events(vec![added(1, 5)]);
    }

    #[test]
    fn a_cart_holds_so_many_and_no_more() {
        given([added(1, 9_999)]).when(add(1, 2)).then_expect_error(CartError::TooMany);
        let full: Vec<_> = (0..500).map(|product| added(product, 1)).collect();
        TestFramework::<Cart>::with(())
            .given(full.clone())
            .when(add(500, 1))
            .then_expect_error(CartError::TooManyLines);
        TestFramework::<Cart>::with(()).given(full).when(add(499, 1)).then_expect_events(vec![added(499, 2)]);
    }

    #[test]
    fn only_what_is_in_can_change_or_go() {
        given([]).when(change(1, 2)).then_expect_error(CartError::NotInCart);
        given([]).when(remove(1)).then_expect_error(CartError::NotInCart);
        given([added(1, 1)]).when(change(1, 1)).then_expect_events(vec![]);
        given([added(1, 1)]).when(change(1, 4)).then_expect_events(vec![changed(1, 4)]);
        given([added(1, 1)]).when(remove(1)).then_expect_events(vec![CartEvent::ItemRemoved { product: product(1) }]);
    }

    #[test]
    fn an_empty_cart_is_no_order() {
        given([added(1, 1), CartEvent::ItemRemoved { product: product(1) }])
            .when(check_out(1))
            .then_expect_error(CartError::Empty);
    }

    #[test]
    fn a_promo_code_is_in_or_out() {
        let code = |number: usize| PromoCode::parse(&format!("CODE{number}")).unwrap();
        let apply = |number| CartCommand::ApplyPromo { code: code(number) };
        let applied = |number| CartEvent::PromoApplied { code: code(number) };
        let remove = |number| CartCommand::RemovePromo { code: code(number) };
        given([]).when(apply(1)).then_expect_events(vec![applied(1)]);
        given([applied(1)]).when(apply(1)).then_expect_events(vec![]);
        given([applied(1)]).when(remove(1)).then_expect_events(vec![CartEvent::PromoRemoved { code: code(1) }]);
        given([applied(1)]).when(remove(2)).then_expect_error(CartError::PromoNotInCart);
        let full = std::array::from_fn::<_, 5, _>(applied);
        given(full).when(apply(5)).then_expect_error(CartError::TooManyPromos);
    }

    #[test]
    fn a_cart_becomes_one_order_and_is_closed_for_ever() {
        let closed = || [added(1, 1), CartEvent::CheckedOut { order: order(1) }];
        given([added(1, 1)]).when(check_out(1)).then_expect_events(vec![CartEvent::CheckedOut { order: order(1) }]);
        given(closed()).when(check_out(1)).then_expect_events(vec![]);
        given(closed()).when(check_out(2)).then_expect_error(CartError::CheckedOut { order: order(1) });
        given(closed()).when(add(1, 1)).then_expect_error(CartError::CheckedOut { order: order(1) });
        given(closed()).when(CartCommand::Expire).then_expect_events(vec![]);
    }

    #[test]
    fn a_cart_left_behind_is_closed() {
        given([added(1, 1)]).when(CartCommand::Expire).then_expect_events(vec![CartEvent::Expired]);
        given([added(1, 1), CartEvent::Expired]).when(add(1, 1)).then_expect_error(CartError::Expired);
    }

    fn given<const N: usize>(history: [CartEvent; N]) -> AggregateTestExecutor<Cart> {
        TestFramework::with(()).given(history.into())
    }

    fn add(id: u128, count: i64) -> CartCommand {
        CartCommand::Add { product: product(id), quantity: quantity(count), shown: Money::eur(1000) }
    }

    fn added(id: u128, count: i64) -> CartEvent {
        CartEvent::ItemAdded { product: product(id), quantity: quantity(count), shown: Money::eur(1000) }
    }

    fn change(id: u128, count: i64) -> CartCommand {
        CartCommand::ChangeQuantity { product: product(id), quantity: quantity(count) }
    }

    fn changed(id: u128, count: i64) -> CartEvent {
        CartEvent::QuantityChanged { product: product(id), quantity: quantity(count) }
    }

    fn remove(id: u128) -> CartCommand {
        CartCommand::Remove { product: product(id) }
    }

    fn check_out(id: u128) -> CartCommand {
        CartCommand::CheckOut { order: order(id) }
    }

    fn order(id: u128) -> OrderId {
        OrderId(Uuid::from_u128(id))
    }

    fn product(id: u128) -> ProductId {
        ProductId(Uuid::from_u128(id))
    }

    fn quantity(count: i64) -> Quantity {
        Quantity::parse(count).unwrap()
    }
}
