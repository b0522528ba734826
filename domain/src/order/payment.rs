//! The tries to pay an order, and what a provider says of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{OrderError, OrderEvent, Stage};
use crate::{AttemptId, BusinessDate, Line, Money, OrderId};

/// What pays: a token of the payment provider's, never a card number.
pub type PaymentMethod = Line<64>;

/// What a provider said of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// The money is there.
    Succeeded {
        /// The provider's name for the payment.
        reference: Line<200>,
    },
    /// There will be none.
    Declined {
        /// The provider's reason, a stable word.
        reason: Line<100>,
    },
    /// The customer must do something first, such as answer the bank.
    ActionRequired {
        /// What, a stable word.
        action: Line<100>,
    },
}

/// Why money goes back that is not owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefundReason {
    /// It came after the order had expired or was cancelled.
    Late,
    /// The order was paid already.
    Duplicate,
}

/// Why money that comes at this stage must go back, where it must.
pub(super) const fn surplus(stage: Stage) -> Option<RefundReason> {
    match stage {
        Stage::AwaitingPayment => None,
        Stage::Paid | Stage::Fulfilled | Stage::Refunded => Some(RefundReason::Duplicate),
        Stage::Expired | Stage::Cancelled => Some(RefundReason::Late),
    }
}

/// Every try to pay one order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Attempts {
    states: BTreeMap<AttemptId, Attempt>,
    /// The one whose money paid the order.
    paid_by: Option<AttemptId>,
    last_success: Option<AttemptId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Attempt {
    Pending,
    ActionRequired,
    Declined,
    Succeeded,
    Refunded,
}

impl Attempts {
    /// The one that is not settled yet.
    pub(super) fn pending(&self) -> Option<AttemptId> {
        let open = |state: &Attempt| matches!(state, Attempt::Pending | Attempt::ActionRequired);
        self.states.iter().find(|(_, state)| open(state)).map(|(attempt, _)| *attempt)
    }

    /// The one that waits for the customer.
    pub(super) fn awaited(&self) -> Option<AttemptId> {
        let waits = |(_, state): &(&AttemptId, &Attempt)| **state == Attempt::ActionRequired;
        self.states.iter().find(waits).map(|(attempt, _)| *attempt)
    }

    /// The one whose money paid the order.
    pub(super) const fn paid_by(&self) -> Option<AttemptId> {
        self.paid_by
    }

    pub(super) fn request(
        &self,
        order: OrderId,
        amount: Money,
        method: PaymentMethod,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        if self.pending().is_some() {
            return Err(OrderError::PaymentInProgress);
        }
        let number = u32::try_from(self.states.len()).unwrap_or(u32::MAX).saturating_add(1);
        let attempt = AttemptId::of_order(order, number);
        Ok(vec![OrderEvent::PaymentRequested { attempt, amount, method }])
    }

    /// What follows from `outcome`, when money that comes now must go back for the reason `surplus`.
    pub(super) fn record(
        &self,
        attempt: AttemptId,
        amount: Money,
        outcome: PaymentOutcome,
        on: BusinessDate,
        surplus: Option<RefundReason>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        use Attempt as Is;
        let state = self.states.get(&attempt).ok_or(OrderError::UnknownAttempt)?;
        match (state, outcome) {
            (Is::Pending | Is::ActionRequired | Is::Declined, PaymentOutcome::Succeeded { reference }) => Ok(vec![
                OrderEvent::PaymentSucceeded { attempt, amount, reference, on },
                match surplus {
                    None => OrderEvent::Paid { amount, on },
                    Some(reason) => OrderEvent::RefundRequested { attempt, amount, reason },
                },
            ]),
            (Is::Pending | Is::ActionRequired, PaymentOutcome::Declined { reason }) => {
                Ok(vec![OrderEvent::PaymentDeclined { attempt, reason }])
            }
            (Is::Pending, PaymentOutcome::ActionRequired { action }) => {
                Ok(vec![OrderEvent::PaymentActionRequired { attempt, action }])
            }
            // Told twice, or told of a decline after the money came: the first word stands.
            (Is::Succeeded | Is::Refunded, _)
            | (Is::Declined, PaymentOutcome::Declined { .. } | PaymentOutcome::ActionRequired { .. })
            | (Is::ActionRequired, PaymentOutcome::ActionRequired { .. }) => Ok(vec![]),
        }
    }

    pub(super) fn record_refund(
        &self,
        attempt: AttemptId,
        amount: Money,
        reference: Line<200>,
        on: BusinessDate,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        match self.states.get(&attempt) {
            Some(Attempt::Succeeded) => Ok(vec![OrderEvent::Refunded { attempt, amount, reference, on }]),
            Some(Attempt::Refunded) => Ok(vec![]),
            Some(Attempt::Pending | Attempt::ActionRequired | Attempt::Declined) | None => {
                Err(OrderError::UnknownAttempt)
            }
        }
    }

    pub(super) fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::PaymentRequested { attempt, .. } => self.mark(*attempt, Attempt::Pending),
            OrderEvent::PaymentActionRequired { attempt, .. } => self.mark(*attempt, Attempt::ActionRequired),
            OrderEvent::PaymentDeclined { attempt, .. } => self.mark(*attempt, Attempt::Declined),
            OrderEvent::PaymentSucceeded { attempt, .. } => {
                self.mark(*attempt, Attempt::Succeeded);
                self.last_success = Some(*attempt);
            }
            OrderEvent::Refunded { attempt, .. } => self.mark(*attempt, Attempt::Refunded),
            OrderEvent::Paid { .. } => self.paid_by = self.last_success,
            OrderEvent::Placed { .. }
            | OrderEvent::RefundRequested { .. }
            | OrderEvent::RefundGranted { .. }
            | OrderEvent::RefundPaid { .. }
            | OrderEvent::Expired
            | OrderEvent::Cancelled
            | OrderEvent::Fulfilled => {}
        }
    }

    fn mark(&mut self, attempt: AttemptId, state: Attempt) {
        self.states.insert(attempt, state);
    }
}
