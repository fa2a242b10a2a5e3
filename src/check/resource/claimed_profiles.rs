//! What comes back meets the profiles that it claims in `meta.profile`, and extensions meet their definitions, where we have
//! them: R4, US Core 6.1.0, and packages that the user names. Not profiles that nobody claims, and not unknown ones.

use super::super::{Check, CheckSpec, Evidence};
use super::judged;
use crate::record::{Level, Severity, Violation};

pub(super) static SPEC: CheckSpec = CheckSpec {
    id: "resource/claimed-profiles",
    title: "Resources meet the profiles that they claim",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/resource-definitions.html#Meta.profile",
    sentence: "Meta.profile: a list of profiles that this resource claims to conform to",
    usual_causes: &[
        "profiles are stamped on resources by type, whatever is in them",
        "the claim came with the data, of another version of the guide",
        "an element that the profile requires is lost on the way",
    ],
    passive: true,
};

/// See the sentence of its specification.
pub struct ClaimedProfiles;

impl Check for ClaimedProfiles {
    fn spec(&self) -> &'static CheckSpec {
        &SPEC
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Violation> {
        judged::judge(&SPEC, evidence)
    }
}
