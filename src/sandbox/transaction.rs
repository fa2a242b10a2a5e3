//! Batch and transaction: entries become calls; a transaction happens as a whole or not at all.
//! <http://hl7.org/fhir/R4/http.html#transaction>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::body::Body;
use super::conditional;
use super::defect::Fault;
use super::negotiate::{Return, preferred_return};
use super::outcome::Refusal;
use super::races;
use super::references::{self, Renames};
use super::router::Route;
use super::server::{Server, call_of_entry, dispatch, reason};
use super::turn::{Call, Payload, Reply, Turn};
use crate::fhir::Key;
use crate::fhir::query::decode_pairs;
use crate::fhir::resource::id;
use crate::http::message::{Headers, Method};

/// Entries of one Bundle; a larger one is answered with 413.
pub const ENTRY_LIMIT: usize = 10_000;

/// Request members of an entry and the header fields that they stand for.
const CONDITIONS: [(&str, &str); 4] = [
    ("ifMatch", "If-Match"),
    ("ifNoneMatch", "If-None-Match"),
    ("ifModifiedSince", "If-Modified-Since"),
    ("ifNoneExist", "If-None-Exist"),
];

/// One entry before it is carried out.
struct Entry {
    index: usize,
    full_url: Option<String>,
    method: Method,
    url: String,
    headers: Headers,
    resource: Option<Value>,
}

/// Answers a Bundle that is posted to the base.
pub fn bundle(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, Refusal> {
    let Body::Bundle(bundle) = &call.body else {
        return Err(Refusal::invalid("a Bundle is needed as the body"));
    };
    let kind = bundle
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let entries = bundle.get("entry").and_then(Value::as_array);
    let entries: &[Value] = entries.map_or(&[], Vec::as_slice);
    if entries.len() > ENTRY_LIMIT {
        let message = format!("the Bundle has more than {ENTRY_LIMIT} entries");
        return Err(Refusal::new(413, "too-costly", message));
    }
    if turn.server.has(Fault::NullEntryCrashes) && entries.iter().any(writes_nothing) {
        return Err(Refusal::crashed());
    }
    let answers = match kind {
        "batch" => batch(turn, call, entries)?,
        "transaction" => transaction(turn, call, entries)?,
        _ => {
            return Err(Refusal::invalid(
                "Bundle.type is neither batch nor transaction",
            ));
        }
    };
    let mut answer = json!({ "resourceType": "Bundle", "type": format!("{kind}-response") });
    let answers = races::answers(turn, answers);
    let worst = answers.iter().filter_map(status_of).max();
    let is_shown = kind == "batch" && turn.server.has(Fault::BatchStatusOfEntries);
    if !answers.is_empty() {
        answer["entry"] = Value::Array(answers);
    }
    let status = worst.filter(|_| is_shown).unwrap_or(200).max(200);
    Ok(Reply::made(status, answer))
}

/// True for an entry that writes and has no resource.
fn writes_nothing(entry: &Value) -> bool {
    let method = entry.pointer("/request/method").and_then(Value::as_str);
    matches!(method, Some("POST" | "PUT")) && entry.get("resource").is_none_or(Value::is_null)
}

/// The status of an answered entry.
fn status_of(answer: &Value) -> Option<u16> {
    let status = answer.pointer("/response/status")?.as_str()?;
    status.get(..3)?.parse().ok()
}

/// Each entry on its own; one that fails does not touch the others.
fn batch(turn: &mut Turn<'_>, outer: &Call, entries: &[Value]) -> Result<Vec<Value>, Refusal> {
    if turn.server.has(Fault::BatchFailsWhole) {
        for (index, entry) in entries.iter().enumerate() {
            let entry = read_entry(turn.server, outer, index, entry)?;
            call_of(turn, &entry)?;
        }
    }
    let outcome = |turn: &mut Turn<'_>, index: usize, entry: &Value| {
        let entry = read_entry(turn.server, outer, index, entry)?;
        let call = call_of(turn, &entry)?;
        dispatch(turn, &call)
    };
    let mut answers: Vec<Value> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| match outcome(turn, index, entry) {
            Ok(reply) => answer(turn, &reply),
            Err(refusal) => refused(&refusal),
        })
        .collect();
    if turn.server.has(Fault::BatchOutOfOrder) {
        answers.reverse();
    }
    Ok(answers)
}

