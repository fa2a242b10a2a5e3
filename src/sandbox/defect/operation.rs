//! Faults that can be planted: `$everything` and `$validate`.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "everything-capped",
        title: "$everything of all patients is of some",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/5173",
        class: "operation",
        effect: "$everything at the type is the record of the first two patients, without a next link",
        strengths: ALWAYS,
        fault: Fault::EverythingCapped,
    },
    Defect {
        id: "everything-duplicates",
        title: "$everything repeats",
        provenance: "https://github.com/samply/blaze/issues/1287",
        class: "operation",
        effect: "$everything returns a resource of the record that another one refers to twice",
        strengths: ALWAYS,
        fault: Fault::EverythingDuplicates,
    },
    Defect {
        id: "everything-leaks",
        title: "$everything shows another patient's record",
        provenance: "https://github.com/hapifhir/hapi-fhir/pull/2018",
        class: "operation",
        effect: "$everything of a patient holds the record of a second patient too",
        strengths: ALWAYS,
        fault: Fault::EverythingLeaks,
    },
    Defect {
        id: "everything-misses",
        title: "$everything misses a resource",
        provenance: "http://hl7.org/fhir/R4/patient-operation-everything.html",
        class: "operation",
        effect: "the last resource that $everything should return is left out",
        strengths: ALWAYS,
        fault: Fault::EverythingMisses,
    },
    Defect {
        id: "everything-of-nobody-empty",
        title: "$everything of nobody is an empty record",
        provenance: "https://github.com/samply/blaze/issues/1104",
        class: "operation",
        effect: "$everything of a patient that is not there is answered with 200 and an empty Bundle",
        strengths: ALWAYS,
        fault: Fault::EverythingOfNobodyEmpty,
    },
    Defect {
        id: "everything-of-nobody-other",
        title: "$everything of nobody is somebody's record",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/7550",
        class: "operation",
        effect: "$everything of a patient that is not there is answered with the record of another",
        strengths: ALWAYS,
        fault: Fault::EverythingOfNobodyOther,
    },
    Defect {
        id: "validate-always-fine",
        title: "$validate finds everything valid",
        provenance: "https://github.com/HeliosSoftware/hfs/issues/368",
        class: "validation",
        effect: "$validate answers without an error whatever it is given",
        strengths: ALWAYS,
        fault: Fault::ValidateAlwaysFine,
    },
];
