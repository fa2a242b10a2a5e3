//! Faults that can be planted: chained searches and `_has`.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "chain-finds-nothing",
        title: "Chained searches find nothing",
        provenance: "https://github.com/FirelyTeam/spark/issues/50",
        class: "chain",
        effect: "a search with a chained parameter finds nothing",
        strengths: ALWAYS,
        fault: Fault::ChainFindsNothing,
    },
    Defect {
        id: "chain-missing-crashes",
        title: ":missing at the end of a chain crashes",
        provenance: "https://github.com/LinuxForHealth/FHIR/issues/473",
        class: "chain",
        effect: "a chained parameter with :missing is answered with 500",
        strengths: ALWAYS,
        fault: Fault::ChainMissingCrashes,
    },
    Defect {
        id: "chain-modifier-dropped",
        title: "A chain loses its modifier",
        provenance: "https://github.com/medplum/medplum/pull/4899",
        class: "chain",
        effect: ":not, :exact, :contains, :above and :below of a chained parameter are ignored",
        strengths: ALWAYS,
        fault: Fault::ChainModifierDropped,
    },
    Defect {
        id: "has-id-ignored",
        title: "_id inside _has is ignored",
        provenance: "https://github.com/hapifhir/hapi-fhir/pull/4139",
        class: "has",
        effect: "_id at the end of a _has filters nothing",
        strengths: ALWAYS,
        fault: Fault::HasIdIgnored,
    },
    Defect {
        id: "has-nothing-crashes",
        title: "_has without a match crashes",
        provenance: "https://github.com/intervention-engine/fhir/issues/106",
        class: "has",
        effect: "a search with a _has that finds nothing is answered with 500",
        strengths: ALWAYS,
        fault: Fault::HasNothingCrashes,
    },
    Defect {
        id: "has-second-empty",
        title: "_has works in the first place only",
        provenance: "https://github.com/samply/blaze/issues/1215",
        class: "has",
        effect: "_has behind another parameter finds nothing",
        strengths: ALWAYS,
        fault: Fault::HasSecondEmpty,
    },
];
