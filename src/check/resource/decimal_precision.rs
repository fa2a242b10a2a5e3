//! Decimals keep the digits with which they were written: `6.30` is not `6.3`. Not their values: that is
//! `same_as_sent`.

use serde_json::Value;

use super::super::{Check, CheckSpec, Evidence};
use super::differences::{Difference, Kind};
use super::{describe, written};
use crate::http::Exchange;
use crate::record::{Level, Severity, Violation};

static SPEC: CheckSpec = CheckSpec {
    id: "resource/decimal-precision",
    title: "Decimals come back with the digits with which they were sent",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/datatypes.html#decimal",
    sentence: "Implementations SHALL handle decimal values in ways that preserve and respect the precision of the value as represented for presentation purposes",
    usual_causes: &[
        "numbers pass through floating point and lose their last zeros",
        "a column of the database has a fixed number of digits behind the point",
    ],
    passive: false,
};

/// See the sentence of its specification.
pub struct DecimalPrecision;

impl Check for DecimalPrecision {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        written::changed(evidence, is_precision)
            .into_iter()
            .filter_map(|(exchange, places)| violation(&places, exchange))
            .collect()
    }
}

impl DecimalPrecision {
    /// One resource as it was sent against the answer to a read of it.
    pub fn against(sent: &Value, exchange: &Exchange) -> Option<Violation> {
        violation(&written::against(sent, exchange, is_precision), exchange)
    }
}

fn is_precision(kind: Kind) -> bool {
    kind == Kind::Precision
}

fn violation(places: &[Difference], exchange: &Exchange) -> Option<Violation> {
    let mut violation = describe(
        &SPEC,
        "A decimal does not come back with its digits",
        places,
        exchange,
    )?;
    violation.ruled_out = vec!["numbers written with an exponent are not judged".to_owned()];
    Some(violation)
}
