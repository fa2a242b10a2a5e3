//! The verdict on one case. Only `pass` counts as pass; what could not be decided says why.

use serde::{Deserialize, Serialize};

/// Verdict on a case, with its reason where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// Everything that was asked for held.
    Pass,
    /// A SHALL (or a ROBUST rule) is broken.
    Fail,
    /// A SHOULD is broken.
    Warn,
    /// A MAY, or a fact worth knowing.
    Info,
    /// Not wanted here: the target does not claim it, or a filter left it out.
    Skip(String),
    /// Wanted, but something stood in the way.
    Blocked(String),
    /// Could not be decided: transport, instability, a fault of ours.
    Error(String),
    /// Found once and not again, or, of several attempts, not in each.
    Flaky(String),
    /// The precondition never held, so nothing was tested.
    Vacuous(String),
}

/// The reason of a blocked case that never counts against a run.
pub const WRITES_NOT_ALLOWED: &str = "writes not allowed";

/// The same for concurrency and wrong input: both are load for a target that this run did not start.
pub const LOAD_NOT_ALLOWED: &str =
    "load not allowed (`--allow-load` permits concurrency and wrong input)";

/// The same for a POST of `$validate`. R4 lets it change nothing; what it sends may be kept all the same, so that only the
/// owner of the target can say that it is safe.
pub const VALIDATE_NOT_ALLOWED: &str = "writes not allowed ($validate changes nothing by R4: `validate-is-safe: true` of the target permits it)";

impl Verdict {
    /// Lower-case name, as in `run.json`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Warn => "warn",
            Verdict::Info => "info",
            Verdict::Skip(_) => "skip",
            Verdict::Blocked(_) => "blocked",
            Verdict::Error(_) => "error",
            Verdict::Flaky(_) => "flaky",
            Verdict::Vacuous(_) => "vacuous",
        }
    }

    /// Why, for verdicts that carry a reason.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Verdict::Skip(reason)
            | Verdict::Blocked(reason)
            | Verdict::Error(reason)
            | Verdict::Flaky(reason)
            | Verdict::Vacuous(reason) => Some(reason),
            Verdict::Pass | Verdict::Fail | Verdict::Warn | Verdict::Info => None,
        }
    }

    /// True for the verdicts that count against `--max-undecided`.
    pub fn is_undecided(&self) -> bool {
        match self {
            Verdict::Blocked(reason) => {
                !reason.starts_with(WRITES_NOT_ALLOWED) && reason != LOAD_NOT_ALLOWED
            }
            Verdict::Error(_) | Verdict::Flaky(_) | Verdict::Vacuous(_) => true,
            Verdict::Pass | Verdict::Fail | Verdict::Warn | Verdict::Info | Verdict::Skip(_) => {
                false
            }
        }
    }

    /// True if the case was decided: pass, fail, warn or info.
    pub fn is_decided(&self) -> bool {
        matches!(
            self,
            Verdict::Pass | Verdict::Fail | Verdict::Warn | Verdict::Info
        )
    }
}
