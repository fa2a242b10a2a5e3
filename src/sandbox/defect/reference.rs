//! Faults that can be planted: searches by reference and by uri.

use super::{ALWAYS, BY_VALUE, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "ambiguous-id-first-type",
        title: "An ambiguous id is taken for the first type",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/1553",
        class: "search-reference",
        effect: "an id that names resources of several types finds references to the first type only",
        strengths: ALWAYS,
        fault: Fault::AmbiguousIdFirstType,
    },
    Defect {
        id: "identifier-as-type",
        title: ":identifier is read as a type",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/1822",
        class: "search-reference",
        effect: "a search by reference with :identifier finds nothing",
        strengths: ALWAYS,
        fault: Fault::IdentifierAsType,
    },
    Defect {
        id: "nested-logical-unindexed",
        title: "Identifiers in nested references are not indexed",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/4723",
        class: "search-reference",
        effect: ":identifier does not find references that lie deeper than in a member of the resource",
        strengths: ALWAYS,
        fault: Fault::NestedLogicalUnindexed,
    },
    Defect {
        id: "reference-by-prefix",
        title: "A reference matches ids that start alike",
        provenance: "https://github.com/samply/blaze/issues/2592",
        class: "search-reference",
        effect: "a search by reference finds references to resources whose id starts with the one that is given",
        strengths: BY_VALUE,
        fault: Fault::ReferenceByPrefix,
    },
    Defect {
        id: "subject-by-compartment",
        title: "subject finds the whole compartment",
        provenance: "https://github.com/samply/blaze/issues/2293",
        class: "search-reference",
        effect: "subject with a patient finds all that is in the compartment of the patient",
        strengths: ALWAYS,
        fault: Fault::SubjectByCompartment,
    },
    Defect {
        id: "uri-indexed-normalised",
        title: "URLs are normalised in the index only",
        provenance: "https://github.com/FirelyTeam/spark/pull/386",
        class: "search-reference",
        effect: "uris are indexed in lower case and without a slash at the end, and searched for as given",
        strengths: BY_VALUE,
        fault: Fault::UriIndexedNormalised,
    },
];
