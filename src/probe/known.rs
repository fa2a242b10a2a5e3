//! What one consultation knows so far, in memory only: the way, the claims, the exchanges, and what searches must
//! carry here. Learns from refusals; sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use crate::fhir::capability::Capability;
use crate::fhir::{Key, bundle, definitions, outcome, resource};
use crate::http::dial::Way;
use crate::http::{Exchange, Failure, Request};
use crate::secret::Disclosure;

use super::answer;

/// A value that no record holds: a legal id, token and string.
pub const IMPOSSIBLE: &str = "rounds-no-such-value-8c1f";
/// What RFC 3986 section 2.3 does not call unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Types whose resources are not about a patient, asked first: they serve as well and touch nobody.
const IMPERSONAL: &[&str] = &[
    "Organization",
    "Location",
    "Medication",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "Endpoint",
    "ValueSet",
];
/// Types about patients, the commonest first.
const CLINICAL: &[&str] = &[
    "Patient",
    "Observation",
    "Condition",
    "Encounter",
    "MedicationRequest",
    "AllergyIntolerance",
    "Immunization",
    "Procedure",
    "DiagnosticReport",
    "DocumentReference",
];
/// A category per type that every server which asks for one knows (US Core).
const CATEGORIES: &[(&str, &str)] = &[
    ("CarePlan", "assess-plan"),
    ("Condition", "problem-list-item"),
    ("DiagnosticReport", "LAB"),
    ("DocumentReference", "clinical-note"),
    ("Observation", "laboratory"),
];

/// Parameters that probes send.
const OURS: &[&str] = &[
    "_count",
    "_id",
    "category",
    "family",
    "gender",
    "given",
    "identifier",
    "name",
    "patient",
    "status",
];

/// What is known.
#[derive(Debug)]
pub struct Known {
    /// The target's base URL.
    pub base: Url,
    /// The instant at which the clock's monotonic reading was zero: `epoch + timings.started` is when a request left.
    pub epoch: Timestamp,
    /// When the consultation began.
    pub now: Timestamp,
    /// What the dial found.
    pub way: Result<Way, Failure>,
    /// Certificates are not checked on this target.
    pub insecure: bool,
    /// Logical id of the one patient whom the operator named.
    pub patient: Option<String>,
    /// What the server claims, once it was asked.
    pub capability: Option<Capability>,
    /// All exchanges of this consultation, in order.
    pub exchanges: Vec<Exchange>,
    requirements: BTreeMap<String, BTreeSet<String>>,
    disclosure: Disclosure,
}

impl Known {
    /// The beginning.
    pub fn new(
        base: Url,
        way: Result<Way, Failure>,
        patient: Option<String>,
        now: Timestamp,
        epoch: Timestamp,
    ) -> Self {
        let disclosure = Disclosure::nothing();
        definitions::vocabulary().for_each(|word| disclosure.learn(word));
        base.path()
            .split('/')
            .for_each(|segment| disclosure.learn(segment));
        disclosure.learn(IMPOSSIBLE);
        disclosure.learn(super::error_shape::NO_SUCH_TYPE);
        Known {
            base,
            epoch,
            now,
            way,
            insecure: false,
            patient,
            capability: None,
            exchanges: Vec::new(),
            requirements: BTreeMap::new(),
            disclosure,
        }
    }

    /// Takes an exchange in.
    pub fn note(&mut self, exchange: &Exchange) {
        if self.capability.is_none()
            && let Some(body) = exchange.json()
            && exchange.status() == Some(200)
            && resource::resource_type(&body) == Some("CapabilityStatement")
        {
            self.capability = Some(Capability::new(body));
        }
        self.exchanges.push(exchange.clone());
    }

