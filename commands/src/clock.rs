//! What time it is. Rules never ask: it travels in the command.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{SubsecRound as _, Utc};
use domain::{BusinessDate, Timestamp};
use tokio::sync::Notify;

/// A clock.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// This moment, to the microsecond.
    fn now(&self) -> Timestamp;
    /// Returns when some time has passed, so that deadlines are looked at.
    async fn tick(&self);
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }

    async fn tick(&self) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A clock that is turned by hand, for stories.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
    turned: Notify,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: Mutex::new(now.trunc_subsecs(6)), turned: Notify::new() }
    }

    /// Turns it forward, or back where `by` is negative.
    pub fn turn(&self, by: chrono::TimeDelta) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add_signed(by).unwrap_or(*now);
        drop(now);
        self.turned.notify_waiters();
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tick(&self) {
        // Also looks without being turned: deadlines may be written after the clock was.
        let _ = tokio::time::timeout(Duration::from_millis(20), self.turned.notified()).await;
    }
}

/// The day that `moment` counts for in the books of a French shop.
pub fn business_date(moment: Timestamp) -> BusinessDate {
    moment.with_timezone(&chrono_tz::Europe::Paris).date_naive()
}

/// The microseconds since 1970, as the log keeps them.
pub fn micros(moment: Timestamp) -> i64 {
    moment.timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_paris() {
        let day = |text: &str| business_date(text.parse().unwrap()).to_string();
        assert_eq!(day("2026-07-14T21:59:59Z"), "2026-07-14");
        assert_eq!(day("2026-07-14T22:00:00Z"), "2026-07-15");
        assert_eq!(day("2026-12-31T22:59:59Z"), "2026-12-31");
        assert_eq!(day("2026-12-31T23:00:00Z"), "2027-01-01");
    }
}
