//! `rounds baseline`: saves, lists, shows, accepts and drops accepted runs.

use crate::baseline::{Store, StoreError, compare};
use crate::record::Run;
use crate::record::comparison::State;

use super::super::args::{BaselineAction, BaselineArgs, Common};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output;

/// Carries out one action.
///
/// # Errors
/// A run or baseline that there is not, or a file that cannot be written.
pub fn run(common: &Common, args: &BaselineArgs) -> Result<Exit, Failure> {
    let store = Store::new(&common.store);
    let text = match &args.action {
        BaselineAction::Save { name, run } => {
            let run = stored(&store, run.as_deref())?;
            let path = store
                .save_baseline(name, &run)
                .map_err(|error| failure("save the baseline", &error))?;
            format!("saved {} as {} ({})", run.id, path.display(), counted(&run))
        }
        BaselineAction::List => list(&store),
        BaselineAction::Show { name } => {
            let baseline = store
                .baseline(name)
                .map_err(|error| missing(name, &error))?;
            show(name, &baseline)
        }
        BaselineAction::Accept { name, run } => accept(&store, name, run.as_deref())?,
        BaselineAction::Drop { name } => {
            let path = store
                .drop_baseline(name)
                .map_err(|error| missing(name, &error))?;
            format!("deleted {}", path.display())
        }
    };
    output::print(&text);
    Ok(Exit::Ok)
}

fn list(store: &Store) -> String {
    let names = store.baselines();
    if names.is_empty() {
        return "no baselines; save one with `rounds run … --save-baseline NAME`".to_owned();
    }
    let lines: Vec<String> = names
        .iter()
        .map(|name| match store.baseline(name) {
            Ok(run) => format!(
                "{name}  {}  {}  {}",
                run.started,
                run.target.url,
                counted(&run)
            ),
            Err(error) => format!("{name}  {error}"),
        })
        .collect();
    lines.join("\n")
}

fn show(name: &str, baseline: &Run) -> String {
    let mut lines = vec![
        format!("baseline  {name}"),
        format!(
            "made      {}  rounds {}  seed {}",
            baseline.started, baseline.tool.version, baseline.seed
        ),
        format!(
            "target    {}  {}",
            baseline.target.url,
            baseline.target.software.as_deref().unwrap_or("")
        ),
        format!("cases     {}", counted(baseline)),
    ];
    lines.extend(
        baseline
            .findings()
            .map(|(case, finding)| format!("  {}  {}", finding.id(), case.verdict.name())),
    );
    lines.join("\n")
}

fn accept(store: &Store, name: &str, run: Option<&str>) -> Result<String, Failure> {
    let run = stored(store, run)?;
    let before = store
        .baseline(name)
        .map_err(|error| missing(name, &error))?;
    let comparison = compare(&run, &before, name, &[], jiff::Zoned::now().date());
    let mut lines = Vec::new();
    for ((_, finding), state) in run.findings().zip(&comparison.states) {
        if *state != State::Unchanged {
            lines.push(format!("+ {}  {}", finding.id(), finding.title));
        }
    }
    for absent in &comparison.absent {
        lines.push(format!("- {}#{}", absent.case, absent.rule));
    }
    if lines.is_empty() {
        lines.push("nothing changes".to_owned());
    }
    let path = store
        .save_baseline(name, &run)
        .map_err(|error| failure("save the baseline", &error))?;
    lines.push(format!(
        "accepted {} as {} ({})",
        run.id,
        path.display(),
        counted(&run)
    ));
    Ok(lines.join("\n"))
}

fn counted(run: &Run) -> String {
    let counts = run.counts();
    format!(
        "{} cases, {} passed, {} findings",
        counts.total(),
        counts.pass,
        run.findings().count()
    )
}

/// A stored run by id or file, or the last one.
///
/// # Errors
/// There is none.
pub fn stored(store: &Store, name: Option<&str>) -> Result<Run, Failure> {
    store.run(name).map_err(|error| {
        Failure::usage(
            "find the run",
            error.to_string(),
            "`rounds list runs` shows all",
        )
    })
}

fn missing(name: &str, error: &StoreError) -> Failure {
    failure(&format!("use baseline `{name}`"), error).with_code(Exit::BaselineMissing)
}

fn failure(what: &str, error: &StoreError) -> Failure {
    Failure::usage(what, error.to_string(), "")
}
