//! `rounds generate`: synthetic patients to files; the same bytes for the same seed, whatever the number of threads.

use crate::population::{self, Plan};
use crate::seed::Seed;

use super::super::args::{Common, GenerateArgs};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output;

/// Writes a population.
///
/// # Errors
/// A seed that is none, or a folder that cannot be written.
pub fn run(common: &Common, args: &GenerateArgs) -> Result<Exit, Failure> {
    if args.patients == 0 {
        return Err(Failure::usage(
            "generate 0 patients",
            "there would be nothing to write",
            "use -n 1 or more",
        ));
    }
    let seed = match args.seed.as_deref() {
        None => Seed::FIXED,
        Some("random") => Seed::random(),
        Some(text) => text
            .parse()
            .map_err(|why: String| Failure::usage("use the seed", why, ""))?,
    };
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1);
    let mut plan = Plan::new(seed, args.patients);
    if args.witnesses {
        plan = plan.with_witnesses();
    }
    for (folder, is_ndjson) in [(&args.ndjson, true), (&args.bundles, false)] {
        let Some(folder) = folder else { continue };
        let written = if is_ndjson {
            population::write::ndjson(folder, &plan, jobs)
        } else {
            population::write::bundles(folder, &plan, jobs)
        };
        let written = written.map_err(|error| {
            Failure::usage(
                format!("write patients to {}", folder.display()),
                error.to_string(),
                "",
            )
        })?;
        if !common.quiet {
            output::print(&format!(
                "{}: {} patients, {} resources in {} files, seed {seed}",
                folder.display(),
                args.patients,
                written.resources,
                written.files
            ));
        }
    }
    Ok(Exit::Ok)
}
