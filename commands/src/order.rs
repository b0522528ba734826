//! What can be done with orders: checkout, payment, and what becomes of them.

use std::{sync::Arc, time::Duration};

use domain::{
    AttemptId, BuyerId, CartId, Contact, Line, Money, OrderId, ProductId, Sealed,
    cart::{Cart, CartCommand, CartError, CartLine},
    order::{Order, OrderCommand, OrderError, OrderLine, PaymentMethod, PaymentOutcome, Placement, Stage},
    ports::Payments,
    pricing::{self, PricedLine, PricingError, Totals},
    product::{Product, ProductCommand, ProductError},
};

use crate::{
    CommandError, Context, Desk, Done, Failure,
    desk::{Member, Members, Work},
    tokens::Tokens,
};

/// A cart to be turned into an order, as its owner last saw it.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Which cart.
    pub cart: CartId,
    /// The version that was shown.
    pub cart_version: u64,
    /// The total that was shown, VAT included.
    pub expected_total: Money,
    /// Who buys.
    pub contact: Contact,
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
    /// The sums do not fit.
    #[error(transparent)]
    Pricing(#[from] PricingError),
    /// The order refuses.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The cart was changed while it was read: look again.
    #[error("the cart is being changed")]
    Moved,
}

/// Why an order is not paid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// No provider knows the method.
    #[error("no payment provider knows this method")]
    UnknownMethod,
    /// The order refuses.
    #[error(transparent)]
    Order(#[from] OrderError),
}

/// What pays for a cart: its products, locked together with it.
struct Counter {
    cart: Member<Cart>,
    order: Member<Order>,
    products: Vec<(CartLine, Member<Product>)>,
}

/// The order desk.
#[derive(Clone)]
pub struct Orders {
    desk: Desk,
    tokens: Tokens,
    payments: Arc<dyn Payments>,
    patience: Duration,
}

impl Orders {
    pub(crate) fn new(desk: Desk, tokens: Tokens, payments: Arc<dyn Payments>, patience: Duration) -> Self {
        Self { desk, tokens, payments, patience }
    }

    /// The tokens with which guests read their orders.
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The provider that takes the money.
    pub fn payments(&self) -> &dyn Payments {
        &*self.payments
    }

