//! A payment provider that does what the payment method says.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{
    AttemptId, Line,
    order::{PaymentMethod, PaymentOutcome},
    ports::{Charge, Outcomes, Payments, Refund, Unanswered},
};
use futures::{FutureExt as _, StreamExt as _, future, stream};
use tokio::sync::watch;

/// The methods: `ok`, `declined`, `held` (until [`Script::release`], then the money is there) and `unanswered-N` (N times,
/// then the money is there).
#[derive(Debug)]
pub(super) struct Script {
    released: watch::Sender<bool>,
    seen: Mutex<Seen>,
}

/// What the provider was asked, by attempt.
#[derive(Debug, Default)]
struct Seen {
    charges: HashMap<AttemptId, u32>,
    refunds: HashSet<AttemptId>,
}

impl Script {
    pub(super) fn new() -> Self {
        Self { released: watch::Sender::new(false), seen: Mutex::default() }
    }

    /// Lets the money of every held attempt come.
    pub(super) fn release(&self) {
        self.released.send_replace(true);
    }

    /// How often the provider was asked for the money of `attempt`.
    pub(super) fn charges(&self, attempt: AttemptId) -> u32 {
        self.seen().charges.get(&attempt).copied().unwrap_or(0)
    }

    /// Whether the money of `attempt` went back.
    pub(super) fn refunded(&self, attempt: AttemptId) -> bool {
        self.seen().refunds.contains(&attempt)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, attempt: AttemptId) -> u32 {
        let mut seen = self.seen();
        let count = seen.charges.entry(attempt).or_default();
        *count += 1;
        *count
    }
}

#[async_trait]
impl Payments for Script {
    fn name(&self) -> &'static str {
        "Script"
    }

    fn accepts(&self, method: &PaymentMethod) -> bool {
        let method = method.as_str();
        ["ok", "declined", "held"].contains(&method) || method.starts_with("unanswered-")
    }

    fn charge(&self, charge: Charge) -> Outcomes {
        let asked = self.count(charge.attempt);
        let succeeded = || PaymentOutcome::Succeeded { reference: reference("paid", charge.attempt) };
        let say = |outcome| stream::once(future::ready(outcome)).boxed();
        match charge.method.as_str() {
            "declined" => say(Ok(PaymentOutcome::Declined { reason: Line::parse("no-funds").unwrap() })),
            "held" => {
                let (mut released, outcome) = (self.released.subscribe(), succeeded());
                async move {
                    released.wait_for(|released| *released).await.unwrap();
                    Ok(outcome)
                }
                .into_stream()
                .boxed()
            }
            method => {
                let silent = method.strip_prefix("unanswered-").map(|times| times.parse().unwrap());
                if asked <= silent.unwrap_or(0) {
                    return say(Err(Unanswered("nobody is there".to_owned())));
                }
                say(Ok(succeeded()))
            }
        }
    }

    fn acted(&self, _: AttemptId, _: bool) -> Option<PaymentOutcome> {
        None
    }

    async fn refund(&self, refund: &Refund) -> Result<Line<200>, Unanswered> {
        self.seen().refunds.insert(refund.attempt);
        Ok(reference("returned", refund.attempt))
    }
}

/// The provider's name for what it did.
pub(super) fn reference(what: &str, attempt: AttemptId) -> Line<200> {
    Line::parse(&format!("{what} {attempt}")).unwrap()
}
