//! `rounds run`: the eight steps from settings to an exit code. What each step does is elsewhere; this is the order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::baseline::{Store, StoreError, compare};
use crate::clock::{Clock, SystemClock};
use crate::engine::conformance::{self, Results};
use crate::engine::load::{self, LoadPlan};
use crate::engine::plan::{self, Disposition, Planned};
use crate::engine::populate::retract::OnClean;
use crate::engine::populate::unload;
use crate::engine::{fold, property};
use crate::http::Exchange;
use crate::record::comparison::Comparison;
use crate::record::event::{Event, Observer};
use crate::record::id::RunId;
use crate::record::run::{Run, SCHEMA, Tool};
use crate::report;
use crate::seed::{RunToken, Seed};
use crate::suite::filter::Filter;
use crate::suite::generated::generator_of;
use crate::suite::ir::{Body, Suite};

use super::super::args::{Common, RunArgs};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::outcome::{self, Terms};
use super::super::output::Outputs;
use super::super::process;
use super::super::progress::Progress;
use super::super::prospect::Prospect;
use super::super::settings::{CohortChoice, SeedChoice, Settings};
use super::super::setup::{self, Data, Given, Ground};
use super::super::suites;

/// Suites of a plain run.
const PLAIN: &[&str] = &["core", "expansion", "property/core", "load/smoke"];
/// Suites of a run on a target.
pub const TARGETED: &[&str] = &["core", "expansion", "property/core"];

