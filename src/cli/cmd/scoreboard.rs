//! `rounds scoreboard`: which planted defects are found, how soon and by what, and whether anything legal is blamed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::engine::property::Budget;
use crate::engine::scoreboard::{self as engine, Plan, Row, Trial};
use crate::record::Scoreboard;
use crate::record::run::Tool;
use crate::record::scoreboard::{Change, SCHEMA};
use crate::report::scoreboard::{self as report, Input};
use crate::seed::Seed;

use super::super::args::{Common, ScoreboardArgs, Spending, Strengths};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output;
use super::super::scoreboard::hints::{self, Hints};
use super::super::scoreboard::ledger::{self, Ledger};
use super::super::scoreboard::{self, Bench, Choice};

/// Runs the trials that are not done yet and reports; exit 1 if a defect is missed or anything legal is blamed.
///
/// # Errors
/// A name that stands for nothing, a file that cannot be read or written, a run that cannot be set up.
pub fn run(common: &Common, args: &ScoreboardArgs) -> Result<Exit, Failure> {
    let earlier = args.compare.as_deref().map(read).transpose()?;
    let reports = open(&args.reports)?;
    let bench = bench(common, args)?;
    let plan = plan(args);
    let trials = trials(args)?;
    let ledger = open_ledger(common, args, &plan, &bench)?;
    let (rows, interrupted) = rows(common, &plan, &bench, &trials, &ledger)?;
    let board = board(args, &plan, rows);
    if let Some(folder) = &args.write_hints {
        write_hints(folder, &hints::stored().updated(&board, plan.whole))?;
    }
    let exit = match (interrupted, board.is_perfect()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Ok,
        (false, false) => Exit::Findings,
    };
    let name = args
        .compare
        .as_deref()
        .map(|path| path.display().to_string());
    let change = earlier.map(|earlier| Change::between(&earlier, &board));
    let input = Input {
        board: &board,
        change: name.as_deref().zip(change.as_ref()),
        exit: exit.code(),
        color: output::color(common),
    };
    write(reports, &input)?;
    Ok(exit)
}

fn bench(common: &Common, args: &ScoreboardArgs) -> Result<Bench, Failure> {
    let name = spending(args).as_str();
    Ok(Bench {
        budget: Budget::named(name).unwrap_or_default(),
        latency: Duration::from_millis(args.latency),
        filter: args.filter.clone(),
        store: common.store.join("scoreboard"),
        ..Bench::default()
    })
}

fn spending(args: &ScoreboardArgs) -> Spending {
    args.budget.unwrap_or(Spending::Default)
}

/// Suites that are named run one after the other; otherwise those of the house.
fn plan(args: &ScoreboardArgs) -> Plan {
    let named: Vec<Vec<String>> = args
        .suites
        .iter()
        .map(|suite| vec![suite.clone()])
        .collect();
    let owned = |stages: &[&[&str]]| {
        let stages = stages.iter();
        let owned = stages.map(|stage| stage.iter().map(|suite| (*suite).to_owned()).collect());
        owned.collect::<Vec<Vec<String>>>()
    };
    let or_else = |stages| {
        if named.is_empty() {
            owned(stages)
        } else {
            named.clone()
        }
    };
    Plan {
        stages: or_else(scoreboard::STAGES),
        clean_stages: or_else(scoreboard::CLEAN_STAGES),
        whole: args.whole,
        read_only: args.read_only,
        jobs: args.jobs,
    }
}

fn trials(args: &ScoreboardArgs) -> Result<Vec<Trial>, Failure> {
    let choice = Choice {
        defects: args.defects.clone(),
        classes: args.classes.clone(),
        all_strengths: args.strength == Strengths::All,
    };
    let mut trials = scoreboard::defect_trials(&choice, args.seeds)?;
    trials.extend(scoreboard::clean_trials(&args.variants, args.runs)?);
    Ok(trials)
}

