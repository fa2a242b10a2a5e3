//! The harness against known truth: every planted defect is found, nothing legal is blamed, and every check is
//! provoked by some defect. Takes the path of `rounds run`; `rounds scoreboard` does the same over more seeds.

use std::collections::BTreeSet;

use rounds::cli::scoreboard::{self, Trial};
use rounds::seed::Seed;

/// Runs at a time: most of a run waits.
const JOBS: usize = 3;

/// Checks that no planted defect provokes yet, each with the reason.
const UNPROVOKED: &[(&str, &str)] = &[];

#[test]
fn every_defect_is_found_and_every_check_is_provoked_by_some_defect() {
    let rows =
        scoreboard::run(&scoreboard::defect_trials(Seed::FIXED), JOBS).expect("the sandbox starts");
    let missed: Vec<&str> = rows
        .iter()
        .filter(|row| row.found.is_empty())
        .filter_map(|row| row.trial.defect)
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
    let provoked: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.rules.iter().map(String::as_str))
        .collect();
    let idle: Vec<&str> = rounds::check::all()
        .map(|check| check.spec().id)
        .filter(|id| !provoked.contains(id) && !UNPROVOKED.iter().any(|(known, _)| known == id))
        .collect();
    assert!(idle.is_empty(), "no defect provokes: {idle:?}");
}

#[test]
fn the_clean_sandbox_and_every_legal_variant_are_silent() {
    let trials: Vec<Trial> = scoreboard::clean_trials(1);
    for row in scoreboard::run(&trials, JOBS).expect("the sandbox starts") {
        assert!(
            row.found.is_empty(),
            "{:?} with seed {}: {:?}",
            row.trial.variant,
            row.trial.seed,
            row.found
        );
        assert!(
            row.decided >= 30,
            "{:?}: only {} cases were decided",
            row.trial.variant,
            row.decided
        );
    }
}
