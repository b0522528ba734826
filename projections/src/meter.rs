//! How fast something moves along the log.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use store::Position;

/// How long the past is remembered.
const WINDOW: Duration = Duration::from_secs(5);
/// How far two readings are apart at least.
const STEP: Duration = Duration::from_millis(100);

/// The positions of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<VecDeque<(Instant, Position)>>);

impl Meter {
    /// It is at `position` now.
    pub(crate) fn note(&self, position: Position) {
        self.note_at(Instant::now(), position);
    }

    /// Events a second over the last seconds; 0 where nothing moves.
    pub(crate) fn rate(&self) -> u64 {
        self.rate_at(Instant::now())
    }

    fn note_at(&self, now: Instant, position: Position) {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The one before the window is where the window begins.
        while readings.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW) {
            readings.pop_front();
        }
        // The last reading moves until it is far enough from the one before it.
        let is_close = |before: Instant| now.saturating_duration_since(before) < STEP;
        if readings.len() >= 2 && readings.iter().rev().nth(1).is_some_and(|(before, _)| is_close(*before)) {
            readings.pop_back();
        }
        readings.push_back((now, position));
    }

    fn rate_at(&self, now: Instant) -> u64 {
        let readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, last)) = readings.back() else { return 0 };
        let is_old = |at: &Instant| now.saturating_duration_since(*at) > WINDOW;
        let first = readings.iter().take_while(|(at, _)| is_old(at)).last().or(readings.front());
        let Some((since, first)) = first else { return 0 };
        let elapsed = now.saturating_duration_since(*since).min(WINDOW).as_millis().max(1);
        let moved = u128::from(last.0.saturating_sub(first.0));
        u64::try_from(moved * 1_000 / elapsed).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_evenly_has_its_rate_and_what_stands_still_has_none() {
        let (meter, begin) = (Meter::default(), Instant::now());
        assert_eq!(meter.rate_at(begin), 0);
        let at = |millis: u64| begin + Duration::from_millis(millis);
        for millis in (0..20_000).step_by(10) {
            meter.note_at(at(millis), Position(millis * 2));
        }
        let rate = meter.rate_at(at(20_000));
        assert!((1_950..=2_050).contains(&rate), "{rate}");
        assert!(meter.0.lock().unwrap().len() < 60);
        let slower = meter.rate_at(at(22_500));
        assert!((900..=1_100).contains(&slower), "{slower}");
        assert_eq!(meter.rate_at(at(26_000)), 0);
    }
}
