//! Every resource that comes back has the structure of R4. What we sent wrong ourselves is not held against a server.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence, without_indexes};
use super::is_subsetted;
use crate::fhir::validate::rule::{CHOICE, UNKNOWN_ELEMENT};
use crate::fhir::validate::{Issue, validate};
use crate::fhir::{Key, bundle, definitions, resource};
use crate::http::Exchange;
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
        let ours = flaws_of_ours(evidence.earlier.iter().chain(evidence.exchanges).copied());
        let mut violations = Vec::new();
        for exchange in evidence.exchanges {
            if asks_for_parts(exchange) {
                continue;
            }
            let Some(body) = exchange.parsed() else {
                continue;
            };
            let mut seen: BTreeSet<Identity> = BTreeSet::new();
            for flaw in flaws(&body) {
                let loaded = evidence.cohort.map(|cohort| &cohort.sent);
                let key = flaw.key.as_ref();
                let was_sent = key.is_some_and(|key| is_in(&flaw.identity, key, loaded));
                if was_sent || ours.contains(&flaw.identity) || !seen.insert(flaw.identity.clone())
                {
                    continue;
                }
                if seen.len() > MAX_PER_EXCHANGE {
                    break;
                }
                violations.push(violation(flaw, exchange.number));
            }
        }
        violations
    }
}

/// Rule and place without indexes: what makes two flaws one cause.
pub(super) type Identity = (&'static str, String);

/// One thing wrong with a body.
pub(super) struct Flaw {
    pub identity: Identity,
    /// From the root of the body, with indexes.
    path: String,
    message: String,
    /// The resource that has it, if it can be named.
    pub key: Option<Key>,
}

/// Parts of resources need not be complete, and marking them as parts is a SHOULD.
pub(super) fn asks_for_parts(exchange: &Exchange) -> bool {
    let url = exchange.request.url.as_str();
    url.contains("_elements=") || url.contains("_summary=")
}

pub(super) fn violation(flaw: Flaw, number: u32) -> Violation {
    let (rule, place) = flaw.identity;
    Violation::new(
        SPEC.id,
        "A resource breaks the structure of R4",
        Phrase::say(format!("{place} as R4 defines it ({rule})")),
        Phrase::say(flaw.message),
    )
    .at(flaw.path)
    .seen_in([number])
    .signed(rule)
    .signed(place)
}

/// Rules and places that our own requests break.
pub(super) fn flaws_of_ours<'a>(
    exchanges: impl Iterator<Item = &'a Exchange>,
) -> BTreeSet<Identity> {
    exchanges
        .filter_map(|exchange| resource::of_body(&exchange.request.body))
        .flat_map(|sent| flaws(&sent))
        .map(|flaw| flaw.identity)
        .collect()
}

/// True if the resource with the key was sent with the same flaw.
pub(super) fn is_in(flaw: &Identity, key: &Key, sent: Option<&IndexMap<Key, Value>>) -> bool {
    sent.and_then(|sent| sent.get(key))
        .is_some_and(|sent| validate(sent).iter().any(|issue| identity(issue) == *flaw))
}

/// What is wrong with a body and the resources in it.
pub(super) fn flaws(body: &Value) -> Vec<Flaw> {
    parts(body)
        .into_iter()
        .flat_map(|(prefix, part)| {
            let key = Key::of(&part);
            validate(&part).into_iter().map(move |issue| Flaw {
                identity: identity(&issue),
                path: format!("{prefix}{}", without_foreign_name(&issue)),
                message: issue.message,
                key: key.clone(),
            })
        })
        .collect()
}

fn identity(issue: &Issue) -> Identity {
    (issue.rule, without_indexes(&without_foreign_name(issue)))
}

/// The path of an issue. A member that R4 has nowhere may be named after a person: its name is data, not structure.
fn without_foreign_name(issue: &Issue) -> String {
    match issue.path.rsplit_once('.') {
        Some((owner, name))
            if matches!(issue.rule, UNKNOWN_ELEMENT | CHOICE)
                && !definitions::is_element_name(name) =>
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
