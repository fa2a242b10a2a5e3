//! The engine of the scoreboard: runs suites against servers that are known to be wrong in one way, or known to be
//! right, and says what was found when. It plants nothing itself: a laboratory is handed in that makes the servers.

mod family;
mod trial;
mod watch;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::record::Run;
use crate::record::scoreboard::{CleanRuns, DefectTrial};
use crate::seed::Seed;

pub use family::{families, is_family};
pub use watch::{Sighting, Watch};

/// Makes a fresh server for each order and runs suites on it, exactly as a user would.
pub trait Laboratory: Sync {
    /// Runs the suites to their end, or until `watch` says that it has seen enough.
    ///
    /// # Errors
    /// A sentence that says why there was no run.
    fn run(&self, order: &Order<'_>, watch: &Arc<Watch>) -> Result<Run, String>;
}

/// What a laboratory is to do.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The defect to plant, with its strength.
    pub defect: Option<&'a str>,
    /// Legal variants to switch on.
    pub variants: &'a [String],
    /// Seed of the run.
    pub seed: Seed,
    /// Suites to run.
    pub suites: &'a [String],
    /// GET alone, on data that the server held before.
    pub read_only: bool,
}

/// A defect with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// Id.
    pub id: String,
    /// `always`, `1-in-10`, …
    pub strength: String,
    /// As the laboratory knows it: id and strength.
    pub name: String,
    /// Class.
    pub class: String,
    /// Thread or sentence.
    pub provenance: String,
    /// Requests of the shortest sequence known to show it.
    pub known_minimum: Option<u32>,
    /// Families of cases that are about its class.
    pub families: Vec<String>,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// With a defect.
    Defect(Suspect, Seed),
    /// Without any, and with some legal variants.
    Clean(Vec<String>, Seed),
}

impl Trial {
    /// Tells a trial from all others of the same plan.
    pub fn key(&self) -> String {
        match self {
            Trial::Defect(suspect, seed) => format!("defect/{}/{seed}", suspect.name),
            Trial::Clean(variants, seed) => format!("clean/{}/{seed}", variants.join("+")),
        }
    }
}

/// How trials are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Suites that run one group after the other with a defect, each group on a server of its own, until something is
    /// found.
    pub stages: Vec<Vec<String>>,
    /// The same for clean runs, which always go to the end.
    pub clean_stages: Vec<Vec<String>>,
    /// Goes on after the first finding.
    pub whole: bool,
    /// Tries each defect with GET alone besides.
    pub read_only: bool,
    /// Trials at a time.
    pub jobs: usize,
}

/// A clean run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanRun {
    /// Variants that were on.
    pub variants: Vec<String>,
    /// Seed, hexadecimal.
    pub seed: String,
    /// Cases with findings, once per finding.
    pub findings: Vec<String>,
    /// Cases that could not be decided, with the reason.
    pub undecided: Vec<String>,
    /// Cases that were decided.
    pub decided: u64,
    /// Requests.
    pub requests: u64,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Row {
    /// With a defect.
    Defect(Box<DefectTrial>),
    /// Without.
    Clean(CleanRun),
}

/// Runs trials, `plan.jobs` at a time; each row goes to `done` as soon as it is there, and all come back in the order of
/// the trials. Rows are missing where `stop` was set.
///
/// # Errors
/// A clean run that could not be made. A run with a defect that could not be made is a row without a finding.
pub fn run(
    laboratory: &dyn Laboratory,
    plan: &Plan,
    trials: &[Trial],
    stop: &Arc<AtomicBool>,
    done: &(dyn Fn(&Trial, &Row) + Sync),
) -> Result<Vec<Row>, String> {
    let next = AtomicUsize::new(0);
    let rows: Mutex<Vec<(usize, Row)>> = Mutex::new(Vec::new());
    let failure: Mutex<Option<String>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.max(1) {
            scope.spawn(|| {
                while let Some((position, trial)) = take(&next, trials, stop) {
                    match trial::run(laboratory, plan, trial) {
                        Ok(Some(row)) => {
                            done(trial, &row);
                            rows.lock()
                                .expect("no panic while held")
                                .push((position, row));
                        }
                        // Interrupted from outside: whoever did it wants no further trial either.
                        Ok(None) => stop.store(true, Ordering::Relaxed),
                        Err(why) => {
                            stop.store(true, Ordering::Relaxed);
                            *failure.lock().expect("no panic while held") = Some(why);
                        }
                    }
                }
            });
        }
    });
    if let Some(why) = failure.into_inner().expect("no panic while held") {
        return Err(why);
    }
    let mut rows = rows.into_inner().expect("no panic while held");
    rows.sort_by_key(|(position, _)| *position);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn take<'a>(
    next: &AtomicUsize,
    trials: &'a [Trial],
    stop: &AtomicBool,
) -> Option<(usize, &'a Trial)> {
    if stop.load(Ordering::Relaxed) {
        return None;
    }
    let position = next.fetch_add(1, Ordering::Relaxed);
    trials.get(position).map(|trial| (position, trial))
}

/// The rows as the lists of a scoreboard, each sorted: trials by defect, strength and seed, runs by arrangement.
pub fn fold(rows: Vec<Row>) -> (Vec<DefectTrial>, Vec<CleanRuns>) {
    let mut defects = Vec::new();
    let mut clean: std::collections::BTreeMap<(usize, Vec<String>), CleanRuns> =
        std::collections::BTreeMap::new();
    for row in rows {
        match row {
            Row::Defect(trial) => defects.push(*trial),
            Row::Clean(run) => {
                let place = (run.variants.len(), run.variants.clone());
                add(
                    clean.entry(place).or_insert_with(|| none(&run.variants)),
                    &run,
                );
            }
        }
    }
    let order =
        |trial: &DefectTrial| (trial.id.clone(), trial.strength.clone(), trial.seed.clone());
    defects.sort_by_key(order);
    (defects, clean.into_values().collect())
}

fn none(variants: &[String]) -> CleanRuns {
    CleanRuns {
        variants: variants.to_vec(),
        runs: 0,
        findings: 0,
        blamed: 0,
        undecided: 0,
        decided: u64::MAX,
        requests: 0,
        notes: Vec::new(),
    }
}

fn add(sum: &mut CleanRuns, run: &CleanRun) {
    sum.runs += 1;
    sum.findings += run.findings.len() as u64;
    sum.blamed += u64::from(!run.findings.is_empty());
    sum.undecided += run.undecided.len() as u64;
    sum.decided = sum.decided.min(run.decided);
    sum.requests += run.requests;
    let notes = run.findings.iter().chain(&run.undecided);
    sum.notes
        .extend(notes.map(|note| format!("seed {}: {note}", run.seed)));
}

#[cfg(test)]
mod tests;
