//! What a server requires of searches: read from its refusals, and added to later searches. Pure.

use crate::fhir::{definitions, outcome};
use crate::http::Exchange;

use super::context::Requirements;

/// Values tried for a required `category`, per type, most common first: the code systems that US Core names.
const CATEGORIES: &[(&str, &[&str])] = &[
    (
        "Observation",
        &["vital-signs", "laboratory", "social-history"],
    ),
    ("Condition", &["problem-list-item", "encounter-diagnosis"]),
    ("DiagnosticReport", &["LAB"]),
    ("CarePlan", &["assess-plan"]),
    ("DocumentReference", &["clinical-note"]),
];

/// Beginnings of words by which a refusal says that something is wanted, not that something is wrong.
const DEMANDS: &[&str] = &["requir", "must", "need", "missing", "mandatory", "demand"];

/// Words of an OperationOutcome that are read at most; diagnostics can be long.
const MAX_WORDS: usize = 400;

/// Reads from a refusal which declared search parameters the server wants, and notes those that the search did not
/// have. True if something new was learned.
pub fn learn(
    requirements: &Requirements,
    resource_type: &str,
    pairs: &[(String, String)],
    exchange: &Exchange,
) -> bool {
    let Some(body) = exchange.json().filter(outcome::is_outcome) else {
        return false;
    };
    let words = words(&body);
    if !words.iter().any(|word| {
        DEMANDS
            .iter()
            .any(|demand| word.to_ascii_lowercase().starts_with(demand))
    }) {
        return false;
    }
    let mut learned = false;
    for word in words {
        let is_parameter = definitions::search_parameter(resource_type, &word).is_some();
        let is_there = pairs
            .iter()
            .any(|(name, _)| name.split([':', '.']).next() == Some(word.as_str()));
        if is_parameter && !is_there && !requirements.of(resource_type).contains(&word) {
            requirements.learn(resource_type, &word);
            learned = true;
        }
    }
    learned
}

/// Words of `diagnostics` and `details.text` that look like parameter names.
fn words(body: &serde_json::Value) -> Vec<String> {
    let issues = body
        .get("issue")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten();
    let texts = issues.flat_map(|issue| {
        let details = issue.get("details").and_then(|details| details.get("text"));
        [issue.get("diagnostics"), details]
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
    });
    texts
        .flat_map(|text| {
            text.split(|character: char| {
                !(character.is_ascii_alphanumeric() || "-_".contains(character))
            })
        })
        .filter(|word| word.len() > 2)
        .map(str::to_owned)
        .take(MAX_WORDS)
        .collect()
}

/// The searches that give a query its required company: one for each category that is worth a try, or the query as it
/// is where nothing more is needed.
pub fn companies(
    resource_type: &str,
    required: &[String],
    base: &[(String, String)],
) -> Vec<Vec<(String, String)>> {
    let lacks = |name: &str| !base.iter().any(|(known, _)| known == name);
    if !required.iter().any(|name| name == "category") || !lacks("category") {
        return vec![base.to_vec()];
    }
    let known = CATEGORIES
        .iter()
        .find(|(name, _)| *name == resource_type)
        .map_or(&[][..], |(_, codes)| codes);
    known
        .iter()
        .map(|code| {
            let mut pairs = base.to_vec();
            pairs.insert(
                1.min(pairs.len()),
                ("category".to_owned(), (*code).to_owned()),
            );
            pairs
        })
        .collect()
}

/// Parameters that a search lacks although the server requires them, in the order in which they were learned.
pub fn missing(requirements: &Requirements, resource_type: &str, names: &[&str]) -> Vec<String> {
    requirements
        .of(resource_type)
        .into_iter()
        .filter(|required| {
            !names
                .iter()
                .any(|name| name.split([':', '.']).next() == Some(required.as_str()))
        })
        .collect()
}
