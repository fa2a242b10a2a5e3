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
        id: "criteria-unknown-ignored",
        title: "Criteria that are not known are left out",
        provenance: "https://github.com/microsoft/fhir-server/issues/699",
        class: "conditional",
        effect: "a conditional request with an unknown parameter beside a known one acts on what the known one finds",
        strengths: ALWAYS,
        fault: Fault::CriteriaUnknownIgnored,
    },
    Defect {
        id: "criteria-unknown-matches-nothing",
        title: "Criteria that are not known match nothing",
        provenance: "https://github.com/HeliosSoftware/hfs/issues/1323",
        class: "conditional",
        effect: "a conditional request with an unknown parameter is carried out as if nothing matched",
        strengths: ALWAYS,
        fault: Fault::CriteriaUnknownMatchesNothing,
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
    Defect {
        id: "if-none-exist-ignored",
        title: "If-None-Exist is ignored",
        provenance: "https://github.com/FirelyTeam/spark/issues/98",
        class: "conditional",
        effect: "a create with If-None-Exist creates, whatever is there",
        strengths: ALWAYS,
        fault: Fault::IfNoneExistIgnored,
    },
];
