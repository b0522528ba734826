//! Nobody takes money: a real shop that has no payment provider yet. It knows no method, so nothing is ever asked of it.

use async_trait::async_trait;
use domain::{
    AttemptId, Line,
    order::{PaymentMethod, PaymentOutcome},
    ports::{Charge, Outcomes, Payments, Refund, Unanswered},
};
use futures::{StreamExt as _, future, stream};

/// No provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

#[async_trait]
impl Payments for Nobody {
    fn name(&self) -> &'static str {
        "—"
    }

    fn accepts(&self, _: &PaymentMethod) -> bool {
        false
    }

    fn charge(&self, _: Charge) -> Outcomes {
        stream::once(future::ready(Err(absent()))).boxed()
    }

    fn acted(&self, _: AttemptId, _: bool) -> Option<PaymentOutcome> {
        None
    }

    async fn refund(&self, _: &Refund) -> Result<Line<200>, Unanswered> {
        Err(absent())
    }
}

fn absent() -> Unanswered {
    Unanswered("no payment provider is configured".to_owned())
}