fn transaction(
    turn: &mut Turn<'_>,
    outer: &Call,
    entries: &[Value],
) -> Result<Vec<Value>, Refusal> {
    races::transaction(turn, entries)?;
    let (mark, before) = (turn.store.log().len(), turn.written);
    turn.atomic = true;
    let result = carry_out(turn, outer, entries);
    turn.atomic = false;
    // Only a planted race lets others write in between; what they wrote is not to be undone.
    // Another transaction may have taken back more than there was when this one began.
    let grown = turn.store.log().len().checked_sub(mark);
    let is_alone = grown == Some(turn.written - before);
    if result.is_err() && is_alone && !turn.server.has(Fault::TransactionKeepsPart) {
        turn.rollback(mark);
    }
    result
}

fn carry_out(turn: &mut Turn<'_>, outer: &Call, entries: &[Value]) -> Result<Vec<Value>, Refusal> {
    let mut read = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let entry = read_entry(turn.server, outer, index, entry);
        read.push(entry.map_err(|refusal| refusal.in_entry(index))?);
    }
    let plan = resolve(turn, &mut read)?;
    let mut order: Vec<usize> = (0..read.len()).collect();
    if !turn.server.has(Fault::TransactionInGivenOrder) {
        order.sort_by_key(|index| rank(read[*index].method));
    }
    let mut answers = vec![Value::Null; read.len()];
    for index in order {
        let entry = &read[index];
        let located = |refusal: Refusal| refusal.in_entry(entry.index);
        lacks(turn, entry).map_err(located)?;
        let mut call = call_of(turn, entry).map_err(located)?;
        call.assigned = plan[index].as_ref().map(|key| key.id.clone());
        let reply = dispatch(turn, &call).map_err(located)?;
        let became = reply.version.as_ref().map(|version| &version.key);
        if let (Some(expected), Some(became)) = (&plan[index], became)
            && expected != became
        {
            let message =
                "the entry's criteria find something else once the entries before it are done";
            return Err(located(Refusal::new(409, "conflict", message)));
        }
        answers[index] = answer(turn, &reply);
        races::between_entries(turn);
    }
    Ok(answers)
}

/// Planted faults: entries that a transaction cannot carry out.
fn lacks(turn: &Turn<'_>, entry: &Entry) -> Result<(), Refusal> {
    let server = turn.server;
    let (route, _) = route_of(turn, entry)?;
    let is_search = entry.method == Method::Get && matches!(route, Route::Type(_));
    if is_search && server.has(Fault::TransactionGetCrashes) {
        return Err(Refusal::crashed());
    }
    let by_criteria = matches!(route, Route::Type(_));
    if entry.method == Method::Delete
        && by_criteria
        && server.has(Fault::ConditionalDeleteEntryRefused)
    {
        let message = "a transaction does not delete by criteria";
        return Err(Refusal::new(422, "not-supported", message));
    }
    if let Route::Instance(key) = &route
        && entry.method == Method::Put
        && server.has(Fault::TransactionReviveRefused)
        && turn
            .store
            .newest(key)
            .is_some_and(|version| version.is_deletion())
    {
        let message = "the resource was deleted";
        return Err(Refusal::new(409, "conflict", message));
    }
    Ok(())
}

/// DELETE, POST, PUT and PATCH, GET: the order of R4, whatever the order in the Bundle.
fn rank(method: Method) -> u8 {
    match method {
        Method::Delete => 0,
        Method::Post => 1,
        Method::Put | Method::Patch => 2,
        Method::Get | Method::Head | Method::Options => 3,
    }
}

