//! Search: from parameters to a snapshot of matches, answered from the index. Matching is in `criterion`.
//! <http://hl7.org/fhir/R4/search.html>

mod amount;
mod criterion;
mod date;
mod flaw;
mod include;
mod order;
mod reference;
mod value;

use std::sync::Arc;

use serde_json::{Value, json};

use super::address;
use super::body::Body;
use super::defect::Fault;
use super::index::{Rows, is_supported};
use super::negotiate::is_strict;
use super::outcome::Refusal;
use super::page::{self, CURSOR, Content, Snapshot};
use super::router::Route;
use super::server::Server;
use super::store::Version;
use super::subset::Subset;
use super::term::Term;
use super::turn::{Call, Reply, Turn};
use super::variant::Difference;
use crate::fhir::Key;
use crate::fhir::definitions::{self, ParameterKind, patient_compartment};
use crate::fhir::query::{Criterion, Query, Shape, Subject, encode_pairs};

type Pairs = Vec<(String, String)>;

/// Answers a search of a type, within the compartment of a patient if one is named.
pub fn search(
    turn: &mut Turn<'_>,
    call: &Call,
    name: &str,
    patient: Option<&Key>,
) -> Result<Reply, Refusal> {
    let pairs = pairs_of(turn, call);
    if let Some((_, cursor)) = pairs.iter().find(|(name, _)| name == CURSOR) {
        return page::resume(turn, cursor);
    }
    let facade = turn.server.facade();
    let ignores = turn.server.is(Difference::UnknownIgnored);
    let strict = facade.is_some() || is_strict(&call.headers) && !ignores;
    let (mut query, mut used) = understood(turn.server, name, &pairs, strict)?;
    if crashes(turn.server, &query) {
        return Err(Refusal::crashed());
    }
    if let Some(facade) = facade {
        facade.check_search(name, &query)?;
    }
    flaw::refuse(turn.server, &query)?;
    flaw::forget(turn.server, call, &mut query);
    let path = path_of(&call.route, name);
    let search = format!("{path}?{}", encode_pairs(&used));
    let now = turn.server.clock().elapsed();
    if turn.server.has(Fault::SearchCached)
        && let Some(found) = turn.memory.recall(&search, now)
    {
        return page::first(turn, found);
    }
    turn.index.catch_up(now);
    let mut matches = matches(turn, name, patient, &query)?;
    if turn.server.has(Fault::SearchCacheRace) {
        flaw::race(turn, &search, &mut matches);
    }
    let counts_only = query.shape.summary.as_deref() == Some("count");
    let asked = match counts_only {
        true => Some(0),
        false => flaw::count(turn.server, query.shape.count),
    };
    let count = page::size(turn.server, asked);
    // The self link says what was done: a count above the limit was cut.
    for (_, value) in used.iter_mut().filter(|(name, _)| name == "_count") {
        *value = page::size(turn.server, query.shape.count).to_string();
    }
    let total = flaw::total(turn, name, &query, &matches);
    let total = wants_total(turn, &query.shape, count).then_some(total);
    query.shape.format = None;
    let snapshot = Snapshot {
        path,
        used,
        total,
        count,
        matches,
        content: Content::Search(Box::new(query.shape)),
    };
    let snapshot = Arc::new(snapshot);
    if turn.server.has(Fault::SearchCached) {
        turn.memory.keep(search, now, Arc::clone(&snapshot));
    }
    page::first(turn, snapshot)
}

/// What matches a query in the order that it asks for, within the compartment of a patient if one is named.
fn matches(
    turn: &Turn<'_>,
    name: &str,
    patient: Option<&Key>,
    query: &Query,
) -> Result<Vec<Arc<Version>>, Refusal> {
    let mut rows = matching(turn, name, query)?;
    if let Some(patient) = patient {
        rows = &rows & &in_compartment(turn, name, patient);
    }
    let sort = flaw::sort(turn.server, &query.shape);
    let mut ordered = order::ordered(&turn.index, name, &rows, &sort);
    if turn.server.has(Fault::OrDuplicates) {
        ordered = criterion::with_duplicates(turn, name, query, ordered)?;
    }
    let ordered = flaw::found(turn, name, query, ordered)?;
    Ok(ordered
        .into_iter()
        .filter_map(|row| turn.index.version(name, row).cloned())
        .collect())
}

/// What the search behind a snapshot finds now: only planted faults ask. `None` for an operation.
pub fn anew(
    turn: &mut Turn<'_>,
    snapshot: &Snapshot,
) -> Result<Option<Vec<Arc<Version>>>, Refusal> {
    let parts: Vec<&str> = snapshot.path.split('/').collect();
    let (name, patient) = match parts.as_slice() {
        [name] => (*name, None),
        [kind, id, name] if !name.starts_with('$') => (*name, Some(Key::new(*kind, *id))),
        _ => return Ok(None),
    };
    let (query, _) = understood(turn.server, name, &snapshot.used, false)?;
    let now = turn.server.clock().elapsed();
    turn.index.catch_up(now);
    matches(turn, name, patient.as_ref(), &query).map(Some)
}

