//! JSON and XML of one version hold the same content. Not the narrative's spelling, only its words; not what was sent:
//! that is `same_as_sent`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::{Check, CheckSpec, Evidence, without_indexes};
use super::is_subsetted;
use crate::fhir::xml::narrative_text;
use crate::fhir::{Key, resource};
use crate::http::Exchange;
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "resource/same-in-both-formats",
    title: "A version of a resource has the same content in JSON and in XML",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/formats.html",
    sentence: "(paraphrase) JSON and XML are representations of the same resource; what one of them holds is held by the other",
    usual_causes: &[
        "one of the formats is written by code of its own that does not know all elements",
        "numbers pass through floating point in one of the formats",
        "extensions on primitives are written in one of the formats only",
    ],
    passive: false,
};

/// Levels of nesting compared.
const MAX_DEPTH: usize = 128;

/// See the sentence of its specification.
pub struct SameInBothFormats;

impl Check for SameInBothFormats {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let mut seen: Vec<(&Exchange, Representation)> = Vec::new();
        let mut violations = Vec::new();
        for exchange in evidence.earlier.iter().chain(evidence.exchanges) {
            let Some(found) = Representation::of(exchange) else {
                continue;
            };
            let other = seen
                .iter()
                .find(|(_, other)| other.is_xml != found.is_xml && other.version == found.version);
            if let Some((first, other)) = other {
                violations.extend(compare(first, other, exchange, &found));
            }
            seen.push((exchange, found));
        }
        violations
    }
}

/// A whole resource as one answer shows it.
struct Representation {
    is_xml: bool,
    version: (Key, String),
    resource: Arc<Value>,
}

impl Representation {
    fn of(exchange: &Exchange) -> Option<Self> {
        let response = exchange
            .response()
            .filter(|response| response.status == 200)?;
        let url = exchange.request.url.as_str();
        if url.contains("_summary=") || url.contains("_elements=") {
            return None;
        }
        let resource = exchange
            .parsed()
            .filter(|resource| !is_subsetted(resource))?;
        let version = resource::version_id(&resource)?.to_owned();
        Some(Representation {
            is_xml: resource::is_markup(&response.body),
            version: (Key::of(&resource)?, version),
            resource,
        })
    }
}

fn compare(
    first: &Exchange,
    one: &Representation,
    second: &Exchange,
    other: &Representation,
) -> Option<Violation> {
    let name = &one.version.0.resource_type;
    let (path, one_value, other_value) = difference(name, &one.resource, &other.resource, 0)?;
    let say = |is_xml: bool, value: Option<&Value>| {
        let format = if is_xml { "XML" } else { "JSON" };
        let phrase = Phrase::say(format!("{format}: {path} "));
        match value {
            None => phrase.words("is not there"),
            Some(value) => phrase.words("= ").data(value.to_string()),
        }
    };
    Some(
        Violation::new(
            SPEC.id,
            "JSON and XML of one version differ",
            say(one.is_xml, one_value),
            say(other.is_xml, other_value),
        )
        .at(path.clone())
        .seen_in([first.number, second.number])
        .signed(without_indexes(&path)),
    )
}

/// The first place where two resources differ, with what stands there.
type Difference<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn difference<'a>(
    path: &str,
    one: &'a Value,
    other: &'a Value,
    depth: usize,
) -> Option<Difference<'a>> {
    if depth == MAX_DEPTH {
        return None;
    }
    let here = || Some((path.to_owned(), Some(one), Some(other)));
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => of_members(path, one, other, depth),
        (Value::Array(ones), Value::Array(others)) => {
            (0..ones.len().max(others.len())).find_map(|index| {
                let path = format!("{path}[{index}]");
                of_both(path, ones.get(index), others.get(index), depth)
            })
        }
        (Value::Number(a), Value::Number(b)) => {
            (!same_number(a.as_str(), b.as_str())).then(here).flatten()
        }
        (Value::String(a), Value::String(b)) if path.ends_with(".text.div") => {
            // What cannot be read as XHTML cannot be compared.
            let (a, b) = (narrative_text(a)?, narrative_text(b)?);
            (a != b).then(here).flatten()
        }
        _ => (one != other).then(here).flatten(),
    }
}

fn of_members<'a>(
    path: &str,
    one: &'a Map<String, Value>,
    other: &'a Map<String, Value>,
    depth: usize,
) -> Option<Difference<'a>> {
    let others = other.keys().filter(|key| !one.contains_key(*key));
    one.keys().chain(others).find_map(|key| {
        // The server may stamp its own time on each answer.
        let is_stamp = path.ends_with(".meta") && key == "lastUpdated";
        if is_stamp {
            return None;
        }
        of_both(format!("{path}.{key}"), one.get(key), other.get(key), depth)
    })
}

/// Null and lists of it are the same as nothing: JSON needs them to fill up lists.
fn of_both<'a>(
    path: String,
    one: Option<&'a Value>,
    other: Option<&'a Value>,
    depth: usize,
) -> Option<Difference<'a>> {
    match (
        one.filter(|one| !is_filler(one)),
        other.filter(|other| !is_filler(other)),
    ) {
        (None, None) => None,
        (Some(one), Some(other)) => difference(&path, one, other, depth + 1),
        (one, other) => Some((path, one, other)),
    }
}

fn is_filler(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(is_filler),
        _ => false,
    }
}

/// Numbers are the same if their texts are; one with an exponent is not judged.
fn same_number(one: &str, other: &str) -> bool {
    let has_exponent = |text: &str| text.contains(['e', 'E']);
    one == other || has_exponent(one) || has_exponent(other)
}
