//! A payment provider without money, an equal among the others: it needs no key and always does the same.
//!
//! | token | what it does |
//! | --- | --- |
//! | `sandbox_ok` | has the money |
//! | `sandbox_declined` | declines with `card_declined` |

use async_trait::async_trait;
use domain::{
    Line,
    order::{PaymentMethod, PaymentOutcome},
    ports::{Charge, Payments, Refund, Unanswered},
};

const OK: &str = "sandbox_ok";
const DECLINED: &str = "sandbox_declined";

/// The sandbox.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sandbox;

#[async_trait]
impl Payments for Sandbox {
    fn accepts(&self, method: &PaymentMethod) -> bool {
        [OK, DECLINED].contains(&method.as_str())
    }

    async fn charge(&self, charge: &Charge) -> Result<PaymentOutcome, Unanswered> {
        match charge.method.as_str() {
            OK => Ok(PaymentOutcome::Succeeded { reference: word(&format!("sandbox-{}", charge.attempt))? }),
            _ => Ok(PaymentOutcome::Declined { reason: word("card_declined")? }),
        }
    }

    async fn refund(&self, refund: &Refund) -> Result<Line<200>, Unanswered> {
        word(&format!("sandbox-refund-{}", refund.attempt))
    }
}

fn word<const MAX: usize>(text: &str) -> Result<Line<MAX>, Unanswered> {
    Line::parse(text).map_err(|error| Unanswered(error.to_string()))
}
