//! The same searches before and after a change, and what the change may do to their matches. What is changed is said by
//! the properties.

use std::collections::BTreeSet;

use super::answer;
use super::contrast::{self, Equal, Judged, shown_by};
use super::trace::Trace;
use crate::fhir::Key;

/// Searches that are repeated.
pub const TURNS: usize = 3;

/// Labels of a search before and after the change.
pub fn labels(turn: usize) -> [String; 2] {
    ["before", "after"].map(|label| format!("{label}{turn}"))
}

/// What a change does to the matches of any search.
pub struct Change<'a> {
    /// Rule.
    pub rule: &'static str,
    /// Title if matches are lost.
    pub lost: &'static str,
    /// Title if matches are added.
    pub added: &'static str,
    /// What is no match afterwards.
    pub gone: &'a BTreeSet<Key>,
    /// True if the change cannot show itself unless the search matched what is gone.
    pub needs_gone: bool,
}

/// Judges one of the searches.
///
/// # Errors
/// Why nothing may be concluded.
pub fn judge(trace: &Trace, turn: usize, change: &Change<'_>) -> Judged {
    answer::prepared(trace)?;
    let [before, after] = labels(turn);
    if answer::criteria(trace, &before) != answer::criteria(trace, &after) {
        return Ok(None);
    }
    let (Some(one), Some(two)) = (
        contrast::answered(trace, &before)?,
        contrast::answered(trace, &after)?,
    ) else {
        return Ok(None);
    };
    let was = one.set();
    if was.is_empty() || (change.needs_gone && was.is_disjoint(change.gone)) {
        return Ok(None);
    }
    let violation = Equal {
        rule: change.rule,
        lost: change.lost,
        added: change.added,
        wanted: &(&was - change.gone),
        found: &two.set(),
    }
    .violation();
    let shown = violation.map(|violation| shown_by(violation, trace, &[&one, &two]));
    Ok(Some(shown.into_iter().collect()))
}
