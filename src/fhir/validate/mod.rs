//! Structure, cardinality, primitive formats and required bindings of resources, in one walk over flat tables.
//! Not yet profiles, slicing and invariants: no verdict here says that a resource conforms to a profile.
//!
//! Where R4 leaves room, silence: what is not surely wrong is no issue. Value sets that cannot be enumerated
//! (units, languages, media types) are never judged, and a reference is judged by its form, not by its target.

mod binding;
mod datetime;
mod location;
mod primitive;
mod reference;
pub mod rule;
mod walk;

use serde_json::Value;

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// One of [`rule::RULES`]: `structure/unknown-element`, `cardinality/min`, `primitive/format`, `binding/required`, …
    pub rule: &'static str,
    /// FHIRPath-like location with indexes (`Patient.name[0].given[1]`); a choice element without its type
    /// (`Observation.value.code`); the owner's location for an element that is missing.
    pub path: String,
    /// What is wrong, without values.
    pub message: String,
}

/// Validates a resource of any type, contained resources and Bundle entries included.
///
/// Issues come in the order of the resource's members. Data of any shape is an issue, never a panic; a resource with
/// very many issues ends in one of the rule `validation/limit`.
pub fn validate(resource: &Value) -> Vec<Issue> {
    walk::walk(resource)
}

#[cfg(test)]
mod outside;
#[cfg(test)]
mod tests;
