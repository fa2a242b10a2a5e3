//! Faults that can be planted: searches by composite.

use super::{ALWAYS, BY_VALUE, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "composite-across-elements",
        title: "A composite looks at all elements at once",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/2670",
        class: "search-composite",
        effect: "the parts of a composite parameter may hold on different elements of a resource",
        strengths: BY_VALUE,
        fault: Fault::CompositeAcrossElements,
    },
    Defect {
        id: "composite-date-unread",
        title: "A composite with a date finds nothing",
        provenance: "https://github.com/microsoft/fhir-server/issues/2020",
        class: "search-composite",
        effect: "a composite parameter of which one part is a date finds nothing",
        strengths: ALWAYS,
        fault: Fault::CompositeDateUnread,
    },
    Defect {
        id: "composite-reference-unread",
        title: "A composite with a reference finds nothing",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/4242",
        class: "search-composite",
        effect: "a composite parameter of which one part is a reference finds nothing",
        strengths: ALWAYS,
        fault: Fault::CompositeReferenceUnread,
    },
    Defect {
        id: "two-composites-crash",
        title: "Two composites crash",
        provenance: "https://github.com/samply/blaze/issues/3642",
        class: "search-composite",
        effect: "a search with two composite parameters is answered with 500",
        strengths: ALWAYS,
        fault: Fault::TwoCompositesCrash,
    },
];
