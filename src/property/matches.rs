//! What conditional interactions have in common: how many resources of the case match the criterion before the step,
//! and what is there afterwards. No property of its own.

use super::case::{Command, Criterion, Origin, Script, Search, Term};
use super::trace::{Event, Outcome, Trace};
use super::{Ground, Judgement, Open, PropertySpec, Values, answer, dataset};
use crate::fhir::Key;
use crate::record::{Completeness, Verdict, Violation};
use std::collections::BTreeSet;

/// Label of the search before the step.
pub const BEFORE: &str = "before";
/// Label of the search after it.
pub const AFTER: &str = "after";
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

/// A case: some resources that match and one that does not, the conditional step, and searches around it.
pub fn script(
    spec: &PropertySpec,
    types: &[&'static str],
    values: &mut Values,
    step: impl FnOnce(&'static str, &mut Values) -> Command,
) -> (Script, &'static str) {
    let resource_type = types.first().map_or("Patient", |_| *values.pick(types));
    let mut script = Script::new(spec.id, Origin::Created, 0);
    // A resource that does not match, so that nothing is mistaken for everything.
    script.create(dataset::turn(resource_type, 0, values));
    for turn in 0..values.below(3) {
        script.push(Command::Create {
            name: NAME.to_owned(),
            resource: dataset::turn(resource_type, 1 + turn, values),
            if_none_exist: false,
        });
    }
    script.settle(resource_type);
    script.search(search(BEFORE, resource_type));
    let step = step(resource_type, values);
    script.push(step);
    script.settle(resource_type);
    script.search(search(AFTER, resource_type));
    (script, resource_type)
}

/// What a step came to: nothing to judge, or a violation or none.
pub type Judged = Result<Option<Option<Violation>>, Open>;

/// Judges every step that is of the kind in question.
pub fn judge(
    trace: &Trace,
    is_meant: impl Fn(&Command) -> bool,
    judge: impl Fn(usize, &Event) -> Judged,
) -> Judgement {
    if let Err(reason) = answer::created(trace) {
        return Judgement::open(reason);
    }
    let mut judgement = Judgement::default();
    for (index, event) in trace.events.iter().enumerate() {
        if !is_meant(&event.step.command) {
            continue;
        }
        match judge(index, event) {
            Ok(Some(found)) => {
                judgement.weighed += 1;
                judgement.violations.extend(found);
            }
            Ok(None) => {}
            Err(reason) => judgement.open.push(reason),
        }
    }
    judgement
}

/// A violation over resources of the case's own.
pub fn broken(mut violation: Violation, sign: &str) -> Violation {
    violation = violation.signed(sign);
    violation.oracle = Some(Completeness::Exact);
    violation
}

/// What carried the identifier before a step: the answer of the search with this label, which must stand before the
/// step with nothing written in between.
///
/// # Errors
/// Why the search has no answer.
pub fn before(trace: &Trace, index: usize) -> Result<Option<BTreeSet<Key>>, Open> {
    let events = &trace.events[..index];
    let Some(position) = position(events, BEFORE) else {
        return Ok(None);
    };
    if events[position..]
        .iter()
        .any(|event| event.step.command.writes())
    {
        return Ok(None);
    }
    Ok(answer::whole(trace, BEFORE)?.map(|answer| answer.set()))
}

/// What carries the identifier after a step, once the index was awaited, with nothing else written in between.
///
/// # Errors
/// Why the search has no answer.
pub fn after(trace: &Trace, index: usize) -> Result<Option<BTreeSet<Key>>, Open> {
    let events = &trace.events[index + 1..];
    let Some(position) = position(events, AFTER) else {
        return Ok(None);
    };
    let between = &events[..position];
    let settled = between
        .iter()
        .any(|event| matches!(event.outcome, Outcome::Settled { .. }));
    if !settled || between.iter().any(|event| event.step.command.writes()) {
        return Ok(None);
    }
    Ok(answer::whole(trace, AFTER)?.map(|answer| answer.set()))
}

fn position(events: &[Event], label: &str) -> Option<usize> {
    events.iter().position(
        |event| matches!(&event.step.command, Command::Search(search) if search.label == label),
    )
}
