//! A finding: what was expected, what was seen, where, on what basis, and how to see it again.

use serde::{Deserialize, Serialize};

use super::cohort::Completeness;
use super::id::Fingerprint;

/// Strength of the rule in the specification (RFC 2119 words); decides the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Broken: fail.
    Shall,
    /// Broken: warn.
    Should,
    /// A fact: info.
    May,
    /// Fails only on 5xx, a hang or lost data.
    Robust,
}

impl Level {
    /// As in `rounds list` and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Shall => "SHALL",
            Level::Should => "SHOULD",
            Level::May => "MAY",
            Level::Robust => "ROBUST",
        }
    }
}

/// How much it hurts the users of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Data is lost, wrong or shown to the wrong person.
    Critical,
    /// Clients get wrong answers.
    Major,
    /// Clients can cope.
    Minor,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// Lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Major => "major",
            Severity::Minor => "minor",
            Severity::Info => "info",
        }
    }
}

/// Begins a sentence that says in our words what the specification says at greater length, or leaves open. Any other
/// sentence is a quotation; `[…]` stands for what is left out.
pub const PARAPHRASE: &str = "(paraphrase) ";

/// A place in a suite file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Path as the user would name it (`suites/core/search.yaml`).
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
}

/// How often a finding was seen again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reproduced {
    /// Times seen.
    pub times: u32,
    /// Times tried, the first included.
    pub of: u32,
}

/// One numbered step of a minimal sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was sent and what came back, masked where it must be.
    pub text: String,
    /// The exchange, if it was recorded.
    pub exchange: Option<u32>,
}

/// One finding. All text has passed through `secret::Disclosure`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Identity across runs.
    pub fingerprint: Fingerprint,
    /// `AREA/words` of the case, with `[row]` if the case has rows.
    pub case: String,
    /// Id of the check, property or expectation that was broken (`search/total`, `expect/status`).
    pub rule: String,
    /// One sentence that names what is wrong.
    pub title: String,
    /// Severity.
    pub severity: Severity,
    /// Level of the rule.
    pub level: Level,
    /// What the specification or the data demands.
    pub expected: String,
    /// What was there.
    pub actual: String,
    /// Where: element path and exchanges.
    pub place: String,
    /// URL of the specification.
    pub spec: String,
    /// The sentence of R4 that the rule rests on, short and as published, or in our words after [`PARAPHRASE`].
    pub sentence: String,
    /// Where the case is written, for suite cases.
    pub span: Option<Span>,
    /// Numbers of the exchanges that show it, in order.
    pub exchanges: Vec<u32>,
    /// How often it was seen.
    pub reproduced: Reproduced,
    /// How complete the data behind the expectation is; `None` if no data was needed.
    pub oracle: Option<Completeness>,
    /// Benign explanations that were ruled out.
    pub ruled_out: Vec<String>,
    /// What usually causes this, if known.
    pub usual_causes: Vec<String>,
    /// The minimal sequence, for properties.
    pub steps: Vec<Step>,
    /// Commands that show it again: curl lines, then `rounds replay`.
    pub reproduce: Vec<String>,
}

impl Finding {
    /// `case#rule`, as printed and as accepted by `rounds show`.
    pub fn id(&self) -> String {
        format!("{}#{}", self.case, self.rule)
    }

    /// The sentence as reports show it: in quotation marks, unless the words are ours.
    pub fn quotation(&self) -> String {
        match self.sentence.strip_prefix(PARAPHRASE) {
            Some(words) => format!("in our words: {words}"),
            None => format!("“{}”", self.sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::record::run::sample;

    #[test]
    fn only_words_of_the_specification_stand_in_quotation_marks() {
        let mut finding = sample().cases[1].findings[0].clone();
        finding.sentence = "Servers SHOULD honor this header".to_owned();
        assert_eq!(finding.quotation(), "“Servers SHOULD honor this header”");
        finding.sentence = format!("{}A link is named once", super::PARAPHRASE);
        assert_eq!(finding.quotation(), "in our words: A link is named once");
    }
}
