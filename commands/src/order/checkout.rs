//! The moment in which a cart becomes an order.

use domain::{
    BuyerId, CartId, Contact, Line, Money, MoneyError, OrderId, ProductId, Sealed, Slug,
    buyer::{Buyer, BuyerCommand, BuyerError},
    cart::{Cart, CartCommand, CartError, Contents},
    order::{Consents, Order, OrderCommand, OrderError, Placement, Shipment},
    product::{Kind, ProductCommand, ProductError},
    promo::{PromoCode, PromoCommand, Terms},
};

use super::{Holdings, Orders};
use crate::{
    CommandError, Context, Done, Failure,
    basket::{Basket, BasketError, Priced},
    desk::{Member, Members, Work},
    promo::PromoRefusal,
    trade::{ShippingError, ShippingMethod},
};

/// A cart to be turned into an order, as its owner last saw it.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Which cart.
    pub cart: CartId,
    /// The version that was shown.
    pub cart_version: u64,
    /// The total that was shown, shipping and VAT included.
    pub expected_total: Money,
    /// Who buys.
    pub contact: Contact,
    /// How it is to be shipped.
    pub shipping: Option<Slug>,
    /// Whether the customer agrees to the terms of sale.
    pub accepts_terms: bool,
    /// Whether the customer agrees that digital goods are handed over at once.
    pub accepts_immediate_start: bool,
}

