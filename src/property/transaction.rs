//! What the properties of batches and transactions have in common: what must be claimed, entries that certainly fail,
//! and what an answer to a Bundle means. No property of its own.

use serde_json::{Value, json};

use super::case::{Command, Criterion, Entry, Raw, RawBody, Script, Search, Term};
use super::trace::{Event, Reply, Trace};
use super::{Ground, Open, Values, dataset, life};
use crate::fhir::bundle;
use crate::http::{Exchange, Method};
use crate::record::Verdict;

/// A type that no server has.
const NO_TYPE: &str = "NoSuchResource";

/// Types with which a property of Bundles can work.
///
/// # Errors
/// `Skip` if Bundles of the kind (`batch`, `transaction`) or the interactions are not claimed, `Blocked` if writing is
/// not permitted.
pub fn admitted(
    ground: &Ground<'_>,
    kind: &str,
    interactions: &[&str],
) -> Result<Vec<&'static str>, Verdict> {
    if !ground.capability.supports_system(kind) {
        return Err(Verdict::Skip(format!("not claimed: {kind}")));
    }
    ground.written(interactions)
}

/// PUT of new content; it names the version where the target takes no update without one.
pub fn update(ground: &Ground<'_>, target: u32, resource: Value, seen: u32) -> Command {
    let resource_type = crate::fhir::resource::resource_type(&resource).unwrap_or_default();
    let demands = ground
        .capability
        .member(resource_type, "versioning")
        .is_some_and(|versioning| versioning == "versioned-update");
    Command::Put {
        target,
        if_match: demands.then_some(seen),
        resource,
    }
}

/// True if versions are claimed, so that `If-Match` may be expected to count.
pub fn has_versions(ground: &Ground<'_>, resource_type: &str) -> bool {
    ground
        .capability
        .member(resource_type, "versioning")
        .is_some_and(|versioning| versioning == "versioned" || versioning == "versioned-update")
}

/// A create at a type that there is not: nobody can carry it out.
pub fn impossible() -> Command {
    Command::Raw(Raw {
        method: Method::Post,
        url: NO_TYPE.to_owned(),
        headers: Vec::new(),
        body: RawBody::Json(json!({ "resourceType": NO_TYPE, "status": "final" })),
        name: None,
    })
}

/// A create that R4 does not allow: an element has another type than it may have.
pub fn invalid(resource_type: &str, values: &mut Values) -> Command {
    let mut resource = dataset::turn(resource_type, 90, values);
    match resource_type {
        "Patient" => resource["gender"] = json!(["female"]),
        _ => resource["status"] = json!({ "code": "final" }),
    }
    Command::Raw(Raw {
        method: Method::Post,
        url: resource_type.to_owned(),
        headers: Vec::new(),
        body: RawBody::Json(resource),
        name: None,
    })
}

/// Puts things into another order.
pub fn shuffle<T>(things: &mut [T], values: &mut Values) {
    for last in (1..things.len()).rev() {
        let bound = u32::try_from(last).unwrap_or(u32::MAX - 1) + 1;
        things.swap(last, values.below(bound) as usize);
    }
}

/// Waits for the index, then searches what carries the identifiers of the creates among these entries.
pub fn search_created(script: &mut Script, label: &str, resource_type: &str, entries: &[Entry]) {
    let names: Vec<Term> = entries
        .iter()
        .filter_map(|entry| match &entry.command {
            Command::Create { name, .. } => Some(Term::Identifier(name.clone())),
            _ => None,
        })
        .collect();
    if !names.is_empty() {
        script.settle(resource_type);
        let criterion = Criterion::new("identifier", Term::AnyOf(names));
        script.search(Search::of(label, resource_type, vec![criterion]));
    }
}

/// What an answer to a Bundle means.
#[derive(Debug)]
pub enum Fate {
    /// It was carried out: the response Bundle.
    Done(Value),
    /// It was refused. R4 lets a server refuse a transaction with 400 or 500.
    Refused(u16),
    /// Nobody knows.
    Unknown(Open),
    /// It was not sent.
    Absent,
}

