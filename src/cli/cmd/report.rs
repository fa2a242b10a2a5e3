//! `rounds report`: renders a stored run again, against a baseline if one is named.

use crate::baseline::{Store, compare};
use crate::report::Input;

use super::super::args::{Common, ReportArgs};
use super::super::config::Config;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::outcome::{self, Terms};
use super::super::output::{self, Outputs};
use super::super::settings::Settings;

/// Renders.
///
/// # Errors
/// A run, baseline or format that there is not, or a file that cannot be written.
pub fn run(common: &Common, args: &ReportArgs) -> Result<Exit, Failure> {
    let outputs = Outputs::open(&args.formats)?;
    let config = Config::read(common.config.as_deref())?;
    let store = Store::new(&common.store);
    let run = super::baseline::stored(&store, args.run.as_deref())?;
    let today = jiff::Zoned::now().date();
    let comparison = match &args.baseline {
        None => None,
        Some(name) => {
            let baseline = store.baseline(name).map_err(|error| {
                Failure::usage(
                    format!("compare with baseline `{name}`"),
                    error.to_string(),
                    "",
                )
                .with_code(Exit::BaselineMissing)
            })?;
            Some(compare(&run, &baseline, name, &config.waivers, today))
        }
    };
    let terms = Terms {
        fail_on: None,
        max_undecided: Settings::DEFAULT_MAX_UNDECIDED,
        waivers: &config.waivers,
        today,
        safety_stop: false,
    };
    let input = Input {
        run: &run,
        comparison: comparison.as_ref(),
        exit: outcome::exit(&run, comparison.as_ref(), &terms).code(),
        counting: outcome::counting(&run, comparison.as_ref(), &terms),
        stored: &store.run_file(&run.id).display().to_string(),
        color: output::color(common),
        verbose: common.verbose > 0,
    };
    outputs.write(&input, false)?;
    // Rendering succeeded; the run's own exit code was that of the run.
    Ok(Exit::Ok)
}
