//! Faults that can be planted: the order of matches.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "chain-sort-empty",
        title: "A sorted chained search finds nothing",
        provenance: "https://github.com/microsoft/fhir-server/issues/2344",
        class: "sort",
        effect: "a search with a chained parameter and _sort finds nothing",
        strengths: ALWAYS,
        fault: Fault::ChainSortEmpty,
    },
    Defect {
        id: "descending-sort-empty",
        title: "A descending sort by a missing value finds nothing",
        provenance: "https://github.com/microsoft/fhir-server/pull/4661",
        class: "sort",
        effect: "a search with a descending _sort finds nothing if no match has a value of the key",
        strengths: ALWAYS,
        fault: Fault::DescendingSortEmpty,
    },
    Defect {
        id: "include-loses-sort",
        title: "_include loses the order of later pages",
        provenance: "https://github.com/microsoft/fhir-server/pull/5242",
        class: "sort",
        effect: "with _include or _revinclude, pages after the first are cut from the matches in order of storage",
        strengths: ALWAYS,
        fault: Fault::IncludeLosesSort,
    },
    Defect {
        id: "last-updated-sorted-by-id",
        title: "_sort=_lastUpdated sorts by id",
        provenance: "https://github.com/samply/blaze/issues/904",
        class: "sort",
        effect: "_sort=_lastUpdated sorts by the text of the id",
        strengths: ALWAYS,
        fault: Fault::LastUpdatedSortedById,
    },
    Defect {
        id: "sort-drops-missing",
        title: "_sort drops what has no value",
        provenance: "https://github.com/microsoft/fhir-server/issues/1404",
        class: "sort",
        effect: "a search with _sort does not return resources without a value of the first key",
        strengths: ALWAYS,
        fault: Fault::SortDropsMissing,
    },
    Defect {
        id: "sort-forgets-token",
        title: "_sort drops a filter",
        provenance: "https://github.com/samply/blaze/issues/1431",
        class: "sort",
        effect: "with _sort, token parameters of the type filter nothing",
        strengths: ALWAYS,
        fault: Fault::SortForgetsToken,
    },
    Defect {
        id: "sort-ignored",
        title: "_sort is ignored",
        provenance: "https://github.com/FHIR/fhir-candle/issues/47",
        class: "sort",
        effect: "matches come in the order in which they were stored, whatever _sort says",
        strengths: ALWAYS,
        fault: Fault::SortIgnored,
    },
];
