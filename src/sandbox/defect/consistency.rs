//! Faults that can be planted: answers that are not of now.

use super::{ALWAYS, BY_VALUE, Defect, Fault, RACE};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "acknowledged-write-lost",
        title: "A crash takes the write that was acknowledged last",
        provenance: "https://aphyr.com/posts/323-jepsen-elasticsearch-1-5-0",
        class: "consistency",
        effect: "what a request wrote is noted with the next request that writes, so that a crash between them loses it",
        strengths: ALWAYS,
        fault: Fault::AcknowledgedWriteLost,
    },
    Defect {
        id: "deleted-in-search",
        title: "Deleted resources are still found",
        provenance: "https://github.com/FirelyTeam/spark/issues/54",
        class: "consistency",
        effect: "a search still returns the last version of a deleted resource",
        strengths: ALWAYS,
        fault: Fault::DeletedInSearch,
    },
    Defect {
        id: "read-cached-after-delete",
        title: "A deleted resource can still be read",
        provenance: "https://github.com/medplum/medplum/pull/698",
        class: "consistency",
        effect: "a resource that was read before it was deleted can still be read",
        strengths: BY_VALUE,
        fault: Fault::ReadCachedAfterDelete,
    },
    Defect {
        id: "search-cache-race",
        title: "Of equal searches at one time one gets a part",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/6308",
        class: "consistency",
        effect: "a search that comes while the same one is being answered gets half of the matches; it takes 10 ms to be answered",
        strengths: RACE,
        fault: Fault::SearchCacheRace,
    },
    Defect {
        id: "search-cached",
        title: "Answers to searches are kept",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/1929",
        class: "consistency",
        effect: "a search is answered for 60 s as it was answered the first time, whatever is written and whatever Cache-Control says",
        strengths: ALWAYS,
        fault: Fault::SearchCached,
    },
];
