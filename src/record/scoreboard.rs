//! The scoreboard: what the harness found of the faults that were planted, and what it said against a server without
//! any. Plain data, versioned and sorted; what it comes to is in `figures`, what changed since in `change`.

pub mod change;
pub mod figures;

use serde::{Deserialize, Serialize};

use super::run::Tool;

pub use change::Change;
pub use figures::Figures;

/// Version of the JSON form; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// All trials of one scoreboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scoreboard {
    /// Version of this form.
    pub schema: u32,
    /// `rounds` and its version.
    pub tool: Tool,
    /// Suites in the order in which a trial runs them.
    pub suites: Vec<String>,
    /// Seeds of the trials with a defect, hexadecimal.
    pub seeds: Vec<String>,
    /// Name of the budget of the properties.
    pub budget: String,
    /// Milliseconds that the server waited before it answered a request, in trials with a defect.
    pub latency_ms: u64,
    /// One per defect, strength and seed, in that order.
    pub defects: Vec<DefectTrial>,
    /// One per arrangement of legal variants, in order.
    pub clean: Vec<CleanRuns>,
}

/// What came of one planted defect with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefectTrial {
    /// Id of the defect.
    pub id: String,
    /// How often it shows: `always`, `1-in-10`, `1ms`.
    pub strength: String,
    /// Class of the defect.
    pub class: String,
    /// Public thread or R4 sentence.
    pub provenance: String,
    /// Seed, hexadecimal.
    pub seed: String,
    /// A finding was confirmed.
    pub detected: bool,
    /// The first one is of a family that is about the defect's class.
    pub attributed: bool,
    /// Case of the first confirmed finding.
    pub by: Option<String>,
    /// Rule of the first confirmed finding.
    pub rule: Option<String>,
    /// Family of that case.
    pub family: Option<String>,
    /// Requests from the start of the run until it was confirmed, everything included.
    pub requests: Option<u64>,
    /// Seconds from the start of the run until it was confirmed.
    pub seconds: Option<f64>,
    /// Requests that it took to make its case smaller; properties only.
    pub shrink_requests: Option<u64>,
    /// Requests of its minimal case, waiting for the index not counted; a search counts once whatever its pages.
    pub steps: Option<u32>,
    /// Requests of the shortest sequence known to show the defect, written by hand.
    pub known_minimum: Option<u32>,
    /// Whether a second run found something with GET alone on data that was there; `None` if it was not asked for.
    pub read_only: Option<bool>,
    /// Cases that could not be decided.
    pub undecided: usize,
    /// All cases with findings. Where a trial ends at the first finding, those that were under way besides.
    pub found: Vec<String>,
    /// All rules that were broken, likewise.
    pub rules: Vec<String>,
    /// Why it was not detected, or not attributed.
    pub reason: Option<String>,
}

/// Runs with one arrangement of legal variants and without any defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanRuns {
    /// Variants that were on; none for the plain sandbox.
    pub variants: Vec<String>,
    /// Runs, each with a seed of its own.
    pub runs: u64,
    /// Findings in all of them: each is a fault of ours.
    pub findings: u64,
    /// Runs with a finding.
    pub blamed: u64,
    /// Cases that could not be decided, in all of them.
    pub undecided: u64,
    /// Cases that were decided in the run that decided fewest.
    pub decided: u64,
    /// Requests in all of them.
    pub requests: u64,
    /// `seed 5f1c09: read/by-id` for each case with a finding, and `seed 5f1c09: read/by-id: error (…)` for each that
    /// could not be decided.
    pub notes: Vec<String>,
}

/// Name of the usual strength.
pub const ALWAYS: &str = "always";

impl DefectTrial {
    /// The defect at its strength, as `--defect` takes it.
    pub fn name(&self) -> String {
        match self.strength.as_str() {
            ALWAYS => self.id.clone(),
            strength => format!("{}@{strength}", self.id),
        }
    }
}

