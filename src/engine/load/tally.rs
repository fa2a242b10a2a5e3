//! What became of the arrivals: counts, failures by class, distributions. Every scheduled arrival ends in exactly one
//! of them. Tallies of shards merge without loss; nothing is judged here.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;

use crate::http::FailureKind;
use crate::record::run::{LoadRecord, Quantiles};
use crate::stats::Latencies;

/// Why an arrival was not a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// An answer with another status than wanted; 429 is one of them, and nothing is sent again because of it.
    Status(u16),
    /// The status wanted, but not the resource wanted.
    WrongBody,
    /// No answer.
    Failure(FailureKind),
    /// Too late to be sent, or too many in flight.
    NotSent,
    /// In flight when the run was stopped.
    Interrupted,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Class::Status(code) => return write!(f, "{code}"),
            Class::WrongBody => "wrong-body",
            Class::NotSent => "not_sent",
            Class::Interrupted => "interrupted",
            Class::Failure(kind) => match kind {
                FailureKind::Dns | FailureKind::Connect => "connect",
                FailureKind::Tls => "tls",
                FailureKind::Timeout => "timeout",
                FailureKind::Broken
                | FailureKind::Stale
                | FailureKind::Protocol
                | FailureKind::TooLarge => "broken",
                FailureKind::Redirect => "redirect",
                FailureKind::Refused => "refused",
                FailureKind::Auth => "auth",
            },
        };
        f.write_str(name)
    }
}

/// The three times of an arrival that was sent, from the start of the run.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When it was due.
    pub due: Duration,
    /// When it was sent.
    pub sent: Duration,
    /// When the last byte of the answer was there, or the failure.
    pub done: Duration,
}

/// Counts and distributions of one operation, or of all.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Arrivals that came due.
    pub scheduled: u64,
    /// Of these, sent.
    pub sent: u64,
    /// Of these, answered as wanted.
    pub succeeded: u64,
    failed: BTreeMap<Class, u64>,
    /// Sent minus due, of those sent.
    pub lateness: Latencies,
    /// Done minus sent, of those sent.
    pub service: Latencies,
    /// Done minus due; of those not sent, their age when they were given up. As many as scheduled.
    pub response: Latencies,
    /// Done minus due, of the successes alone.
    pub wanted: Latencies,
    /// Responses by the second in which they were due.
    windows: Vec<Option<Latencies>>,
}

impl Tally {
    /// An arrival that was sent; `at` is when it was due within the measured phase.
    pub fn sent(&mut self, at: Duration, times: Times, outcome: Result<(), Class>) {
        let response = times.done.saturating_sub(times.due);
        self.scheduled += 1;
        self.sent += 1;
        self.lateness.record(times.sent.saturating_sub(times.due));
        self.service.record(times.done.saturating_sub(times.sent));
        self.respond(at, response);
        match outcome {
            Ok(()) => {
                self.succeeded += 1;
                self.wanted.record(response);
            }
            Err(class) => *self.failed.entry(class).or_default() += 1,
        }
    }

    /// An arrival that was given up at an age: its response time is censored there, at least that long.
    pub fn not_sent(&mut self, at: Duration, age: Duration) {
        self.scheduled += 1;
        self.respond(at, age);
        *self.failed.entry(Class::NotSent).or_default() += 1;
    }

    fn respond(&mut self, at: Duration, response: Duration) {
        self.response.record(response);
        let second = usize::try_from(at.as_secs()).unwrap_or(usize::MAX);
        if second >= self.windows.len() {
            self.windows.resize(second + 1, None);
        }
        self.windows[second]
            .get_or_insert_with(Latencies::coarse)
            .record(response);
    }

    /// Adds what another shard or operation saw.
    pub fn merge(&mut self, other: &Tally) {
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.succeeded += other.succeeded;
        for (class, count) in &other.failed {
            *self.failed.entry(*class).or_default() += count;
        }
        self.lateness.merge(&other.lateness);
        self.service.merge(&other.service);
        self.response.merge(&other.response);
        self.wanted.merge(&other.wanted);
        if other.windows.len() > self.windows.len() {
            self.windows.resize(other.windows.len(), None);
        }
        for (window, seen) in self.windows.iter_mut().zip(&other.windows) {
            if let Some(seen) = seen {
                window.get_or_insert_with(Latencies::coarse).merge(seen);
            }
        }
    }

    /// Failures of all classes.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Failures by name of their class, sorted.
    pub fn failed(&self) -> Vec<(String, u64)> {
        let mut named: BTreeMap<String, u64> = BTreeMap::new();
        for (class, count) in &self.failed {
            *named.entry(class.to_string()).or_default() += count;
        }
        named.into_iter().collect()
    }

