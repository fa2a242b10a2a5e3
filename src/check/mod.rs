//! Checks: pure judgements on recorded exchanges, one file each. No I/O, no clock, and no knowledge of the sandbox.

pub mod bundle;
pub mod http;
pub mod resource;
pub mod search;

#[cfg(test)]
mod fixture;

use crate::fhir::capability::Capability;
use crate::fhir::oracle::Memory;
use crate::http::Exchange;
use crate::record::{Cohort, Level, Severity, Violation};

/// What a check says about itself; `rounds explain ID` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckSpec {
    /// `area/words`, stable for ever.
    pub id: &'static str,
    /// One sentence, the rule.
    pub title: &'static str,
    /// Level in R4.
    pub level: Level,
    /// Severity if broken.
    pub severity: Severity,
    /// URL of the specification.
    pub spec: &'static str,
    /// The R4 sentence, short.
    pub sentence: &'static str,
    /// What usually causes a violation.
    pub usual_causes: &'static [&'static str],
    /// True if it is run on every exchange of every case; false if a case must ask for it.
    pub passive: bool,
}

/// What a check may look at.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Exchanges in the order in which they happened; a paged search is all its pages.
    pub exchanges: &'a [&'a Exchange],
    /// What the same case exchanged before, in order; for judgements on what was written earlier.
    pub earlier: &'a [&'a Exchange],
    /// What the target claims.
    pub capability: Option<&'a Capability>,
    /// The data behind the oracle.
    pub cohort: Option<&'a Cohort>,
    /// What the oracle found out about the cohort before; made with this cohort and used with no other.
    pub memory: Option<&'a Memory>,
    /// The target's base URL, without a trailing slash.
    pub base: &'a str,
}

/// A judgement. An empty answer means: nothing wrong, or nothing to judge.
pub trait Check: Sync {
    /// What it is.
    fn spec(&self) -> &'static CheckSpec;
    /// Judges.
    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation>;
}

/// All checks in order of id.
pub fn all() -> impl Iterator<Item = &'static dyn Check> {
    [
        bundle::CHECKS,
        http::CHECKS,
        resource::CHECKS,
        search::CHECKS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The checks that run on every exchange, in order of id.
pub fn passive() -> impl Iterator<Item = &'static dyn Check> {
    all().filter(|check| check.spec().passive)
}

/// A check by its id.
pub fn by_id(id: &str) -> Option<&'static dyn Check> {
    all().find(|check| check.spec().id == id)
}

/// An element path without indexes, for signatures: `Patient.name[0].given` is `Patient.name.given`.
fn without_indexes(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ if !inside => plain.push(character),
            _ => {}
        }
    }
    plain
}
