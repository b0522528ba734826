//! A rebuild as the rest of the program sees it: what became of it, how far it is, how long it still takes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::Timestamp;
use serde::Serialize;
use store::{Position, StoreError};
use tokio::sync::watch;

use crate::meter::Meter;

/// What a rebuild begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An empty table and the first event.
    Anew,
    /// The table that was live before, where it stopped: the way back.
    Kept,
}

/// Why a view is not made again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no such view.
    #[error("there is no projection of this name")]
    Unknown,
    /// It is under way already, here or in another process.
    #[error("this projection is being rebuilt already")]
    Running,
    /// There is no table to go back to.
    #[error("no table is kept to go back to")]
    NothingKept,
    /// The shop closes.
    #[error("the shop was stopped meanwhile")]
    Stopped,
    /// Somebody else took the claim, or another version of the view took over.
    #[error("another process took over")]
    TakenOver,
    /// An event cannot be folded, and the view would stop before it.
    #[error("the event at position {at} cannot be folded: {error}")]
    Halted {
        /// Which event.
        at: Position,
        /// Why.
        error: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Outcome {
    /// It is under way.
    Running,
    /// Queries read what it made.
    Flipped,
    /// An event cannot be folded; the view is as it was.
    Halted {
        /// Which event.
        at: Position,
        /// Why.
        error: String,
    },
    /// It did not come to its end; the view is as it was.
    Failed {
        /// Why.
        error: String,
    },
}

/// A rebuild, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RebuildStatus {
    /// What it began with.
    pub origin: Origin,
    /// What became of it.
    pub outcome: Outcome,
    /// The last event it has seen.
    pub position: Position,
    /// The last event there is for it.
    pub head: Position,
    /// How far it is: 1000 where queries read what it made. It never goes back.
    pub thousandths: u16,
    /// Events a second over the last seconds; over all of it, once it ended.
    pub rate: u64,
    /// How many seconds it still takes at this rate, where that can be said.
    pub seconds_left: Option<u64>,
    /// How many events it set aside.
    pub set_aside: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A rebuild, as whoever does it reports on it: [`Job::begun`], then [`Job::reached`].
#[derive(Debug)]
pub(crate) struct Job {
    origin: Origin,
    key: Option<String>,
    started_at: Timestamp,
    started: Instant,
    meter: Meter,
    state: Mutex<Reported>,
    begun: watch::Sender<bool>,
}

#[derive(Debug)]
struct Reported {
    outcome: Outcome,
    first: Position,
    position: Position,
    head: Position,
    thousandths: u16,
    set_aside: u64,
    took: Option<Duration>,
}

impl Job {
    /// A rebuild that was asked for at `now`, perhaps with a key that makes asking twice asking once.
    pub(crate) fn new(origin: Origin, key: Option<String>, now: Timestamp) -> Self {
        let state = Reported {
            outcome: Outcome::Running,
            first: Position::START,
            position: Position::START,
            head: Position::START,
            thousandths: 0,
            set_aside: 0,
            took: None,
        };
        Self {
            origin,
            key,
            started_at: now,
            started: Instant::now(),
            meter: Meter::default(),
            state: Mutex::new(state),
            begun: watch::channel(false).0,
        }
    }

    pub(crate) const fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether `key` asked for this very rebuild.
    pub(crate) fn is_of(&self, origin: Origin, key: Option<&str>) -> bool {
        key.is_some() && self.key.as_deref() == key && self.origin == origin
    }

    /// It is certain that it takes place, and begins after `at`.
    pub(crate) fn begun(&self, at: Position) {
        {
            let mut state = self.state();
            (state.first, state.position) = (at, at);
        }
        self.meter.note(at);
        self.begun.send_replace(true);
    }

    /// It has seen the events up to `position`, of which `set_aside` more were set aside, and the log goes up to `head`.
    pub(crate) fn reached(&self, position: Position, head: Position, set_aside: u64) {
        self.meter.note(position);
        let mut state = self.state();
        (state.position, state.head) = (position, head.max(position));
        state.set_aside += set_aside;
        let far = position.0.saturating_mul(1_000).checked_div(state.head.0).unwrap_or(0);
        let far = u16::try_from(far).unwrap_or(999).min(999);
        state.thousandths = state.thousandths.max(far);
    }

    /// It came to its end, whatever that was.
    pub(crate) fn ended(&self, outcome: &Result<(), RebuildError>) {
        let mut state = self.state();
        state.took = Some(self.started.elapsed());
        state.outcome = match outcome {
            Ok(()) => {
                (state.head, state.thousandths) = (state.position, 1_000);
                self.begun.send_replace(true);
                Outcome::Flipped
            }
            Err(RebuildError::Halted { at, error }) => Outcome::Halted { at: *at, error: error.clone() },
            Err(error) => Outcome::Failed { error: error.to_string() },
        };
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state().outcome == Outcome::Running
    }

    pub(crate) fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Returns when it is certain that it takes place.
    pub(crate) async fn begins(&self) {
        // The sender is in `self`, so this ends with nothing else.
        let _ = self.begun.subscribe().wait_for(|begun| *begun).await;
    }

    /// How it is, where the log goes up to `head`.
    pub(crate) fn status(&self, head: Position) -> RebuildStatus {
        let state = self.state();
        let head = if state.took.is_some() { state.head } else { head.max(state.head) };
        let left = head.0.saturating_sub(state.position.0);
        let rate = match state.took {
            None => self.meter.rate(),
            Some(took) => {
                let seen = u128::from(state.position.0.saturating_sub(state.first.0));
                u64::try_from(seen * 1_000 / took.as_millis().max(1)).unwrap_or(u64::MAX)
            }
        };
        RebuildStatus {
            origin: self.origin,
            outcome: state.outcome.clone(),
            position: state.position,
            head,
            thousandths: state.thousandths,
            rate,
            seconds_left: if state.took.is_some() { None } else { left.saturating_add(rate / 2).checked_div(rate) },
            set_aside: state.set_aside,
            started_at: self.started_at,
            ended_at: state.took.map(|took| self.started_at + took),
        }
    }

    fn state(&self) -> MutexGuard<'_, Reported> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_goes_back_and_is_whole_only_at_the_end() {
        let job = Job::new(Origin::Anew, Some("a-key".to_owned()), Timestamp::default());
        let is_of = |key| job.is_of(Origin::Anew, key);
        assert!(is_of(Some("a-key")) && !is_of(Some("another")) && !is_of(None));
        assert!(!job.is_of(Origin::Kept, Some("a-key")));
        job.begun(Position::START);
        assert_eq!(job.status(Position(10)).thousandths, 0);
        job.reached(Position(500), Position(1_000), 1);
        assert_eq!((job.status(Position(1_000)).thousandths, job.status(Position(2_000)).head), (500, Position(2_000)));
        job.reached(Position(800), Position(2_000), 1);
        assert_eq!(job.status(Position(2_000)).thousandths, 500);
        job.reached(Position(2_000), Position(2_000), 0);
        let status = job.status(Position(2_000));
        assert_eq!((status.thousandths, status.outcome, status.set_aside), (999, Outcome::Running, 2));
        job.reached(Position(2_010), Position(2_010), 0);
        job.ended(&Ok(()));
        let status = job.status(Position(3_000));
        assert_eq!((status.thousandths, status.head, status.position), (1_000, Position(2_010), Position(2_010)));
        assert_eq!((status.outcome, status.seconds_left), (Outcome::Flipped, None));
        assert!(status.ended_at.is_some());
    }
}
