//! The answer to a search as an oracle needs it: the set over all pages, or the reason why there is none. Guards
//! SELF, BAR and QUIET live here; which sets must relate how is said by the properties.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Open;
use super::case::{Command, Criterion, Origin, Search};
use super::trace::{Event, Outcome, Reply, Trace};
use crate::fhir::{Key, bundle, query};
use crate::record::Completeness;

/// The matches of a search over all its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Matches by page, in order, repetitions included.
    pub pages: Vec<Vec<Key>>,
    /// The pages came to an end.
    pub complete: bool,
    /// Numbers of the exchanges.
    pub exchanges: Vec<u32>,
}

impl Answer {
    /// The matches as a set.
    pub fn set(&self) -> BTreeSet<Key> {
        self.pages.iter().flatten().cloned().collect()
    }

    /// Matches that occur more than once.
    pub fn repeated(&self) -> usize {
        self.pages.iter().map(Vec::len).sum::<usize>() - self.set().len()
    }
}

/// The complete answer to the search with this label.
///
/// # Errors
/// Why there is none. An absent search (cut away, or without values to ask for) gives `None`.
pub fn whole(trace: &Trace, label: &str) -> Result<Option<Answer>, Open> {
    let Some(answer) = pages(trace, label)? else {
        return Ok(None);
    };
    if !answer.complete {
        return Err(Open::Undecided(
            "a search has more pages than a case may read".to_owned(),
        ));
    }
    Ok(Some(answer))
}

/// The answer to the search with this label, complete or not.
///
/// # Errors
/// Why there is none.
pub fn pages(trace: &Trace, label: &str) -> Result<Option<Answer>, Open> {
    let Some(event) = trace.search(label) else {
        return Ok(None);
    };
    let Command::Search(search) = &event.step.command else {
        return Ok(None);
    };
    match event.reply() {
        Reply::Absent => Ok(None),
        Reply::Unknown => Err(Open::Undecided(event.doubt().unwrap_or_else(|| {
            "a search was answered with a status that is neither success nor error".to_owned()
        }))),
        Reply::Refused(exchange) => Err(refusal(search, exchange.status().unwrap_or_default())),
        Reply::Accepted(_) => read(event).map(Some),
    }
}

/// The answer to a step that follows a link, complete or not; `None` if there was no link.
///
/// # Errors
/// Why there is none. A refusal is one: links are optional, and what a refused one means is said by the property.
pub fn followed(event: &Event) -> Result<Option<Answer>, Open> {
    match event.reply() {
        Reply::Absent => Ok(None),
        Reply::Unknown => Err(Open::Undecided(event.doubt().unwrap_or_default())),
        Reply::Refused(exchange) => Err(Open::Unsupported(format!(
            "a link is answered with {}",
            exchange.status().unwrap_or_default()
        ))),
        Reply::Accepted(_) => read(event).map(Some),
    }
}

fn refusal(search: &Search, status: u16) -> Open {
    let names: Vec<&str> = search
        .criteria
        .iter()
        .map(|criterion| criterion.name.as_str())
        .collect();
    Open::Unsupported(format!(
        "{} by {} is answered with {status}",
        search.resource_type,
        if names.is_empty() {
            "tag".to_owned()
        } else {
            names.join(" and ")
        }
    ))
}

fn read(event: &Event) -> Result<Answer, Open> {
    let mut pages = Vec::new();
    for exchange in &event.exchanges {
        let page = exchange.json().filter(is_searchset).ok_or_else(|| {
            Open::Undecided("a search was not answered with a searchset Bundle".to_owned())
        })?;
        pages.push(bundle::match_keys(&page));
    }
    Ok(Answer {
        pages,
        complete: event.outcome != Outcome::Endless,
        exchanges: event.numbers().collect(),
    })
}

fn is_searchset(value: &Value) -> bool {
    value.get("resourceType").and_then(Value::as_str) == Some("Bundle")
        && value.get("type").and_then(Value::as_str) == Some("searchset")
}

/// Guard SELF: a criterion that the self link of the answer does not show was ignored.
/// <http://hl7.org/fhir/R4/search.html#conformance>
///
/// # Errors
/// The first criterion that was ignored. A self link without a query says nothing about any.
pub fn heeded(trace: &Trace, label: &str) -> Result<(), Open> {
    let Some(event) = trace.search(label) else {
        return Ok(());
    };
    let Command::Search(search) = &event.step.command else {
        return Ok(());
    };
    let Some(shown) = shown_parameters(event) else {
        return Ok(());
    };
    let wanted = search
        .criteria
        .iter()
        .map(|criterion| criterion.name.as_str())
        .chain(search.sort.as_ref().map(|_| "_sort"));
    match wanted
        .into_iter()
        .find(|name| !shown.iter().any(|known| known == name))
    {
        Some(name) => Err(Open::Unsupported(format!(
            "{} ignores {name}: its self link does not show it",
            search.resource_type
        ))),
        None => Ok(()),
    }
}

