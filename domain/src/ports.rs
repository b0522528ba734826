//! What the shop asks of the outside world. One adapter per file in the crate `providers`.

use async_trait::async_trait;
use futures::stream::BoxStream;
use uuid::Uuid;

use crate::{
    AttemptId, Line, Money, OrderId,
    invoice::Invoice,
    order::{PaymentMethod, PaymentOutcome},
};

/// A payment to be made.
#[derive(Debug, Clone)]
pub struct Charge {
    /// What for.
    pub order: OrderId,
    /// The try, and the provider's idempotency key: asked twice, charged once.
    pub attempt: AttemptId,
    /// How much.
    pub amount: Money,
    /// What pays.
    pub method: PaymentMethod,
}

/// A payment to be given back.
#[derive(Debug, Clone)]
pub struct Refund {
    /// What it was for.
    pub order: OrderId,
    /// The try that succeeded.
    pub attempt: AttemptId,
    /// The provider's idempotency key: asked twice, given back once.
    pub key: Uuid,
    /// How much.
    pub amount: Money,
}

/// The provider gave no answer; what it did is unknown. Ask again with the same idempotency key.
#[derive(Debug, thiserror::Error)]
#[error("the payment provider gave no answer: {0}")]
pub struct Unanswered(pub String);

/// What a provider says of a payment, as it comes: most say one thing, some change their mind. Asked again they say the
/// same again.
pub type Outcomes = BoxStream<'static, Result<PaymentOutcome, Unanswered>>;

/// Somebody who takes money for the shop.
#[async_trait]
pub trait Payments: Send + Sync + 'static {
    /// What customers call it, on their documents.
    fn name(&self) -> &'static str;

    /// Whether `method` is a token of this provider's.
    fn accepts(&self, method: &PaymentMethod) -> bool;

    /// Takes the money, or says why not. Safe to repeat.
    fn charge(&self, charge: Charge) -> Outcomes;

    /// What comes of a payment for which the customer had to do something, and did it or refused. `None` where the provider
    /// asks on a page of its own and tells the shop by itself.
    fn acted(&self, attempt: AttemptId, approved: bool) -> Option<PaymentOutcome>;

    /// Gives the money back and answers the provider's name for that. Safe to repeat.
    async fn refund(&self, refund: &Refund) -> Result<Line<200>, Unanswered>;
}

/// A document could not be printed, and never will be.
#[derive(Debug, thiserror::Error)]
#[error("a document cannot be printed: {0}")]
pub struct Unprintable(pub String);

/// Somebody who prints documents.
pub trait Printer: Send + Sync + 'static {
    /// The PDF of `invoice`. The same invoice is always the same bytes.
    fn print(&self, invoice: &Invoice) -> Result<Vec<u8>, Unprintable>;
}
