//! `rounds compare A [B]`: two stored runs or baselines, A being the older.

use crate::baseline::{Store, compare};
use crate::record::Run;
use crate::report::Input;

use super::super::args::{Common, CompareArgs};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::outcome::{self, Terms};
use super::super::output::{self, Outputs};
use super::super::settings::Settings;

/// Compares and renders.
///
/// # Errors
/// A run or baseline that there is not.
pub fn run(common: &Common, args: &CompareArgs) -> Result<Exit, Failure> {
    if [Some(&args.a), args.b.as_ref()]
        .into_iter()
        .flatten()
        .any(|name| name.contains("://"))
    {
        return Err(Failure::usage(
            "compare URLs",
            "comparing two live endpoints is not available yet",
            "run each with `rounds run -t URL --save-baseline NAME` and compare the names",
        ));
    }
    let config = Config::read(common.config.as_deref())?;
    let store = Store::new(&common.store);
    let before = find(&store, &args.a)?;
    let run = match &args.b {
        Some(name) => find(&store, name)?,
        None => super::baseline::stored(&store, None)?,
    };
    let today = jiff::Zoned::now().date();
    let comparison = compare(&run, &before, &args.a, &config.waivers, today);
    let terms = Terms {
        fail_on: None,
        max_undecided: Settings::DEFAULT_MAX_UNDECIDED,
        waivers: &config.waivers,
        today,
        safety_stop: false,
    };
    let exit = outcome::exit(&run, Some(&comparison), &terms);
    let input = Input {
        run: &run,
        comparison: Some(&comparison),
        exit: exit.code(),
        counting: outcome::counting(&run, Some(&comparison), &terms),
        stored: &store.run_file(&run.id).display().to_string(),
        color: output::color(common),
        verbose: common.verbose > 0,
    };
    Outputs::open(&[])?.write(&input, false)?;
    Ok(exit)
}

/// A baseline of that name, else a run of that id or file.
fn find(store: &Store, name: &str) -> Result<Run, Failure> {
    if let Ok(baseline) = store.baseline(name) {
        return Ok(baseline);
    }
    super::baseline::stored(store, Some(name))
}
