//! The entries have the parts that the type of their Bundle demands. Invariants bdl-1 to bdl-4 of R4.

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::{bundle_type, bundles};
use crate::fhir::bundle;
use crate::record::{Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "bundle/entries-fit-type",
    title: "Entries have search, request and response exactly where Bundle.type demands them",
    level: Level::Shall,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/bundle.html#invs",
    sentence: "entry.request mandatory for batch/transaction/history, otherwise prohibited",
    usual_causes: &["one routine builds the entries of all Bundles"],
    passive: true,
};

/// See the sentence of its specification.
pub struct EntriesFitType;

impl Check for EntriesFitType {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (exchange, body) in bundles(evidence) {
            for (invariant, place, message) in broken(&body) {
                violations.push(
                    Violation::new(SPEC.id, "A Bundle breaks an invariant", invariant, message)
                        .at(place)
                        .seen_in([exchange.number])
                        .signed(&invariant[..5]),
                );
            }
        }
        violations
    }
}

/// Broken invariants: its text, the first place, what is there.
fn broken(body: &Value) -> Vec<(&'static str, String, &'static str)> {
    let kind = bundle_type(body);
    let is = |kinds: &[&str]| kinds.contains(&kind);
    let mut found = Vec::new();
    if body.get("total").is_some() && !is(&["searchset", "history"]) {
        found.push((
            "bdl-1: total only when a search or history",
            "Bundle.total".to_owned(),
            "a total",
        ));
    }
    let has_requests = is(&["batch", "transaction", "history"]);
    let has_responses = is(&["batch-response", "transaction-response", "history"]);
    let rules: [(&'static str, &str, bool, bool, &'static str, &'static str); 3] = [
        (
            "bdl-2: entry.search only when a search",
            "search",
            false,
            is(&["searchset"]),
            "no search",
            "a search",
        ),
        (
            "bdl-3: entry.request mandatory for batch/transaction/history, otherwise prohibited",
            "request",
            has_requests,
            has_requests,
            "no request",
            "a request",
        ),
        (
            "bdl-4: entry.response mandatory for batch-response/transaction-response/history, otherwise prohibited",
            "response",
            has_responses,
            has_responses,
            "no response",
            "a response",
        ),
    ];
    for (invariant, member, mandatory, allowed, absent, present) in rules {
        let wrong = bundle::entries(body)
            .enumerate()
            .find_map(|(index, entry)| {
                let is_there = entry.get(member).is_some();
                let wrong = (mandatory && !is_there) || (!allowed && is_there);
                wrong.then_some((index, is_there))
            });
        if let Some((index, is_there)) = wrong {
            let message = if is_there { present } else { absent };
            found.push((
                invariant,
                format!("Bundle.entry[{index}].{member}"),
                message,
            ));
        }
    }
    found
}