/// What the answer to a Bundle means.
pub fn fate(event: &Event) -> Fate {
    let status = life::status(event);
    match event.reply() {
        Reply::Absent => Fate::Absent,
        Reply::Refused(_) => Fate::Refused(status),
        Reply::Unknown if matches!(status, 500 | 501) => Fate::Refused(status),
        Reply::Unknown => Fate::Unknown(Open::Undecided(event.doubt().unwrap_or_default())),
        Reply::Accepted(exchange) => match exchange.json().filter(is_response) {
            Some(body) => Fate::Done(body),
            None => Fate::Unknown(Open::Undecided(
                "a Bundle was accepted and not answered with a response Bundle".to_owned(),
            )),
        },
    }
}

fn is_response(body: &Value) -> bool {
    let kind = body.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("-response"))
}

/// The Bundles of a trace with their places in it and their entries.
pub fn bundles(trace: &Trace) -> impl Iterator<Item = (usize, &Event, &[Entry])> {
    let events = trace.events.iter().enumerate();
    events.filter_map(|(index, event)| match &event.step.command {
        Command::Bundle { entries, .. } => Some((index, event, entries.as_slice())),
        _ => None,
    })
}

/// Number of entries in a response Bundle.
pub fn answers(body: &Value) -> usize {
    bundle::entries(body).count()
}

/// The last read of what a step or entry made, before or behind a place in the trace.
pub fn read_before(trace: &Trace, index: usize, target: u32) -> Option<&Event> {
    trace.events[..index]
        .iter()
        .rev()
        .find(|event| reads(event, target))
}

/// The first read of what a step or entry made, behind a place in the trace.
pub fn read_after(trace: &Trace, index: usize, target: u32) -> Option<&Event> {
    trace.events[index..]
        .iter()
        .find(|event| reads(event, target))
}

fn reads(event: &Event, target: u32) -> bool {
    matches!(event.step.command, Command::Read { target: of } if of == target)
}

/// The mark of the content that an answer shows.
pub fn mark_of(exchange: &Exchange) -> Option<String> {
    let body = exchange.json()?;
    life::mark(&body).map(str::to_owned)
}

/// What a read says of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is there, with a content of this mark (if it has one).
    There(Option<String>),
    /// It is not there, or no longer.
    Gone,
}

/// What a read says; `None` if it says nothing.
pub fn state(event: &Event) -> Option<State> {
    match event.reply() {
        Reply::Accepted(exchange) => Some(State::There(mark_of(exchange))),
        Reply::Refused(exchange) if matches!(exchange.status(), Some(404 | 410)) => {
            Some(State::Gone)
        }
        _ => None,
    }
}

/// The content that a command writes, by its mark.
pub fn written(command: &Command) -> Option<State> {
    let mark = life::mark(command.payload()?)?;
    Some(State::There(Some(mark.to_owned())))
}

/// What a command makes of the resource that it is about; `None` if it changes nothing.
pub fn effect(command: &Command) -> Option<State> {
    match command {
        Command::Delete { .. } => Some(State::Gone),
        Command::Create { .. } | Command::PutNew { .. } | Command::Put { .. } => written(command),
        _ => None,
    }
}

/// The number by which the resource of an entry is read: that of the entry if it creates, else of what it is about.
pub fn subject(entry: &Entry) -> u32 {
    entry.command.target().unwrap_or(entry.id)
}

/// Whether requests may be cut, doubled and delayed on their way to the target.
///
/// # Errors
/// `Skip`: it is behind TLS, or neither ours nor open to load.
pub fn disturbable(ground: &Ground<'_>) -> Result<(), Verdict> {
    match ground.faults {
        true => Ok(()),
        false => Err(Verdict::Skip(
            "not disturbed: connections are cut only over http:// and with --allow-load".to_owned(),
        )),
    }
}

/// What reads behind a place in the trace say of a resource, the last of them, where they all say the same; `None` if
/// there are not at least two.
///
/// # Errors
/// `Undecided` if they do not: somebody is still at work.
pub fn at_rest(trace: &Trace, index: usize, target: u32) -> Result<Option<(State, &Event)>, Open> {
    let reads: Vec<(State, &Event)> = trace.events[index..]
        .iter()
        .filter(|event| reads(event, target))
        .filter_map(|event| Some((state(event)?, event)))
        .collect();
    if reads.iter().any(|(state, _)| *state != reads[0].0) {
        let reason = "what was written changed while it was read: the target was still at work";
        return Err(Open::Undecided(reason.to_owned()));
    }
    Ok(if reads.len() > 1 {
        reads.into_iter().next_back()
    } else {
        None
    })
}