    /// Declared R4 types with `search-type`, those first that touch nobody, then the commonest.
    pub fn searchable(&self) -> Vec<&'static str> {
        let Some(capability) = &self.capability else {
            return Vec::new();
        };
        let declared: BTreeSet<&str> = capability.resource_types().into_iter().collect();
        let preferred = IMPERSONAL.iter().chain(CLINICAL).copied();
        let rest = definitions::resource_types()
            .iter()
            .copied()
            .filter(|name| !IMPERSONAL.contains(name) && !CLINICAL.contains(name));
        preferred
            .chain(rest)
            .filter(|name| declared.contains(name) && capability.supports(name, "search-type"))
            .collect()
    }

    /// True if resources of a type are not about a patient.
    pub fn is_impersonal(resource_type: &str) -> bool {
        IMPERSONAL.contains(&resource_type)
    }

    /// A search with what this server demands besides.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn search(
        &self,
        resource_type: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Request, String> {
        let mut pairs: Vec<(String, String)> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for name in self.requirements.get(resource_type).into_iter().flatten() {
            if pairs.iter().any(|(known, _)| known == name) {
                continue;
            }
            let value = self
                .company(resource_type, name)
                .ok_or_else(|| format!("server requires {name}"))?;
            pairs.insert(0, (name.clone(), value));
        }
        let query: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)))
            .collect();
        Ok(Request::get(format!("{resource_type}?{}", query.join("&"))))
    }

    /// The value to send along for a parameter that the server demands.
    fn company(&self, resource_type: &str, parameter: &str) -> Option<String> {
        match parameter {
            "patient" => self.patient.clone(),
            "_id" if resource_type == "Patient" => self.patient.clone(),
            "category" => CATEGORIES
                .iter()
                .find(|(name, _)| *name == resource_type)
                .map(|(_, category)| (*category).to_owned()),
            _ => None,
        }
    }

    /// Learns from a refused search which parameters it lacked. True if something new was learned, so that the probe
    /// is to be asked again.
    pub fn learn(&mut self, exchange: &Exchange) -> bool {
        if !matches!(exchange.status(), Some(400 | 403 | 422)) {
            return false;
        }
        let Some(resource_type) = self.searched_type(&exchange.request.url) else {
            return false;
        };
        let sent = answer::parameters(&exchange.request.url);
        let text = exchange.json().map(|body| words_of(&body));
        let mut demanded: Vec<&str> = demanded(resource_type, text.as_deref().unwrap_or_default())
            .into_iter()
            .filter(|name| !sent.iter().any(|known| known == name))
            .collect();
        let is_unfiltered = sent
            .iter()
            .all(|name| name.starts_with('_') && name != "_id");
        if demanded.is_empty() && is_unfiltered && self.patient.is_some() {
            // Nothing readable was said, but a server that wants a filter nearly always wants this one.
            demanded.push(if resource_type == "Patient" {
                "_id"
            } else if Self::is_impersonal(resource_type) {
                return false;
            } else {
                "patient"
            });
        }
        let known = self
            .requirements
            .entry(resource_type.to_owned())
            .or_default();
        let before = known.len();
        known.extend(demanded.into_iter().map(str::to_owned));
        known.len() > before
    }

    /// The type of a search URL, relative or below the base; `None` for anything else.
    pub fn searched_type(&self, url: &str) -> Option<&'static str> {
        let base = self.base.as_str().trim_end_matches('/');
        let relative = url.strip_prefix(base).unwrap_or(url);
        let path = relative.trim_start_matches('/').split('?').next()?;
        definitions::resource_types()
            .iter()
            .copied()
            .find(|name| *name == path)
    }

    /// A resource to read: the operator's patient, else one that a search returned, those first that touch nobody.
    pub fn sample(&self) -> Option<Key> {
        if let Some(id) = &self.patient {
            return Some(Key::new("Patient", id.as_str()));
        }
        let found: Vec<Key> = self
            .exchanges
            .iter()
            .filter_map(answer::searchset)
            .flat_map(|searchset| bundle::match_keys(&searchset))
            .filter(|key| {
                definitions::is_resource_type(&key.resource_type) && resource::is_id(&key.id)
            })
            .collect();
        found
            .iter()
            .find(|key| Self::is_impersonal(&key.resource_type))
            .or_else(|| found.first())
            .cloned()
    }

    /// One masked line: the request, the answer, how long.
    pub fn evidence(&self, exchange: &Exchange) -> String {
        let base = self.base.as_str().trim_end_matches('/');
        let url = &exchange.request.url;
        let relative = url
            .strip_prefix(base)
            .map_or(url.as_str(), |rest| rest.trim_start_matches('/'));
        // Names of parameters in a link of the server's are the server's; only our own may be shown.
        let is_ours = answer::parameters(url)
            .iter()
            .all(|name| OURS.contains(&name.as_str()));
        let shown = if is_ours {
            self.disclosure.url(relative)
        } else {
            "‹link of the server›".to_owned()
        };
        format!(
            "{} {shown} → {} in {}",
            exchange.request.method,
            answer::outcome(exchange),
            answer::duration(exchange.timings.total)
        )
    }
}

/// The words of an OperationOutcome in lower case; held in memory only, because servers echo values.
fn words_of(body: &Value) -> String {
    if !outcome::is_outcome(body) {
        return String::new();
    }
    let issues = body.get("issue").and_then(Value::as_array);
    let mut text = String::new();
    for issue in issues.into_iter().flatten() {
        let parts = [
            issue.get("diagnostics"),
            issue.get("details").and_then(|details| details.get("text")),
        ];
        for part in parts.into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&part.to_lowercase());
            text.push('\n');
        }
    }
    text
}

/// Parameters that a refusal demands: all it names, or the first of alternatives.
fn demanded<'a>(resource_type: &str, text: &str) -> Vec<&'a str> {
    const DEMANDS: &[&str] = &[
        "require",
        "must",
        "need",
        "missing",
        "at least",
        "mandatory",
        "provide",
        "without",
        "supply",
        "specify",
    ];
    const OTHERWISE: &[&str] = &["unknown", "unsupported", "not supported", "unrecognized"];
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if !has(DEMANDS) || has(OTHERWISE) {
        return Vec::new();
    }
    let named = |word: &str| {
        text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
            .any(|part| part == word)
    };
    let mut list = Vec::new();
    if resource_type == "Patient" {
        if named("_id") || named("identifier") {
            list.push("_id");
        }
    } else if named("patient") || named("subject") {
        list.push("patient");
    }
    let others = ["category", "code", "date", "status", "type"];
    list.extend(others.into_iter().filter(|name| named(name)));
    let alternatives = named("or") || text.contains("one of");
    if alternatives {
        list.truncate(1);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_it_demands() {
        let both = "searches of observation require patient and category";
        assert_eq!(demanded("Observation", both), ["patient", "category"]);
        let either = "must provide one of: patient, code";
        assert_eq!(demanded("Observation", either), ["patient"]);
        let other = "unknown search parameter category";
        assert!(demanded("Observation", other).is_empty());
        let nothing = "the patient portal is closed";
        assert!(demanded("Observation", nothing).is_empty());
        assert_eq!(demanded("Patient", "_id is required"), ["_id"]);
    }
}
