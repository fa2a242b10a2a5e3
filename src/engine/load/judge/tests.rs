//! Verdicts of load runs that never happened.

use std::time::Duration;

use super::*;
use crate::engine::load::plan::read;
use crate::engine::load::tally::Times;
use crate::suite::yaml;

const PLAN: &str = "kind: load
title: A test
rate: 10
duration: 1s
operations:
  - {name: read, get: 'Patient/1'}
  - {name: search, get: 'Patient?active=true'}
thresholds:
  read: [p95 < 500ms]
  search: [p95 < 200ms]
  all: [error_rate < 1%]
";

fn plan() -> LoadPlan {
    read("load/test", &yaml::parse("load/test.yaml", PLAN).unwrap()).unwrap()
}

fn answered(count: u64, millis: u64) -> Tally {
    let mut tally = Tally::default();
    let times = Times {
        due: Duration::ZERO,
        sent: Duration::ZERO,
        done: Duration::from_millis(millis),
    };
    (0..count).for_each(|_| tally.sent(Duration::ZERO, times, Ok(())));
    tally
}

fn lag(micros: u64) -> Latencies {
    let mut lag = Latencies::new();
    lag.record(Duration::from_micros(micros));
    lag
}

fn judge(
    operations: &[Result<Tally, Verdict>],
    lag: &Latencies,
    interrupted: bool,
) -> Vec<CaseRecord> {
    let mut all = Tally::default();
    operations
        .iter()
        .flatten()
        .for_each(|tally| all.merge(tally));
    let plan = plan();
    let basis = Basis {
        suite: "load/test",
        plan: &plan,
        seed: "5f1c09".to_owned(),
        spent: Duration::from_secs(1),
    };
    basis.judge(&Measured {
        operations,
        all: &all,
        lag,
        interrupted,
    })
}

fn verdicts(cases: &[CaseRecord]) -> Vec<&'static str> {
    cases.iter().map(|case| case.verdict.name()).collect()
}

#[test]
fn each_threshold_is_a_case_after_that_of_the_generator() {
    let cases = judge(
        &[Ok(answered(5, 10)), Ok(answered(5, 300))],
        &lag(100),
        false,
    );
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "load/test-generator-kept-up",
            "load/test-read-p95",
            "load/test-search-p95",
            "load/test-all-error-rate",
        ]
    );
    assert_eq!(verdicts(&cases), ["pass", "pass", "fail", "pass"]);
    let [finding] = cases[2].findings.as_slice() else {
        panic!("one finding");
    };
    assert_eq!(finding.expected, "p95 < 200ms");
    assert_eq!(finding.actual, "300ms, n = 5");
    assert_eq!(finding.case, cases[2].id);
    assert_eq!(finding.span.as_ref().unwrap().line, 10);
    assert!(cases.iter().filter(|case| case.findings.is_empty()).count() == 3);
}

#[test]
fn nothing_is_said_of_the_target_if_the_generator_was_late() {
    // The tightest latency threshold is 200 ms, so 20 ms may be the generator's.
    let operations = [Ok(answered(5, 10)), Ok(answered(5, 900))];
    let cases = judge(&operations, &lag(30_000), false);
    assert_eq!(verdicts(&cases), ["error"; 4]);
    let reason = cases[0].verdict.reason().unwrap();
    assert!(reason.starts_with("generator limited: "), "{reason}");
    assert_eq!(
        verdicts(&judge(&operations, &lag(19_000), false))[0],
        "pass"
    );
}

#[test]
fn an_interrupted_run_decides_nothing() {
    let cases = judge(&[Ok(answered(5, 10)), Ok(answered(5, 10))], &lag(100), true);
    assert_eq!(verdicts(&cases), ["error"; 4]);
}

#[test]
fn an_operation_that_had_nothing_to_send_keeps_its_own_verdict() {
    let none = Err(Verdict::Vacuous("no data".to_owned()));
    let cases = judge(&[Ok(answered(10, 10)), none.clone()], &lag(100), false);
    assert_eq!(verdicts(&cases), ["pass", "pass", "vacuous", "pass"]);
    let late = judge(&[Ok(answered(10, 10)), none], &lag(90_000), false);
    assert_eq!(verdicts(&late), ["error", "error", "vacuous", "error"]);
}
