//! Resources against R4 and profiles: structure, cardinality, primitive formats, bindings, references, contained
//! resources, extensions, narrative, invariants, whatever a profile adds, and responses against their Questionnaires.
//! Not a terminology server and no network.
//!
//! [`validate`] judges what is surely wrong by the base definitions alone and is silent otherwise. A [`Validator`]
//! judges all of it, and says beside the issues what it could not check: that is never counted as valid.
//!
//! A profile is a sparse tree (`fhir::definitions::profile`), visited beside the walk over the base tables and only
//! where it demands something: what a profile does not constrain costs nothing.

mod applied;
mod attachment;
mod binding;
mod bundle;
mod canary;
mod code_system;
mod contained;
mod datetime;
mod definition;
mod element;
mod extension;
mod invariant;
mod location;
mod occurrence;
mod overlay;
mod primitive;
mod questionnaire;
mod reference;
mod report;
pub mod rule;
mod scope;
mod search_set;
mod slice;
mod surroundings;
mod target;
mod value;
mod vital_sign;
mod walk;
mod xhtml;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::fhir::definitions::Library;

pub use canary::canaries;

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// One of [`rule::RULES`]: `structure/unknown-element`, `cardinality/min`, `primitive/format`, `binding/required`, …
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// FHIRPath-like location with indexes (`Patient.name[0].given[1]`); a choice element without its type
    /// (`Observation.value.code`); the owner's location for an element that is missing.
    pub path: String,
    /// What is wrong, without values.
    pub message: String,
    /// Key of the invariant (`obs-7`), for the rule `invariant`.
    pub key: Option<String>,
    /// Canonical of the profile that demands it; none for what R4 itself demands.
    pub profile: Option<String>,
}

/// How much an issue matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Information,
    /// A SHOULD, or a rule that knows exceptions.
    Warning,
    /// Not conformant.
    Error,
}

/// A rule that applied and could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotChecked {
    /// One of [`rule::RULES`].
    pub rule: &'static str,
    /// The value set, profile, extension or invariant. May be a canonical from the data.
    pub what: Cow<'static, str>,
    /// How often.
    pub count: usize,
}

/// What a validation found, and what it could not decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Violations, in the order of the walk.
    pub issues: Vec<Issue>,
    /// Rules without an answer, each once.
    pub not_checked: Vec<NotChecked>,
}

impl Outcome {
    /// True if there is an error. That there is none does not say that all was checked.
    pub fn is_broken(&self) -> bool {
        self.errors().next().is_some()
    }

    /// The issues that are errors.
    pub fn errors(&self) -> impl Iterator<Item = &Issue> {
        let issues = self.issues.iter();
        issues.filter(|issue| issue.severity == Severity::Error)
    }
}

/// Judges resources with the definitions of a library.
#[derive(Debug, Clone)]
pub struct Validator {
    library: Arc<Library>,
    invariants: bool,
    claimed: bool,
    vital_signs: bool,
    entries: bool,
}

impl Validator {
    /// A validator that applies everything the library knows; profiles that nobody names only with
    /// [`Validator::with_vital_signs`].
    pub fn new(library: Arc<Library>) -> Self {
        Validator {
            library,
            invariants: true,
            claimed: true,
            vital_signs: false,
            entries: true,
        }
    }

    /// With R4 and the guides that are built in.
    pub fn built_in() -> Self {
        Validator::new(Library::built_in().clone())
    }

    /// Leaves FHIRPath invariants away; they are then not counted as not checked.
    pub fn without_invariants(self) -> Self {
        Validator {
            invariants: false,
            ..self
        }
    }

    /// Applies no profile because a resource names it in `meta.profile`.
    pub fn without_claimed_profiles(self) -> Self {
        Validator {
            claimed: false,
            ..self
        }
    }

    /// Holds vital signs to the profiles that R4 has for them, whether a resource claims them or not.
    pub fn with_vital_signs(self) -> Self {
        Validator {
            vital_signs: true,
            ..self
        }
    }

    /// Passes over the resources in the entries of a Bundle, for callers that judge each of them by itself.
    pub fn apart_from_entries(self) -> Self {
        Validator {
            entries: false,
            ..self
        }
    }

    /// Judges a resource by R4, by the profiles that it claims, by those that a guide of the library demands of all
    /// resources of its type, and by those that are given as canonicals.
    pub fn validate(&self, resource: &Value, profiles: &[&str]) -> Outcome {
        walk::full(self, resource, profiles)
    }
}

/// Validates a resource of any type by the base definitions, contained resources and Bundle entries included.
///
/// Issues come in the order of the resource's members. Data of any shape is an issue, never a panic; a resource with
/// very many issues ends in one of the rule `validation/limit`.
pub fn validate(resource: &Value) -> Vec<Issue> {
    walk::base(resource)
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod official;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod tests;
