//! Faults that can be planted: how errors are answered.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "bad-json-crashes",
        title: "A body that is not JSON crashes the request",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/342",
        class: "errors",
        effect: "answers 500 in place of 400 to a create or update whose body is not JSON",
        strengths: ALWAYS,
        fault: Fault::BadJsonCrashes,
    },
    Defect {
        id: "errors-as-html",
        title: "Errors are answered with a web page",
        provenance: "https://github.com/HealthIntersections/FHIRsmith/issues/100",
        class: "errors",
        effect: "the body of a 4xx or 5xx is HTML in place of an OperationOutcome",
        strengths: ALWAYS,
        fault: Fault::ErrorsAsHtml,
    },
];
