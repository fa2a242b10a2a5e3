//! What a server requires of searches: read from its refusals, and added to later searches. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

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

/// A sentence that names more parameters than this lists what could be asked, not what must be.
const MAX_NAMES: usize = 5;

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
    let known = requirements.of(resource_type);
    let is_new = |name: &String| {
        let is_there = pairs
            .iter()
            .any(|(known, _)| known.split([':', '.']).next() == Some(name.as_str()));
        !is_there && !known.contains(name)
    };
    let mut learned = false;
    for demand in demanded(resource_type, &body) {
        for name in demand.wanted(is_new) {
            requirements.learn(resource_type, &name);
            learned = true;
        }
    }
    learned
}

/// What one sentence of a refusal demands.
#[derive(Debug, PartialEq, Eq)]
struct Demand {
    names: Vec<String>,
    /// One of them is enough.
    is_choice: bool,
}

impl Demand {
    /// The names to add: the new ones, or the best of them where one is enough.
    fn wanted(self, is_new: impl Fn(&String) -> bool) -> Vec<String> {
        let mut new: Vec<String> = self.names.into_iter().filter(is_new).collect();
        if self.is_choice {
            let best = PREFERRED
                .iter()
                .find_map(|name| new.iter().position(|word| word == name));
            new = new.into_iter().skip(best.unwrap_or(0)).take(1).collect();
        }
        new
    }
}

/// True if words follow each other in a text.
fn says(words: &[&str], phrase: &[&str]) -> bool {
    words.windows(phrase.len()).any(|found| {
        found
            .iter()
            .zip(phrase)
            .all(|(word, wanted)| word.eq_ignore_ascii_case(wanted))
    })
}

/// The search parameters that a refusal demands: those of the sentences that demand something. "The parameter `patient`
/// is required" demands; "Unknown parameter (it must be a search parameter). Valid are: \[…\]" does not.
fn demanded(resource_type: &str, body: &Value) -> Vec<Demand> {
    let mut budget = MAX_WORDS;
    let mut demands = Vec::new();
    for sentence in texts(body).into_iter().flat_map(sentences) {
        let words: Vec<&str> = words(sentence).take(budget).collect();
        budget -= words.len();
        let is_demand = words.iter().any(|word| {
            let word = word.to_ascii_lowercase();
            DEMANDS.iter().any(|demand| word.starts_with(demand))
        });
        let is_choice = CHOICES.iter().any(|choice| says(&words, choice));
        let parameters: BTreeSet<&str> = words
            .into_iter()
            .filter(|word| definitions::search_parameter(resource_type, word).is_some())
            .collect();
        if is_demand && (1..=MAX_NAMES).contains(&parameters.len()) {
            demands.push(Demand {
                names: parameters.into_iter().map(str::to_owned).collect(),
                is_choice,
            });
        }
    }
    demands
}

/// `diagnostics` and `details.text` of all issues.
fn texts(body: &Value) -> Vec<&str> {
    let issues = body.get("issue").and_then(Value::as_array);
    issues
        .into_iter()
        .flatten()
        .flat_map(|issue| {
            let details = issue.get("details").and_then(|details| details.get("text"));
            [issue.get("diagnostics"), details]
        })
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// A text cut at line breaks, brackets and the full stops that end a sentence.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(". ")
        .flat_map(|part| part.split(['\n', '(', ')', '[', ']']))
}

/// Words that look like parameter names.
fn words(sentence: &str) -> impl Iterator<Item = &str> {
    sentence
        .split(|character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character)))
        .filter(|word| word.len() > 1)
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
    use serde_json::json;

    use super::*;
    use crate::probe::testing::exchange;

    fn demanded_of_observation(diagnostics: &str) -> Vec<String> {
        let issue = json!({ "severity": "error", "code": "invalid", "diagnostics": diagnostics });
        let body = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
        demanded("Observation", &body)
            .into_iter()
            .flat_map(|demand| demand.names)
            .collect()
    }

    #[test]
    fn a_refusal_that_wants_a_parameter_is_understood() {
        let texts = [
            "The parameter 'patient' is required",
            "HTTP 400: must have either code or patient. Ask your administrator",
            "missing: patient",
        ];
        for text in texts {
            let names = demanded_of_observation(text);
            assert!(names.contains(&"patient".to_owned()), "{text}: {names:?}");
        }
    }

    #[test]
    fn a_list_of_what_could_be_asked_demands_nothing() {
        // As HAPI FHIR 8.6.5 refuses an unknown `_sort`, shortened.
        let sort = "HAPI-1194: Unknown _sort parameter value \"rounds-unknown\" for resource type \"Observation\" \
             (Note: sort parameters values must use a valid Search Parameter). Valid values for this search are: \
             [_id, _lastUpdated, category, code, patient, status, subject]";
        assert_eq!(demanded_of_observation(sort), Vec::<String>::new());
        let list = "A parameter must be one of category, code, date, patient, status and subject";
        assert_eq!(demanded_of_observation(list), Vec::<String>::new());
    }

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
        assert_eq!(learned(text, &[], &known), ["birthdate", "name"]);
    }

    #[test]
    fn a_refusal_without_a_demand_teaches_nothing() {
        let known = Requirements::default();
        assert!(learned("The parameter birthdate is not a date.", &[], &known).is_empty());
    }
}
