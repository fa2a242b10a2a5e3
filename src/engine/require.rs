//! What a server requires of searches: read from its refusals, and added to later searches. Pure.

use crate::fhir::{definitions, outcome};
use crate::http::Exchange;

use super::context::Requirements;

/// Values tried for a required `category`, per type, most common first: the codes of the value sets that R4 and US Core
/// bind the element to.
const CATEGORIES: &[(&str, &[&str])] = &[
    (
        "Observation",
        &["vital-signs", "laboratory", "social-history"],
    ),
    ("Condition", &["problem-list-item", "encounter-diagnosis"]),
    ("DiagnosticReport", &["LAB"]),
    ("CarePlan", &["assess-plan"]),
    ("DocumentReference", &["clinical-note"]),
    (
        "AllergyIntolerance",
        &["medication", "food", "environment", "biologic"],
    ),
    (
        "MedicationRequest",
        &["community", "outpatient", "inpatient", "discharge"],
    ),
    // SNOMED CT: surgical, diagnostic, counselling, education.
    (
        "Procedure",
        &["387713003", "103693007", "409063005", "409073007"],
    ),
    // SNOMED CT: laboratory, imaging, surgical.
    ("ServiceRequest", &["108252007", "363679005", "387713003"]),
];

/// Beginnings of words by which a refusal says that something is wanted, not that something is wrong.
const DEMANDS: &[&str] = &["requir", "must", "need", "missing", "mandatory", "demand"];

/// Words by which a refusal says that one of the parameters that it names is enough.
const CHOICES: &[&[&str]] = &[&["one", "of"], &["any", "of"], &["either"], &["or"]];

/// Of parameters that a server leaves the choice of, these are taken first: every resource has them, and they narrow
/// a search to one.
const PREFERRED: &[&str] = &["_id", "identifier"];

/// Words of an OperationOutcome that are read at most; diagnostics can be long.
const MAX_WORDS: usize = 400;

/// Reads from a refusal which declared search parameters the server wants, and notes those that the search did not
/// have: all of them, or one where the server leaves the choice (another if that one is refused too). True if
/// something new was learned.
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
    let is_choice = CHOICES.iter().any(|choice| says(&words, choice));
    let known = requirements.of(resource_type);
    let mut wanted: Vec<String> = Vec::new();
    for word in words {
        let is_parameter = definitions::search_parameter(resource_type, &word).is_some();
        let is_there = pairs
            .iter()
            .any(|(name, _)| name.split([':', '.']).next() == Some(word.as_str()));
        if is_parameter && !is_there && !known.contains(&word) && !wanted.contains(&word) {
            wanted.push(word);
        }
    }
    if is_choice {
        let preferred = PREFERRED
            .iter()
            .find_map(|name| wanted.iter().position(|word| word == name));
        wanted = wanted
            .into_iter()
            .skip(preferred.unwrap_or(0))
            .take(1)
            .collect();
    }
    for name in &wanted {
        requirements.learn(resource_type, name);
    }
    !wanted.is_empty()
}

/// True if words follow each other in a text.
fn says(words: &[String], phrase: &[&str]) -> bool {
    words.windows(phrase.len()).any(|found| {
        found
            .iter()
            .zip(phrase)
            .all(|(word, wanted)| word.eq_ignore_ascii_case(wanted))
    })
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
        .filter(|word| word.len() > 1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::testing::exchange;
    use serde_json::json;

    fn learned(diagnostics: &str, given: &[(&str, &str)], known: &Requirements) -> Vec<String> {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "required", "diagnostics": diagnostics}]});
        let pairs: Vec<(String, String)> = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        learn(
            known,
            "Patient",
            &pairs,
            &exchange("Patient", 400, &outcome),
        );
        known.of("Patient")
    }

    #[test]
    fn of_parameters_that_the_server_leaves_the_choice_of_one_is_taken() {
        let known = Requirements::default();
        let text = "a search of Patient requires one of: identifier; name and birthdate; _id";
        assert_eq!(learned(text, &[("family", "x")], &known), ["_id"]);
        // What was sent with it and was refused again wants another.
        let sent = [("family", "x"), ("_id", "y")];
        assert_eq!(learned(text, &sent, &known), ["_id", "identifier"]);
    }

    #[test]
    fn all_parameters_are_taken_where_the_server_wants_all() {
        let known = Requirements::default();
        let text = "Searches must have the parameters name and birthdate.";
        assert_eq!(learned(text, &[], &known), ["name", "birthdate"]);
    }

    #[test]
    fn a_refusal_without_a_demand_teaches_nothing() {
        let known = Requirements::default();
        assert!(learned("The parameter birthdate is not a date.", &[], &known).is_empty());
    }
}
