//! `rounds list WHAT`: what there is, the id first on each line; JSON for programs. What an id means is `explain`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Map, Value};

use crate::baseline::Store;
use crate::clock::{Clock, SystemClock};
use crate::engine::plan::Disposition;
use crate::record::event::Silent;
use crate::record::id::RunId;
use crate::seed::{RunToken, Seed};
use crate::suite::ir::Suite;
use crate::{check, population, probe, property, report, sandbox};

use super::super::args::{Common, ListArgs, RunArgs, What};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::prospect::Prospect;
use super::super::settings::Settings;
use super::super::setup::{self, Data, Given};
use super::super::{output, suites};
use super::run;

/// One line: names and values in the order of the columns.
type Row = Vec<(&'static str, String)>;

/// Prints a list.
///
/// # Errors
/// None that depends on the user; a built-in suite that cannot be read is a bug.
pub fn run(common: &Common, args: &ListArgs) -> Result<Exit, Failure> {
    let rows = match (args.what, &args.target.target) {
        (What::Cases, Some(_)) => on_target(common, args)?,
        (what, _) => rows(common, what)?,
    };
    if args.what == What::Cases && !common.quiet {
        explain(&rows, args.target.target.is_some());
    }
    if args.json {
        output::print(&json(rows));
    } else if rows.is_empty() {
        output::print("none");
    } else {
        output::print(&columns(&rows));
    }
    Ok(Exit::Ok)
}

fn rows(common: &Common, what: What) -> Result<Vec<Row>, Failure> {
    Ok(match what {
        What::Cases => suites::all()?.iter().flat_map(cases).collect(),
        What::Checks => check::all().map(|check| checks(check.spec())).collect(),
        What::Defects => sandbox::DEFECTS.iter().map(|entry| defect(entry)).collect(),
        What::Formats => report::FORMATS
            .iter()
            .map(|format| titled(format.name(), format.title()))
            .collect(),
        What::Generators => population::GENERATORS
            .iter()
            .map(|generator| titled(generator.resource_type, generator.title))
            .collect(),
        What::Probes => probe::PROBES
            .iter()
            .map(|probe| titled(probe.spec().id, probe.spec().title))
            .collect(),
        What::Properties => property::PROPERTIES
            .iter()
            .map(|property| properties(property.spec()))
            .collect(),
        What::Runs => runs(&Store::new(&common.store)),
        What::Suites => suites::all()?.iter().map(suite).collect(),
        What::Variants => sandbox::VARIANTS
            .iter()
            .map(|variant| titled(variant.id, variant.title))
            .collect(),
    })
}

/// What would run on a target, and why the rest would not: by its claims alone, nothing but they are asked for.
fn on_target(common: &Common, args: &ListArgs) -> Result<Vec<Row>, Failure> {
    let config = Config::read(common.config.as_deref())?;
    let run_args = RunArgs {
        target: args.target.clone(),
        dry_run: true,
        max_undecided: Settings::DEFAULT_MAX_UNDECIDED,
        ..RunArgs::default()
    };
    let settings = Settings::resolve(common, &run_args, &config)?;
    let suites = suites::all()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let given = Given {
        id: RunId::new(clock.now(), Seed::FIXED),
        seed: Seed::FIXED,
        token: RunToken::random(),
        clock,
        observer: Arc::new(Silent),
        stop: Arc::new(AtomicBool::new(false)),
    };
    run::runtime()?.block_on(async {
        let ground = setup::set_up(&settings, &given, Data::Never).await?;
        let prospect = Prospect::new(&ground, suites, given.clock.now());
        let mut rows: Vec<Row> = prospect
            .planned(&ground, &|_, _| true, None)
            .iter()
            .map(|planned| {
                fate(
                    planned.case.full_id(),
                    &planned.suite.id,
                    &planned.disposition,
                )
            })
            .collect();
        rows.extend(prospect.left_out.iter().map(|left| {
            let reason = Disposition::Skip(left.reason.clone());
            fate(left.id.clone(), left.suite, &reason)
        }));
        Ok(rows)
    })
}

fn fate(id: String, suite: &str, disposition: &Disposition) -> Row {
    let (fate, reason) = match disposition {
        Disposition::Run => ("run", ""),
        Disposition::Skip(reason) => ("skip", reason.as_str()),
        Disposition::Blocked(reason) => ("blocked", reason.as_str()),
    };
    vec![
        ("id", id),
        ("suite", suite.to_owned()),
        ("fate", fate.to_owned()),
        ("reason", reason.to_owned()),
    ]
}

/// What the lines come to, and what would change it; on standard error, for the list is for programs too.
fn explain(rows: &[Row], has_target: bool) {
    if !has_target {
        let generated: Vec<&str> = suites::generated().collect();
        eprintln!(
            "{} cases are written; those of {} follow from the claims of a target: `rounds list cases -t URL`",
            rows.len(),
            generated.join(", ")
        );
        return;
    }
    let with = |fate: &str| {
        let is_so = |row: &&Row| row.contains(&("fate", fate.to_owned()));
        rows.iter().filter(is_so).count()
    };
    eprintln!(
        "{} cases of all suites: {} would run, {} are skipped by what the target claims, {} are blocked",
        rows.len(),
        with("run"),
        with("skip"),
        with("blocked")
    );
    if with("blocked") > 0 {
        eprintln!("--allow-writes, or `writes: true` in rounds.yaml, lets the writing ones run");
    }
    eprintln!(
        "`rounds run -t URL` runs {} unless suites are named; `rounds list properties` names what is no case",
        run::TARGETED.join(", ")
    );
}

fn titled(id: &str, title: &str) -> Row {
    vec![("id", id.to_owned()), ("title", title.to_owned())]
}

fn cases(suite: &Suite) -> Vec<Row> {
    suite
        .cases()
        .iter()
        .map(|case| {
            vec![
                ("id", case.full_id()),
                ("suite", suite.id.clone()),
                ("level", case.level.as_str().to_owned()),
                ("severity", case.severity.as_str().to_owned()),
                ("title", case.title.clone()),
            ]
        })
        .collect()
}

fn checks(spec: &check::CheckSpec) -> Row {
    vec![
        ("id", spec.id.to_owned()),
        ("level", spec.level.as_str().to_owned()),
        ("severity", spec.severity.as_str().to_owned()),
        ("title", spec.title.to_owned()),
    ]
}

fn defect(defect: &sandbox::Defect) -> Row {
    vec![
        ("id", defect.id.to_owned()),
        ("class", defect.class.to_owned()),
        ("title", defect.title.to_owned()),
    ]
}

fn properties(spec: &property::PropertySpec) -> Row {
    vec![
        ("id", spec.id.to_owned()),
        ("level", spec.level.as_str().to_owned()),
        ("severity", spec.severity.as_str().to_owned()),
        ("title", spec.title.to_owned()),
    ]
}

fn suite(suite: &Suite) -> Row {
    vec![
        ("id", suite.id.clone()),
        ("kind", suite.kind().to_owned()),
        ("title", suite.title.clone()),
    ]
}

/// Stored runs, the last one last; one that cannot be read says why.
fn runs(store: &Store) -> Vec<Row> {
    store
        .runs()
        .into_iter()
        .map(|id| match store.run(Some(&id.0)) {
            Err(error) => titled(&id.0, &error.to_string()),
            Ok(run) => {
                let counts = run.counts();
                vec![
                    ("id", id.0),
                    ("started", run.started.clone()),
                    ("cases", format!("{} cases", counts.total())),
                    ("findings", format!("{} findings", run.findings().count())),
                    ("target", run.target.url.clone()),
                ]
            }
        })
        .collect()
}

fn columns(rows: &[Row]) -> String {
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|(_, cell)| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or_default())
        .map(widest)
        .collect();
    let line = |row: &Row| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|((_, cell), width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn json(rows: Vec<Row>) -> String {
    let objects: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            let members: Map<String, Value> = row
                .into_iter()
                .map(|(name, cell)| (name.to_owned(), Value::from(cell)))
                .collect();
            Value::from(members)
        })
        .collect();
    serde_json::to_string_pretty(&objects).expect("a list of texts is JSON")
}
