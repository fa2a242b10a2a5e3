//! The outcome of comparing a run with a baseline. Made by `baseline`, rendered by `report`.

use serde::{Deserialize, Serialize};

/// State of a finding against the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The same case passed in the baseline: a regression.
    New,
    /// The baseline has the same finding.
    Unchanged,
    /// The case failed in the baseline too, in another way.
    Updated,
    /// The baseline does not know the case.
    NewCase,
    /// The case is seeded and ran with another seed.
    NewSeed,
    /// A waiver covers it.
    Waived,
}

impl State {
    /// True if a finding in this state fails a run under `--fail-on new`.
    pub fn gates(self) -> bool {
        matches!(self, State::New)
    }
}

/// A baseline finding that this run does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    /// Case id.
    pub case: String,
    /// Rule id.
    pub rule: String,
    /// True if the case ran and was decided; false if it was not re-tested.
    pub retested: bool,
}

/// A run against a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Name or file of the baseline.
    pub baseline: String,
    /// When the baseline was made, RFC 3339.
    pub made: String,
    /// Number of cases in the baseline.
    pub cases: usize,
    /// Per finding of the run, in the order of `Run::findings`: its state.
    pub states: Vec<State>,
    /// Findings of the baseline that are gone or were not re-tested.
    pub absent: Vec<Absent>,
    /// Differences of load figures, one line each (`search p95 +58 %`).
    pub load: Vec<String>,
    /// Waivers that matched nothing or are past their date.
    pub stale_waivers: Vec<String>,
}
