//! What conditional interactions have in common: how many resources of the case match the criterion before the step,
//! and what is there afterwards. No property of its own.

use super::case::{Command, Criterion, Search, Term};
use super::trace::{Event, Outcome, Trace};
use super::{Ground, Open, answer};
use crate::fhir::Key;
use crate::record::Verdict;
use std::collections::BTreeSet;

/// Name of the resources that the criterion is about.
pub const NAME: &str = "same";

/// Types that may be written and searched by identifier, and that claim a conditional interaction.
///
/// # Errors
/// `Skip` if none claims it, `Blocked` if writing is not permitted.
pub fn types(
    ground: &Ground<'_>,
    interactions: &[&str],
    claims: impl Fn(&str) -> bool,
    what: &str,
) -> Result<Vec<&'static str>, Verdict> {
    let wanted: Vec<&str> = interactions
        .iter()
        .copied()
        .chain(["search-type"])
        .collect();
    let mut types = ground.written(&wanted)?;
    types.retain(|name| claims(name) && ground.capability.supports_parameter(name, "identifier"));
    if types.is_empty() {
        return Err(Verdict::Skip(format!(
            "not claimed: {what} with identifier"
        )));
    }
    Ok(types)
}

/// The search that shows what carries the identifier.
pub fn search(label: &str, resource_type: &str) -> Search {
    let term = Term::Identifier(NAME.to_owned());
    Search::of(
        label,
        resource_type,
        vec![Criterion::new("identifier", term)],
    )
}

/// What carried the identifier before a step: the answer of the search with this label, which must stand before the
/// step with nothing written in between.
///
/// # Errors
/// Why the search has no answer.
pub fn before(trace: &Trace, index: usize, label: &str) -> Result<Option<BTreeSet<Key>>, Open> {
    let events = &trace.events[..index];
    let Some(position) = position(events, label) else {
        return Ok(None);
    };
    if events[position..]
        .iter()
        .any(|event| event.step.command.writes())
    {
        return Ok(None);
    }
    Ok(answer::whole(trace, label)?.map(|answer| answer.set()))
}

/// What carries the identifier after a step, once the index was awaited, with nothing else written in between.
///
/// # Errors
/// Why the search has no answer.
pub fn after(trace: &Trace, index: usize, label: &str) -> Result<Option<BTreeSet<Key>>, Open> {
    let events = &trace.events[index + 1..];
    let Some(position) = position(events, label) else {
        return Ok(None);
    };
    let between = &events[..position];
    let settled = between
        .iter()
        .any(|event| matches!(event.outcome, Outcome::Settled { .. }));
    if !settled || between.iter().any(|event| event.step.command.writes()) {
        return Ok(None);
    }
    Ok(answer::whole(trace, label)?.map(|answer| answer.set()))
}

fn position(events: &[Event], label: &str) -> Option<usize> {
    events.iter().position(
        |event| matches!(&event.step.command, Command::Search(search) if search.label == label),
    )
}
