//! A payment provider without money, an equal among the others: it needs no key and always does the same.
//!
//! | token | what it does |
//! | --- | --- |
//! | `sandbox_ok` | has the money |
//! | `sandbox_declined` | declines with `card_declined` |
//! | `sandbox_slow` | has the money, after a while |
//! | `sandbox_duplicate` | has the money, and says so three times |
//! | `sandbox_late_success` | declines, and has the money after a while |
//! | `sandbox_requires_action` | waits until the customer approved at the bank, or refused |

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    AttemptId, Line,
    order::{PaymentMethod, PaymentOutcome},
    ports::{Charge, Outcomes, Payments, Refund, Unanswered},
};
use futures::{FutureExt as _, StreamExt as _, future, stream};

const OK: &str = "sandbox_ok";
const DECLINED: &str = "sandbox_declined";
const SLOW: &str = "sandbox_slow";
const DUPLICATE: &str = "sandbox_duplicate";
const LATE_SUCCESS: &str = "sandbox_late_success";
const REQUIRES_ACTION: &str = "sandbox_requires_action";

/// The sandbox.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox {
    /// How long it takes where it takes a while.
    pub delay: Duration,
}

impl Default for Sandbox {
    /// Takes longer than a customer is kept waiting.
    fn default() -> Self {
        Self { delay: Duration::from_secs(3) }
    }
}

#[async_trait]
impl Payments for Sandbox {
    fn name(&self) -> &'static str {
        "Sandbox"
    }

    fn accepts(&self, method: &PaymentMethod) -> bool {
        [OK, DECLINED, SLOW, DUPLICATE, LATE_SUCCESS, REQUIRES_ACTION].contains(&method.as_str())
    }

    fn charge(&self, charge: Charge) -> Outcomes {
        let attempt = charge.attempt;
        let at_once = |outcome| stream::once(future::ready(outcome));
        let later = {
            let delay = self.delay;
            async move {
                tokio::time::sleep(delay).await;
                succeeded(attempt)
            }
            .into_stream()
        };
        match charge.method.as_str() {
            OK => at_once(succeeded(attempt)).boxed(),
            SLOW => later.boxed(),
            DUPLICATE => stream::repeat_with(move || succeeded(attempt)).take(3).boxed(),
            LATE_SUCCESS => at_once(declined("card_declined")).chain(later).boxed(),
            REQUIRES_ACTION => at_once(action_required()).boxed(),
            _ => at_once(declined("card_declined")).boxed(),
        }
    }

    fn acted(&self, attempt: AttemptId, approved: bool) -> Option<PaymentOutcome> {
        if approved { succeeded(attempt).ok() } else { declined("authentication_failed").ok() }
    }

    async fn refund(&self, refund: &Refund) -> Result<Line<200>, Unanswered> {
        word(&format!("sandbox-refund-{}", refund.key))
    }
}

fn succeeded(attempt: AttemptId) -> Result<PaymentOutcome, Unanswered> {
    Ok(PaymentOutcome::Succeeded { reference: word(&format!("sandbox-{attempt}"))? })
}

fn declined(reason: &str) -> Result<PaymentOutcome, Unanswered> {
    Ok(PaymentOutcome::Declined { reason: word(reason)? })
}

fn action_required() -> Result<PaymentOutcome, Unanswered> {
    Ok(PaymentOutcome::ActionRequired { action: word("authenticate")? })
}

fn word<const MAX: usize>(text: &str) -> Result<Line<MAX>, Unanswered> {
    Line::parse(text).map_err(|error| Unanswered(error.to_string()))
}
