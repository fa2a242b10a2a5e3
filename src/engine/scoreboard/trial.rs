//! One trial: its runs, and what they come to. Judges no server; it reads records.

use std::sync::Arc;

use crate::record::Run;
use crate::record::run::{CaseRecord, Counts};
use crate::record::scoreboard::DefectTrial;
use crate::seed::Seed;

use super::family::families;
use super::watch::{Sighting, Watch};
use super::{CleanRun, Laboratory, Order, Plan, Row, Suspect, Trial};

/// Undecided cases that a reason names at most.
const MAX_NAMED: usize = 3;

/// Runs a trial; nothing comes of it if somebody interrupts it.
///
/// # Errors
/// A clean run that could not be made.
pub(super) fn run(
    laboratory: &dyn Laboratory,
    plan: &Plan,
    trial: &Trial,
) -> Result<Option<Row>, String> {
    match trial {
        Trial::Defect(suspect, seed) => Ok(defect(laboratory, plan, suspect, *seed)),
        Trial::Clean(variants, seed) => clean(laboratory, plan, variants, *seed),
    }
}

fn defect(laboratory: &dyn Laboratory, plan: &Plan, suspect: &Suspect, seed: Seed) -> Option<Row> {
    let watch = Arc::new(Watch::new(!plan.whole));
    let order = |suites, read_only| Order {
        defect: Some(&suspect.name),
        variants: &[],
        seed,
        suites,
        read_only,
    };
    let mut seen = Seen::default();
    for stage in &plan.stages {
        let ended = laboratory.run(&order(stage, false), &watch);
        if watch.was_interrupted() {
            return None;
        }
        seen.add(ended, &watch);
        if !plan.whole && (seen.first.is_some() || seen.failure.is_some()) {
            break;
        }
    }
    let read_only = if plan.read_only {
        Some(is_read(laboratory, plan, &order)?)
    } else {
        None
    };
    Some(Row::Defect(Box::new(row(suspect, seed, &seen, read_only))))
}

/// Whether GET alone finds anything; nothing if somebody interrupts it.
fn is_read<'a>(
    laboratory: &dyn Laboratory,
    plan: &'a Plan,
    order: &impl Fn(&'a [String], bool) -> Order<'a>,
) -> Option<bool> {
    for stage in &plan.stages {
        let watch = Arc::new(Watch::new(true));
        let ended = laboratory.run(&order(stage, true), &watch);
        if watch.was_interrupted() {
            return None;
        }
        if ended.is_ok_and(|run| run.findings().next().is_some()) {
            return Some(true);
        }
    }
    Some(false)
}

/// What the runs of a trial came to.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) cases: Vec<CaseRecord>,
    pub(super) first: Option<Sighting>,
    pub(super) failure: Option<String>,
}

impl Seen {
    fn add(&mut self, ended: Result<Run, String>, watch: &Watch) {
        match ended {
            Ok(run) => {
                watch.add(run.requests);
                self.cases.extend(run.cases);
                // What is judged over all responses is known at the end of a run only, and nobody announces it.
                let judged = self.first.take().or_else(|| watch.first());
                self.first = judged.or_else(|| at_the_end(&self.cases, watch));
            }
            Err(why) => self.failure = Some(why),
        }
    }
}

fn at_the_end(cases: &[CaseRecord], watch: &Watch) -> Option<Sighting> {
    let case = cases.iter().find(|case| !case.findings.is_empty())?;
    Some(Sighting {
        case: case.id.clone(),
        rule: case.findings.first()?.rule.clone(),
        requests: watch.requests(),
        elapsed: watch.elapsed(),
        shrunk: None,
    })
}

