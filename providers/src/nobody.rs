//! Nobody takes money: a real shop that has no payment provider yet. It knows no method, so nothing is ever asked of it.

use async_trait::async_trait;
use domain::{
    Line,
    order::{PaymentMethod, PaymentOutcome},
    ports::{Charge, Payments, Refund, Unanswered},
};

/// No provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

#[async_trait]
impl Payments for Nobody {
    fn accepts(&self, _: &PaymentMethod) -> bool {
        false
    }

    async fn charge(&self, _: &Charge) -> Result<PaymentOutcome, Unanswered> {
        Err(Unanswered("no payment provider is configured".to_owned()))
    }

    async fn refund(&self, _: &Refund) -> Result<Line<200>, Unanswered> {
        Err(Unanswered("no payment provider is configured".to_owned()))
    }
}
