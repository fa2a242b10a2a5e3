//! `fullUrl` and the resource agree about its id. Not whether the URL can be read.

use super::super::{Check, CheckSpec, Evidence};
use super::{bundle_type, bundles};
use crate::fhir::{Key, bundle};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "bundle/full-url-matches",
    title: "Bundle.entry.fullUrl names the resource of the entry, without a version",
    level: Level::Shall,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.fullUrl",
    sentence: "The fullUrl SHALL NOT disagree with the id in the resource",
    usual_causes: &[
        "the URL is built from a configured base that is out of date",
        "the URL of a version is used",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct FullUrlMatches;

impl Check for FullUrlMatches {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (exchange, body) in bundles(evidence) {
            if !matches!(bundle_type(&body), "searchset" | "history") {
                continue;
            }
            let wrong = bundle::entries(&body)
                .enumerate()
                .find_map(|(index, entry)| Some((index, disagreement(entry)?)));
            let Some((index, (url, key, signature))) = wrong else {
                continue;
            };
            violations.push(
                Violation::new(
                    SPEC.id,
                    "fullUrl and the resource of the entry disagree",
                    Phrase::say("a URL that ends in ").url(key.to_string()),
                    Phrase::say("fullUrl ").url(url),
                )
                .at(format!("Bundle.entry[{index}].fullUrl"))
                .seen_in([exchange.number])
                .signed(signature),
            );
        }
        violations
    }
}

/// The URL, the key it should name, and how it is wrong.
fn disagreement(entry: &serde_json::Value) -> Option<(&str, Key, &'static str)> {
    let url = entry.get("fullUrl")?.as_str()?;
    let key = Key::of(bundle::resource(entry)?)?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return None;
    }
    if url.contains("/_history/") {
        return Some((url, key, "versioned"));
    }
    let agrees = match Key::from_reference(url) {
        Some(named) => named == key,
        // Any URL will do that is not one of the RESTful form, so long as it ends in the id.
        None => url.rsplit(['/', '=', ':']).next() == Some(key.id.as_str()),
    };
    (!agrees).then_some((url, key, "id"))
}
