//! Every resource that comes back has the structure of R4. What we sent wrong ourselves is not held against a server.

use super::super::{Check, CheckSpec, Evidence};
use super::judged;
use crate::record::{Level, Severity, Violation};

pub(super) static SPEC: CheckSpec = CheckSpec {
    id: "resource/structure",
    title: "Resources have the structure, primitive formats and required codes of R4",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/validation.html",
    sentence: "Structure: Check that all the content in the resource is described by the specification, and nothing extra is present",
    usual_causes: &[
        "the resource is of another FHIR version",
        "an empty list, object or string is written where there is no value",
        "a local code is mapped to an element with a required value set",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct Structure;

impl Check for Structure {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judged::judge(&SPEC, evidence)
    }
}
