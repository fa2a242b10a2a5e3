//! No request makes the server fall over. Not for overload (503) and what is not implemented (501).

use super::super::{Check, CheckSpec, Evidence};
use crate::fhir::{definitions, outcome, resource};
use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "http/no-server-error",
    title: "No request ends in an internal error",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "https://www.rfc-editor.org/rfc/rfc9110.html#name-500-internal-server-error",
    sentence: "",
    usual_causes: &[
        "an unexpected value is not caught before the database sees it",
        "two writers meet and the loser is not told 409 or 412",
    ],
    passive: true,
};

/// Not implemented, a full disk, and the answers of gateways about load and connections: undecided, not broken.
const EXCUSED: &[u16] = &[501, 502, 503, 504, 507, 511];

/// R4 lets a server refuse a transaction with "an HTTP 400 or 500 type response".
fn is_transaction(exchange: &Exchange) -> bool {
    exchange.request.method == Method::Post
        && resource::of_body(&exchange.request.body).is_some_and(|body| {
            body.get("type").and_then(serde_json::Value::as_str) == Some("transaction")
        })
}

/// The words of a path that FHIR has, without ids: `Patient`, `CodeSystem/$lookup`. Failures at one place may well have
/// one cause; those at two are told apart.
fn place(url: &str, base: &str) -> String {
    let path = url.strip_prefix(base).unwrap_or(url);
    let path = path.split('?').next().unwrap_or_default();
    let words: Vec<&str> = path
        .split('/')
        .filter(|word| definitions::is_resource_type(word) || word.starts_with(['$', '_']))
        .collect();
    words.join("/")
}

/// See the sentence of its specification.
pub struct NoServerError;

impl Check for NoServerError {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        let mut violations = Vec::new();
        for exchange in evidence.exchanges {
            let Some(status) = exchange.status() else {
                continue;
            };
            if status < 500 || EXCUSED.contains(&status) || is_transaction(exchange) {
                continue;
            }
            let body = exchange.json();
            let codes = body.as_ref().map(outcome::codes).unwrap_or_default();
            let mut actual = Phrase::say(format!("status {status}"));
            if !codes.is_empty() {
                actual = actual.words(" with issue ").words(codes.join(", "));
            }
            violations.push(
                Violation::new(SPEC.id, "The server fails", "a status below 500", actual)
                    .at("status")
                    .seen_in([exchange.number])
                    .signed(status.to_string())
                    .signed(exchange.request.method.as_str())
                    .signed(place(&exchange.request.url, evidence.base)),
            );
        }
        violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_words_of_fhir_and_no_ids() {
        let base = "https://fhir.example.org/r4";
        for (url, words) in [
            ("https://fhir.example.org/r4/Patient/a1", "Patient"),
            ("Patient/a1/_history/2?_count=1", "Patient/_history"),
            (
                "https://fhir.example.org/r4/CodeSystem/$lookup?code=a/b",
                "CodeSystem/$lookup",
            ),
            ("https://fhir.example.org/r4", ""),
        ] {
            assert_eq!(place(url, base), words, "{url}");
        }
    }
}
