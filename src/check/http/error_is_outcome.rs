//! Failed searches and refused content explain themselves with an OperationOutcome. Not other errors: of those R4 says
//! that one "may be returned with any HTTP 4xx or 5xx response, but this is not required".

use super::super::{Check, CheckSpec, Evidence};
use super::{is_interaction, relative_path, wants_another_format};
use crate::fhir::{definitions, outcome};
use crate::http::{Exchange, FHIR_XML, Method};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "http/error-is-outcome",
    title: "A failed search, or content that is refused, is explained by an OperationOutcome",
    level: Level::Should,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#search",
    sentence: "If the search fails (cannot be executed, not that there are no matches), the return value SHALL be a status code 4xx or 5xx with an OperationOutcome",
    usual_causes: &[
        "the web framework answers before the FHIR layer sees the request",
        "a proxy replaces the body of errors",
    ],
    passive: true,
};

/// Statuses that gateways, rate limits and content negotiation give without the FHIR server.
const NOT_OURS: &[u16] = &[401, 406, 407, 408, 413, 414, 429, 431, 502, 503, 504];

/// See the sentence of its specification.
pub struct ErrorIsOutcome;

impl Check for ErrorIsOutcome {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        evidence
            .exchanges
            .iter()
            .filter_map(|exchange| judge(exchange, evidence.base))
            .collect()
    }
}

fn judge(exchange: &Exchange, base: &str) -> Option<Violation> {
    let response = exchange.response()?;
    let speaks_fhir = is_interaction(exchange, base) && !wants_another_format(exchange);
    // 422 is for content that breaks profiles or business rules; R4 wants to be told which.
    let must_explain = response.status == 422 || is_search(exchange, base);
    let is_error = response.status >= 400 && !NOT_OURS.contains(&response.status);
    if !is_error || !speaks_fhir || !must_explain {
        return None;
    }
    let body = exchange.parsed();
    // XML that this program cannot read may still be an OperationOutcome.
    if response.media_type() == FHIR_XML && body.is_none() && !response.body.is_empty() {
        return None;
    }
    if body.as_deref().is_some_and(outcome::is_outcome) {
        return None;
    }
    let what = if response.body.is_empty() {
        "no body"
    } else if body.is_some() {
        "a body that is no OperationOutcome"
    } else {
        "a body that is no FHIR"
    };
    Some(
        Violation::new(
            SPEC.id,
            "An error has no OperationOutcome",
            "an OperationOutcome in the body",
            Phrase::say(format!("status {} with {what}", response.status)),
        )
        .at("body")
        .seen_in([exchange.number])
        .signed(response.status.to_string()),
    )
}

/// True for a search of a type or of the system. Not in compartments, whose paths look like those of other things.
fn is_search(exchange: &Exchange, base: &str) -> bool {
    let path = relative_path(exchange, base);
    match exchange.request.method {
        Method::Get => !path.contains('/') && definitions::is_resource_type(path),
        Method::Post => path == "_search" || path.ends_with("/_search"),
        _ => false,
    }
}
