//! `rounds scoreboard`: the table of planted defects found and of findings on legal behaviour.

use crate::seed::Seed;

use super::super::args::ScoreboardArgs;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::output;
use super::super::scoreboard::{self, Row};

/// Runs all trials and prints the table; exit 1 if a defect is missed or anything legal is blamed.
///
/// # Errors
/// A run that cannot be set up.
pub fn run(args: &ScoreboardArgs) -> Result<Exit, Failure> {
    let defects = scoreboard::run(&scoreboard::defect_trials(Seed::FIXED), args.jobs)?;
    for row in &defects {
        let id = row.trial.defect.unwrap_or_default();
        let found = if row.found.is_empty() {
            "MISSED".to_owned()
        } else {
            brief(&row.found)
        };
        let fails = if row.fails { "fail" } else { "warn" };
        output::print(&format!("{id:30} {fails:5} {found}"));
    }
    let found = defects.iter().filter(|row| !row.found.is_empty()).count();
    output::print(&format!("defects found: {found} of {}\n", defects.len()));
    let clean = scoreboard::run(&scoreboard::clean_trials(args.seeds), args.jobs)?;
    let mut names: Vec<Option<&str>> = clean.iter().map(|row| row.trial.variant).collect();
    names.sort_unstable();
    names.dedup();
    let mut blamed = 0;
    for name in names {
        let rows: Vec<&Row> = clean
            .iter()
            .filter(|row| row.trial.variant == name)
            .collect();
        let findings: usize = rows.iter().map(|row| row.found.len()).sum();
        blamed += findings;
        let decided = rows.iter().map(|row| row.decided).min().unwrap_or_default();
        let undecided: usize = rows.iter().map(|row| row.undecided.len()).sum();
        let requests: u64 = rows.iter().map(|row| row.requests).sum();
        output::print(&format!(
            "{:30} {} seeds, {findings} findings, {decided} cases decided or more, {undecided} undecided, {requests} requests",
            name.unwrap_or("clean"),
            rows.len(),
        ));
        let notes = rows.iter().flat_map(|row| {
            let seed = row.trial.seed;
            row.found
                .iter()
                .map(move |case| format!("  seed {seed}  found {case}"))
                .chain(
                    row.undecided
                        .iter()
                        .map(move |case| format!("  seed {seed}  undecided {case}")),
                )
        });
        for note in notes {
            output::print(&note);
        }
    }
    Ok(if found == defects.len() && blamed == 0 {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

fn brief(cases: &[String]) -> String {
    match cases.len() {
        0..=3 => cases.join(", "),
        count => format!("{}, … ({count} cases)", cases[..3].join(", ")),
    }
}
