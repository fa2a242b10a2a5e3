//! What was written is what is stored, value by value. Not the digits of numbers: that is `decimal_precision`.

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::differences::{Difference, Kind};
use super::{describe, written};
use crate::http::Exchange;
use crate::record::{Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "resource/same-as-sent",
    title: "No value of a resource is lost or changed on its way into storage and back",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read",
    usual_causes: &[
        "elements without a column of their own are dropped",
        "extensions on primitives (`_birthDate`) are not stored",
        "values pass through a type that cannot hold them",
    ],
    passive: false,
};

/// See the sentence of its specification.
pub struct SameAsSent;

impl Check for SameAsSent {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        written::changed(evidence, is_value)
            .into_iter()
            .filter_map(|(exchange, places)| violation(&places, exchange))
            .collect()
    }
}

impl SameAsSent {
    /// One resource as it was sent against the answer to a read of it.
    pub fn against(sent: &Value, exchange: &Exchange) -> Option<Violation> {
        violation(&written::against(sent, exchange, is_value), exchange)
    }
}

fn is_value(kind: Kind) -> bool {
    kind != Kind::Precision
}

fn violation(places: &[Difference], exchange: &Exchange) -> Option<Violation> {
    let mut violation = describe(
        &SPEC,
        "A resource does not come back as it was sent",
        places,
        exchange,
    )?;
    violation.ruled_out = vec![
        "id, meta and text, which the server may set, are not compared".to_owned(),
        "the same instant or reference in another notation counts as the same".to_owned(),
        "items of a list may come back in another order".to_owned(),
    ];
    Some(violation)
}
