//! A history is sorted with the newest version first. Not whether versions are missing.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::{bundle_type, bundles};
use crate::fhir::{bundle, resource};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "bundle/history-order",
    title: "A history has its newest version first",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "sorted with oldest versions last, and including deleted resources",
    usual_causes: &["versions are sorted as text, so that 10 comes before 9"],
    passive: true,
};

/// See the sentence of its specification.
pub struct HistoryOrder;

impl Check for HistoryOrder {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (exchange, body) in bundles(evidence) {
            // `_sort` was asked for: the order is the request's.
            if bundle_type(&body) != "history" || exchange.request.url.contains("_sort=") {
                continue;
            }
            let times: Vec<(usize, &str, Timestamp)> = bundle::entries(&body)
                .enumerate()
                .filter_map(|(index, entry)| {
                    let text = time_of(entry)?;
                    Some((index, text, text.parse().ok()?))
                })
                .collect();
            let Some(pair) = times.windows(2).find(|pair| is_older(&pair[0], &pair[1])) else {
                continue;
            };
            violations.push(
                Violation::new(
                    SPEC.id,
                    "An older version comes before a newer one",
                    "times that never rise from one entry to the next",
                    Phrase::say(format!("entry {} of ", pair[0].0))
                        .data(pair[0].1)
                        .words(format!(" before entry {} of ", pair[1].0))
                        .data(pair[1].1),
                )
                .at(format!("Bundle.entry[{}]", pair[0].0))
                .seen_in([exchange.number]),
            );
        }
        violations
    }
}

/// True if the first is certainly older. A time without a fraction may have been cut off, so it orders seconds only.
fn is_older(first: &(usize, &str, Timestamp), second: &(usize, &str, Timestamp)) -> bool {
    let has_fraction = |text: &str| text.contains('.');
    if has_fraction(first.1) && has_fraction(second.1) {
        first.2 < second.2
    } else {
        first.2.as_second() < second.2.as_second()
    }
}

/// When the version of an entry came to be.
fn time_of(entry: &Value) -> Option<&str> {
    let stated = entry
        .get("response")
        .and_then(|response| response.get("lastModified"))
        .and_then(Value::as_str);
    stated.or_else(|| resource::last_updated(bundle::resource(entry)?))
}
