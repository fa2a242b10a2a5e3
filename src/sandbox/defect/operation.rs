//! Faults that can be planted: operations.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "everything-leaks",
        title: "$everything shows another patient's record",
        provenance: "https://github.com/hapifhir/hapi-fhir/pull/2018",
        class: "operations",
        effect: "$everything of a patient holds the record of a second patient too",
        strengths: ALWAYS,
        fault: Fault::EverythingLeaks,
    },
    Defect {
        id: "everything-misses",
        title: "$everything misses a resource",
        provenance: "http://hl7.org/fhir/R4/patient-operation-everything.html",
        class: "operations",
        effect: "the last resource that $everything should return is left out",
        strengths: ALWAYS,
        fault: Fault::EverythingMisses,
    },
    Defect {
        id: "expand-ignores-filter",
        title: "$expand ignores its filter",
        provenance: "http://hl7.org/fhir/R4/valueset-operation-expand.html",
        class: "operations",
        effect: "an expansion holds codes that do not match the filter",
        strengths: ALWAYS,
        fault: Fault::ExpandIgnoresFilter,
    },
    Defect {
        id: "lookup-invents",
        title: "$lookup knows codes that are not there",
        provenance: "http://hl7.org/fhir/R4/codesystem-operation-lookup.html",
        class: "operations",
        effect: "$lookup of an unknown code answers 200 with the code as its display",
        strengths: ALWAYS,
        fault: Fault::LookupInvents,
    },
    Defect {
        id: "validate-always-fine",
        title: "$validate finds everything valid",
        provenance: "https://github.com/HeliosSoftware/hfs/issues/368",
        class: "operations",
        effect: "$validate answers without an error whatever it is given",
        strengths: ALWAYS,
        fault: Fault::ValidateAlwaysFine,
    },
    Defect {
        id: "validate-code-anything",
        title: "$validate-code accepts any code",
        provenance: "http://hl7.org/fhir/R4/valueset-operation-validate-code.html",
        class: "operations",
        effect: "$validate-code says true to codes that are not in the value set",
        strengths: ALWAYS,
        fault: Fault::ValidateCodeAnything,
    },
];