/// Runs suites and reports.
///
/// # Errors
/// Everything about the user or us that ends the run before there is a record.
pub fn run(common: &Common, args: &RunArgs) -> Result<Exit, Failure> {
    check_validator()?;
    let config = Config::read(common.config.as_deref())?;
    let settings = Settings::resolve(common, args, &config)?;
    let outputs = Outputs::open(&settings.reports)?;
    let store = Store::new(&settings.store);
    let baseline = settings
        .baseline
        .as_deref()
        .map(|name| read_baseline(&store, name))
        .transpose()?;
    let default: &[&str] = if settings.target.is_some() {
        TARGETED
    } else {
        PLAIN
    };
    let suites = suites::select(&settings.suites, default)?;
    let filter = settings.filter.as_deref().map(parse_filter).transpose()?;
    let seed = match (settings.seed, &baseline) {
        (SeedChoice::Given(seed), _) => seed,
        (SeedChoice::Random, _) => Seed::random(),
        (SeedChoice::Default, Some(baseline)) => baseline.seed.parse().unwrap_or(Seed::FIXED),
        (SeedChoice::Default, None) => Seed::FIXED,
    };
    let observer = Arc::new(Progress::new(
        common.quiet,
        common.no_progress,
        common.verbose > 0,
    ));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let runtime = runtime()?;
    let given = Given {
        id: claim(&store, &*clock, seed)?,
        seed,
        token: RunToken::random(),
        clock,
        observer: Arc::clone(&observer) as Arc<dyn Observer>,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let finished = runtime.block_on(execute(&settings, &given, &suites, filter.as_ref()));
    observer.finish();
    let Ok(Some(finished)) = finished else {
        store.release_run(&given.id);
        return finished.map(|_| Exit::Ok);
    };
    // Ending a program that we started takes a moment; it is over before anything is rendered.
    runtime.shutdown_timeout(Duration::from_secs(1));
    conclude(
        common,
        &settings,
        &config,
        &store,
        outputs,
        baseline.as_ref(),
        &finished,
    )
}

/// A validator that overlooks known faults would make every server look sound.
fn check_validator() -> Result<(), Failure> {
    let silent = crate::fhir::validate::canaries();
    if silent.is_empty() {
        return Ok(());
    }
    let why = format!("known faults are not found: {}", silent.join(", "));
    Err(Failure::usage("trust the validator", why, "").with_code(Exit::Bug))
}

/// An id for a run that starts now; that the store can be written is known before anything is sent.
///
/// # Errors
/// The store cannot be written.
pub fn claim(store: &Store, clock: &dyn Clock, seed: Seed) -> Result<RunId, Failure> {
    store
        .claim_run(clock.now(), seed)
        .map_err(|error| store_failure("store runs", &error))
}

/// A run with what the exit code needs besides.
pub struct Finished {
    /// The record.
    pub run: Run,
    /// A guard refused a request in flight.
    pub safety_stop: bool,
}

/// Connects, plans, executes and folds; `None` after a dry run.
///
/// # Errors
/// The target cannot be used or does not answer.
pub async fn execute(
    settings: &Settings,
    given: &Given,
    suites: &[Suite],
    filter: Option<&Filter>,
) -> Result<Option<Finished>, Failure> {
    listen_for_interrupts(given);
    let started = given.clock.elapsed();
    let wall = given.clock.now();
    let load_plans = load_plans(suites, filter)?;
    if !selects_anything(suites, filter) {
        return Err(Failure::usage(
            "run",
            "nothing is selected",
            "`rounds list cases` names the cases; see --filter and the suites",
        )
        .with_code(Exit::NothingSelected));
    }
    let ground = setup::set_up(settings, given, data(settings, suites, filter)).await?;
    let prospect = Prospect::new(&ground, suites.to_vec(), wall);
    let wanted = |suite: &Suite, case: &crate::suite::ir::Case| {
        filter.is_none_or(|filter| filter.selects(&suite.id, case))
    };
    let planned = prospect.planned(&ground, &wanted, settings.shard);
    if settings.dry_run {
        print_plan(&planned, suites, filter);
        return Ok(None);
    }
    let mut run = blank(given, &ground, suites, wall);
    run.notices.extend(prospect.notice());
    let seen = conform(&ground, &planned, &mut run).await;
    let place = run.cases.len();
    properties(settings, given, &ground, suites, filter, &mut run).await;
    judge_responses(&ground, seen.as_deref(), place, &mut run);
    load(given, &ground, &load_plans, &mut run).await;
    if ground.sandbox.is_none() && !settings.keep_data {
        let target = settings.target.as_ref();
        let on_clean = target.map_or(OnClean::default(), |target| target.on_clean);
        let marked = unload::unload(&ground.context, on_clean).await;
        if marked > 0 {
            run.notices.push(format!(
                "{marked} resources that the target does not delete are marked as entered in error"
            ));
        }
    }
    Ok(Some(close(run, given, &ground, started)))
}

/// Properties make resources of their own where they may, and need no others.
fn data(settings: &Settings, suites: &[Suite], filter: Option<&Filter>) -> Data {
    let others = suites
        .iter()
        .filter(|suite| !matches!(suite.body, Body::Property(_)));
    let others: Vec<Suite> = others.cloned().collect();
    let only_properties = others.is_empty() || !selects_anything(&others, filter);
    match settings.cohort {
        _ if settings.dry_run => Data::Never,
        CohortChoice::Default if only_properties => Data::WhereReadOnly,
        CohortChoice::Default | CohortChoice::Crawl | CohortChoice::Folder(_) => Data::Always,
    }
}

/// True if a case, property or load suite is wanted; nothing is sent to anybody before that is known.
fn selects_anything(suites: &[Suite], filter: Option<&Filter>) -> bool {
    let Some(filter) = filter else { return true };
    suites.iter().any(|suite| match &suite.body {
        // The cases of a generated suite are known only with the target.
        Body::Conformance(cases) => {
            generator_of(suite)
                .is_some_and(|generator| filter.may_select(&suite.id, generator.area))
                || cases.iter().any(|case| filter.selects(&suite.id, case))
        }
        Body::Property(ids) => ids.iter().any(|(id, _)| filter.selects_id(&suite.id, id)),
        Body::Load(_) => filter.selects_id(&suite.id, &suite.id),
    })
}

/// Puts into a record what is known only at the end; `started` is the clock's elapsed time at the beginning.
pub fn close(mut run: Run, given: &Given, ground: &Ground, started: Duration) -> Finished {
    run.interrupted = given.stop.load(Ordering::Relaxed);
    let resent = ground.context.session.transport().resent();
    run.requests += ground.context.session.requests() + resent;
    if resent > 0 {
        run.notices.push(format!(
            "{resent} reading requests were sent once more: the server had closed their idle connection"
        ));
    }
    run.target.scopes = ground.context.session.transport().granted();
    run.exchanges.sort_by_key(|exchange| exchange.number);
    run.exchanges.dedup_by_key(|exchange| exchange.number);
    leftovers(ground, &mut run);
    let spent = given.clock.elapsed().saturating_sub(started);
    run.duration_ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
    Finished {
        run,
        safety_stop: ground.context.session.refused() > 0,
    }
}

/// Runs the conformance cases; gives everything that was exchanged, or nothing if no case was to run or the run ends
/// early.
async fn conform(
    ground: &Ground,
    planned: &[Planned<'_>],
    run: &mut Run,
) -> Option<Vec<Arc<Exchange>>> {
    let Results {
        cases,
        exchanges,
        seen,
    } = conformance::run(&ground.context, planned).await;
    run.cases.extend(cases);
    run.exchanges.extend(exchanges);
    let has_run = planned
        .iter()
        .any(|planned| planned.disposition == Disposition::Run);
    if !has_run || ground.context.is_stopped() {
        return None;
    }
    let (records, exchanges) = conformance::judge_storage(&ground.context, &ground.stored);
    run.cases.extend(records);
    run.exchanges.extend(exchanges);
    Some(seen)
}

/// Judges what belongs to no case, over all suites; the records stand after those of the cases, at `place`.
fn judge_responses(ground: &Ground, seen: Option<&[Arc<Exchange>]>, place: usize, run: &mut Run) {
    let has_other_suites = ground.context.survey().responses() > 0;
    if (seen.is_none() && !has_other_suites) || ground.context.is_stopped() {
        return;
    }
    let (records, exchanges) = conformance::judge_responses(&ground.context, seen);
    run.cases.splice(place..place, records);
    run.exchanges.extend(exchanges);
    run.notices
        .extend(conformance::not_checked(&ground.context));
    run.suites.push(conformance::RESPONSES.to_owned());
}

async fn properties(
    settings: &Settings,
    given: &Given,
    ground: &Ground,
    suites: &[Suite],
    filter: Option<&Filter>,
    run: &mut Run,
) {
    for suite in suites {
        let Body::Property(ids) = &suite.body else {
            continue;
        };
        let selected: Vec<_> = ids
            .iter()
            .filter(|(id, _)| filter.is_none_or(|filter| filter.selects_id(&suite.id, id)))
            .filter(|(id, _)| plan::in_shard(id, settings.shard))
            .filter_map(|(id, _)| crate::property::find(id))
            .collect();
        if selected.is_empty() || given.stop.load(Ordering::Relaxed) {
            continue;
        }
        let examined = property::run(&ground.context, &selected, &suite.id, settings.budget).await;
        let base = ground.context.session.base();
        let disclosure = ground.context.session.disclosure();
        run.exchanges.extend(
            examined
                .exchanges
                .iter()
                .map(|exchange| fold::exchange(exchange, &base, disclosure)),
        );
        run.cases.extend(examined.cases);
        for case in &examined.files {
            if let Err(error) = Store::new(&settings.store).save_case(case) {
                run.notices
                    .push(format!("a case file could not be written: {error}"));
            }
        }
    }
}

async fn load(given: &Given, ground: &Ground, plans: &[(String, LoadPlan)], run: &mut Run) {
    for (suite, plan) in plans {
        if given.stop.load(Ordering::Relaxed) {
            continue;
        }
        given
            .observer
            .observe(Event::Stage(format!("{suite}: load")));
        let results = load::run(&ground.context, &ground.transport_target, suite, plan).await;
        run.cases.extend(results.cases);
        run.load.extend(results.load);
        run.requests += results.requests;
    }
}

/// Load suites that are wanted, read before anything is sent.
///
/// # Errors
/// Every mistake of every file.
fn load_plans(
    suites: &[Suite],
    filter: Option<&Filter>,
) -> Result<Vec<(String, LoadPlan)>, Failure> {
    let mut plans = Vec::new();
    let mut problems = Vec::new();
    for suite in suites {
        let Body::Load(body) = &suite.body else {
            continue;
        };
        if !filter.is_none_or(|filter| filter.selects_id(&suite.id, &suite.id)) {
            continue;
        }
        match load::read(&suite.id, body) {
            Ok(plan) => plans.push((suite.id.clone(), plan)),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(plans)
    } else {
        Err(suites::mistakes(&problems))
    }
}

pub fn blank(given: &Given, ground: &Ground, suites: &[Suite], wall: jiff::Timestamp) -> Run {
    Run {
        schema: SCHEMA,
        tool: Tool {
            name: "rounds".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        id: given.id.clone(),
        started: wall.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        duration_ms: 0,
        target: ground.target.clone(),
        seed: given.seed.to_string(),
        token: given.token.to_string(),
        cohort: ground.cohort_record(),
        suites: suites.iter().map(|suite| suite.id.clone()).collect(),
        cases: Vec::new(),
        load: Vec::new(),
        exchanges: Vec::new(),
        requests: 0,
        notices: ground.notices.clone(),
        interrupted: false,
    }
}

/// What a run leaves on a target of others is said, with the command that removes it.
fn leftovers(ground: &Ground, run: &mut Run) {
    let left = ground.context.session.created().len();
    if left > 0 && ground.sandbox.is_none() {
        run.notices.push(format!(
            "{left} resources of this run are on the target: rounds clean {}",
            run.id
        ));
    }
}

/// Ends the run early at the first Ctrl-C or SIGTERM, and the program at the second.
pub fn listen_for_interrupts(given: &Given) {
    let stop = Arc::clone(&given.stop);
    let observer = Arc::clone(&given.observer);
    tokio::spawn(async move {
        if !told_to_end().await {
            return;
        }
        stop.store(true, Ordering::Relaxed);
        observer.observe(Event::Notice(
            "ending: what is in flight is finished and stored (again: end now)".to_owned(),
        ));
        if told_to_end().await {
            process::kill_all();
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
}

/// Waits for Ctrl-C or SIGTERM; false where the system does not tell.
async fn told_to_end() -> bool {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        return false;
    };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.is_ok(),
        terminated = terminated.recv() => terminated.is_some(),
    }
}

/// Stores, compares, renders, and decides the exit code.
///
/// # Errors
/// The store or a report cannot be written.
pub fn conclude(
    common: &Common,
    settings: &Settings,
    config: &Config,
    store: &Store,
    outputs: Outputs,
    baseline: Option<&Run>,
    finished: &Finished,
) -> Result<Exit, Failure> {
    let run = &finished.run;
    let path = store
        .save_run(run)
        .map_err(|error| store_failure("store the run", &error))?;
    let today = jiff::Zoned::now().date();
    let comparison: Option<Comparison> = baseline.map(|baseline| {
        compare(
            run,
            baseline,
            settings.baseline.as_deref().unwrap_or_default(),
            &config.waivers,
            today,
        )
    });
    let terms = Terms {
        fail_on: settings.fail_on,
        max_undecided: settings.max_undecided,
        waivers: &config.waivers,
        today,
        safety_stop: finished.safety_stop,
    };
    let mut exit = outcome::exit(run, comparison.as_ref(), &terms);
    let counting = outcome::counting(run, comparison.as_ref(), &terms);
    let is_whole = !run.interrupted
        && !finished.safety_stop
        && !run.cases.is_empty()
        && !outcome::is_undecided(run, settings.max_undecided);
    if let Some(name) = settings.save_baseline.as_ref().filter(|name| {
        if !is_whole {
            eprintln!("warning: baseline {name} was not saved: the run was not decided");
        }
        is_whole
    }) {
        store
            .save_baseline(name, run)
            .map_err(|error| store_failure("save the baseline", &error))?;
        // Saving says what is, not what ought to be: it succeeds when the run was decided.
        exit = Exit::Ok;
    }
    let input = report::Input {
        run,
        comparison: comparison.as_ref(),
        exit: exit.code(),
        counting,
        stored: &path.display().to_string(),
        color: super::super::output::color(common),
        verbose: common.verbose > 0,
    };
    outputs.write(&input, common.quiet)?;
    Ok(exit)
}

fn read_baseline(store: &Store, name: &str) -> Result<Run, Failure> {
    store.baseline(name).map_err(|error| match error {
        StoreError::Missing { .. } => Failure {
            what: format!("compare with baseline `{name}`"),
            why: error.to_string(),
            hint: format!("save one with `rounds run … --save-baseline {name}`"),
            code: Exit::BaselineMissing,
        },
        StoreError::Unusable { .. } => store_failure("read the baseline", &error),
    })
}

/// A store that cannot be used is the user's to mend.
pub fn store_failure(what: &str, error: &StoreError) -> Failure {
    Failure::usage(what, error.to_string(), "")
}

fn parse_filter(text: &str) -> Result<Filter, Failure> {
    Filter::parse(text).map_err(|why| {
        Failure::usage(
            format!("use the filter `{text}`"),
            why.to_string(),
            "for example: search/* and not level(MAY)",
        )
    })
}

/// The runtime of a run: two workers are enough for a tester that mostly waits.
///
/// # Errors
/// The system gives no threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::usage("start", error.to_string(), "").with_code(Exit::Bug))
}

fn print_plan(planned: &[Planned<'_>], suites: &[Suite], filter: Option<&Filter>) {
    let mut lines = Vec::new();
    for planned in planned {
        lines.push(format!(
            "{}  {}  {}",
            planned.case.full_id(),
            planned.suite.id,
            planned.disposition
        ));
    }
    for suite in suites {
        let ids: Vec<&str> = match &suite.body {
            Body::Property(ids) => ids.iter().map(|(id, _)| id.as_str()).collect(),
            Body::Load(_) => vec![suite.id.as_str()],
            Body::Conformance(_) => Vec::new(),
        };
        let wanted = ids
            .into_iter()
            .filter(|id| filter.is_none_or(|filter| filter.selects_id(&suite.id, id)));
        lines.extend(wanted.map(|id| format!("{id}  {}  run", suite.id)));
    }
    super::super::output::print(&lines.join("\n"));
}
