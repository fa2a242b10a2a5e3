//! Faults that can be planted: searches by string.

use super::{BY_VALUE, Defect, Fault};

/// In alphabetical order.
pub(super) static DEFECTS: &[Defect] = &[Defect {
    id: "string-case-sensitive",
    title: "Strings are compared with case",
    provenance: "https://github.com/microsoft/fhir-server/issues/1886",
    class: "search-string",
    effect: "a string parameter without a modifier finds only what starts with the same letters in the same case",
    strengths: BY_VALUE,
    fault: Fault::StringCaseSensitive,
}];
