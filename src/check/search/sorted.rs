//! The matches are in the order that `_sort` asks for, over all pages. Ties may come in any order.

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::{Search, is_subsetted};
use crate::fhir::{Key, oracle};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "search/sorted",
    title: "Matches come in the order of _sort",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#sort",
    sentence: "The server returns the sort it performs as part of the returned search parameters",
    usual_causes: &[
        "pages are sorted each for itself",
        "dates are compared as text, or numbers by their digits",
        "the `-` of a descending key is lost",
    ],
    passive: false,
};

/// See the sentence of its specification.
pub struct Sorted;

impl Check for Sorted {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judge(evidence).into_iter().collect()
    }
}

fn judge(evidence: &Evidence<'_>) -> Option<Violation> {
    let search = Search::of(evidence)?;
    let query = search.query(evidence)?;
    // Servers SHOULD honour `_sort`, and name the sort that they made in the self link; what they do not name, they
    // did not make (<http://hl7.org/fhir/R4/search.html#sort>).
    if query.shape.sort.is_empty() || !search.lists("_sort") || search.may_shift(evidence) {
        return None;
    }
    let stored = |key: &Key| evidence.cohort.and_then(|cohort| cohort.resources.get(key));
    let mut keys: Vec<Key> = Vec::new();
    let mut resources: Vec<&Value> = Vec::new();
    for (_, hit) in search.hits() {
        let key = Key::of(hit)?;
        resources.push(if is_subsetted(hit) {
            stored(&key)?
        } else {
            hit
        });
        keys.push(key);
    }
    let Ok(false) = oracle::is_sorted(&resources, &query, &keys) else {
        return None;
    };
    let rules: Vec<String> = query
        .shape
        .sort
        .iter()
        .map(|(code, descending)| format!("{}{code}", if *descending { "-" } else { "" }))
        .collect();
    let mut violation = Violation::new(
        SPEC.id,
        "The matches are not in the order that was asked for",
        Phrase::say(format!("matches sorted by {}", rules.join(", "))),
        Phrase::say(format!(
            "another order of {} matches over {} page(s)",
            keys.len(),
            search.pages.len()
        )),
    )
    .at("Bundle.entry")
    .seen_in(search.numbers())
    .signed(search.asked.resource_type.as_deref().unwrap_or("system"))
    .signed(rules.join(","));
    violation.ruled_out = vec!["ties may come in any order".to_owned()];
    Some(violation)
}
