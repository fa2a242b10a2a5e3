//! Reading and evaluating thresholds.

use std::time::Duration;

use super::*;
use crate::engine::load::tally::{Class, Times};

/// `answered` successes of 10 ms, then failures of 1 ms, then arrivals that were not sent.
fn tally(answered: u64, failed: u64, not_sent: u64) -> Tally {
    let mut tally = Tally::default();
    let times = |done| Times {
        due: Duration::ZERO,
        sent: Duration::ZERO,
        done: Duration::from_millis(done),
    };
    (0..answered).for_each(|_| tally.sent(Duration::ZERO, times(10), Ok(())));
    (0..failed).for_each(|_| tally.sent(Duration::ZERO, times(1), Err(Class::Status(503))));
    (0..not_sent).for_each(|_| tally.not_sent(Duration::ZERO, Duration::ZERO));
    tally
}

fn evaluate(text: &str, tally: &Tally) -> Evaluation {
    parse(text).unwrap().1.evaluate(tally)
}

#[test]
fn thresholds_are_read_as_they_are_written() {
    let read = |text| parse(text).unwrap().1;
    assert_eq!(
        read("p95 < 500ms"),
        Promise::Latency {
            quantile: 950_000,
            within: 500_000,
            inclusive: false
        }
    );
    assert_eq!(
        read("error_rate<=0.5%"),
        Promise::ErrorRate {
            below: 5_000,
            inclusive: true
        }
    );
    assert_eq!(
        read("rate >= 99%"),
        Promise::Rate {
            above: 990_000,
            inclusive: true
        }
    );
    for wrong in [
        "p95",
        "p95 < 5",
        "p95 > 5ms",
        "error_rate > 1%",
        "rate < 9%",
        "p42 < 1s",
        "",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_quantile_holds_below_its_bound_and_not_at_it() {
    let tally = tally(100, 0, 0);
    assert!(evaluate("p95 < 11ms", &tally).holds);
    assert!(evaluate("p95 <= 10ms", &tally).holds);
    assert!(!evaluate("p95 < 10ms", &tally).holds);
    assert!(evaluate("p95 < 9ms", &tally).actual.contains("n = 100"));
}

#[test]
fn failing_fast_or_not_sending_never_improves_a_quantile() {
    assert!(evaluate("p95 < 20ms", &tally(95, 5, 0)).holds);
    for worse in [tally(94, 6, 0), tally(94, 0, 6), tally(94, 3, 3)] {
        let evaluation = evaluate("p95 < 20ms", &worse);
        assert!(!evaluation.holds);
        assert!(
            evaluation
                .actual
                .starts_with("not reached: 6 of 100 failed")
        );
    }
}

#[test]
fn the_error_rate_counts_what_was_not_sent() {
    assert!(evaluate("error_rate < 1%", &tally(1_000, 0, 0)).holds);
    assert!(!evaluate("error_rate < 1%", &tally(99, 0, 1)).holds);
    assert!(evaluate("error_rate <= 1%", &tally(99, 1, 0)).holds);
    let actual = evaluate("error_rate < 1%", &tally(8, 1, 1)).actual;
    assert_eq!(actual, "20% (2 of 10 failed: 503 ×1, not_sent ×1)");
}

#[test]
fn the_rate_is_what_was_sent_of_what_was_scheduled() {
    assert!(evaluate("rate >= 99%", &tally(98, 1, 1)).holds);
    assert!(!evaluate("rate >= 99%", &tally(98, 0, 2)).holds);
    assert!(!evaluate("rate > 99%", &tally(99, 0, 1)).holds);
}

#[test]
fn without_samples_nothing_holds() {
    for text in ["p50 < 120s", "error_rate <= 100%", "rate >= 0%"] {
        let evaluation = evaluate(text, &Tally::default());
        assert!(!evaluation.holds);
        assert!(evaluation.actual.contains("no samples"));
    }
    assert!(!evaluate("p50 < 120s", &tally(0, 5, 0)).holds);
}