/// False if the self link of the answer shows parameters and not this one: then it was not used.
pub fn shows(trace: &Trace, label: &str, name: &str) -> bool {
    trace
        .search(label)
        .and_then(shown_parameters)
        .is_none_or(|shown| shown.iter().any(|known| known == name))
}

/// Names of the parameters in the self link of the first page.
fn shown_parameters(event: &Event) -> Option<Vec<String>> {
    let page = event.exchanges.first()?.json()?;
    let (_, text) = bundle::link(&page, "self")?.split_once('?')?;
    Some(
        query::decode_pairs(text)
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
    )
}

/// Guards BAR and QUIET, and the state of the whole trace: what must hold before search answers are compared.
/// `first` and `again` are the labels of the first search and its repetition at the end; `false` if one of them was
/// not sent, so that there is nothing to compare.
///
/// # Errors
/// Why nothing may be concluded.
pub fn steady(trace: &Trace, first: &str, again: &str) -> Result<bool, Open> {
    prepared(trace)?;
    let (Some(one), Some(two)) = (whole(trace, first)?, whole(trace, again)?) else {
        return Ok(false);
    };
    if one.set() != two.set() {
        return Err(Open::Undecided(
            "the same search gave two answers: the data are not at rest".to_owned(),
        ));
    }
    Ok(true)
}

/// Guard BAR and the state of the whole trace: what was to be created is there, and the index shows it.
///
/// # Errors
/// Why nothing may be concluded.
pub fn prepared(trace: &Trace) -> Result<(), Open> {
    if let Some(reason) = &trace.obstacle {
        return Err(Open::Blocked(reason.clone()));
    }
    created(trace)?;
    awaited(trace)?;
    for event in &trace.events {
        if event.outcome == Outcome::Unsettled {
            return Err(Open::Undecided(event.doubt().unwrap_or_else(|| {
                "the search index did not show what was written in time".to_owned()
            })));
        }
    }
    Ok(())
}

/// The index was awaited after the last create. Without that nothing follows from a search, however the case came to
/// lack the step.
fn awaited(trace: &Trace) -> Result<(), Open> {
    let is_write = |event: &&Event| matches!(event.step.command, Command::Create { .. });
    let settles = |event: &Event| matches!(event.step.command, Command::Settle { .. });
    match trace.events.iter().rposition(|event| is_write(&event)) {
        Some(last) if !trace.events[last..].iter().any(settles) => Err(Open::Undecided(
            "the search index was not awaited".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The matches of the search with this label as they came, one per key.
pub fn bodies(trace: &Trace, label: &str) -> BTreeMap<Key, Value> {
    let exchanges = trace.search(label).map(|event| &event.exchanges[..]);
    exchanges
        .unwrap_or_default()
        .iter()
        .filter_map(|exchange| exchange.json())
        .flat_map(|page| bundle::matches(&page).cloned().collect::<Vec<_>>())
        .filter_map(|resource| Some((Key::of(&resource)?, resource)))
        .collect()
}

/// The value that the search with this label asked for by a parameter: the last one, for those before it are company.
pub fn asked(trace: &Trace, label: &str, name: &str) -> Option<String> {
    let request = &trace.search(label)?.exchanges.first()?.request;
    let (_, text) = request.url.split_once('?')?;
    let pairs = query::decode_pairs(text);
    let found = pairs.into_iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

/// The criteria of the search with this label, without its company.
pub fn criteria<'a>(trace: &'a Trace, label: &str) -> &'a [Criterion] {
    match trace.search(label).map(|event| &event.step.command) {
        Some(Command::Search(search)) => &search.criteria,
        _ => &[],
    }
}

/// What must have been created has been.
///
/// # Errors
/// The refusal or the doubt.
pub fn created(trace: &Trace) -> Result<(), Open> {
    for event in &trace.events {
        let Command::Create { resource, .. } = &event.step.command else {
            continue;
        };
        let name = resource.get("resourceType").and_then(Value::as_str);
        match event.reply() {
            Reply::Refused(exchange) => {
                return Err(Open::Blocked(format!(
                    "the target refuses to create {} ({})",
                    name.unwrap_or("a resource"),
                    exchange.status().unwrap_or_default()
                )));
            }
            Reply::Unknown => return Err(Open::Undecided(event.doubt().unwrap_or_default())),
            Reply::Accepted(_) | Reply::Absent => {}
        }
    }
    Ok(())
}

/// How complete the data behind a relation are. A relation between answers of the target needs no data of ours, but a
/// crawled cohort only samples where it was looked for.
pub fn completeness(trace: &Trace) -> Completeness {
    match trace.ground {
        Origin::Created => Completeness::Exact,
        Origin::Cohort => Completeness::Sample,
    }
}
