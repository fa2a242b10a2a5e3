//! Waiting until an arrival is due. The timers of tokio have a grain of a millisecond, which would be in every number,
//! so the last stretch is waited for by yielding; other tasks of the thread run meanwhile. It costs a busy thread
//! where arrivals are less than [`YIELDING`] apart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The last stretch: a timer may be late by one grain and a wake-up.
const YIELDING: Duration = Duration::from_millis(2);
/// How long a sleep may last before the wish to stop is looked at.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// Returns once `due` has come, false if the run is to stop. It yields at least once, so that a shard that catches up
/// does not starve its own requests.
pub(super) async fn until(due: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let now = Instant::now();
        let left = due.saturating_duration_since(now);
        if left > YIELDING {
            let wake = now + (left - YIELDING).min(STOP_CHECK);
            tokio::time::sleep_until(wake.into()).await;
            continue;
        }
        tokio::task::yield_now().await;
        if left.is_zero() {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_arrival_is_never_early() {
        let stop = AtomicBool::new(false);
        for millis in [0, 1, 5] {
            let due = Instant::now() + Duration::from_millis(millis);
            assert!(until(due, &stop).await);
            assert!(Instant::now() >= due);
        }
    }

    #[tokio::test]
    async fn a_wish_to_stop_ends_the_wait() {
        let stop = AtomicBool::new(true);
        assert!(!until(Instant::now() + Duration::from_secs(3_600), &stop).await);
    }
}
