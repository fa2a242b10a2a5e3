//! Every reference in what comes back leads to a type of resource that R4 allows there, as far as the reference itself or a
//! contained resource tells. Not whether the target exists: nothing is fetched.

use super::super::{Check, CheckSpec, Evidence};
use super::judged;
use crate::record::{Level, Severity, Violation};

pub(super) static SPEC: CheckSpec = CheckSpec {
    id: "resource/reference-targets",
    title: "References lead to the types of resources that R4 allows",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/references.html#Reference",
    sentence: "Each element of type Reference names the types of resources that it may refer to",
    usual_causes: &[
        "the target is looked up by id alone, in a table of all types",
        "an element is mapped from a record that R4 models as another type",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct ReferenceTargets;

impl Check for ReferenceTargets {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judged::judge(&SPEC, evidence)
    }
}