/// The row of a trial with a defect.
pub(super) fn row(
    suspect: &Suspect,
    seed: Seed,
    seen: &Seen,
    read_only: Option<bool>,
) -> DefectTrial {
    let first = seen.first.as_ref();
    // What is judged over all responses has a record in each run.
    let has_it = |case: &&CaseRecord, first: &Sighting| {
        let mut rules = case.findings.iter().map(|finding| &finding.rule);
        case.id == first.case && rules.any(|rule| *rule == first.rule)
    };
    let case = first.and_then(|first| seen.cases.iter().find(|case| has_it(case, first)));
    let of_finding = match (first, case) {
        (Some(first), Some(case)) => families(case, &first.rule),
        _ => Vec::new(),
    };
    let fitting = of_finding
        .iter()
        .find(|family| suspect.families.contains(family));
    let with_findings = || seen.cases.iter().filter(|case| !case.findings.is_empty());
    let rules = with_findings().flat_map(|case| &case.findings);
    let mut rules: Vec<String> = rules.map(|finding| finding.rule.clone()).collect();
    rules.sort();
    rules.dedup();
    DefectTrial {
        id: suspect.id.clone(),
        strength: suspect.strength.clone(),
        class: suspect.class.clone(),
        provenance: suspect.provenance.clone(),
        seed: seed.to_string(),
        detected: first.is_some(),
        attributed: fitting.is_some(),
        by: first.map(|first| first.case.clone()),
        rule: first.map(|first| first.rule.clone()),
        family: fitting.or(of_finding.first()).cloned(),
        requests: first.map(|first| first.requests),
        seconds: first.map(|first| (first.elapsed.as_secs_f64() * 1_000.0).round() / 1_000.0),
        shrink_requests: first
            .and_then(|first| first.shrunk)
            .map(|(requests, _)| requests),
        steps: first.and_then(|first| steps(first, case)),
        known_minimum: suspect.known_minimum,
        read_only,
        undecided: seen
            .cases
            .iter()
            .filter(|case| case.verdict.is_undecided())
            .count(),
        found: with_findings().map(|case| case.id.clone()).collect(),
        rules,
        reason: reason(suspect, seen, fitting.is_some()),
    }
}

/// Steps that are left of a property's case; of any other case the requests that its finding shows.
fn steps(first: &Sighting, case: Option<&CaseRecord>) -> Option<u32> {
    let steps = match first.shrunk {
        Some((_, steps)) => steps,
        None => {
            let findings = &case?.findings;
            let finding = findings.iter().find(|finding| finding.rule == first.rule)?;
            finding.exchanges.len()
        }
    };
    u32::try_from(steps).ok()
}

/// Why nothing was found, or something beside the point.
fn reason(suspect: &Suspect, seen: &Seen, is_attributed: bool) -> Option<String> {
    let families = suspect.families.join(", ");
    match (&seen.first, &seen.failure) {
        (Some(_), _) if is_attributed => None,
        (Some(first), _) => Some(format!(
            "first found by {}, which is not one of: {families}",
            first.case
        )),
        (None, Some(why)) => Some(format!("the run failed: {why}")),
        (None, None) => Some(silence(suspect, seen, &families)),
    }
}

fn silence(suspect: &Suspect, seen: &Seen, families: &str) -> String {
    let about: Vec<&CaseRecord> = seen
        .cases
        .iter()
        .filter(|case| {
            let of_case = self::families(case, "");
            of_case
                .iter()
                .any(|family| suspect.families.contains(family))
        })
        .collect();
    let undecided: Vec<String> = about
        .iter()
        .filter(|case| case.verdict.is_undecided())
        .map(|case| undecided(case))
        .collect();
    let mut counts = Counts::default();
    about.iter().for_each(|case| counts.add(&case.verdict));
    if about.is_empty() {
        return format!("no case is about {families}");
    }
    let mut text = format!(
        "{} of {} cases of {families} passed",
        counts.pass,
        about.len()
    );
    if !undecided.is_empty() {
        let named = undecided[..undecided.len().min(MAX_NAMED)].join("; ");
        let more = undecided.len().saturating_sub(MAX_NAMED);
        text.push_str(&format!("; {named}"));
        if more > 0 {
            text.push_str(&format!("; and {more} more"));
        }
    }
    text
}

/// `read/by-id: error (no answer)`.
fn undecided(case: &CaseRecord) -> String {
    let reason = case.verdict.reason().unwrap_or_default();
    format!("{}: {} ({reason})", case.id, case.verdict.name())
}

fn clean(
    laboratory: &dyn Laboratory,
    plan: &Plan,
    variants: &[String],
    seed: Seed,
) -> Result<Option<Row>, String> {
    let mut sum = CleanRun {
        variants: variants.to_vec(),
        seed: seed.to_string(),
        findings: Vec::new(),
        undecided: Vec::new(),
        decided: 0,
        requests: 0,
    };
    for stage in &plan.clean_stages {
        let watch = Arc::new(Watch::new(false));
        let order = Order {
            defect: None,
            variants,
            seed,
            suites: stage,
            read_only: false,
        };
        let ended = laboratory.run(&order, &watch);
        if watch.was_interrupted() {
            return Ok(None);
        }
        let run =
            ended.map_err(|why| format!("{} with seed {seed}: {why}", variants.join(" + ")))?;
        let findings = run.findings();
        sum.findings
            .extend(findings.map(|(case, finding)| format!("{}#{}", case.id, finding.rule)));
        for case in &run.cases {
            sum.decided += u64::from(case.verdict.is_decided());
            if case.verdict.is_undecided() {
                sum.undecided.push(undecided(case));
            }
        }
        sum.requests += run.requests;
    }
    Ok(Some(Row::Clean(sum)))
}