    /// As stored in `run.json`; `seconds` is the length of the measured phase.
    pub fn record(&self, suite: &str, operation: &str, seconds: usize) -> LoadRecord {
        let p95 = |window: Option<&Option<Latencies>>| {
            window
                .and_then(Option::as_ref)
                .map_or(0, |window| window.quantile(950_000))
        };
        LoadRecord {
            suite: suite.to_owned(),
            operation: operation.to_owned(),
            scheduled: self.scheduled,
            sent: self.sent,
            succeeded: self.succeeded,
            failed: self.failed(),
            lateness: quantiles(&self.lateness),
            service: quantiles(&self.service),
            response: quantiles(&self.response),
            histogram: base64::engine::general_purpose::STANDARD.encode(self.response.encode()),
            per_second_p95: (0..seconds)
                .map(|second| p95(self.windows.get(second)))
                .collect(),
        }
    }
}

fn quantiles(latencies: &Latencies) -> Quantiles {
    Quantiles {
        n: latencies.len(),
        p50: latencies.quantile(500_000),
        p95: latencies.quantile(950_000),
        p99: latencies.quantile(990_000),
        p999: latencies.quantile(999_000),
        max: latencies.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn times(due: u64, sent: u64, done: u64) -> Times {
        Times {
            due: millis(due),
            sent: millis(sent),
            done: millis(done),
        }
    }

    #[test]
    fn every_arrival_ends_in_exactly_one_count() {
        let mut tally = Tally::default();
        tally.sent(millis(0), times(0, 1, 5), Ok(()));
        tally.sent(millis(10), times(10, 10, 12), Err(Class::Status(429)));
        tally.sent(
            millis(20),
            times(20, 20, 99),
            Err(Class::Failure(FailureKind::Timeout)),
        );
        tally.not_sent(millis(30), millis(1_000));
        let record = tally.record("load/x", "read", 1);
        assert_eq!((record.scheduled, record.sent, record.succeeded), (4, 3, 1));
        let failed = [("429", 1), ("not_sent", 1), ("timeout", 1)].map(|(n, c)| (n.to_owned(), c));
        assert_eq!(record.failed, failed);
        assert_eq!(record.succeeded + tally.failures(), record.scheduled);
        assert_eq!(record.response.n, record.scheduled);
        assert_eq!((record.lateness.n, record.service.n), (3, 3));
    }

    #[test]
    fn an_arrival_that_is_not_sent_counts_in_the_response_at_its_age() {
        let mut tally = Tally::default();
        tally.sent(millis(0), times(0, 0, 1), Ok(()));
        tally.not_sent(millis(0), millis(1_500));
        assert!(tally.response.max() >= 1_500_000);
        assert_eq!(tally.wanted.len(), 1);
    }

    #[test]
    fn response_counts_from_when_it_was_due_and_service_from_when_it_was_sent() {
        let mut tally = Tally::default();
        tally.sent(millis(0), times(100, 180, 200), Ok(()));
        let record = tally.record("load/x", "read", 1);
        let near = |found: u64, exact: u64| found >= exact && found <= exact + exact / 500;
        assert!(near(record.response.p50, 100_000));
        assert!(near(record.service.p50, 20_000));
        assert!(near(record.lateness.p50, 80_000));
    }

    #[test]
    fn seconds_without_arrivals_have_no_quantile() {
        let mut tally = Tally::default();
        tally.sent(millis(2_500), times(2_500, 2_500, 2_504), Ok(()));
        let record = tally.record("load/x", "read", 4);
        assert_eq!(record.per_second_p95.len(), 4);
        assert_eq!(record.per_second_p95[0], 0);
        assert!(record.per_second_p95[2] >= 4_000);
    }

    #[test]
    fn merged_shards_are_the_same_as_one() {
        let (mut one, mut parts) = (Tally::default(), [Tally::default(), Tally::default()]);
        for number in 0..100 {
            let outcome = if number % 7 == 0 {
                Err(Class::Status(503))
            } else {
                Ok(())
            };
            let (at, times) = (millis(number * 30), times(number, number + 1, number + 9));
            one.sent(at, times, outcome);
            parts[usize::try_from(number).unwrap() % 2].sent(at, times, outcome);
        }
        let [mut merged, other] = parts;
        merged.merge(&other);
        assert_eq!(
            merged.record("load/x", "read", 3),
            one.record("load/x", "read", 3)
        );
    }
}
