//! Comparing a run with a baseline: which findings are new, known, or gone. Pure.
//!
//! A failure is a regression only if the same case passed in the baseline. A stricter suite, another seed or a case
//! that was never decided is a state of its own and gates nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::record::comparison::{Absent, Comparison, State};
use crate::record::run::{CaseRecord, LoadRecord};
use crate::record::{Finding, Run, Verdict};

use super::waiver::{self, Waiver};

/// Compares; `name` is the baseline's name or file.
pub fn compare(
    run: &Run,
    baseline: &Run,
    name: &str,
    waivers: &[Waiver],
    today: Date,
) -> Comparison {
    let known: BTreeMap<&str, &CaseRecord> = baseline
        .cases
        .iter()
        .map(|case| (case.id.as_str(), case))
        .collect();
    let saw_less = saw_less(run, baseline);
    let states = run
        .findings()
        .map(|(case, finding)| {
            let before = known.get(case.id.as_str()).copied();
            match state(case, finding, before, waivers, today) {
                State::New if saw_less && case.suite == "responses" => State::NewCase,
                state => state,
            }
        })
        .collect();
    Comparison {
        baseline: name.to_owned(),
        made: baseline.started.clone(),
        cases: baseline.cases.len(),
        states,
        absent: absent(run, baseline),
        load: load(&run.load, &baseline.load),
        stale_waivers: waiver::stale(waivers, run, today),
    }
}

/// Records over all responses of a run depend on which cases ran: where the baseline decided fewer of them, a new
/// violation may be an old one that nobody asked for.
fn saw_less(run: &Run, baseline: &Run) -> bool {
    let decided: BTreeSet<&str> = baseline
        .cases
        .iter()
        .filter(|case| case.verdict.is_decided())
        .map(|case| case.id.as_str())
        .collect();
    run.cases
        .iter()
        .any(|case| case.verdict.is_decided() && !decided.contains(case.id.as_str()))
}

fn state(
    case: &CaseRecord,
    finding: &Finding,
    before: Option<&CaseRecord>,
    waivers: &[Waiver],
    today: Date,
) -> State {
    if waivers
        .iter()
        .any(|waiver| waiver.covers(finding) && !waiver.is_expired(today))
    {
        return State::Waived;
    }
    let Some(before) = before else {
        return State::NewCase;
    };
    if before
        .findings
        .iter()
        .any(|known| known.fingerprint == finding.fingerprint)
    {
        return State::Unchanged;
    }
    if case.seed.is_some() && case.seed != before.seed {
        return State::NewSeed;
    }
    match before.verdict {
        Verdict::Pass => State::New,
        Verdict::Fail | Verdict::Warn | Verdict::Info => State::Updated,
        // What was never decided has no earlier state to fall from.
        _ => State::NewCase,
    }
}

fn absent(run: &Run, baseline: &Run) -> Vec<Absent> {
    let now: BTreeMap<&str, &CaseRecord> = run
        .cases
        .iter()
        .map(|case| (case.id.as_str(), case))
        .collect();
    baseline
        .findings()
        .filter_map(|(case, finding)| {
            let again = now.get(case.id.as_str());
            let still_there = again.is_some_and(|case| {
                case.findings
                    .iter()
                    .any(|found| found.fingerprint == finding.fingerprint)
            });
            (!still_there).then(|| Absent {
                case: case.id.clone(),
                rule: finding.rule.clone(),
                retested: again.is_some_and(|case| case.verdict.is_decided()),
            })
        })
        .collect()
}

fn load(now: &[LoadRecord], before: &[LoadRecord]) -> Vec<String> {
    now.iter()
        .filter_map(|record| {
            let old = before
                .iter()
                .find(|old| old.suite == record.suite && old.operation == record.operation)?;
            if old.response.p95 == 0 {
                return None;
            }
            let change = (record.response.p95 as f64 / old.response.p95 as f64 - 1.0) * 100.0;
            Some(format!("{} p95 {change:+.0} %", record.operation))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::run::sample;

    fn day() -> Date {
        jiff::civil::date(2026, 11, 22)
    }

    #[test]
    fn a_finding_in_a_case_that_passed_before_is_new() {
        let mut before = sample();
        before.cases[1].findings.clear();
        before.cases[1].verdict = Verdict::Pass;
        let comparison = compare(&sample(), &before, "main", &[], day());
        assert_eq!(comparison.states, [State::New]);
    }

    #[test]
    fn the_same_finding_is_unchanged_and_a_missing_one_is_absent() {
        assert_eq!(
            compare(&sample(), &sample(), "main", &[], day()).states,
            [State::Unchanged]
        );
        let mut now = sample();
        now.cases[1].findings.clear();
        now.cases[1].verdict = Verdict::Pass;
        let absent = compare(&now, &sample(), "main", &[], day()).absent;
        assert_eq!(absent.len(), 1);
        assert!(absent[0].retested);
    }

    #[test]
    fn a_case_that_the_baseline_does_not_know_gates_nothing() {
        let mut before = sample();
        before.cases.remove(1);
        let comparison = compare(&sample(), &before, "main", &[], day());
        assert_eq!(comparison.states, [State::NewCase]);
        assert!(!comparison.states[0].gates());
    }

    #[test]
    fn a_waiver_covers_until_its_day_and_is_stale_after_it() {
        let mut before = sample();
        before.cases[1].findings.clear();
        before.cases[1].verdict = Verdict::Pass;
        let mut waiver = Waiver {
            finding: sample().cases[1].id.clone(),
            reason: "known".into(),
            owner: None,
            issue: None,
            expires: Some(day()),
        };
        assert_eq!(
            compare(
                &sample(),
                &before,
                "main",
                std::slice::from_ref(&waiver),
                day()
            )
            .states,
            [State::Waived]
        );
        waiver.expires = Some(jiff::civil::date(2026, 11, 21));
        let late = compare(
            &sample(),
            &before,
            "main",
            std::slice::from_ref(&waiver),
            day(),
        );
        assert_eq!(late.states, [State::New]);
        assert_eq!(late.stale_waivers.len(), 1);
    }

    #[test]
    fn another_seed_is_a_state_of_its_own() {
        let mut before = sample();
        before.cases[1].findings.clear();
        before.cases[1].verdict = Verdict::Pass;
        before.cases[1].seed = Some("1".into());
        let mut now = sample();
        now.cases[1].seed = Some("2".into());
        assert_eq!(
            compare(&now, &before, "main", &[], day()).states,
            [State::NewSeed]
        );
    }
}
