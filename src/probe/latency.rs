//! How long reads take, and whether some take much longer than the others. One resource, read a few times; not a
//! load test, and too few to say more than that.

use std::time::Duration;

use super::answer::{duration, plural};
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::http::{Exchange, Request};
use crate::record::consultation::{Mark, Owner};

/// Reads sent.
const READS: usize = 8;
/// A read is slow if it takes so many times the median …
const FACTOR: u32 = 4;
/// … and at least so much longer.
const EXCESS: Duration = Duration::from_millis(250);
/// A median from which everything is slow: people notice.
const SLOW_MEDIAN: Duration = Duration::from_secs(1);

/// The probe.
pub struct Latency;

impl Probe for Latency {
    fn spec(&self) -> Spec {
        Spec {
            id: "latency",
            title: "repeated reads take about the same time",
            spec: "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.1",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, seen: &[Exchange]) -> Step {
        if known.way.is_err() {
            return Step::Skip("there is no connection".to_owned());
        }
        if seen.len() >= READS {
            return Step::Done;
        }
        let url = known
            .sample()
            .map_or("metadata".to_owned(), |key| key.to_string());
        Step::Send(Request::get(url))
    }

    fn judge(&self, _known: &Known, seen: &[Exchange]) -> Judgement {
        let mut totals: Vec<Duration> = Vec::new();
        let mut bodies: Vec<Duration> = Vec::new();
        for exchange in seen.iter().filter(|exchange| exchange.status().is_some()) {
            let total = exchange.timings.total;
            totals.push(total);
            bodies.extend(exchange.timings.head.map(|head| total.saturating_sub(head)));
        }
        totals.sort_unstable();
        bodies.sort_unstable();
        let (Some(p50), Some(max)) = (median(&totals), totals.last().copied()) else {
            return Judgement::new(Mark::Skip, "no read was answered");
        };
        let n = totals.len();
        let slow = totals.iter().filter(|total| is_slow(**total, p50)).count();
        let body = median(&bodies).unwrap_or_default();
        let mut fact = format!(
            "p50 {} ({} of it the body), max {} over {}",
            duration(p50),
            duration(body),
            duration(max),
            plural(n, "read")
        );
        if p50 >= SLOW_MEDIAN {
            return Judgement::new(Mark::Warn, fact)
                .of(n)
                .sign(Sign::SlowAll)
                .next_step("compare with the same read inside the server's network");
        }
        if slow > 1 {
            fact.push_str(&format!("; {slow} of {n} are slow"));
            return Judgement::new(Mark::Warn, fact)
                .of(n)
                .sign(Sign::SlowSpread)
                .next_step("compare the answers of slow and fast reads: who served them");
        }
        // One slow read of eight is a connection being made or a cache being filled: a fact, not a warning.
        Judgement::new(if slow == 1 { Mark::Info } else { Mark::Pass }, fact).of(n)
    }
}

/// The lower median of sorted durations.
fn median(sorted: &[Duration]) -> Option<Duration> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn is_slow(total: Duration, median: Duration) -> bool {
    total > median * FACTOR && total - median > EXCESS
}