fn read_entry(
    server: &Server,
    outer: &Call,
    index: usize,
    entry: &Value,
) -> Result<Entry, Refusal> {
    let request = entry
        .get("request")
        .ok_or_else(|| Refusal::invalid("the entry has no request"))?;
    let member = |name: &str| request.get(name).and_then(Value::as_str);
    let method = match member("method") {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        Some("PATCH") => Method::Patch,
        Some("DELETE") => Method::Delete,
        _ => {
            return Err(Refusal::invalid(
                "request.method is missing or not one of HTTP",
            ));
        }
    };
    let url = member("url").ok_or_else(|| Refusal::invalid("request.url is missing"))?;
    let mut headers = Headers::new();
    for (name, field) in CONDITIONS {
        if name == "ifMatch" && server.has(Fault::EntryIfMatchIgnored) {
            continue;
        }
        if let Some(value) = member(name) {
            headers.append(field, value);
        }
    }
    let wants_resources = preferred_return(&outer.headers) == Some(Return::Representation);
    let preference = if wants_resources {
        "representation"
    } else {
        "minimal"
    };
    headers.append("Prefer", format!("return={preference}"));
    Ok(Entry {
        index,
        full_url: entry
            .get("fullUrl")
            .and_then(Value::as_str)
            .map(str::to_owned),
        method,
        url: url.to_owned(),
        headers,
        resource: entry.get("resource").cloned(),
    })
}

fn call_of(turn: &Turn<'_>, entry: &Entry) -> Result<Call, Refusal> {
    let method = match entry.method {
        Method::Head => Method::Get,
        method => method,
    };
    let resource = entry.resource.as_ref();
    let headers = entry.headers.clone();
    let call = call_of_entry(turn.server, method, &entry.url, headers, resource)?;
    let by_criteria = matches!(call.route, Route::Type(_));
    if method == Method::Patch
        && by_criteria
        && turn.server.has(Fault::ConditionalPatchEntryCrashes)
    {
        return Err(Refusal::crashed());
    }
    let is_nested = matches!(call.route, Route::System);
    if is_nested {
        return Err(Refusal::new(
            400,
            "not-supported",
            "a Bundle within a Bundle is not carried out",
        ));
    }
    Ok(call)
}

/// Finds out what each entry is about, gives ids to creates, rewrites references, and refuses a resource that occurs
/// twice. The keys are those of the creates, whose ids have to stay what the references were told.
fn resolve(turn: &mut Turn<'_>, entries: &mut [Entry]) -> Result<Vec<Option<Key>>, Refusal> {
    let mut renames = Renames::default();
    renames.keeps_urls = turn.server.has(Fault::UrnKeptInUrls);
    renames.keeps_narratives = turn.server.has(Fault::UrnKeptInNarrative);
    let mut seen = BTreeSet::new();
    let mut plan = Vec::with_capacity(entries.len());
    for entry in entries.iter() {
        let located = |refusal: Refusal| refusal.in_entry(entry.index);
        let place = place_of(turn, entry).map_err(located)?;
        let is_read = rank(entry.method) == rank(Method::Get);
        if let Some(key) = &place.key {
            let accepts = turn.server.has(Fault::TransactionAcceptsOverlap);
            if !is_read && !seen.insert(key.clone()) && !accepts {
                let message = "a resource occurs twice in the transaction";
                return Err(located(Refusal::invalid(message)));
            }
            if let Some(name) = entry
                .full_url
                .as_ref()
                .filter(|name| is_resolved(turn, name))
            {
                renames.add(name.clone(), key.clone());
            }
        }
        plan.push(place.key.filter(|_| place.is_create));
    }
    for entry in entries.iter_mut() {
        let Some(resource) = &mut entry.resource else {
            continue;
        };
        let keeps = turn.server.has(Fault::ConditionalReferenceKept);
        for reference in references::conditional(resource) {
            if keeps {
                continue;
            }
            let key =
                referred(turn, &reference).map_err(|refusal| refusal.in_entry(entry.index))?;
            renames.add(reference, key);
        }
        let is_extended = resource.pointer("/meta/extension").is_some();
        if is_extended && turn.server.has(Fault::UrnKeptBesideExtension) {
            continue;
        }
        let root = entry.full_url.as_deref().and_then(root_of);
        renames.apply(resource, root);
    }
    Ok(plan)
}

/// True if references to an entry of that name are replaced: all are, unless a fault is planted.
fn is_resolved(turn: &Turn<'_>, full_url: &str) -> bool {
    let is_urn = full_url.starts_with("urn:");
    let is_kept = is_urn && turn.server.strikes(Fault::UrnKept, full_url);
    !is_kept && (is_urn || !turn.server.has(Fault::OnlyUrnResolved))
}

/// What an entry is about, and whether it is a create.
struct Place {
    key: Option<Key>,
    is_create: bool,
}

