//! Faults that can be planted: pages of a search.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "next-link-absent",
        title: "Pages have no next link",
        provenance: "http://hl7.org/fhir/R4/http.html#paging",
        class: "paging",
        effect: "a page that does not hold all matches leads to no other, and the total counts them all",
        strengths: ALWAYS,
        fault: Fault::NextLinkAbsent,
    },
    Defect {
        id: "page-overlap",
        title: "Pages overlap",
        provenance: "https://github.com/microsoft/fhir-server/issues/1792",
        class: "paging",
        effect: "the first match of a next page is the last one of the page before",
        strengths: ALWAYS,
        fault: Fault::PageOverlap,
    },
];
