//! `rounds replay CASE`: runs one thing again: a case or property by its id as `run` would, or a stored case file as
//! it stands. Chooses what to run; running is `run` and `engine::property`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::baseline::Store;
use crate::baseline::store::read_case;
use crate::clock::{Clock, SystemClock};
use crate::engine::{fold, property as engine};
use crate::record::Verdict;
use crate::record::case_file::CaseFile;
use crate::record::event::Observer;
use crate::record::run::CaseRecord;
use crate::seed::{RunToken, Seed};
use crate::suite::generated::generator_of;
use crate::suite::ir::{Body, Suite};
use crate::suite::yaml::suggest;
use crate::{check, property};

use super::super::args::{Common, ReplayArgs, RunArgs};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output::Outputs;
use super::super::progress::Progress;
use super::super::settings::{SeedChoice, Settings};
use super::super::setup::{self, Data, Given};
use super::super::{settings, suites};
use super::run::{self, Finished};

/// Case files of one property that are run at most; more are the same fault in many dresses.
const MAX_FILES: usize = 8;

/// Runs a case again.
///
/// # Errors
/// Nothing has that id, a file is none, or what ends a run before there is a record.
pub fn run(common: &Common, args: &ReplayArgs) -> Result<Exit, Failure> {
    let store = Store::new(&common.store);
    let path = Path::new(&args.case);
    if path.is_file() {
        let file =
            read_case(path).map_err(|error| run::store_failure("replay the case", &error))?;
        return replay_files(common, args, &[file]);
    }
    if property::find(&args.case).is_some() && args.seed.is_none() {
        let stored = store
            .cases(&args.case)
            .map_err(|error| run::store_failure("replay the case", &error))?;
        if !stored.is_empty() {
            return replay_files(common, args, &stored[..stored.len().min(MAX_FILES)]);
        }
    }
    let suite = suite_of(common, args)?;
    run::run(
        common,
        &RunArgs {
            suites: vec![suite],
            filter: Some(args.case.clone()),
            ..run_args(args)
        },
    )
}

/// The arguments of a run that are those of a replay; the reports of a profile are not overwritten by one case.
fn run_args(args: &ReplayArgs) -> RunArgs {
    RunArgs {
        target: args.target.clone(),
        seed: args.seed.clone(),
        cohort: args.cohort.clone(),
        population: args.population,
        defects: args.defects.clone(),
        variants: args.variants.clone(),
        reports: vec!["terminal".to_owned()],
        max_undecided: Settings::DEFAULT_MAX_UNDECIDED,
        ..RunArgs::default()
    }
}

/// The suite that has the case, as one would name it on the command line.
fn suite_of(common: &Common, args: &ReplayArgs) -> Result<String, Failure> {
    let config = Config::read(common.config.as_deref())?;
    let mut named = args.suites.clone();
    if named.is_empty() {
        named = settings::profile(&config, common.profile.as_deref())?.suites;
        named.extend(suites::names().map(str::to_owned));
    }
    let suites = suites::select(&named, &[])?;
    match suites.iter().find(|suite| holds(suite, &args.case)) {
        // A file is named by its path, a built-in suite by its id.
        Some(suite) if named.contains(&suite.span.file) => Ok(suite.span.file.clone()),
        Some(suite) => Ok(suite.id.clone()),
        None => Err(unknown(&args.case, &suites)),
    }
}

fn holds(suite: &Suite, id: &str) -> bool {
    // Its cases are known only with the target.
    if let Some(generator) = generator_of(suite) {
        return generator.may_hold(id);
    }
    match &suite.body {
        Body::Property(ids) => ids.iter().any(|(known, _)| known == id),
        Body::Conformance(cases) => cases
            .iter()
            .any(|case| case.id == id || case.full_id() == id),
        Body::Load(_) => suite.id == id,
    }
}