fn place_of(turn: &mut Turn<'_>, entry: &Entry) -> Result<Place, Refusal> {
    let call = route_of(turn, entry)?;
    let place = |key, is_create| Place { key, is_create };
    Ok(match (entry.method, call.0) {
        (Method::Post, Route::Type(name)) => {
            let existing = match conditional::criteria_of(turn.server, &entry.headers) {
                Some(criteria) => the_match(turn, &name, criteria)?,
                None => None,
            };
            let key = match existing {
                Some(key) => key,
                None => {
                    let id = turn.store.assign_id(&name);
                    Key::new(name, id)
                }
            };
            place(Some(key), true)
        }
        (Method::Put | Method::Patch | Method::Delete, Route::Type(name)) => {
            let found = the_match(turn, &name, &call.1)?;
            let offered = entry.resource.as_ref().and_then(id);
            match (found, entry.method, offered) {
                (Some(key), ..) => place(Some(key), false),
                (None, Method::Put, Some(offered)) => place(Some(Key::new(name, offered)), false),
                (None, Method::Put, None) => {
                    let id = turn.store.assign_id(&name);
                    place(Some(Key::new(name, id)), true)
                }
                (None, ..) => place(None, false),
            }
        }
        (_, Route::Instance(key)) => place(Some(key), false),
        _ => place(None, false),
    })
}

fn route_of(turn: &Turn<'_>, entry: &Entry) -> Result<(Route, String), Refusal> {
    let (path, query) = turn.server.split(&entry.url);
    let place = percent_encoding::percent_decode_str(&path)
        .decode_utf8_lossy()
        .into_owned();
    Ok((Route::parse(place.trim_start_matches('/'))?, query))
}

/// The one match of criteria; 412 if there are several.
fn the_match(turn: &mut Turn<'_>, name: &str, criteria: &str) -> Result<Option<Key>, Refusal> {
    let criteria = criteria.rsplit('?').next().unwrap_or_default();
    let found = conditional::matches(turn, name, &decode_pairs(criteria))?;
    match found.as_slice() {
        [] => Ok(None),
        [version] => Ok(Some(version.key.clone())),
        _ => Err(Refusal::new(
            412,
            "multiple-matches",
            "the criteria match more than one resource",
        )),
    }
}

/// What a conditional reference points to: one resource, or the transaction fails.
fn referred(turn: &mut Turn<'_>, reference: &str) -> Result<Key, Refusal> {
    let (name, criteria) = reference.split_once('?').unwrap_or((reference, ""));
    the_match(turn, name, criteria)?.ok_or_else(|| {
        Refusal::new(
            412,
            "not-found",
            "a conditional reference matches no resource",
        )
    })
}

/// The base of a RESTful `fullUrl`.
fn root_of(full_url: &str) -> Option<&str> {
    if !full_url.starts_with("http") {
        return None;
    }
    let (rest, _) = full_url.rsplit_once('/')?;
    rest.rsplit_once('/').map(|(root, _)| root)
}

/// An answer as an entry, <http://hl7.org/fhir/R4/bundle.html#transaction-response>.
fn answer(turn: &Turn<'_>, reply: &Reply) -> Value {
    let forgets = turn.server.has(Fault::BundleEntryWithoutEtag);
    let header = |name: &str| {
        reply
            .headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    };
    let mut response = json!({ "status": format!("{} {}", reply.status, reason(reply.status)) });
    if let Some(location) = header("Location") {
        response["location"] = location.into();
    }
    if let Some(tag) = header("ETag").filter(|_| !forgets) {
        response["etag"] = tag.into();
    }
    if let Some(version) = &reply.version {
        response["lastModified"] = version.last_updated().into();
    }
    let mut entry = json!({});
    match &reply.payload {
        Payload::Stored(version) => {
            entry["resource"] = version.resource.clone().unwrap_or_default();
        }
        Payload::Made(resource) => entry["resource"] = resource.clone(),
        Payload::Nothing | Payload::Plain(_) => {}
    }
    entry["response"] = response;
    entry
}

fn refused(refusal: &Refusal) -> Value {
    let status = format!("{} {}", refusal.status, reason(refusal.status));
    json!({ "response": { "status": status, "outcome": refusal.outcome() } })
}
