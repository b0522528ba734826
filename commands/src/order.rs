//! What can be done with orders: checkout, payment, refund, and what becomes of them.

use std::{sync::Arc, time::Duration};

use domain::{
    AttemptId, Line, OrderId, ProductId, RefundId,
    buyer::Buyer,
    order::{Order, OrderCommand, OrderError, PaymentMethod, PaymentOutcome, Ties},
    ports::Payments,
    product::Product,
    promo::Promo,
};

use crate::{
    CommandError, Context, Desk, Done,
    desk::{Member, Members},
    invoice::Invoices,
    tokens::Tokens,
    trade::Trade,
};

mod checkout;
mod conclusion;
mod refund;

pub use checkout::{Checkout, CheckoutError};
pub use refund::{RefundError, RefundRequest};

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

/// Why what a customer did for a payment does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// Nothing was asked of the customer, or not here.
    #[error("the payment waits for nothing that could be done here")]
    NothingAsked,
    /// The order refuses.
    #[error(transparent)]
    Order(#[from] OrderError),
}

/// What an order holds elsewhere, as members of a command.
struct Holdings {
    goods: Vec<(ProductId, Member<Product>)>,
    promos: Vec<Member<Promo>>,
    buyer: Member<Buyer>,
}

impl Holdings {
    fn of(members: &mut Members, ties: &Ties) -> Self {
        Self {
            goods: ties.goods.iter().map(|product| (*product, members.add(product))).collect(),
            promos: ties.promos.iter().map(|code| members.add(code)).collect(),
            buyer: members.add(ties.buyer),
        }
    }
}

/// The order desk.
#[derive(Clone)]
pub struct Orders {
    desk: Desk,
    tokens: Tokens,
    payments: Arc<dyn Payments>,
    invoices: Invoices,
    trade: Arc<Trade>,
    patience: Duration,
}

impl Orders {
    pub(crate) fn new(
        desk: Desk,
        tokens: Tokens,
        payments: Arc<dyn Payments>,
        invoices: Invoices,
        trade: Arc<Trade>,
        patience: Duration,
    ) -> Self {
        Self { desk, tokens, payments, invoices, trade, patience }
    }

    /// The tokens with which guests read their orders.
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The provider that takes the money.
    pub fn payments(&self) -> &dyn Payments {
        &*self.payments
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

    /// Takes note that the customer did what the payment waits for, or refused to. Answers the attempt that waited.
    pub async fn act(
        &self,
        context: &Context,
        id: OrderId,
        approved: bool,
    ) -> Result<Done<AttemptId>, CommandError<ActError>> {
        let waits = self.desk.read(id, |order: &Order, _| order.awaited_attempt()).await?;
        let outcome = waits.and_then(|attempt| Some((attempt, self.payments.acted(attempt, approved)?)));
        let Some((attempt, outcome)) = outcome else {
            let answered = self.desk.answered(context).await?;
            return answered.ok_or(CommandError::Refused(ActError::NothingAsked));
        };
        let on = self.desk.today();
        let done = self.conclude(context, id, OrderCommand::RecordPayment { attempt, outcome, on }, attempt).await;
        done.map_err(|error| error.map(ActError::Order))
    }

    /// Takes note of what the provider said of an attempt; where that pays the order, the stock leaves, the promos are used
    /// and the invoice is issued. Safe to repeat.
    pub async fn record_payment(
        &self,
        context: &Context,
        id: OrderId,
        attempt: AttemptId,
        outcome: PaymentOutcome,
    ) -> Result<Done<()>, CommandError<OrderError>> {
        let on = self.desk.today();
        self.conclude(context, id, OrderCommand::RecordPayment { attempt, outcome, on }, ()).await
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

    /// Takes note that a refund reached its owner. Safe to repeat.
    pub async fn record_refund_paid(
        &self,
        context: &Context,
        id: OrderId,
        refund: RefundId,
        reference: Line<200>,
    ) -> Result<Done<()>, CommandError<OrderError>> {
        let on = self.desk.today();
        self.desk.send::<Order>(context, id, OrderCommand::RecordRefundPaid { refund, reference, on }).await
    }

    /// Closes an order that nobody paid in time, and gives back what it held. Safe to repeat.
    pub async fn expire(&self, context: &Context, id: OrderId) -> Result<Done<()>, CommandError<OrderError>> {
        self.conclude(context, id, OrderCommand::Expire, ()).await
    }

    /// Closes an order that nobody has paid for, and gives back what it held.
    pub async fn cancel(&self, context: &Context, id: OrderId) -> Result<Done<()>, CommandError<OrderError>> {
        self.conclude(context, id, OrderCommand::Cancel, ()).await
    }

    /// Says that everything was handed over. Staff only.
    pub async fn fulfil(&self, context: &Context, id: OrderId) -> Result<Done<()>, CommandError<OrderError>> {
        context.actor.must_be_staff()?;
        self.desk.send::<Order>(context, id, OrderCommand::Fulfil).await
    }
}

/// Says that something was held of a thing that refuses to know of it: that is a fault of the shop's, not of the order's.
fn fault(order: OrderId, error: &impl std::error::Error) {
    tracing::error!(%error, %order, "what an order held cannot be settled");
}
