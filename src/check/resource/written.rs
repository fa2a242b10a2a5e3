//! What each resource must be after the writes of a case, and where later answers differ from it. The one comparison
//! behind `same_as_sent` and `decimal_precision`, which only choose what they judge.

use indexmap::IndexMap;
use serde_json::Value;

use super::super::Evidence;
use super::differences::{Difference, Kind, differences};
use crate::fhir::{Key, bundle, resource};
use crate::http::{Exchange, Method};

/// Answers that differ from what was written, in order, with the differences that `kinds` accepts.
pub(super) fn changed<'a>(
    evidence: &Evidence<'a>,
    kinds: fn(Kind) -> bool,
) -> Vec<(&'a Exchange, Vec<Difference>)> {
    let mut written: IndexMap<Key, Value> = IndexMap::new();
    let mut found = Vec::new();
    for exchange in evidence
        .earlier
        .iter()
        .filter(|exchange| is_success(exchange))
    {
        note_writes(exchange, &mut written);
    }
    for exchange in evidence
        .exchanges
        .iter()
        .filter(|exchange| is_success(exchange))
    {
        note_writes(exchange, &mut written);
        let Some(key) = whole_resource(exchange) else {
            continue;
        };
        if let Some(sent) = written.get(&key) {
            let places = against(sent, exchange, kinds);
            if !places.is_empty() {
                found.push((*exchange, places));
            }
        }
    }
    found
}

/// Where the answer to a read or search differs from what was sent; empty if the resource is not in it, or only in part.
pub(super) fn against(
    sent: &Value,
    exchange: &Exchange,
    kinds: fn(Kind) -> bool,
) -> Vec<Difference> {
    let Some(body) = exchange.parsed() else {
        return Vec::new();
    };
    let name = resource::resource_type(sent);
    let is_sent =
        |found: &&Value| resource::resource_type(found) == name && !super::is_subsetted(found);
    let found = if name != Some("Bundle") && resource::resource_type(&body) == Some("Bundle") {
        let key = Key::of(sent);
        bundle::entries(&body)
            .filter_map(bundle::resource)
            .find(|resource| key.is_some() && Key::of(resource) == key)
    } else {
        Some(&*body)
    };
    found.filter(is_sent).map_or_else(Vec::new, |found| {
        differences(sent, found)
            .into_iter()
            .filter(|difference| kinds(difference.kind))
            .collect()
    })
}

/// The resource that the answer holds, current and complete.
fn whole_resource(exchange: &Exchange) -> Option<Key> {
    let url = exchange.request.url.as_str();
    let other = ["_summary=", "_elements=", "/_history", "/$"];
    if other.iter().any(|part| url.contains(part)) {
        return None;
    }
    let body = exchange.parsed()?;
    (!super::is_subsetted(&body)).then(|| Key::of(&body))?
}

fn is_success(exchange: &Exchange) -> bool {
    exchange
        .status()
        .is_some_and(|status| (200..300).contains(&status))
}

/// Notes what each resource must be from now on. After a patch or a delete nothing is known of the resource any more,
/// and nothing of any resource if the write chose its resource by search.
pub(super) fn note_writes(exchange: &Exchange, written: &mut IndexMap<Key, Value>) {
    let request = &exchange.request;
    let path = request.url.split('?').next().unwrap_or_default();
    match request.method {
        Method::Patch | Method::Delete => {
            forget(path, written);
            return;
        }
        Method::Post | Method::Put => {}
        _ => return,
    }
    let Some(sent) = resource::of_body(&request.body) else {
        return;
    };
    let located = exchange.header("location").and_then(Key::from_reference);
    if resource::resource_type(&sent) == Some("Bundle") && request.method == Method::Post {
        note_bundle(&sent, exchange.json(), written);
        return;
    }
    let created = request.method == Method::Post && exchange.status() == Some(201);
    if !created && request.method != Method::Put {
        return;
    }
    let answered = exchange.json().as_ref().and_then(Key::of);
    let key = located
        .or_else(|| Key::from_reference(path).filter(|_| request.method == Method::Put))
        .or(answered)
        .filter(|key| resource::resource_type(&sent) == Some(key.resource_type.as_str()));
    match key {
        Some(key) => {
            written.insert(key, sent);
        }
        None if request.method == Method::Put => written.clear(),
        None => {}
    }
}

/// The resource of a URL is not known any more; a URL that names none may mean any.
fn forget(url: &str, written: &mut IndexMap<Key, Value>) {
    let path = url.split('?').next().unwrap_or_default();
    match Key::from_reference(path) {
        Some(key) => {
            written.shift_remove(&key);
        }
        None => written.clear(),
    }
}

/// Entry by entry, the answer's `location` says what became of the entry that was sent.
fn note_bundle(sent: &Value, answer: Option<Value>, written: &mut IndexMap<Key, Value>) {
    let Some(answer) = answer else { return };
    for (entry, reply) in bundle::entries(sent).zip(bundle::entries(&answer)) {
        let method = entry.pointer("/request/method").and_then(Value::as_str);
        if matches!(method, Some("PATCH" | "DELETE")) {
            let url = entry.pointer("/request/url").and_then(Value::as_str);
            forget(url.unwrap_or_default(), written);
            continue;
        }
        let status = reply
            .pointer("/response/status")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let stored = matches!(method, Some("POST" | "PUT")) && status.starts_with("20");
        let key = reply
            .pointer("/response/location")
            .and_then(Value::as_str)
            .and_then(Key::from_reference);
        // A conditional create that found a match answers 200 and stores nothing.
        let unchanged = method == Some("POST") && status.starts_with("200");
        if let (true, false, Some(key), Some(resource)) =
            (stored, unchanged, key, bundle::resource(entry))
        {
            written.insert(key, resource.clone());
        }
    }
}
