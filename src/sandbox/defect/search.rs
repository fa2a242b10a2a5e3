//! Faults that can be planted: what becomes of the parameters of a search.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "filter-ignored",
        title: "A declared search parameter does not filter",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/176",
        class: "search-params",
        effect: "gender and status are declared and named in the self link, and filter nothing",
        strengths: ALWAYS,
        fault: Fault::FilterIgnored,
    },
    Defect {
        id: "post-search-drops-parameter",
        title: "Search by POST loses a parameter",
        provenance: "http://hl7.org/fhir/R4/http.html#search",
        class: "search-params",
        effect: "of two or more parameters in the form of a _search the last one is not used",
        strengths: ALWAYS,
        fault: Fault::PostSearchDropsParameter,
    },
    Defect {
        id: "self-link-claims-all",
        title: "The self link names what was ignored",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/176",
        class: "search-params",
        effect: "parameters that are not supported stand in the self link",
        strengths: ALWAYS,
        fault: Fault::SelfLinkClaimsAll,
    },
    Defect {
        id: "stopped-as-active",
        title: "What was stopped is found as active",
        provenance: "https://github.com/openmrs/openmrs-module-fhir2/pull/447",
        class: "search-params",
        effect: "status=active also finds what has the status stopped or cancelled",
        strengths: ALWAYS,
        fault: Fault::StoppedAsActive,
    },
    Defect {
        id: "unknown-parameter-empty",
        title: "An unknown parameter matches nothing",
        provenance: "https://github.com/awslabs/fhir-works-on-aws-search-es/issues/17",
        class: "search-params",
        effect: "a search with a parameter that is not supported finds nothing",
        strengths: ALWAYS,
        fault: Fault::UnknownParameterEmpty,
    },
];
