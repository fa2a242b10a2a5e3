//! Injected time: wall-clock instants for records and a monotonic reading for durations. Not for pacing load.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where the program gets its time from; judgement code is handed instants and never asks.
pub trait Clock: Send + Sync {
    /// The wall-clock instant.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary fixed origin, never going back.
    fn elapsed(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is now.
    pub fn new() -> Self {
        SystemClock {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that moves one millisecond per reading, for golden tests and reproducible servers.
#[derive(Debug)]
pub struct SteppingClock {
    start: Timestamp,
    readings: AtomicU64,
}

impl SteppingClock {
    /// A clock that starts at `start`.
    pub fn new(start: Timestamp) -> Self {
        SteppingClock {
            start,
            readings: AtomicU64::new(0),
        }
    }

    fn step(&self) -> Duration {
        Duration::from_millis(self.readings.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        self.start
            .checked_add(self.step())
            .expect("a test does not run for 9,000 years")
    }

    fn elapsed(&self) -> Duration {
        self.step()
    }
}