    /// Turns a cart into an order: the cart is closed, the stock is held and the order is placed, in one append. A cart
    /// that is an order already answers that order, whatever else is asked, unless the request's idempotency key stands
    /// for another request.
    pub async fn check_out(
        &self,
        context: &Context,
        checkout: &Checkout,
    ) -> Result<Done<OrderId>, CommandError<CheckoutError>> {
        const LOOKS: u32 = 8;
        for _ in 0..LOOKS {
            let seen = |cart: &Cart, version| (cart.lines().map(<[CartLine]>::to_vec), version);
            let (lines, seen_version) = self.desk.read(checkout.cart, seen).await?;
            let lines = match lines {
                Ok(lines) => lines,
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
            match self.place(context, checkout, &lines, seen_version).await {
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
        lines: &[CartLine],
        seen_version: u64,
    ) -> Result<Done<OrderId>, CommandError<CheckoutError>> {
        let id = OrderId::of_cart(checkout.cart, checkout.cart_version);
        let buyer = self.tokens.buyer(&checkout.contact.email);
        self.desk.make_key(buyer).await?;
        let mut members = Members::default();
        let counter = Counter {
            cart: members.add(checkout.cart),
            order: members.add(id),
            products: lines.iter().map(|line| (*line, members.add(line.product))).collect(),
        };
        self.desk
            .together(context, &members, |work| {
                if work.version(counter.cart) != seen_version {
                    return Err(CheckoutError::Moved);
                }
                self.decide(work, &counter, checkout, id, buyer)
            })
            .await
    }

    fn decide(
        &self,
        work: &mut Work,
        counter: &Counter,
        checkout: &Checkout,
        id: OrderId,
        buyer: BuyerId,
    ) -> Result<OrderId, CheckoutError> {
        let (lines, totals) = counter.price(work)?;
        let cart_version = work.version(counter.cart);
        if cart_version != checkout.cart_version || totals.total != checkout.expected_total {
            return Err(CheckoutError::CartChanged { cart_version, total: totals.total });
        }
        work.send(counter.cart, CartCommand::CheckOut { order: id })?;
        for ((line, product), priced) in counter.products.iter().zip(&lines) {
            let (quantity, price, vat_rate) = (line.quantity, priced.unit_price, priced.vat_rate);
            work.send(*product, ProductCommand::Reserve { order: id, quantity, price, vat_rate })
                .map_err(|error| CheckoutError::Product { product: line.product, error })?;
        }
        let placement = Placement {
            order: id,
            cart: checkout.cart,
            buyer,
            contact: Sealed::plain(buyer, checkout.contact.clone()),
            lines,
            totals,
            on: self.desk.today(),
            expires_at: self.desk.now() + self.patience,
        };
        work.send(counter.order, OrderCommand::Place(Box::new(placement)))?;
        let goods: Vec<Member<Product>> = counter.products.iter().map(|(_, product)| *product).collect();
        move_stock(work, counter.order, id, &goods); // What costs nothing is paid at once.
        Ok(id)
    }

    /// Asks the provider for the money. Answers the attempt that is now under way: a second click joins the first.
    pub async fn pay(
        &self,
        context: &Context,
        id: OrderId,
        method: PaymentMethod,
    ) -> Result<Done<AttemptId>, CommandError<PayError>> {
        if !self.payments.accepts(&method) {
            return Err(CommandError::Refused(PayError::UnknownMethod));
        }
        let mut members = Members::default();
        let order = members.add::<Order>(id);
        self.desk
            .together(context, &members, |work| {
                match work.send(order, OrderCommand::RequestPayment { method: method.clone() }) {
                    Ok(()) | Err(OrderError::PaymentInProgress) => {}
                    Err(error) => return Err(error.into()),
                }
                Ok(work.state(order).pending_attempt().ok_or(OrderError::PaymentInProgress)?)
            })
            .await
    }

    /// Takes note of what the provider said of an attempt, and lets the stock leave where that pays the order. Safe to
    /// repeat.
    pub async fn record_payment(
        &self,
        context: &Context,
        id: OrderId,
        attempt: AttemptId,
        outcome: PaymentOutcome,
    ) -> Result<Done<()>, CommandError<OrderError>> {
        let on = self.desk.today();
        self.conclude(context, id, OrderCommand::RecordPayment { attempt, outcome, on }).await
    }

    /// Takes note that the money of an attempt went back. Safe to repeat.
    pub async fn record_refund(
        &self,
        context: &Context,
        id: OrderId,
        attempt: AttemptId,
        reference: Line<200>,
    ) -> Result<Done<()>, CommandError<OrderError>> {
        let on = self.desk.today();
        self.desk.send::<Order>(context, id, OrderCommand::RecordRefund { attempt, reference, on }).await
    }

    /// Closes an order that nobody paid in time, and gives its stock back. Safe to repeat.
    pub async fn expire(&self, context: &Context, id: OrderId) -> Result<Done<()>, CommandError<OrderError>> {
        self.conclude(context, id, OrderCommand::Expire).await
    }

    /// Closes an order that nobody has paid for, and gives its stock back.
    pub async fn cancel(&self, context: &Context, id: OrderId) -> Result<Done<()>, CommandError<OrderError>> {
        self.conclude(context, id, OrderCommand::Cancel).await
    }

    /// Says that everything was handed over. Staff only.
    pub async fn fulfil(&self, context: &Context, id: OrderId) -> Result<Done<()>, CommandError<OrderError>> {
        context.actor.must_be_staff()?;
        self.desk.send::<Order>(context, id, OrderCommand::Fulfil).await
    }

    /// Asks an order something that may end its wait for money, and does with its stock what follows, in one append.
    async fn conclude(
        &self,
        context: &Context,
        id: OrderId,
        command: OrderCommand,
    ) -> Result<Done<()>, CommandError<OrderError>> {
        const LOOKS: u32 = 8;
        for _ in 0..LOOKS {
            let seen = self.desk.read(id, |order: &Order, _| order.goods().to_vec()).await?;
            let mut members = Members::default();
            let order = members.add::<Order>(id);
            let goods: Vec<Member<Product>> = seen.iter().map(|product| members.add(*product)).collect();
            let outcome = self
                .desk
                .together(context, &members, |work| {
                    if work.state(order).goods() != seen {
                        return Err(None); // It was placed meanwhile, and its goods are not locked.
                    }
                    let waited = work.state(order).stage() == Some(Stage::AwaitingPayment);
                    work.send(order, command.clone()).map_err(Some)?;
                    if waited {
                        move_stock(work, order, id, &goods);
                    }
                    Ok(())
                })
                .await;
            match outcome {
                Err(CommandError::Refused(None)) => {}
                Err(CommandError::Refused(Some(refusal))) => {
                    return Err(CommandError::Refused(refusal));
                }
                Err(CommandError::Forbidden(error)) => return Err(error.into()),
                Err(CommandError::Failed(failure)) => return Err(failure.into()),
                Ok(done) => return Ok(done),
            }
        }
        Err(Failure::Contended.into())
    }
}

/// Lets the stock of an order leave where it is paid, and come back where it fell through. A product that holds nothing
/// for the order has nothing to do.
fn move_stock(work: &mut Work, order: Member<Order>, id: OrderId, goods: &[Member<Product>]) {
    let command = match work.state(order).stage() {
        Some(Stage::Paid) => ProductCommand::Commit { order: id },
        Some(Stage::Expired | Stage::Cancelled) => ProductCommand::Release { order: id },
        Some(Stage::AwaitingPayment | Stage::Fulfilled) | None => return,
    };
    for product in goods {
        if let Err(error) = work.send(*product, command.clone()) {
            tracing::error!(%error, order = %id, "stock was held of a product that does not exist");
        }
    }
}

impl Counter {
    /// The lines of the order at the prices of this moment, and what they come to.
    fn price(&self, work: &Work) -> Result<(Vec<OrderLine>, Totals), CheckoutError> {
        let mut lines = Vec::with_capacity(self.products.len());
        for (line, product) in &self.products {
            let item = work
                .state(*product)
                .for_sale()
                .map_err(|error| CheckoutError::Product { product: line.product, error })?;
            lines.push(OrderLine {
                product: line.product,
                slug: item.slug.clone(),
                name: item.description.name.clone(),
                kind: item.kind,
                quantity: line.quantity,
                unit_price: item.price,
                vat_rate: item.vat_rate,
                total: item.price.times(line.quantity.get()).map_err(PricingError::from)?,
            });
        }
        let priced: Vec<PricedLine> = lines
            .iter()
            .map(|line| PricedLine { unit_price: line.unit_price, quantity: line.quantity, vat_rate: line.vat_rate })
            .collect();
        let totals = pricing::price(&priced, Money::eur(0))?;
        Ok((lines, totals))
    }
}
