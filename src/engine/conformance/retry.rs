//! `--retries`: a case that failed, and whose failure was confirmed, is run again. What holds now and then is flaky. A
//! failure is never taken back: its findings stay, with how often they were seen.

use std::sync::Arc;

use crate::http::Exchange;
use crate::record::run::CaseRecord;
use crate::record::{Finding, Verdict};
use crate::suite::ir::{Case, Suite};

use super::super::context::Context;
use super::case::{Outcome, attempt};

/// Attempts before the first retry: the one that failed and the one that confirmed it.
const CONFIRMED: u32 = 2;

/// Runs a failed case again, as often as the run wants it, and counts in its findings how often they come again. Its
/// exchanges are added to those of the case.
pub(super) async fn settle(
    context: &Context,
    suite: &Suite,
    case: &Case,
    record: &mut CaseRecord,
    exchanges: &mut Vec<Arc<Exchange>>,
) {
    if record.verdict != Verdict::Fail {
        return;
    }
    for number in 1..=context.retries {
        if context.is_stopped() {
            break;
        }
        let again = attempt(context, suite, case, CONFIRMED + number).await;
        exchanges.extend(again.exchanges);
        count(&mut record.findings, &again.outcome);
    }
    if let Some(reason) = flakiness(&record.findings) {
        record.verdict = Verdict::Flaky(reason);
    }
}

/// What could not be decided says nothing for or against a finding.
fn count(findings: &mut [Finding], outcome: &Outcome) {
    let violations = match outcome {
        Outcome::Held => &[][..],
        Outcome::Violated(violations) => violations,
        Outcome::Undecided(_) => return,
    };
    for finding in findings {
        let is_there = violations
            .iter()
            .any(|violation| violation.rule == finding.rule);
        finding.reproduced.of += 1;
        finding.reproduced.times += u32::from(is_there);
    }
}

/// The reason if no finding came every time.
fn flakiness(findings: &[Finding]) -> Option<String> {
    let seen = findings.iter().map(|finding| finding.reproduced);
    let is_steady = seen.clone().any(|seen| seen.times == seen.of);
    let most = seen.max_by_key(|seen| seen.times)?;
    (!is_steady).then(|| format!("failed {} of {} times", most.times, most.of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Violation;
    use crate::record::run::sample;

    fn findings() -> Vec<Finding> {
        sample().cases[1].findings.clone()
    }

    #[test]
    fn a_finding_that_comes_every_time_is_no_flake() {
        let mut findings = findings();
        let again = Violation::new("search/total", "", "", "");
        count(&mut findings, &Outcome::Violated(vec![again]));
        assert_eq!(
            (findings[0].reproduced.times, findings[0].reproduced.of),
            (3, 3)
        );
        assert_eq!(flakiness(&findings), None);
    }

    #[test]
    fn a_finding_that_comes_now_and_then_is_flaky_and_stays() {
        let mut findings = findings();
        count(&mut findings, &Outcome::Held);
        let other = Violation::new("search/sorted", "", "", "");
        count(&mut findings, &Outcome::Violated(vec![other]));
        assert_eq!(flakiness(&findings).unwrap(), "failed 2 of 4 times");
    }

    #[test]
    fn what_cannot_be_decided_counts_neither_way() {
        let mut findings = findings();
        count(
            &mut findings,
            &Outcome::Undecided(Verdict::Error(String::new())),
        );
        assert_eq!(findings[0].reproduced.of, 2);
    }
}
