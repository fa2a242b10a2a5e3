//! From a run to an exit code: what counts, what gates, what is undecided. Pure, and the only place that decides it.

use jiff::civil::Date;

use crate::baseline::{Waiver, waiver};
use crate::record::comparison::{Comparison, State};
use crate::record::run::{CaseKind, CaseRecord};
use crate::record::{Finding, Level, Run, Verdict};

use super::args::FailOn;
use super::exit::Exit;

/// What the exit code depends on besides the run.
pub struct Terms<'a> {
    /// Which findings count; `None` for the default: new with a baseline, shall without.
    pub fail_on: Option<FailOn>,
    /// Percent of undecided cases that are tolerated.
    pub max_undecided: f64,
    /// What we live with.
    pub waivers: &'a [Waiver],
    /// Today, for expiry.
    pub today: Date,
    /// A guard refused a request in flight.
    pub safety_stop: bool,
}

/// The exit code of a run.
pub fn exit(run: &Run, comparison: Option<&Comparison>, terms: &Terms<'_>) -> Exit {
    let mut causes = Vec::new();
    if run.interrupted {
        causes.push(Exit::Interrupted);
    }
    if terms.safety_stop {
        causes.push(Exit::SafetyStop);
    }
    if counting(run, comparison, terms) > 0 {
        causes.push(Exit::Findings);
    }
    let stale = match comparison {
        Some(comparison) => !comparison.stale_waivers.is_empty(),
        None => !waiver::stale(terms.waivers, run, terms.today).is_empty(),
    };
    if stale {
        causes.push(Exit::StaleWaiver);
    }
    if run.cases.is_empty() {
        causes.push(Exit::NothingSelected);
    } else if is_undecided(run, terms.max_undecided) {
        causes.push(Exit::Undecided);
    }
    Exit::first(&causes)
}

/// True if too many cases could not be decided, or a load run says nothing about the target.
pub fn is_undecided(run: &Run, max_undecided: f64) -> bool {
    let silent_load = run
        .cases
        .iter()
        .any(|case| case.kind == CaseKind::Load && matches!(case.verdict, Verdict::Error(_)));
    silent_load || run.undecided() as f64 * 100.0 > max_undecided * run.cases.len() as f64
}

/// Findings that count against the run, failed thresholds included.
pub fn counting(run: &Run, comparison: Option<&Comparison>, terms: &Terms<'_>) -> usize {
    let fail_on = match (terms.fail_on, comparison) {
        (Some(FailOn::New) | None, None) => FailOn::Shall,
        (None, Some(_)) => FailOn::New,
        (Some(chosen), _) => chosen,
    };
    run.findings()
        .enumerate()
        .filter(|(position, (case, finding))| {
            let state = comparison
                .and_then(|comparison| comparison.states.get(*position))
                .copied();
            let waived = state == Some(State::Waived)
                || terms
                    .waivers
                    .iter()
                    .any(|waiver| waiver.covers(finding) && !waiver.is_expired(terms.today));
            if waived {
                return false;
            }
            match fail_on {
                FailOn::Never => false,
                // A threshold is a promise of its own: it does not need a baseline to be broken.
                FailOn::New => {
                    // A fact worth knowing is no failure, however new.
                    let counts = fails(case, finding) || warns(case);
                    counts && state.is_some_and(State::gates) || case.kind == CaseKind::Load
                }
                FailOn::Shall => fails(case, finding),
                FailOn::Should => fails(case, finding) || warns(case),
            }
        })
        .count()
}

/// A failure that does not come every time is one all the same: `--retries` hides nothing.
fn fails(case: &CaseRecord, finding: &Finding) -> bool {
    match case.verdict {
        Verdict::Fail => true,
        Verdict::Flaky(_) => matches!(finding.level, Level::Shall | Level::Robust),
        _ => false,
    }
}

fn warns(case: &CaseRecord) -> bool {
    matches!(case.verdict, Verdict::Warn | Verdict::Flaky(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::compare;
    use crate::record::run::sample;

    fn terms(fail_on: Option<FailOn>) -> Terms<'static> {
        Terms {
            fail_on,
            max_undecided: 5.0,
            waivers: &[],
            today: jiff::civil::date(2026, 11, 22),
            safety_stop: false,
        }
    }

    #[test]
    fn a_broken_shall_fails_a_run_without_a_baseline() {
        assert_eq!(exit(&sample(), None, &terms(None)), Exit::Findings);
        assert_eq!(exit(&sample(), None, &terms(Some(FailOn::Never))), Exit::Ok);
    }

    #[test]
    fn a_known_finding_does_not_fail_a_run_with_a_baseline() {
        let comparison = compare(&sample(), &sample(), "main", &[], terms(None).today);
        assert_eq!(exit(&sample(), Some(&comparison), &terms(None)), Exit::Ok);
        assert_eq!(
            exit(&sample(), Some(&comparison), &terms(Some(FailOn::Shall))),
            Exit::Findings
        );
    }

    #[test]
    fn a_failure_that_comes_now_and_then_still_fails_the_run() {
        let mut run = sample();
        run.cases[1].verdict = Verdict::Flaky("failed 2 of 3 times".into());
        assert_eq!(exit(&run, None, &terms(None)), Exit::Findings);
        run.cases[1].findings.clear();
        assert_eq!(exit(&run, None, &terms(None)), Exit::Undecided);
    }

    #[test]
    fn blocked_cases_count_as_undecided_unless_writing_is_not_allowed() {
        let mut run = sample();
        run.cases.retain(|case| case.findings.is_empty());
        run.cases[0].verdict = Verdict::Blocked(crate::record::verdict::WRITES_NOT_ALLOWED.into());
        assert_eq!(exit(&run, None, &terms(None)), Exit::Ok);
        run.cases[0].verdict = Verdict::Blocked("server requires patient".into());
        assert_eq!(exit(&run, None, &terms(None)), Exit::Undecided);
    }

    #[test]
    fn a_run_without_cases_selected_nothing() {
        let mut run = sample();
        run.cases.clear();
        assert_eq!(exit(&run, None, &terms(None)), Exit::NothingSelected);
    }
}
