//! The scoreboard: runs the harness on its own sandbox, once per planted defect and per legal variant, and says what
//! was found. It takes exactly the path of `rounds run`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::clock::{Clock, SystemClock};
use crate::record::Verdict;
use crate::record::event::Silent;
use crate::record::id::RunId;
use crate::record::run::Run;
use crate::sandbox;
use crate::seed::{RunToken, Seed};

use super::cmd::run::execute;
use super::config::Config;
use super::failure::Failure;
use super::settings::Settings;
use super::setup::Given;
use super::{args, suites};

/// Suites that are run with a defect.
const SUITES: &[&str] = &["core", "property/core"];
/// Suites that are run besides where nothing must be found: what is generated must not blame either.
const MORE_SUITES: &[&str] = &["expansion"];
/// Patients: enough for every witness that a planted defect needs, and quick without optimisation.
const PATIENTS: u64 = 8;
/// Requests per second of the closed variant here: what is tested is the judgement, not the patience.
const FAST_RATE: u32 = 500;

/// One run of the scoreboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Defect, if one is planted.
    pub defect: Option<&'static str>,
    /// Legal variant, if one is on.
    pub variant: Option<&'static str>,
    /// Seed.
    pub seed: Seed,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The trial.
    pub trial: Trial,
    /// Cases with findings, the failed ones first.
    pub found: Vec<String>,
    /// True if at least one of them fails the run.
    pub fails: bool,
    /// Cases that were decided.
    pub decided: usize,
    /// Cases that could not be decided, with the reason.
    pub undecided: Vec<String>,
    /// Rules of the findings.
    pub rules: BTreeSet<String>,
    /// Requests sent.
    pub requests: u64,
    /// Milliseconds.
    pub duration_ms: u64,
}

/// One trial per defect.
pub fn defect_trials(seed: Seed) -> Vec<Trial> {
    sandbox::DEFECTS
        .iter()
        .map(|defect| Trial {
            defect: Some(defect.id),
            variant: None,
            seed,
        })
        .collect()
}

/// The clean sandbox and each legal variant, once per seed.
pub fn clean_trials(seeds: u64) -> Vec<Trial> {
    let variants =
        std::iter::once(None).chain(sandbox::VARIANTS.iter().map(|variant| Some(variant.id)));
    let variants: Vec<Option<&'static str>> = variants.collect();
    (0..seeds)
        .map(|index| Seed::FIXED.derive("scoreboard").index(index))
        .flat_map(|seed| {
            variants.iter().map(move |variant| Trial {
                defect: None,
                variant: *variant,
                seed,
            })
        })
        .collect()
}

/// Runs trials, `jobs` at a time, and gives the rows in their order.
///
/// # Errors
/// A run that cannot be set up: a bug of ours.
pub fn run(trials: &[Trial], jobs: usize) -> Result<Vec<Row>, Failure> {
    let next = AtomicUsize::new(0);
    let rows: Mutex<Vec<(usize, Result<Row, Failure>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = trials.get(position) else {
                        break;
                    };
                    let row = one(trial);
                    rows.lock()
                        .expect("no panic while held")
                        .push((position, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("no panic while held");
    rows.sort_by_key(|(position, _)| *position);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn one(trial: &Trial) -> Result<Row, Failure> {
    let common = args::Common {
        config: None,
        profile: None,
        quiet: true,
        verbose: 0,
        color: args::Color::Never,
        no_progress: true,
        // Nothing is stored: failing cases of properties are read from the record.
        store: std::env::temp_dir().join("rounds-scoreboard"),
    };
    let run_args = args::RunArgs {
        defects: trial.defect.iter().map(|id| (*id).to_owned()).collect(),
        variants: trial.variant.iter().map(|id| (*id).to_owned()).collect(),
        ..args::RunArgs::default()
    };
    let mut settings = Settings::resolve(&common, &run_args, &Config::default())?;
    settings.population = PATIENTS;
    settings.sandbox_rate = Some(FAST_RATE);
    settings.max_undecided = Settings::DEFAULT_MAX_UNDECIDED;
    let more = if trial.defect.is_none() {
        MORE_SUITES
    } else {
        &[]
    };
    let suites = suites::select(&[], &[SUITES, more].concat())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let given = Given {
        id: RunId::new(clock.now(), trial.seed),
        seed: trial.seed,
        token: RunToken::fixed(trial.seed),
        clock,
        observer: Arc::new(Silent),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let finished =
        super::cmd::run::runtime()?.block_on(execute(&settings, &given, &suites, None))?;
    let finished =
        finished.ok_or_else(|| Failure::usage("run the scoreboard", "a run gave no record", ""))?;
    Ok(row(trial, &finished.run))
}

fn row(trial: &Trial, run: &Run) -> Row {
    let mut cases: Vec<_> = run
        .cases
        .iter()
        .filter(|case| !case.findings.is_empty())
        .collect();
    cases.sort_by_key(|case| case.verdict != Verdict::Fail);
    let undecided = run.cases.iter().filter(|case| case.verdict.is_undecided());
    Row {
        trial: trial.clone(),
        found: cases.iter().map(|case| case.id.clone()).collect(),
        fails: cases.iter().any(|case| case.verdict == Verdict::Fail),
        decided: run
            .cases
            .iter()
            .filter(|case| case.verdict.is_decided())
            .count(),
        undecided: undecided
            .map(|case| {
                format!(
                    "{}: {} ({})",
                    case.id,
                    case.verdict.name(),
                    case.verdict.reason().unwrap_or("")
                )
            })
            .collect(),
        rules: run
            .findings()
            .map(|(_, finding)| finding.rule.clone())
            .collect(),
        requests: run.requests,
        duration_ms: run.duration_ms,
    }
}