/// Rows belong together only if one program made them on the same terms.
fn open_ledger(
    common: &Common,
    args: &ScoreboardArgs,
    plan: &Plan,
    bench: &Bench,
) -> Result<Ledger, Failure> {
    let terms = format!(
        "{:?} {:?} {} {} {:?} {} {:?}",
        plan.stages,
        plan.clean_stages,
        plan.whole,
        plan.read_only,
        bench.budget,
        args.latency,
        bench.filter,
    );
    let build = ledger::build();
    let terms = [env!("CARGO_PKG_VERSION"), build.as_str(), terms.as_str()];
    Ledger::open(&common.store, &terms, args.fresh).map_err(|error| {
        Failure::usage(
            format!("keep the trials in {}", common.store.display()),
            error.to_string(),
            "choose another folder with --store",
        )
    })
}

/// Rows of all trials, those from the ledger included, in order; true if it was interrupted.
fn rows(
    common: &Common,
    plan: &Plan,
    bench: &Bench,
    trials: &[Trial],
    ledger: &Ledger,
) -> Result<(Vec<Row>, bool), Failure> {
    let open: Vec<Trial> = trials
        .iter()
        .filter(|trial| ledger.row(trial).is_none())
        .cloned()
        .collect();
    let progress = Progress::new(common.quiet, trials.len(), trials.len() - open.len());
    progress.begin(ledger.path());
    let stop = Arc::new(AtomicBool::new(false));
    let unwritten: Mutex<Option<String>> = Mutex::default();
    let made: Mutex<Vec<(String, Row)>> = Mutex::default();
    let done = |trial: &Trial, row: &Row| {
        if let Err(error) = ledger.note(trial, row) {
            *unwritten.lock().expect("no panic while held") = Some(error.to_string());
        }
        progress.tell(trial, row);
        let mut made = made.lock().expect("no panic while held");
        made.push((trial.key(), row.clone()));
    };
    let ended = engine::run(bench, plan, &open, &stop, &done);
    ended.map_err(|why| Failure::usage("run the scoreboard", why, "").with_code(Exit::Bug))?;
    if let Some(why) = unwritten.into_inner().expect("no panic while held") {
        eprintln!("warning: trials could not be kept ({why}): the next start repeats them");
    }
    let made = made.into_inner().expect("no panic while held");
    let row = |trial: &Trial| {
        let fresh = made.iter().find(|(key, _)| *key == trial.key());
        fresh
            .map(|(_, row)| row)
            .or_else(|| ledger.row(trial))
            .cloned()
    };
    Ok((
        trials.iter().filter_map(row).collect(),
        stop.load(Ordering::Relaxed),
    ))
}

fn board(args: &ScoreboardArgs, plan: &Plan, rows: Vec<Row>) -> Scoreboard {
    let (defects, clean) = engine::fold(rows);
    let seeds = (0..args.seeds).map(scoreboard::seed);
    Scoreboard {
        schema: SCHEMA,
        tool: Tool {
            name: "rounds".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        suites: plan.stages.concat(),
        seeds: seeds.map(|seed: Seed| seed.to_string()).collect(),
        budget: spending(args).as_str().to_owned(),
        latency_ms: args.latency,
        defects,
        clean,
    }
}

/// Lines on standard error: one per trial that says something, and now and then how far it is.
struct Progress {
    quiet: bool,
    of: usize,
    done: AtomicUsize,
    began: Instant,
    before: usize,
}

/// Trials between two lines of mere progress.
const STRIDE: usize = 25;

impl Progress {
    fn new(quiet: bool, of: usize, before: usize) -> Self {
        Progress {
            quiet,
            of,
            done: AtomicUsize::new(before),
            began: Instant::now(),
            before,
        }
    }

    fn begin(&self, ledger: &Path) {
        if !self.quiet {
            let (of, before) = (self.of, self.before);
            eprintln!(
                "{of} trials, {before} of them done already ({})",
                ledger.display()
            );
        }
    }

    fn tell(&self, trial: &Trial, row: &Row) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.quiet {
            return;
        }
        if let Some(news) = news(row) {
            eprintln!("{done}/{}  {}: {news}", self.of, trial.key());
        } else if done.is_multiple_of(STRIDE) || done == self.of {
            let made = done.saturating_sub(self.before).max(1);
            let each = self.began.elapsed().as_secs_f64() / made as f64;
            let left = each * self.of.saturating_sub(done) as f64;
            eprintln!("{done}/{}  about {left:.0} s left", self.of);
        }
    }
}

