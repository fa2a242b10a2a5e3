//! Faults that can be planted: what is kept of a resource.

use super::{ALWAYS, BY_VALUE, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "decimal-through-double",
        title: "Decimals pass through a binary double",
        provenance: "http://hl7.org/fhir/R4/json.html#decimal",
        class: "decimal",
        effect: "stores 0.10 as 0.1 and rounds decimals to 17 digits",
        strengths: BY_VALUE,
        fault: Fault::DecimalThroughDouble,
    },
    Defect {
        id: "empty-string",
        title: "A missing text is returned as an empty string",
        provenance: "http://hl7.org/fhir/R4/json.html#primitive",
        class: "structure",
        effect: "a language of a patient without a text is stored with the text \"\"",
        strengths: BY_VALUE,
        fault: Fault::EmptyString,
    },
    Defect {
        id: "primitive-extension-dropped",
        title: "Extensions on primitives are lost",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/2801",
        class: "round-trip",
        effect: "members such as _birthDate are not stored",
        strengths: BY_VALUE,
        fault: Fault::PrimitiveExtensionDropped,
    },
    Defect {
        id: "profile-stamped",
        title: "Every patient is said to be of a profile",
        provenance: "http://hl7.org/fhir/R4/resource-definitions.html#Meta.profile",
        class: "profiles",
        effect: "a patient is stored with the claim to meet US Core 6.1.0, whatever is in it",
        strengths: BY_VALUE,
        fault: Fault::ProfileStamped,
    },
    Defect {
        id: "reference-of-old-type",
        title: "An encounter is referred to as an episode of care",
        provenance: "http://hl7.org/fhir/R4/observation-definitions.html#Observation.encounter",
        class: "structure",
        effect: "the encounter of an observation is stored as a reference to EpisodeOfCare, which earlier versions allowed",
        strengths: BY_VALUE,
        fault: Fault::ReferenceOfOldType,
    },
    Defect {
        id: "update-keeps-removed",
        title: "An update does not remove elements",
        provenance: "http://hl7.org/fhir/R4/http.html#update",
        class: "round-trip",
        effect: "elements that a PUT leaves out stay as they were",
        strengths: ALWAYS,
        fault: Fault::UpdateKeepsRemoved,
    },
    Defect {
        id: "value-and-reason",
        title: "A reason why there is no value stands beside the value",
        provenance: "http://hl7.org/fhir/R4/observation.html#invs",
        class: "structure",
        effect: "an observation with a value is stored with a dataAbsentReason, against obs-6",
        strengths: BY_VALUE,
        fault: Fault::ValueAndReason,
    },
];
