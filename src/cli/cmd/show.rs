//! `rounds show FINDING`: one finding of a stored run in full, with its exchanges and curl lines.

use crate::baseline::Store;
use crate::record::{Finding, Run};
use crate::report::detail;

use super::super::args::{Common, ShowArgs};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output;

/// Shows.
///
/// # Errors
/// No such run, or no such finding in it.
pub fn run(common: &Common, args: &ShowArgs) -> Result<Exit, Failure> {
    let run = super::baseline::stored(&Store::new(&common.store), args.run.as_deref())?;
    let found: Vec<&Finding> = run
        .findings()
        .map(|(_, finding)| finding)
        .filter(|finding| is_meant(finding, &args.finding))
        .collect();
    if found.is_empty() {
        return Err(not_found(&run, &args.finding));
    }
    let texts: Vec<String> = found
        .iter()
        .map(|finding| detail::render(&run, finding, output::color(common)))
        .collect();
    output::print(texts.join("\n").trim_end());
    Ok(Exit::Ok)
}

fn is_meant(finding: &Finding, name: &str) -> bool {
    finding.case == name || finding.id() == name || finding.fingerprint.0 == name
}

fn not_found(run: &Run, name: &str) -> Failure {
    let why = match run.cases.iter().find(|case| case.id == name) {
        Some(case) => format!(
            "the case is there and has no finding ({})",
            case.verdict.name()
        ),
        None => format!("run {} has no finding of that name", run.id),
    };
    let known: Vec<String> = run
        .findings()
        .map(|(_, finding)| finding.id())
        .take(10)
        .collect();
    let hint = if known.is_empty() {
        "the run has no findings".to_owned()
    } else {
        format!("it has: {}", known.join(", "))
    };
    Failure::usage(format!("show `{name}`"), why, hint)
}
