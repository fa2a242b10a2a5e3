//! FHIR bodies are labelled as FHIR. Not for other formats that a request asked for.

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::{is_interaction, relative_path, wants_another_format};
use crate::fhir::resource;
use crate::http::{Exchange, FHIR_JSON, FHIR_XML, Method};
use crate::record::{Level, Severity, Violation};
use crate::secret::Phrase;

static SPEC: CheckSpec = CheckSpec {
    id: "http/content-type",
    title: "A FHIR body has the FHIR media type",
    level: Level::Shall,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#mime-type",
    sentence: "The correct mime type SHALL be used by clients and servers",
    usual_causes: &[
        "the web framework sets its own default for JSON",
        "a proxy or an error page answers in place of the FHIR server",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct ContentType;

impl Check for ContentType {
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
    let path = relative_path(exchange, base);
    // OPTIONS answers in headers; what a gateway says beside them is not FHIR's.
    let is_another = matches!(exchange.request.method, Method::Head | Method::Options)
        || path.starts_with("Binary/")
        || path.contains('$');
    if response.body.is_empty() || is_another || response.status == 304 {
        return None;
    }
    let found = response.media_type();
    let body = exchange.parsed();
    let is_fhir = body.as_deref().and_then(resource::resource_type).is_some();
    let is_xml = resource::is_markup(&response.body);
    let fitting = if is_xml { FHIR_XML } else { FHIR_JSON };
    // JSON labelled as XML and the reverse are wrong whatever was asked for.
    let is_other = is_fhir && !found.is_empty() && found.contains("xml") != is_xml;
    if !is_other && (found == FHIR_JSON || found == FHIR_XML || wants_another_format(exchange)) {
        return None;
    }
    // What was asked for as text for people may be labelled as such.
    if is_other && found.starts_with("text/") && wants_another_format(exchange) {
        return None;
    }
    let is_success = (200..300).contains(&response.status);
    // An error page of an intermediary is judged by `http/error-is-outcome`.
    if !is_fhir && (!is_success || !is_interaction(exchange, base)) {
        return None;
    }
    let what = match body.as_deref() {
        Some(_) if is_fhir && is_xml => "a FHIR resource in XML",
        Some(Value::Object(_)) if is_fhir => "a FHIR resource",
        Some(_) => "JSON that is no resource",
        None => "something that is no FHIR",
    };
    let shown = if found.is_empty() {
        Phrase::say(format!("no Content-Type, and the body is {what}"))
    } else {
        Phrase::say("Content-Type ")
            .field("content-type", found.clone())
            .words(format!(", and the body is {what}"))
    };
    Some(
        Violation::new(
            SPEC.id,
            "A FHIR body is not labelled as FHIR",
            fitting,
            shown,
        )
        .at("Content-Type")
        .seen_in([exchange.number])
        .signed(if is_fhir { "resource" } else { "not-fhir" }),
    )
}