/// Why a cart does not become an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutError {
    /// The cart refuses.
    #[error(transparent)]
    Cart(#[from] CartError),
    /// The cart or a price is not what was shown.
    #[error("the cart is not what was shown")]
    CartChanged {
        /// What its version is.
        cart_version: u64,
        /// What it comes to.
        total: Money,
    },
    /// A product refuses.
    #[error("{error}")]
    Product {
        /// Which.
        product: ProductId,
        /// Why.
        error: ProductError,
    },
    /// A promo code refuses.
    #[error("{refusal}")]
    Promo {
        /// Which.
        code: PromoCode,
        /// Why.
        refusal: PromoRefusal,
    },
    /// It is not shipped like this.
    #[error(transparent)]
    Shipping(#[from] ShippingError),
    /// The sums do not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The order refuses.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The cart was changed while it was read: look again.
    #[error("the cart is being changed")]
    Moved,
}

impl From<BasketError> for CheckoutError {
    fn from(error: BasketError) -> Self {
        match error {
            BasketError::Product { product, error } => Self::Product { product, error },
            BasketError::Promo { code, refusal } => Self::Promo { code, refusal },
            BasketError::Money(error) => Self::Money(error),
        }
    }
}

impl From<BuyerError> for CheckoutError {
    fn from(error: BuyerError) -> Self {
        let (BuyerError::NotFirstOrder { code } | BuyerError::UsedUp { code }) = &error;
        Self::Promo { code: code.clone(), refusal: error.into() }
    }
}

/// Everything that a checkout is decided over.
struct Counter {
    cart: Member<Cart>,
    order: Member<Order>,
    basket: Basket,
    buyer: Member<Buyer>,
}

/// What is new about an order.
#[derive(Clone, Copy)]
struct Newcomer {
    order: OrderId,
    buyer: BuyerId,
}

impl Orders {
    /// Turns a cart into an order: the cart is closed, the stock and the promos are held and the order is placed, in one
    /// append. A cart that is an order already answers that order, whatever else is asked, unless the request's
    /// idempotency key stands for another request.
    pub async fn check_out(
        &self,
        context: &Context,
        checkout: &Checkout,
    ) -> Result<Done<OrderId>, CommandError<CheckoutError>> {
        const LOOKS: u32 = 8;
        for _ in 0..LOOKS {
            let seen = |cart: &Cart, version| (cart.contents().cloned(), version);
            let (contents, seen_version) = self.desk.read(checkout.cart, seen).await?;
            let contents = match contents {
                Ok(contents) => contents,
                Err(CartError::CheckedOut { order }) => {
                    if let Some(done) = self.desk.answered(context).await? {
                        return Ok(done);
                    }
                    // Another process may have placed it, and this one may not have heard how far the log is.
                    let position = self.desk.log().head().await.map_err(Failure::from)?.position;
                    return Ok(Done { value: order, position, replayed: true });
                }
                Err(error) => return Err(CommandError::Refused(error.into())),
            };
            match self.place(context, checkout, &contents, seen_version).await {
                Err(CommandError::Refused(CheckoutError::Moved)) => {}
                outcome => return outcome,
            }
        }
        Err(Failure::Contended.into())
    }

    async fn place(
        &self,
        context: &Context,
        checkout: &Checkout,
        contents: &Contents,
        seen_version: u64,
    ) -> Result<Done<OrderId>, CommandError<CheckoutError>> {
        let order = OrderId::of_cart(checkout.cart, checkout.cart_version);
        let buyer = self.tokens.buyer(&checkout.contact.email);
        self.desk.make_key(buyer).await?;
        let mut members = Members::default();
        let counter = Counter {
            cart: members.add(checkout.cart),
            order: members.add(order),
            basket: Basket::of(&mut members, contents),
            buyer: members.add(buyer),
        };
        self.desk
            .together(context, &members, |work| {
                if work.version(counter.cart) != seen_version {
                    return Err(CheckoutError::Moved);
                }
                self.decide(work, &counter, checkout, Newcomer { order, buyer })
            })
            .await
    }

    fn decide(
        &self,
        work: &mut Work,
        counter: &Counter,
        checkout: &Checkout,
        Newcomer { order, buyer }: Newcomer,
    ) -> Result<OrderId, CheckoutError> {
        if counter.basket.products.is_empty() {
            return Err(CartError::Empty.into());
        }
        let now = self.desk.now();
        let shipping = self.shipping(work, counter, checkout)?;
        let rate = shipping.map(|method| method.rate);
        let Priced { lines, quote } = counter.basket.price(work, &self.trade, now, rate)?;
        let cart_version = work.version(counter.cart);
        if cart_version != checkout.cart_version || quote.totals.total != checkout.expected_total {
            return Err(CheckoutError::CartChanged { cart_version, total: quote.totals.total });
        }
        work.send(counter.cart, CartCommand::CheckOut { order })?;
        for (line, product) in &counter.basket.products {
            let (price, vat_rate) = match work.state(*product).item() {
                Some(item) => (item.price, item.vat_rate),
                None => return Err(CheckoutError::Product { product: line.product, error: ProductError::Unknown }),
            };
            work.send(*product, ProductCommand::Reserve { order, quantity: line.quantity, price, vat_rate })
                .map_err(|error| CheckoutError::Product { product: line.product, error })?;
        }
        let promos = hold_promos(work, counter, order, &quote.discounts, now)?;
        work.send(counter.buyer, BuyerCommand::Order { order, promos })?;
        let placement = Placement {
            order,
            cart: checkout.cart,
            buyer,
            contact: Sealed::plain(buyer, checkout.contact.clone()),
            shipping: shipping.map(|method| shipment(method, &quote.shipping)),
            lines,
            discounts: quote.discounts,
            totals: quote.totals,
            consents: checkout.accepts_terms.then(|| Consents {
                terms: self.trade.terms.clone(),
                immediate_start: checkout.accepts_immediate_start,
            }),
            on: self.desk.today(),
            expires_at: now + self.patience,
        };
        work.send(counter.order, OrderCommand::Place(Box::new(placement)))?;
        let holdings = Holdings {
            goods: counter.basket.products.iter().map(|(line, product)| (line.product, *product)).collect(),
            promos: counter.basket.promos.iter().map(|(_, promo)| *promo).collect(),
            buyer: counter.buyer,
        };
        holdings.settle(work, counter.order, order); // What costs nothing is paid at once.
        Ok(order)
    }

    /// How the order is shipped, where there is something to ship.
    fn shipping(
        &self,
        work: &Work,
        counter: &Counter,
        checkout: &Checkout,
    ) -> Result<Option<&ShippingMethod>, ShippingError> {
        let physical =
            |product: &domain::product::Product| product.item().is_some_and(|item| item.kind == Kind::Physical);
        if !counter.basket.products.iter().any(|(_, product)| physical(work.state(*product))) {
            return Ok(None);
        }
        let address = checkout.contact.shipping.as_ref().unwrap_or(&checkout.contact.billing);
        let country: &Line<2> = &address.country;
        self.trade.shipping(checkout.shipping.as_ref(), country)
    }
}

/// Holds the promo codes of a basket for `order`, and answers what they grant.
fn hold_promos(
    work: &mut Work,
    counter: &Counter,
    order: OrderId,
    discounts: &[domain::pricing::Discount],
    at: domain::Timestamp,
) -> Result<Vec<(PromoCode, Terms)>, CheckoutError> {
    let mut promos = Vec::with_capacity(counter.basket.promos.len());
    for (code, promo) in &counter.basket.promos {
        let refuse = |refusal: PromoRefusal| CheckoutError::Promo { code: code.clone(), refusal };
        let terms = work.state(*promo).usable(at).cloned().map_err(|error| refuse(error.into()))?;
        let discount = discounts.iter().find(|discount| discount.code == *code);
        let discount = discount.map_or_else(Money::nothing, |discount| discount.amount);
        work.send(*promo, PromoCommand::Reserve { order, discount, at }).map_err(|error| refuse(error.into()))?;
        promos.push((code.clone(), terms));
    }
    Ok(promos)
}

fn shipment(method: &ShippingMethod, by_rate: &[domain::pricing::RateShare]) -> Shipment {
    Shipment { method: method.id.clone(), name: method.name.clone(), by_rate: by_rate.to_vec() }
}
