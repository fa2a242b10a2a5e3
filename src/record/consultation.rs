//! A consultation: what `diagnose` asked, what it saw and what may lie behind it. Plain data without a value of
//! anybody; made by `engine::diagnose`, rendered by `report`.

use serde::{Deserialize, Serialize};

use super::run::Tool;

/// Version of the stored form; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// One diagnosis of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consultation {
    /// Version of this form.
    pub schema: u32,
    /// The program that made it.
    pub tool: Tool,
    /// Base URL of the target.
    pub target: String,
    /// Start, RFC 3339 UTC.
    pub started: String,
    /// One per probe, in causal order: network first.
    pub lines: Vec<Line>,
    /// What may be the cause, the likeliest first.
    pub causes: Vec<CauseLine>,
    /// Requests sent.
    pub requests: u64,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// The terms it kept to.
    pub terms: ConsultationTerms,
    /// What was not looked at and why, one sentence each.
    pub not_tested: Vec<String>,
}

/// The limits of a consultation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConsultationTerms {
    /// Requests at most.
    pub max_requests: u64,
    /// Requests per second at most.
    pub rate: f64,
}

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// As it should be.
    Pass,
    /// A fact without a judgement.
    Info,
    /// Will hurt, or hurts some.
    Warn,
    /// A problem.
    Fail,
    /// Not decided; the fact says why.
    Skip,
}

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// Names, routes, firewalls.
    Network,
    /// Whatever stands in front of the server.
    Gateway,
    /// The FHIR server.
    Server,
    /// Who asks.
    Client,
}

impl Owner {
    /// Lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Owner::Network => "network",
            Owner::Gateway => "gateway",
            Owner::Server => "server",
            Owner::Client => "client",
        }
    }
}

/// The result of one probe: one fact, one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Id of the probe.
    pub probe: String,
    /// How it ended.
    pub mark: Mark,
    /// One short line; for [`Mark::Skip`] the reason.
    pub fact: String,
    /// Requests with their answers, masked, in order.
    pub evidence: Vec<String>,
    /// What to do next, if anything.
    pub next_step: Option<String>,
    /// Who can do it.
    pub owner: Owner,
    /// URL of the specification.
    pub spec: String,
    /// Observations behind the mark.
    pub n: u32,
}

/// A cause that would explain what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseLine {
    /// Id of the cause.
    pub cause: String,
    /// One lower-case sentence.
    pub title: String,
    /// Probes with [`Mark::Fail`] that it explains.
    pub problems: Vec<String>,
    /// Probes with [`Mark::Warn`] that it explains.
    pub warnings: Vec<String>,
    /// What speaks against it.
    pub against: Vec<String>,
    /// Where to look.
    pub look_at: String,
    /// How to confirm it.
    pub confirm: String,
    /// What would refute it.
    pub refuted_by: String,
    /// Observations that point to it.
    pub n: u32,
    /// Observations from which it is called likely; below, it is only possible.
    pub likely_from: u32,
}

impl CauseLine {
    /// True if enough was seen to call it likely.
    pub fn is_likely(&self) -> bool {
        self.n >= self.likely_from
    }
}

/// Lines by mark; they add up to the number of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// [`Mark::Pass`] and [`Mark::Info`].
    pub fine: usize,
    /// [`Mark::Warn`].
    pub warnings: usize,
    /// [`Mark::Fail`].
    pub problems: usize,
    /// [`Mark::Skip`].
    pub skipped: usize,
}

impl Consultation {
    /// Lines by mark.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for line in &self.lines {
            *match line.mark {
                Mark::Pass | Mark::Info => &mut tally.fine,
                Mark::Warn => &mut tally.warnings,
                Mark::Fail => &mut tally.problems,
                Mark::Skip => &mut tally.skipped,
            } += 1;
        }
        tally
    }

    /// True if the target never answered a request.
    pub fn is_unreachable(&self) -> bool {
        let failed = |probe: &str| {
            self.lines
                .iter()
                .any(|line| line.probe == probe && line.mark == Mark::Fail)
        };
        failed("reachability")
    }

    /// 0 nothing wrong, 1 problems, 3 unreachable, 8 nothing could be decided.
    pub fn exit_code(&self) -> u8 {
        let tally = self.tally();
        if self.is_unreachable() {
            3
        } else if tally.problems > 0 {
            1
        } else if tally.fine + tally.warnings == 0 {
            8
        } else {
            0
        }
    }
}
