//! Faults that can be planted: what is claimed and not done.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "empty-interactions",
        title: "A type is claimed without interactions",
        provenance: "https://github.com/microsoft/fhir-server/issues/5394",
        class: "capability",
        effect: "the CapabilityStatement lists Basic with an empty list of interactions",
        strengths: ALWAYS,
        fault: Fault::EmptyInteractions,
    },
    Defect {
        id: "history-claimed-only",
        title: "The history of a type is claimed and not there",
        provenance: "https://github.com/HeliosSoftware/hfs/pull/117",
        class: "capability",
        effect: "history-type is claimed, and a request for it is answered with 501",
        strengths: ALWAYS,
        fault: Fault::HistoryClaimedOnly,
    },
    Defect {
        id: "include-claimed-only",
        title: "An _include is claimed and not done",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/3150",
        class: "capability",
        effect: "includes by the parameter encounter are claimed and ignored",
        strengths: ALWAYS,
        fault: Fault::IncludeClaimedOnly,
    },
    Defect {
        id: "parameter-claimed-only",
        title: "A search parameter is claimed and not known",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/6696",
        class: "capability",
        effect: "address-city of a patient is claimed, and a search by it treats it as unknown",
        strengths: ALWAYS,
        fault: Fault::ParameterClaimedOnly,
    },
    Defect {
        id: "parameter-claimed-twice",
        title: "A search parameter is claimed twice",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/519",
        class: "capability",
        effect: "every type claims _id a second time, as a string",
        strengths: ALWAYS,
        fault: Fault::ParameterClaimedTwice,
    },
];
