//! What an expression asks of the world around its resource: other resources, value sets, profiles, the time.
//! Answers nothing by itself: what nobody answers is an error of its own kind, never an empty collection.

use serde_json::Value;

use super::Item;

/// Steps of one evaluation if the environment sets no other limit: nodes visited, items compared. A second or two;
/// the largest real expression over a bundle of a megabyte takes a few hundred thousand.
pub const STEP_LIMIT: usize = 10_000_000;

/// The world around the resource. Every method has a default, so that an environment answers only what it knows.
///
/// `None` of [`Environment::member_of`], [`Environment::conforms_to`] and [`Environment::html_checks`] means that
/// the question was not evaluated; the expression then ends with [`super::Reason::NotEvaluated`].
pub trait Environment {
    /// The resource that a reference's text means, for `resolve()`. Asked before the engine looks among the contained
    /// resources of `%resource` and `%rootResource` and among their Bundle entries.
    fn resolve(&self, reference: &str) -> Option<&Value> {
        let _ = reference;
        None
    }

    /// True if a code, Coding or CodeableConcept is in the value set, <http://hl7.org/fhir/R4/fhirpath.html#functions>.
    fn member_of(&self, item: &Item<'_>, value_set: &str) -> Option<bool> {
        let _ = (item, value_set);
        None
    }

    /// True if the element conforms to the profile with that canonical.
    fn conforms_to(&self, item: &Item<'_>, profile: &str) -> Option<bool> {
        let _ = (item, profile);
        None
    }

    /// True if the text of an `xhtml` element keeps the rules of <http://hl7.org/fhir/R4/narrative.html#xhtml>.
    fn html_checks(&self, div: &str) -> Option<bool> {
        let _ = div;
        None
    }

    /// The value of `%name`, asked before the variables that every expression has. An array is a collection.
    fn variable(&self, name: &str) -> Option<&Value> {
        let _ = name;
        None
    }

    /// `now()`, `today()` and `timeOfDay()`, in UTC. `None`: these functions are not evaluated.
    fn now(&self) -> Option<jiff::Timestamp> {
        None
    }

    /// Steps after which an evaluation ends with [`super::Reason::Limit`].
    fn step_limit(&self) -> usize {
        STEP_LIMIT
    }
}

/// An environment that knows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Environment for Alone {}

/// Who answers in one evaluation.
#[derive(Clone, Copy)]
pub(super) enum World<'a> {
    Environment(&'a dyn Environment),
    /// The variables and the time of a [`super::Context`].
    Given(&'a [(&'a str, &'a Value)], jiff::Timestamp),
}

impl<'a> World<'a> {
    /// The value of `%name`, if it was given.
    pub fn variable(self, name: &str) -> Option<&'a Value> {
        match self {
            World::Environment(environment) => environment.variable(name),
            World::Given(variables, _) => {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| *value)
            }
        }
    }

    /// The time, if it was given.
    pub fn now(self) -> Option<jiff::Timestamp> {
        match self {
            World::Environment(environment) => environment.now(),
            World::Given(_, now) => Some(now),
        }
    }

    /// Who answers everything else.
    pub fn environment(self) -> &'a dyn Environment {
        match self {
            World::Environment(environment) => environment,
            World::Given(..) => &Alone,
        }
    }
}
