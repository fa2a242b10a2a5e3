//! Waivers: findings that we live with, each with a reason and, better, a last day. They stand in `rounds.yaml`.

use jiff::civil::Date;

use crate::record::{Finding, Run};

/// A finding that we live with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// `case`, `case#rule` or a fingerprint; `*` at the end stands for anything.
    pub finding: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where it is tracked.
    pub issue: Option<String>,
    /// Last day on which it holds.
    pub expires: Option<Date>,
}

impl Waiver {
    /// True if the waiver is for this finding.
    pub fn covers(&self, finding: &Finding) -> bool {
        let matches = |text: &str| match self.finding.strip_suffix('*') {
            Some(head) => text.starts_with(head),
            None => text == self.finding,
        };
        matches(&finding.case) || matches(&finding.id()) || matches(&finding.fingerprint.0)
    }

    /// True after the last day.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|expires| expires < today)
    }
}

/// Waivers that should go: past their day, or matching nothing although a case that they name was decided.
pub fn stale(waivers: &[Waiver], run: &Run, today: Date) -> Vec<String> {
    waivers
        .iter()
        .filter_map(|waiver| {
            if let Some(expires) = waiver.expires.filter(|_| waiver.is_expired(today)) {
                return Some(format!(
                    "the waiver of {} expired on {expires}",
                    waiver.finding
                ));
            }
            let used = run.findings().any(|(_, finding)| waiver.covers(finding));
            let tested = run
                .cases
                .iter()
                .any(|case| case.verdict.is_decided() && names_case(waiver, &case.id));
            (!used && tested)
                .then(|| format!("the waiver of {} matches nothing any more", waiver.finding))
        })
        .collect()
}

fn names_case(waiver: &Waiver, case: &str) -> bool {
    let named = waiver.finding.split('#').next().unwrap_or_default();
    match named.strip_suffix('*') {
        Some(head) => case.starts_with(head),
        None => named == case,
    }
}