/// What somebody who waits wants to know at once.
fn news(row: &Row) -> Option<String> {
    match row {
        Row::Defect(trial) if !trial.detected || !trial.attributed => trial.reason.clone(),
        Row::Clean(run) if !run.findings.is_empty() => {
            Some(format!("found {}", run.findings.join(", ")))
        }
        Row::Clean(run) if !run.undecided.is_empty() => Some(run.undecided.join("; ")),
        Row::Defect(_) | Row::Clean(_) => None,
    }
}

fn read(path: &Path) -> Result<Scoreboard, Failure> {
    let refuse = |why: String| {
        let what = format!("compare with {}", path.display());
        Failure::usage(what, why, "make one with --report json=FILE")
            .with_code(Exit::BaselineMissing)
    };
    let text = fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let board: Scoreboard =
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    if board.schema > SCHEMA {
        return Err(refuse(format!(
            "its schema is {}, newer than {SCHEMA}",
            board.schema
        )));
    }
    Ok(board)
}

type Report = (fn(&Input<'_>) -> String, Option<(PathBuf, File)>);

/// Opens `FORMAT[=FILE]` texts before anything runs; the terminal has its own if no other goes there.
fn open(texts: &[String]) -> Result<Vec<Report>, Failure> {
    let mut reports: Vec<Report> = Vec::new();
    for text in texts {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (text.as_str(), None),
        };
        let render = report::by_name(name).ok_or_else(|| {
            let known: Vec<&str> = report::FORMATS.iter().map(|(name, _)| *name).collect();
            Failure::usage(
                format!("report as `{name}`"),
                "there is no such format",
                format!("use one of: {}", known.join(", ")),
            )
        })?;
        let file = path.map(|path| {
            let opened = File::options().create(true).append(true).open(&path);
            let opened = opened.map(|file| (path.clone(), file));
            opened.map_err(|error| unwritable(&path, &error))
        });
        reports.push((render, file.transpose()?));
    }
    if reports.iter().all(|(_, file)| file.is_some()) {
        let terminal = report::by_name("terminal").expect("the terminal format is always there");
        reports.insert(0, (terminal, None));
    }
    Ok(reports)
}

fn write(reports: Vec<Report>, input: &Input<'_>) -> Result<(), Failure> {
    for (render, file) in reports {
        let Some((path, mut file)) = file else {
            output::print(render(input).trim_end_matches('\n'));
            continue;
        };
        let plain = Input {
            color: false,
            ..*input
        };
        let text = render(&plain);
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()));
        written.map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

fn write_hints(folder: &Path, hints: &Hints) -> Result<(), Failure> {
    let minima = hints::minima(folder).map_err(|error| {
        let what = format!("read the minimal cases in {}", folder.display());
        Failure::usage(what, error.to_string(), "name the folder fixtures/defects")
    })?;
    let files = [
        (hints::FOUND_BY, json!(hints.found_by)),
        (hints::PROVOKED_BY, json!(hints.provoked_by)),
        (hints::MINIMUM, json!(minima)),
    ];
    for (name, map) in files {
        let path = folder.join(name);
        fs::write(&path, format!("{map:#}\n")).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(
        format!("write {}", path.display()),
        error.to_string(),
        "choose a path that can be written",
    )
}
