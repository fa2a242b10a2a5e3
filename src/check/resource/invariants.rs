//! Every resource that comes back keeps the invariants that R4 states with severity error: those of its type and its data
//! types, `dom-*`, `ext-1`, `ref-1`, `txt-*`. Not invariants of profiles (`claimed_profiles`), and not best practice (`dom-6`).

use super::super::{Check, CheckSpec, Evidence};
use super::judged;
use crate::record::{Level, Severity, Violation};

pub(super) static SPEC: CheckSpec = CheckSpec {
    id: "resource/invariants",
    title: "Resources keep the invariants of R4",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/conformance-rules.html#constraints",
    sentence: "Invariants: rules that instances SHALL follow, expressed in FHIRPath",
    usual_causes: &[
        "two elements are filled from one source although only one of them may be there",
        "a converter drops one of two elements that belong together",
        "a reference or extension is written although it has nothing to say",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct Invariants;

impl Check for Invariants {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judged::judge(&SPEC, evidence)
    }
}