fn unknown(id: &str, suites: &[Suite]) -> Failure {
    let what = format!("replay `{id}`");
    if check::by_id(id).is_some() {
        return Failure::usage(
            what,
            "it is a check, not a case: it looks at the responses of cases",
            "replay the case of its finding; `rounds show` names it",
        );
    }
    let mut known: Vec<String> = suites
        .iter()
        .flat_map(Suite::cases)
        .flat_map(|case| [case.id.clone(), case.full_id()])
        .collect();
    known.extend(
        property::PROPERTIES
            .iter()
            .map(|property| property.spec().id.to_owned()),
    );
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = match suggest(id, &known) {
        Some(near) => format!("did you mean `{near}`? `rounds list cases` shows all"),
        None => "`rounds list cases` and `rounds list properties` show all; a case file is named by its path"
            .to_owned(),
    };
    Failure::usage(what, "it is neither a case, a property nor a file", hint)
}

/// Runs stored cases: what they do and in which order stands in the files; only the target is new.
fn replay_files(common: &Common, args: &ReplayArgs, files: &[CaseFile]) -> Result<Exit, Failure> {
    let config = Config::read(common.config.as_deref())?;
    let settings = Settings::resolve(common, &run_args(args), &config)?;
    let outputs = Outputs::open(&settings.reports)?;
    let store = Store::new(&settings.store);
    let seed = match settings.seed {
        SeedChoice::Given(seed) => seed,
        SeedChoice::Random => Seed::random(),
        SeedChoice::Default => Seed::FIXED,
    };
    let observer = Arc::new(Progress::new(
        common.quiet,
        common.no_progress,
        common.verbose > 0,
    ));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let given = Given {
        id: run::claim(&store, &*clock, seed)?,
        seed,
        token: RunToken::random(),
        clock,
        observer: Arc::clone(&observer) as Arc<dyn Observer>,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let finished = run::runtime()?.block_on(execute(&settings, &given, files));
    observer.finish();
    run::conclude(
        common, &settings, &config, &store, outputs, None, &finished?,
    )
}

async fn execute(
    settings: &Settings,
    given: &Given,
    files: &[CaseFile],
) -> Result<Finished, Failure> {
    run::listen_for_interrupts(given);
    let started = given.clock.elapsed();
    let wall = given.clock.now();
    // A case that makes its own resources needs no others.
    let data = match files.iter().any(|file| file.body["ground"] == "cohort") {
        true => Data::Always,
        false => Data::Never,
    };
    let ground = setup::set_up(settings, given, data).await?;
    let mut run = run::blank(given, &ground, &[], wall);
    run.suites.push("replay".to_owned());
    let (base, disclosure) = (
        ground.context.session.base(),
        ground.context.session.disclosure(),
    );
    let mut records = Vec::new();
    for file in files {
        let examined = engine::replay(&ground.context, file).await.map_err(|why| {
            Failure::usage(
                format!("replay the case of {}", file.case),
                why,
                "run the property itself: rounds replay PROPERTY --seed SEED",
            )
        })?;
        let shown = examined.exchanges.iter();
        run.exchanges
            .extend(shown.map(|exchange| fold::exchange(exchange, &base, disclosure)));
        records.extend(examined.cases);
    }
    run.cases.extend(one(records));
    Ok(run::close(run, given, &ground, started))
}

/// The records of several files of one property as one: its worst verdict, and all findings.
fn one(records: Vec<CaseRecord>) -> Option<CaseRecord> {
    records.into_iter().reduce(|mut all, record| {
        all.findings.extend(record.findings);
        all.executions += record.executions;
        all.duration_ms += record.duration_ms;
        if rank(&record.verdict) > rank(&all.verdict) {
            all.verdict = record.verdict;
        }
        all
    })
}

/// How much a verdict says against the target or the run.
fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Skip(_) => 1,
        Verdict::Info => 2,
        Verdict::Vacuous(_) => 3,
        Verdict::Blocked(_) => 4,
        Verdict::Error(_) => 5,
        Verdict::Flaky(_) => 6,
        Verdict::Warn => 7,
        Verdict::Fail => 8,
    }
}
