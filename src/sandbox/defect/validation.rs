//! Faults that can be planted: what is accepted and what is refused.

use super::{ALWAYS, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[
    Defect {
        id: "absolute-reference-refused",
        title: "A valid reference is refused",
        provenance: "https://github.com/samply/blaze/issues/2015",
        class: "crud",
        effect: "a resource that refers to another of this server by its whole URL is refused with 409",
        strengths: ALWAYS,
        fault: Fault::AbsoluteReferenceRefused,
    },
    Defect {
        id: "early-year-refused",
        title: "Dates before the year 1000 are refused",
        provenance: "https://github.com/samply/blaze/issues/2003",
        class: "validation",
        effect: "a resource with a date before the year 1000 is refused with 422",
        strengths: ALWAYS,
        fault: Fault::EarlyYearRefused,
    },
    Defect {
        id: "required-not-checked",
        title: "Mandatory elements are not asked for",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/733",
        class: "validation",
        effect: "a create or update without a mandatory element succeeds",
        strengths: ALWAYS,
        fault: Fault::RequiredNotChecked,
    },
    Defect {
        id: "revive-crashes",
        title: "A deleted resource cannot be brought back",
        provenance: "https://github.com/awslabs/fhir-works-on-aws-deployment/issues/714",
        class: "crud",
        effect: "an update of a deleted resource is answered with 500",
        strengths: ALWAYS,
        fault: Fault::ReviveCrashes,
    },
    Defect {
        id: "validate-unknown-profile-fine",
        title: "$validate finds an unknown profile met",
        provenance: "https://github.com/hapifhir/hapi-fhir/issues/6607",
        class: "validation",
        effect: "$validate against a profile that is not known says that the resource is valid",
        strengths: ALWAYS,
        fault: Fault::ValidateUnknownProfileFine,
    },
];
