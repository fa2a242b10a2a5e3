//! Faults that can be planted: conditional interactions and races between writers.

use super::{ALWAYS, Defect, Fault, RACE};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "conditional-create-race",
        title: "Concurrent conditional creates make duplicates",
        provenance: "https://github.com/microsoft/fhir-server/issues/1382",
        class: "conditional",
        effect: "10 ms pass between the search for If-None-Exist and the create; others may create in between",
        strengths: RACE,
        fault: Fault::ConditionalCreateRace,
    },
    Defect {
        id: "conditional-create-updates",
        title: "A conditional create updates the match",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/509",
        class: "conditional",
        effect: "a create with If-None-Exist that matches one resource writes a new version of it",
        strengths: ALWAYS,
        fault: Fault::ConditionalCreateUpdates,
    },
    Defect {
        id: "conditional-update-takes-any-id",
        title: "A conditional update ignores the id in its body",
        provenance: "http://hl7.org/fhir/R4/http.html#cond-update",
        class: "conditional",
        effect: "a conditional update whose body has another id than the match updates the match",
        strengths: ALWAYS,
        fault: Fault::ConditionalUpdateTakesAnyId,
    },
    Defect {
        id: "if-match-race",
        title: "If-Match is checked before the write, not with it",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/2405",
        class: "concurrency",
        effect: "10 ms pass between the check of If-Match and the write; concurrent updates overwrite each other",
        strengths: RACE,
        fault: Fault::IfMatchRace,
    },
];
