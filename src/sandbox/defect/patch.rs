//! Faults that can be planted: patches.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "patch-insert-appends",
        title: "An insert of a FHIRPath Patch appends",
        provenance: "http://hl7.org/fhir/R4/fhirpatch.html",
        class: "patch",
        effect: "the index of an insert is not used: the item stands at the end of the list",
        strengths: ALWAYS,
        fault: Fault::PatchInsertAppends,
    },
    Defect {
        id: "patch-keeps-part",
        title: "A failed patch is not undone",
        provenance: "http://hl7.org/fhir/R4/http.html#patch",
        class: "patch",
        effect: "operations before the one that failed are stored",
        strengths: ALWAYS,
        fault: Fault::PatchKeepsPart,
    },
    Defect {
        id: "patch-test-ignored",
        title: "The test of a JSON Patch is not made",
        provenance: "https://www.rfc-editor.org/rfc/rfc6902#section-4.6",
        class: "patch",
        effect: "a patch whose test fails is applied",
        strengths: ALWAYS,
        fault: Fault::PatchTestIgnored,
    },
];