impl CleanRuns {
    /// `clean`, or the variants joined by ` + `.
    pub fn name(&self) -> String {
        if self.variants.is_empty() {
            "clean".to_owned()
        } else {
            self.variants.join(" + ")
        }
    }
}

impl Scoreboard {
    /// True if every defect was detected with every seed and nothing legal was blamed.
    pub fn is_perfect(&self) -> bool {
        self.defects.iter().all(|trial| trial.detected)
            && self.clean.iter().all(|runs| runs.findings == 0)
    }
}

/// A small scoreboard with every part filled, shared by the tests of folds and reports.
#[cfg(test)]
pub fn sample() -> Scoreboard {
    let trial = |id: &str, class: &str, seed: &str, requests: Option<u64>| DefectTrial {
        id: id.to_owned(),
        strength: ALWAYS.to_owned(),
        class: class.to_owned(),
        provenance: "https://example.org/issues/1".to_owned(),
        seed: seed.to_owned(),
        detected: requests.is_some(),
        attributed: requests.is_some(),
        by: requests.map(|_| "property/round-trip".to_owned()),
        rule: requests.map(|_| "property/round-trip".to_owned()),
        family: requests.map(|_| "round-trip".to_owned()),
        requests,
        seconds: requests.map(|requests| requests as f64 / 100.0),
        shrink_requests: requests.map(|_| 20),
        steps: requests.map(|_| 2),
        known_minimum: Some(2),
        read_only: requests.map(|requests| requests > 100),
        undecided: 0,
        found: Vec::new(),
        rules: Vec::new(),
        reason: match requests {
            Some(_) => None,
            None => Some("30 cases of paging and search passed".to_owned()),
        },
    };
    let mut far = trial("value-lost", "round-trip", "2", Some(140));
    far.attributed = false;
    far.steps = Some(5);
    far.reason = Some("first found by read/by-id, which is about something else".to_owned());
    Scoreboard {
        schema: SCHEMA,
        tool: Tool {
            name: "rounds".to_owned(),
            version: "0.1.0".to_owned(),
        },
        suites: vec!["property/core".to_owned(), "core".to_owned()],
        seeds: vec!["1".to_owned(), "2".to_owned()],
        budget: "default".to_owned(),
        latency_ms: 5,
        defects: vec![
            trial("page-lost", "paging", "1", Some(90)),
            trial("page-lost", "paging", "2", None),
            trial("value-lost", "round-trip", "1", Some(40)),
            far,
        ],
        clean: vec![
            CleanRuns {
                variants: Vec::new(),
                runs: 12,
                findings: 0,
                blamed: 0,
                undecided: 0,
                decided: 300,
                requests: 9_000,
                notes: Vec::new(),
            },
            CleanRuns {
                variants: vec!["index-lag".to_owned(), "quiet-update".to_owned()],
                runs: 8,
                findings: 0,
                blamed: 0,
                undecided: 1,
                decided: 298,
                requests: 7_000,
                notes: vec!["seed 7: fresh/create-is-found: error (no answer)".to_owned()],
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_reads_back_as_it_was() {
        let board = sample();
        let text = serde_json::to_string(&board).unwrap();
        assert_eq!(serde_json::from_str::<Scoreboard>(&text).unwrap(), board);
    }

    #[test]
    fn one_miss_or_one_blame_is_not_perfect() {
        let mut board = sample();
        assert!(!board.is_perfect());
        board.defects.retain(|trial| trial.detected);
        assert!(board.is_perfect());
        board.clean[1].findings = 1;
        assert!(!board.is_perfect());
    }

    #[test]
    fn a_rarer_defect_is_named_with_its_strength() {
        let mut trial = sample().defects.remove(0);
        assert_eq!(trial.name(), "page-lost");
        trial.strength = "1-in-10".to_owned();
        assert_eq!(trial.name(), "page-lost@1-in-10");
    }
}
