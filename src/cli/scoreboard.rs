//! The scoreboard's side of the harness: which trials there are, the laboratory that runs them on sandboxes exactly as
//! `rounds run` does, and the ledger of those that are done.

pub mod arrangement;
pub mod catalogue;
pub mod hints;
pub mod laboratory;
pub mod ledger;

pub use laboratory::Bench;

use crate::engine::scoreboard::Trial;
use crate::sandbox::Strength;
use crate::seed::Seed;

use super::failure::Failure;

/// Suites that run with a defect: properties first, because they need no cohort and make small cases.
pub const STAGES: &[&[&str]] = &[&["property/core"], &["core"]];
/// Suites that run where nothing must be found: what is generated must not blame either.
pub const CLEAN_STAGES: &[&[&str]] = &[&["property/core"], &["core", "expansion"]];

/// Seed number `index` of the trials with a defect.
pub fn seed(index: u64) -> Seed {
    Seed::FIXED.derive("scoreboard").index(index)
}

/// Which defects are tried.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Ids, with a strength or without; all if empty.
    pub defects: Vec<String>,
    /// Classes; all if empty.
    pub classes: Vec<String>,
    /// Every strength of each defect, not only the usual one.
    pub all_strengths: bool,
}

/// One trial per chosen defect, strength and seed; the seeds of one defect stand apart, so that an early look at the
/// board shows all defects.
///
/// # Errors
/// An id or a class that there is not.
pub fn defect_trials(choice: &Choice, seeds: u64) -> Result<Vec<Trial>, Failure> {
    let mut suspects = Vec::new();
    for name in &choice.defects {
        suspects.push(catalogue::named(name)?);
    }
    if choice.defects.is_empty() {
        suspects = catalogue::all(|strength| choice.all_strengths || strength == Strength::Always);
    }
    if !choice.classes.is_empty() {
        catalogue::check_classes(&choice.classes)?;
        suspects.retain(|suspect| choice.classes.contains(&suspect.class));
    }
    let with_seed = |index| {
        let suspects = suspects.iter().cloned();
        suspects.map(move |suspect| Trial::Defect(suspect, seed(index)))
    };
    Ok((0..seeds).flat_map(with_seed).collect())
}

/// Clean runs number 0 to `runs`, each with a seed of its own; only arrangements of the variants named, if any are.
///
/// # Errors
/// A variant that there is not.
pub fn clean_trials(variants: &[String], runs: u64) -> Result<Vec<Trial>, Failure> {
    let singles = arrangement::singles(variants)?;
    let run = |index| {
        let seed = Seed::FIXED.derive("scoreboard/clean").index(index);
        Trial::Clean(arrangement::of_run(&singles, index), seed)
    };
    Ok((0..runs).map(run).collect())
}