fn path_of(route: &Route, name: &str) -> String {
    match route {
        Route::Compartment(key, name) | Route::CompartmentSearch(key, name) => {
            format!("{key}/{name}")
        }
        _ => name.to_owned(),
    }
}

/// Parameters of the URL, then those of the form. Those without a value are ignored
/// (<http://hl7.org/fhir/R4/search.html#errors>).
fn pairs_of(turn: &Turn<'_>, call: &Call) -> Pairs {
    let mut pairs = call.pairs.clone();
    if let Body::Form(form) = &call.body {
        let drops = turn.server.has(Fault::PostSearchDropsParameter) && form.len() > 1;
        pairs.extend(form.iter().take(form.len() - usize::from(drops)).cloned());
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs
}

/// A count of nothing but the total always has it; else the client may do without.
fn wants_total(turn: &Turn<'_>, shape: &Shape, count: usize) -> bool {
    if turn.server.facade().is_some() {
        return false;
    }
    count == 0 || shape.total.as_deref() != Some("none")
}

/// The living resources that match all of the pairs; nothing may be unknown, unless a planted fault asks leniently.
pub fn find(
    turn: &mut Turn<'_>,
    name: &str,
    pairs: &Pairs,
    strict: bool,
) -> Result<Vec<Arc<Version>>, Refusal> {
    let (query, _) = understood(turn.server, name, pairs, strict)?;
    if query.criteria.is_empty() {
        return Err(Refusal::precondition(
            "a conditional request needs criteria",
        ));
    }
    let rows = matching(turn, name, &query)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| turn.index.version(name, row).cloned())
        .collect())
}

/// The living resources of a type, within the record of a patient if one is named, that match all of the pairs. For
/// operations: the index is taken as it is, and nothing may be unknown.
pub fn record(
    turn: &mut Turn<'_>,
    name: &str,
    patient: Option<&Key>,
    pairs: &[(String, String)],
) -> Result<Vec<Arc<Version>>, Refusal> {
    let (query, _) = understood(turn.server, name, &pairs.to_vec(), true)?;
    let mut rows = matching(turn, name, &query)?;
    if let Some(patient) = patient {
        rows = &rows & &in_compartment(turn, name, patient);
    }
    let versions = rows
        .into_iter()
        .filter_map(|row| turn.index.version(name, row).cloned());
    Ok(versions.collect())
}

/// The query without what the server does not know, and the pairs that remain: ignored if lenient, refused if strict.
fn understood(
    server: &Server,
    name: &str,
    pairs: &Pairs,
    strict: bool,
) -> Result<(Query, Pairs), Refusal> {
    let mut ignored = Vec::new();
    let mut used = Vec::new();
    let mut kept = Vec::new();
    for given in pairs {
        if server.has(Fault::HalfCompositeCrashes) && is_half(name, given) {
            return Err(Refusal::crashed());
        }
        let pair = flaw::read(server, name, given);
        let alone = match parse(name, std::slice::from_ref(&pair)) {
            Err(_) if flaw::skips(server, name, &pair) => {
                used.push(given.clone());
                continue;
            }
            parsed => parsed?,
        };
        match unsupported(server, name, &alone) {
            Some(what) => {
                if flaw::claims(server, &alone) {
                    used.push(given.clone());
                }
                if !flaw::drops(server, &alone) {
                    ignored.push(what);
                }
            }
            None => {
                if !matches!(pair.0.as_str(), "_format" | "_pretty") {
                    used.push(given.clone());
                }
                kept.push(pair);
            }
        }
    }
    match ignored.first() {
        Some(what) if strict => Err(Refusal::new(
            400,
            "not-supported",
            format!("the parameter {what} is not supported for {name}"),
        )),
        unknown => {
            kept.extend(flaw::instead(server, unknown));
            Ok((parse(name, &kept)?, used))
        }
    }
}

fn parse(name: &str, pairs: &[(String, String)]) -> Result<Query, Refusal> {
    Query::parse(Some(name), pairs).map_err(|error| Refusal::invalid(error.to_string()))
}

/// The name of what a query of one pair asks for and the server does not do.
fn unsupported(server: &Server, name: &str, query: &Query) -> Option<String> {
    if let Some((unknown, _)) = query.unknown.first() {
        return Some(unknown.clone());
    }
    let shape = &query.shape;
    let unsorted = shape
        .sort
        .iter()
        .find(|(code, _)| !is_supported(name, code))
        .map(|(code, _)| format!("_sort={code}"));
    let others = [
        (shape.contained.is_some(), "_contained"),
        (shape.contained_type.is_some(), "_containedType"),
        (!shape.types.is_empty(), "_type"),
    ];
    let other = others.iter().find(|(is_there, _)| *is_there);
    let include = shape.include.iter().chain(&shape.revinclude);
    let include = include
        .filter(|include| {
            let forgets = server.has(Fault::IncludeClaimedOnly) && include.parameter == "encounter";
            forgets || !include::is_supported_include(include)
        })
        .map(|include| format!("{}:{}", include.source, include.parameter))
        .next();
    let criterion = query
        .criteria
        .iter()
        .find(|criterion| {
            let forgets = server.has(Fault::ParameterClaimedOnly);
            forgets && criterion.name == "address-city" || !is_known(name, criterion)
        })
        .map(|criterion| criterion.name.clone());
    unsorted
        .or(other.map(|(_, name)| (*name).to_owned()))
        .or(include)
        .or(criterion)
}

