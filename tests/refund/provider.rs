//! Stories of a provider that is asked again for what it gave back already.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use domain::{
    AttemptId, Line,
    order::{PaymentMethod, PaymentOutcome},
    ports::{Charge, Outcomes, Payments, Refund, Unanswered},
};
use tests::shop::HASTY;

use super::*;

/// Gives money back, and says so only when the line is whole.
#[derive(Default)]
struct Cut {
    whole: AtomicBool,
    asked: Mutex<Vec<Refund>>,
}

impl Cut {
    fn asked(&self) -> Vec<Refund> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Payments for Cut {
    fn name(&self) -> &'static str {
        HASTY.name()
    }

    fn accepts(&self, method: &PaymentMethod) -> bool {
        HASTY.accepts(method)
    }

    fn charge(&self, charge: Charge) -> Outcomes {
        HASTY.charge(charge)
    }

    fn acted(&self, attempt: AttemptId, approved: bool) -> Option<PaymentOutcome> {
        HASTY.acted(attempt, approved)
    }

    async fn refund(&self, refund: &Refund) -> Result<Line<200>, Unanswered> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(refund.clone());
        if self.whole.load(Ordering::Relaxed) {
            return HASTY.refund(refund).await;
        }
        Err(Unanswered("the line is cut".to_owned()))
    }
}

on_both! {
    async fn a_refund_under_way_is_taken_up_again_and_recorded_once(backend: Backend) {
        let payments = Arc::new(Cut::default());
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = bought(&shop, &product, 1).await;
        let before = shop.head();
        refund(&shop, &order, amount(500)).await.expect(StatusCode::CREATED);
        refund(&shop, &order, amount(600)).await.expect(StatusCode::CREATED);
        assert_eq!(shown(&shop, &order).await["refunds"][0].get("reference"), None);
        shop.reopen().await;
        payments.whole.store(true, Ordering::Relaxed);
        shop.wait_for_all("OrderRefundPaid", before, 2).await;
        shop.reopen().await;
        let types = shop.types_after(before).await;
        assert_eq!(types.iter().filter(|event_type| *event_type == "OrderRefundPaid").count(), 2);
        let asked = payments.asked();
        assert!(asked.len() > 2, "it was asked again");
        let mut keys: Vec<_> = asked.iter().map(|refund| (refund.key, refund.amount.amount)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 2, "each refund has one key, whoever asks how often");
        assert!(asked.iter().all(|refund| refund.attempt.0 != refund.key));
        let refunds = shown(&shop, &order).await["refunds"].clone();
        assert_ne!(refunds[0]["reference"], refunds[1]["reference"]);
        shop.close().await;
    }
}
