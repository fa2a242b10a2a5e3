//! The figures that every format shows: findings by state, and the verdict in one line. They add up.

use crate::record::comparison::State;
use crate::record::run::CaseRecord;
use crate::record::{Finding, Verdict};

use super::Input;
use super::layout::{counted, milliseconds, verdicts};

/// A finding with its case and state.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its case.
    pub case: &'a CaseRecord,
    /// The finding.
    pub finding: &'a Finding,
    /// Against the baseline, if there is one.
    pub state: Option<State>,
}

/// Findings in the order of the run, with their states.
pub fn entries<'a>(input: &Input<'a>) -> Vec<Entry<'a>> {
    input
        .run
        .findings()
        .enumerate()
        .map(|(position, (case, finding))| Entry {
            case,
            finding,
            state: input
                .comparison
                .and_then(|comparison| comparison.states.get(position))
                .copied(),
        })
        .collect()
}

/// ` (2 new, 3 known)` for failed cases, empty without a baseline or without failures.
pub fn of_failed(input: &Input<'_>, suite: Option<&str>) -> String {
    if input.comparison.is_none() {
        return String::new();
    }
    let failed: Vec<(&CaseRecord, bool)> = {
        let entries = entries(input);
        input
            .run
            .cases
            .iter()
            .filter(|case| {
                case.verdict == Verdict::Fail && suite.is_none_or(|suite| case.suite == suite)
            })
            .map(|case| {
                let is_new = entries.iter().any(|entry| {
                    std::ptr::eq(entry.case, case) && entry.state.is_some_and(State::gates)
                });
                (case, is_new)
            })
            .collect()
    };
    let new = failed.iter().filter(|(_, is_new)| *is_new).count();
    let known = failed.len() - new;
    match (new, known) {
        (0, 0) => String::new(),
        (new, 0) => format!(" ({new} new)"),
        (0, known) => format!(" ({known} known)"),
        (new, known) => format!(" ({new} new, {known} known)"),
    }
}

/// `148 cases in 17.4s: 141 passed, 5 failed (2 new, 3 known), 2 skipped`.
pub fn totals(input: &Input<'_>) -> String {
    let counts = input.run.counts();
    format!(
        "{} in {}: {}",
        counted(counts.total(), "case"),
        milliseconds(input.run.duration_ms),
        verdicts(&counts, &of_failed(input, None))
    )
}

/// The verdict and its exit code in one line.
pub fn last_line(input: &Input<'_>) -> String {
    super::layout::ends(&verdict(input), &format!("exit {}", input.exit))
}

fn verdict(input: &Input<'_>) -> String {
    let undecided = input.run.undecided();
    match input.exit {
        0 => match input.run.findings().count() {
            0 => "PASSED".to_owned(),
            known => format!(
                "PASSED: {} that {} not count",
                counted(known, "finding"),
                if known == 1 { "does" } else { "do" }
            ),
        },
        1 if input.comparison.is_some() => {
            format!("FAILED: {} that count", counted(input.counting, "finding"))
        }
        1 => format!("FAILED: {}", counted(input.counting, "finding")),
        4 => "NOTHING SELECTED".to_owned(),
        6 => "STALE: a waiver is expired or matches nothing".to_owned(),
        7 => "STOPPED: a guard refused a request".to_owned(),
        8 => format!(
            "UNDECIDED: {} could not be decided",
            counted(undecided, "case")
        ),
        130 => "INTERRUPTED: what was done is stored".to_owned(),
        _ => "ENDED".to_owned(),
    }
}
