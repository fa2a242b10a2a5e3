//! Last-Modified is the time in `meta.lastUpdated`, to the second. Not whether the header is there.

use jiff::Timestamp;

use super::super::{Check, CheckSpec, Evidence};
use super::single_resource;
use crate::fhir::resource;
use crate::http::Exchange;
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "http/last-modified-matches",
    title: "Last-Modified is the time in meta.lastUpdated",
    level: Level::Should,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/resource.html#meta",
    sentence: "This is equivalent to the HTTP Last-Modified and SHOULD have the same value on a read interaction",
    usual_causes: &[
        "the header says when the response was made",
        "local time is written as GMT",
    ],
    passive: true,
};

/// An HTTP date has whole seconds, and a server may round either way.
const TOLERANCE_SECONDS: i64 = 1;

/// See the sentence of its specification.
pub struct LastModifiedMatches;

impl Check for LastModifiedMatches {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        evidence
            .exchanges
            .iter()
            .filter_map(|exchange| judge(exchange))
            .collect()
    }
}

fn judge(exchange: &Exchange) -> Option<Violation> {
    let body = single_resource(exchange)?;
    let updated = resource::last_updated(&body)?;
    let field = exchange.header("last-modified")?;
    let instant: Timestamp = updated.parse().ok()?;
    let (title, signature) = match http_date(field) {
        Some(modified) if (modified - instant.as_second()).abs() <= TOLERANCE_SECONDS => {
            return None;
        }
        Some(_) => (
            "Last-Modified and meta.lastUpdated are different times",
            "time",
        ),
        None => ("Last-Modified is not an HTTP date", "format"),
    };
    Some(
        Violation::new(
            SPEC.id,
            title,
            Phrase::say("the time of meta.lastUpdated ").data(updated),
            Phrase::say("Last-Modified ").data(field),
        )
        .at("Last-Modified, meta.lastUpdated")
        .seen_in([exchange.number])
        .signed(signature),
    )
}

/// Seconds since 1970 of an HTTP date, RFC 9110 section 5.6.7.
fn http_date(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(parsed.timestamp().as_second())
}