/// A composite value without its second component.
fn is_half(name: &str, (parameter, value): &(String, String)) -> bool {
    let code = parameter.split(':').next().unwrap_or_default();
    value.ends_with('$')
        && definitions::search_parameter(name, code)
            .is_some_and(|parameter| parameter.kind == ParameterKind::Composite)
}

/// Planted faults of queries that are valid.
fn crashes(server: &Server, query: &Query) -> bool {
    let kind = |criterion: &Criterion| match &criterion.subject {
        Subject::Parameter(parameter) => Some(parameter.kind),
        Subject::Chain { .. } | Subject::Has { .. } => None,
    };
    let is_date = |criterion: &&Criterion| kind(criterion) == Some(ParameterKind::Date);
    let is_list = |criterion: &Criterion| !is_date(&criterion) && criterion.values.len() > 1;
    let is_far = |value: &String| {
        let year = value.trim_start_matches(|first: char| first.is_ascii_alphabetic());
        year.get(..4).and_then(|year| year.parse::<u16>().ok()) < Some(1970)
    };
    let dates: Vec<&Criterion> = query.criteria.iter().filter(is_date).collect();
    let is_mixed = !dates.is_empty() && query.criteria.iter().any(is_list);
    let reaches_far = dates
        .iter()
        .any(|criterion| criterion.name == "_lastUpdated" && criterion.values.iter().any(is_far));
    is_mixed && server.has(Fault::MixedKindsCrash)
        || reaches_far && server.has(Fault::FarRangeCrashes)
}

fn is_known(name: &str, criterion: &Criterion) -> bool {
    match &criterion.subject {
        Subject::Parameter(parameter) => is_supported(name, &parameter.code),
        Subject::Chain {
            reference,
            branches,
            ..
        } => {
            is_supported(name, &reference.code)
                && branches.iter().any(|(target, rest)| is_known(target, rest))
        }
        Subject::Has {
            resource_type,
            reference,
            rest,
        } => is_supported(resource_type, &reference.code) && is_known(resource_type, rest),
    }
}

fn matching(turn: &Turn<'_>, name: &str, query: &Query) -> Result<Rows, Refusal> {
    let mut rows: Option<Rows> = None;
    for (position, criterion) in query.criteria.iter().enumerate() {
        let found = match flaw::overlooks(turn.server, position, criterion) {
            true => Rows::new(),
            false => criterion::evaluate(turn, name, criterion)?,
        };
        rows = Some(match rows {
            Some(rows) => &rows & &found,
            None => found,
        });
    }
    let rows = rows.unwrap_or_else(|| turn.index.living(name));
    Ok(flaw::alive(turn, name, query, rows))
}

/// Rows of a type in the compartment of a patient, <http://hl7.org/fhir/R4/compartmentdefinition-patient.html>.
fn in_compartment(turn: &Turn<'_>, name: &str, patient: &Key) -> Rows {
    let mut rows: Rows = patient_compartment(name)
        .iter()
        .filter_map(|code| turn.index.postings(name, code))
        .flat_map(|postings| postings.exactly(&Term::Local(patient.clone())))
        .collect();
    if patient.resource_type == name {
        rows.extend(turn.index.row(patient));
    }
    rows
}

/// A planted fault: what cannot be shown in a searchset.
fn breaks(server: &Server, version: &Version) -> bool {
    let fault = Fault::ExtensionBreaksSearch;
    server.has(fault)
        && server.strikes(fault, &version.key.id)
        && version
            .resource
            .as_ref()
            .and_then(Value::as_object)
            .is_some_and(|members| members.keys().any(|name| name.starts_with('_')))
}

/// The entries of one page: matches, then what is included with them.
pub fn entries(
    turn: &mut Turn<'_>,
    shape: &Shape,
    page: &[Arc<Version>],
) -> Result<Vec<Value>, Refusal> {
    let subset = Subset::of_shape(shape)?;
    if page.iter().any(|version| breaks(turn.server, version)) {
        return Err(Refusal::crashed());
    }
    let mut included = include::included(turn, shape, page)?;
    if turn.server.has(Fault::IncludeMisses) {
        included.pop();
    }
    let added = match turn.server.has(Fault::IncludesAsMatch) {
        true => "match",
        false => "include",
    };
    let matches = page.iter().map(|version| (version, "match"));
    let included = included.iter().map(|version| (version, added));
    Ok(matches
        .chain(included)
        .map(|(version, mode)| {
            let resource = match &version.resource {
                Some(resource) => subset.apply(turn.server, resource),
                // No search finds a deleted resource, unless a fault makes it.
                None => json!({ "resourceType": version.key.resource_type, "id": version.key.id }),
            };
            json!({
                "fullUrl": format!("{}/{}", address::of_entries(turn.server), version.key),
                "resource": resource,
                "search": { "mode": mode },
            })
        })
        .collect())
}
