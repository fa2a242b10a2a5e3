//! What the pages of an answer hold beside keys: bodies, what came along with the matches, totals, links, and the query
//! that was asked. Not a judgement.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::case::Command;
use super::trace::{Event, Trace};
use crate::fhir::query::{Query, decode_pairs};
use crate::fhir::{Key, bundle, resource};

/// The Bundles of a step, in order.
pub fn pages(event: &Event) -> Vec<Value> {
    let exchanges = event.exchanges.iter();
    exchanges.filter_map(|exchange| exchange.json()).collect()
}

/// The Bundles of the search with this label.
pub fn pages_of(trace: &Trace, label: &str) -> Vec<Value> {
    trace.search(label).map(pages).unwrap_or_default()
}

/// The matches of a search by key.
pub fn of(trace: &Trace, label: &str) -> BTreeMap<Key, Value> {
    pages_of(trace, label)
        .iter()
        .flat_map(bundle::matches)
        .filter_map(|body| Some((Key::of(body)?, body.clone())))
        .collect()
}

/// The resources that are on a page without being matches, outcomes left out.
pub fn included(page: &Value) -> Vec<&Value> {
    bundle::entries(page)
        .filter(|entry| bundle::mode(entry) == Some("include"))
        .filter_map(bundle::resource)
        .filter(|body| resource::resource_type(body) != Some("OperationOutcome"))
        .collect()
}

/// The resource to which an element refers.
pub fn target(body: &Value, element: &str) -> Option<Key> {
    Key::from_reference(body.get(element)?.get("reference")?.as_str()?)
}

/// The resources to which the bodies refer by an element.
pub fn targets(bodies: &BTreeMap<Key, Value>, element: &str) -> BTreeSet<Key> {
    bodies
        .values()
        .filter_map(|body| target(body, element))
        .collect()
}

/// True if every body shows literally what it refers to by an element, or refers to nothing: then nothing is left open
/// about where it leads.
pub fn are_literal(bodies: &BTreeMap<Key, Value>, element: &str) -> bool {
    bodies
        .values()
        .all(|body| body.get(element).is_none() || target(body, element).is_some())
}

/// Names and values in the URL of the first request of a search sent by GET.
pub fn sent(trace: &Trace, label: &str) -> Vec<(String, String)> {
    trace
        .search(label)
        .and_then(|event| event.exchanges.first())
        .and_then(|exchange| exchange.request.url.split_once('?'))
        .map(|(_, query)| decode_pairs(query))
        .unwrap_or_default()
}

/// The criteria of a search with the values that were sent, without what confines it; `None` if R4 does not know them.
pub fn asked(trace: &Trace, label: &str) -> Option<Query> {
    let Command::Search(search) = &trace.search(label)?.step.command else {
        return None;
    };
    let names = search.names();
    let pairs: Vec<(String, String)> = sent(trace, label)
        .into_iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .collect();
    let query = Query::parse(Some(&search.resource_type), &pairs).ok()?;
    (!pairs.is_empty()).then_some(query)
}

/// `Bundle.total` of the pages that have one.
pub fn totals(trace: &Trace, label: &str) -> Vec<u64> {
    pages_of(trace, label)
        .iter()
        .filter_map(bundle::total)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_came_along_is_told_from_matches_and_outcomes() {
        let page = json!({"entry": [
            {"resource": {"resourceType": "Observation", "id": "o"}, "search": {"mode": "match"}},
            {"resource": {"resourceType": "Patient", "id": "p"}, "search": {"mode": "include"}},
            {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "include"}}]});
        let keys: Vec<Key> = included(&page).into_iter().filter_map(Key::of).collect();
        assert_eq!(keys, [Key::new("Patient", "p")]);
    }

    #[test]
    fn a_reference_by_identifier_leaves_open_where_it_leads() {
        let body = |subject: Value| {
            BTreeMap::from([(Key::new("Observation", "o"), json!({"subject": subject}))])
        };
        assert!(are_literal(
            &body(json!({"reference": "Patient/p"})),
            "subject"
        ));
        assert!(!are_literal(
            &body(json!({"identifier": {"value": "x"}})),
            "subject"
        ));
        assert_eq!(
            targets(&body(json!({"reference": "http://h/Patient/p"})), "subject").len(),
            1
        );
    }
}
