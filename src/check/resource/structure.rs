//! Every resource that comes back has the structure of R4. What we sent wrong ourselves is not held against a server.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence, without_indexes};
use super::is_subsetted;
use crate::fhir::validate::rule::UNKNOWN_ELEMENT;
use crate::fhir::validate::{Issue, validate};
use crate::fhir::{Key, bundle, definitions, resource};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "resource/structure",
    title: "Resources have the structure, primitive formats and required codes of R4",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/validation.html",
    sentence: "Structure: Check that all the content in the resource is described by the specification, and nothing extra is present",
    usual_causes: &[
        "the resource is of another FHIR version",
        "an empty list, object or string is written where there is no value",
        "a local code is mapped to an element with a required value set",
    ],
    passive: true,
};

/// Violations of one exchange at most; the rest is counted.
const MAX_PER_EXCHANGE: usize = 5;

/// See the sentence of its specification.
pub struct Structure;

impl Check for Structure {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let ours = flaws_of_ours(evidence);
        let mut violations = Vec::new();
        for exchange in evidence.exchanges {
            // Parts of resources need not be complete, and marking them as parts is a SHOULD.
            let url = exchange.request.url.as_str();
            if url.contains("_elements=") || url.contains("_summary=") {
                continue;
            }
            let Some(body) = exchange.json() else {
                continue;
            };
            let mut seen: BTreeSet<(&'static str, String)> = BTreeSet::new();
            for (issue, path) in issues(&body, evidence) {
                let place = without_indexes(&issue.path);
                let identity = (issue.rule, place.clone());
                if ours.contains(&identity) || !seen.insert(identity) {
                    continue;
                }
                if seen.len() > MAX_PER_EXCHANGE {
                    break;
                }
                violations.push(
                    Violation::new(
                        SPEC.id,
                        "A resource breaks the structure of R4",
                        Phrase::say(format!("{place} as R4 defines it ({})", issue.rule)),
                        Phrase::say(issue.message),
                    )
                    .at(path)
                    .seen_in([exchange.number])
                    .signed(issue.rule)
                    .signed(place),
                );
            }
        }
        violations
    }
}

/// Rules and places that our own requests and the loaded data break.
fn flaws_of_ours(evidence: &Evidence<'_>) -> BTreeSet<(&'static str, String)> {
    evidence
        .earlier
        .iter()
        .chain(evidence.exchanges)
        .filter_map(|exchange| serde_json::from_slice::<Value>(&exchange.request.body).ok())
        .flat_map(|sent| {
            parts(&sent)
                .into_iter()
                .flat_map(|(_, part)| validate(&part))
                .collect::<Vec<_>>()
        })
        .map(|issue| (issue.rule, without_indexes(&without_foreign_name(&issue))))
        .collect()
}

/// Issues of a body with the path from its root; resources that were loaded with the same issue are left out.
fn issues(body: &Value, evidence: &Evidence<'_>) -> Vec<(Issue, String)> {
    let sent = |part: &Value| {
        let key = Key::of(part)?;
        evidence.cohort?.sent.get(&key)
    };
    parts(body)
        .into_iter()
        .flat_map(|(prefix, part)| {
            let known: Vec<Issue> = sent(&part).map_or_else(Vec::new, validate);
            validate(&part)
                .into_iter()
                .filter(|issue| {
                    let same = |other: &Issue| other.rule == issue.rule && other.path == issue.path;
                    !known.iter().any(same)
                })
                .map(|mut issue| {
                    issue.path = without_foreign_name(&issue);
                    let path = format!("{prefix}{}", issue.path);
                    (issue, path)
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The path of an issue. A member that R4 has nowhere may be named after a person: its name is data, not structure.
fn without_foreign_name(issue: &Issue) -> String {
    match issue.path.rsplit_once('.') {
        Some((owner, name))
            if issue.rule == UNKNOWN_ELEMENT && !definitions::is_element_name(name) =>
        {
            format!("{owner}.?")
        }
        _ => issue.path.clone(),
    }
}

/// A resource, or the envelope of a Bundle and the resources in it, each with the path to it. Resources marked as
/// parts of themselves are left out: they need not be complete.
fn parts(body: &Value) -> Vec<(String, Value)> {
    if resource::resource_type(body).is_none() {
        return Vec::new();
    }
    if resource::resource_type(body) != Some("Bundle") {
        return if is_part(body) {
            Vec::new()
        } else {
            vec![(String::new(), body.clone())]
        };
    }
    let mut envelope = body.clone();
    let mut found = Vec::new();
    let entries = envelope.get_mut("entry").and_then(Value::as_array_mut);
    for (index, entry) in entries.into_iter().flatten().enumerate() {
        let Some(members) = entry.as_object_mut() else {
            continue;
        };
        if let Some(resource) = members.shift_remove("resource") {
            // An entry that held nothing else would look empty without it.
            if members.is_empty() {
                members.insert("fullUrl".to_owned(), "urn:x".into());
            }
            if !is_part(&resource) {
                found.push((format!("Bundle.entry[{index}].resource: "), resource));
            }
        }
    }
    found.insert(0, (String::new(), envelope));
    found
}

fn is_part(resource: &Value) -> bool {
    is_subsetted(resource) || bundle::entries(resource).next().is_some()
}
