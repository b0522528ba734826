//! A payment provider that a story holds back: it hears everything, and answers when it may.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    AttemptId, Line,
    order::{PaymentMethod, PaymentOutcome},
    ports::{Charge, Outcomes, Payments, Refund, Unanswered},
};
use futures::{FutureExt as _, StreamExt as _, future, stream};
use providers::Sandbox;
use tokio::sync::watch;

/// The sandbox behind a door.
pub struct Held {
    may_answer: watch::Sender<bool>,
    unanswered: AtomicU32,
    charges: Mutex<Vec<Charge>>,
    refunds: Mutex<Vec<Refund>>,
}

impl Held {
    /// Answers at once, until it is held.
    pub fn open() -> Arc<Self> {
        Arc::new(Self {
            may_answer: watch::channel(true).0,
            unanswered: AtomicU32::new(0),
            charges: Mutex::default(),
            refunds: Mutex::default(),
        })
    }

    /// Answers nobody until it is released.
    pub fn closed() -> Arc<Self> {
        let payments = Self::open();
        payments.hold();
        payments
    }

    /// From now on nobody is answered.
    pub fn hold(&self) {
        self.may_answer.send_replace(false);
    }

    /// Answers everybody who waits, and everybody who asks from now on.
    pub fn release(&self) {
        self.may_answer.send_replace(true);
    }

    /// The next `times` charges get no answer.
    pub fn fail(&self, times: u32) {
        self.unanswered.store(times, Ordering::Relaxed);
    }

    /// Every charge that was asked for, repeated ones too.
    pub fn charges(&self) -> Vec<Charge> {
        self.charges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every refund that was asked for, repeated ones too.
    pub fn refunds(&self) -> Vec<Refund> {
        self.refunds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `count` charges were asked for.
    pub async fn wait_for_charges(&self, count: usize) {
        for _ in 0..600 {
            if self.charges().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("only {} of {count} charges were asked for", self.charges().len());
    }
}

/// What stands behind the door, and is quick where it is said to be slow.
const SANDBOX: Sandbox = Sandbox { delay: Duration::from_millis(300) };

#[async_trait]
impl Payments for Held {
    fn name(&self) -> &'static str {
        SANDBOX.name()
    }

    fn accepts(&self, method: &PaymentMethod) -> bool {
        SANDBOX.accepts(method)
    }

    fn charge(&self, charge: Charge) -> Outcomes {
        self.charges.lock().unwrap_or_else(PoisonError::into_inner).push(charge.clone());
        let left = self.unanswered.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() {
            return stream::once(future::ready(Err(Unanswered("the line is cut".to_owned())))).boxed();
        }
        let mut may_answer = self.may_answer.subscribe();
        async move {
            match may_answer.wait_for(|may| *may).await {
                Ok(_) => SANDBOX.charge(charge),
                Err(error) => stream::once(future::ready(Err(Unanswered(error.to_string())))).boxed(),
            }
        }
        .flatten_stream()
        .boxed()
    }

    fn acted(&self, attempt: AttemptId, approved: bool) -> Option<PaymentOutcome> {
        SANDBOX.acted(attempt, approved)
    }

    async fn refund(&self, refund: &Refund) -> Result<Line<200>, Unanswered> {
        self.refunds.lock().unwrap_or_else(PoisonError::into_inner).push(refund.clone());
        SANDBOX.refund(refund).await
    }
}
