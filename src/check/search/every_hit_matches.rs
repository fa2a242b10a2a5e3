//! Every match satisfies the query. The precision half of a search; `nothing_missing` is the other.

use super::super::{Check, CheckSpec, Evidence};
use super::{Search, in_compartment, is_subsetted, known, looks_elsewhere};
use crate::fhir::oracle::Match;
use crate::fhir::query::Query;
use crate::fhir::{Key, resource};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;
use serde_json::Value;

static SPEC: CheckSpec = CheckSpec {
    id: "search/every-hit-matches",
    title: "Every match of a search satisfies its criteria",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html",
    sentence: "The server determines which of the set of resources it serves meet the specific criteria, and returns the results in the HTTP response as a bundle",
    usual_causes: &[
        "a criterion is dropped on the way to the query",
        "the search index still holds values of an older version",
        "a modifier or prefix is not applied",
    ],
    passive: false,
};

/// See the sentence of its specification.
pub struct EveryHitMatches;

impl Check for EveryHitMatches {
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
    let cohort = evidence.cohort;
    let is_closed = cohort.is_some_and(|cohort| cohort.completeness.is_closed());
    if !is_closed && query.criteria.iter().any(looks_elsewhere) {
        return None;
    }
    let known = known(evidence);
    let wrong: Vec<(u32, Key)> = search
        .hits()
        .filter_map(|(number, hit)| {
            let key = Key::of(hit)?;
            let stored = cohort.and_then(|cohort| cohort.resources.get(&key));
            // What is the same as known need not be read again.
            let seen = match stored {
                Some(stored) if is_subsetted(hit) || stored == hit => stored,
                None if is_subsetted(hit) => return None,
                _ => hit,
            };
            let is_wrong = !has_type(seen, &query)
                || known.judge(seen, &query) == Match::No
                || search.asked.compartment.as_ref().is_some_and(|owner| {
                    owner.resource_type == "Patient" && !in_compartment(seen, owner, &known)
                });
            is_wrong.then_some((number, key))
        })
        .collect();
    let (_, first) = wrong.first()?;
    let total = search.hits().count();
    let names: Vec<&str> = query
        .criteria
        .iter()
        .map(|criterion| criterion.name.as_str())
        .collect();
    let mut numbers: Vec<u32> = wrong.iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    let mut violation = Violation::new(
        SPEC.id,
        "A search returns resources that do not match",
        Phrase::say(format!("only matches of {}", names.join(", "))),
        Phrase::say(format!(
            "{} of {total} matches do not satisfy it, such as ",
            wrong.len()
        ))
        .url(first.to_string()),
    )
    .at("Bundle.entry.resource")
    .seen_in(numbers)
    .signed(query.resource_type.as_deref().unwrap_or("system"))
    .signed(names.join(","));
    violation.oracle = cohort.map(|cohort| cohort.completeness);
    violation.about = wrong.iter().map(|(_, key)| key.clone()).collect();
    violation.ruled_out = vec![
        "the target declares the parameters or lists them in its self link".to_owned(),
        "each hit was judged by its own content".to_owned(),
    ];
    Some(violation)
}

fn has_type(hit: &Value, query: &Query) -> bool {
    query
        .resource_type
        .as_deref()
        .is_none_or(|wanted| resource::resource_type(hit) == Some(wanted))
}
