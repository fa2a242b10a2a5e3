//! A Bundle says what interaction it answers. Not what is in it.

use super::super::{Check, CheckSpec, Evidence};
use super::{bundle_type, bundles};
use crate::fhir::{definitions, resource};
use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "bundle/type",
    title: "Bundle.type fits the interaction",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/bundle-definitions.html#Bundle.type",
    sentence: "Indicates the purpose of this bundle - how it is intended to be used",
    usual_causes: &["one routine builds all Bundles with a fixed type"],
    passive: true,
};

/// See the sentence of its specification.
pub struct TypeFits;

impl Check for TypeFits {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        bundles(evidence)
            .filter_map(|(exchange, bundle)| {
                let expected = expected_type(exchange, evidence.base)?;
                let found = bundle_type(&bundle);
                (found != expected).then(|| {
                    Violation::new(
                        SPEC.id,
                        "Bundle.type does not fit the interaction",
                        format!("Bundle.type = {expected}").as_str(),
                        if found.is_empty() {
                            Phrase::say("no Bundle.type")
                        } else {
                            Phrase::say("Bundle.type = ").code(found)
                        },
                    )
                    .at("Bundle.type")
                    .seen_in([exchange.number])
                    .signed(expected)
                })
            })
            .collect()
    }
}

/// The type that R4 gives to the answer; `None` where the request does not say (a page link, an operation, a read).
fn expected_type(exchange: &Exchange, base: &str) -> Option<&'static str> {
    let url = exchange.request.url.as_str();
    // A server may spell its own host in another way; then nothing is known about the path.
    let path = url.strip_prefix(base).or_else(|| {
        let is_relative = !url.split('?').next().unwrap_or_default().contains("://");
        is_relative.then_some(url)
    })?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = path.trim_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let reads = matches!(exchange.request.method, Method::Get);
    if exchange.request.method == Method::Post {
        if last == "_search" {
            return Some("searchset");
        }
        let sent = resource::of_body(&exchange.request.body)?;
        let is_bundle = resource::resource_type(&sent) == Some("Bundle");
        return match (path, is_bundle, bundle_type(&sent)) {
            ("", true, "transaction") => Some("transaction-response"),
            ("", true, "batch") => Some("batch-response"),
            _ => None,
        };
    }
    if !reads || path.contains('$') {
        return None;
    }
    if last == "_history" {
        return Some("history");
    }
    // A read of `Bundle/Patient` is no search, and a page link may have no path at all.
    if path.split('/').count() == 2 {
        return None;
    }
    let is_search = definitions::is_resource_type(last) && !query.starts_with("_getpages");
    is_search.then_some("searchset")
}
