//! A QuestionnaireResponse against the Questionnaire that it names: its items, which of them are enabled, and its answers.
//! Not the published invariants of either resource, which the walk judges, and not expressions of guides.
//!
//! R4 asks for a structure "consistent with the Questionnaire" where it can be resolved; where it can not, the response
//! is noted as not checked. What only a complete form must have is asked of the statuses `completed` and `amended`.
//! Messages name a question by its place in the Questionnaire: the resources are others' data.
//! <http://hl7.org/fhir/R4/questionnaireresponse.html>

mod answer;
mod behavior;
mod compare;
mod content;
mod enable;
mod form;
mod item;
mod items;
mod limit;
mod option;
mod source;
mod unit;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use self::form::Form;
use super::scope::Full;
use super::walk::Walk;
use super::{Severity, rule};
use crate::fhir::definitions::Members;

/// Comparisons of answers and visits of items in one response; what would take more is not checked.
const MAX_STEPS: usize = 20_000_000;

impl<'v> Walk<'v> {
    /// Judges a Questionnaire beyond its published invariants.
    pub(super) fn questionnaire(&mut self, questionnaire: &Value) {
        if self.full.as_ref().is_some_and(Full::has_invariants) {
            self.behaviors(questionnaire, 0);
        }
    }

    /// Judges a QuestionnaireResponse, if its Questionnaire is known.
    pub(super) fn questionnaire_response(&mut self, response: &'v Value) {
        let Some(form) = self.form(response) else {
            return;
        };
        let status = text(response, "status");
        let mut completion = Completion {
            form: &form,
            response,
            links: HashSet::new(),
            is_complete: matches!(status, Some("completed" | "amended")),
            trail: Vec::new(),
            value_sets: HashMap::new(),
            steps: MAX_STEPS,
            walk: self,
        };
        completion.collect_links(response, 0);
        completion.level(None, response);
    }
}

/// A response that is being held against its form.
struct Completion<'w, 'v> {
    walk: &'w mut Walk<'v>,
    form: &'w Form<'v>,
    response: &'v Value,
    /// linkIds of all items of the response.
    links: HashSet<&'v str>,
    /// The status says that nothing is missing.
    is_complete: bool,
    /// The items around the current place, the innermost last.
    trail: Vec<Step<'v>>,
    /// Codes of value sets that are contained in the Questionnaire, by their references.
    value_sets: HashMap<&'v str, Option<Members>>,
    /// What is left of [`MAX_STEPS`].
    steps: usize,
}

/// An item of the response that encloses the current place.
#[derive(Clone, Copy)]
struct Step<'v> {
    question: usize,
    item: &'v Value,
    /// What holds the nested items: the item of a group, the answer to a question.
    holder: &'v Value,
}

impl<'v> Completion<'_, 'v> {
    fn report(&mut self, rule: &'static str, message: impl Into<String>) {
        self.walk.report(rule, message);
    }

    fn warn(&mut self, rule: &'static str, message: impl Into<String>) {
        self.walk.report_as(rule, Severity::Warning, None, message);
    }

    /// Notes that a rule has no answer for a question, or for the part of it that is named.
    fn open(&mut self, rule: &'static str, question: usize, part: &str) {
        let what = format!("{}{part}", self.form.place(question));
        if let Some(full) = &mut self.walk.full {
            full.open(rule, what);
        }
    }

    /// Takes steps from the budget; false if it is used up.
    fn spend(&mut self, steps: usize) -> bool {
        let is_enough = steps <= self.steps;
        self.steps = self.steps.saturating_sub(steps);
        if !is_enough && let Some(full) = &mut self.walk.full {
            full.open(rule::LIMIT, "QuestionnaireResponse");
        }
        is_enough
    }

    fn collect_links(&mut self, holder: &'v Value, depth: usize) {
        // Deeper items have no counterpart in a form.
        if depth > form::MAX_DEPTH {
            return;
        }
        for item in list(holder, "item") {
            self.links.extend(text(item, "linkId"));
            self.collect_links(item, depth + 1);
            for answer in list(item, "answer") {
                self.collect_links(answer, depth + 1);
            }
        }
    }
}

/// A member that is a string.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// The items of a member that is an array.
fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A member that is `true`.
fn is_true(value: &Value, name: &str) -> bool {
    value.get(name) == Some(&Value::Bool(true))
}

/// The extensions of an element with a url.
fn extensions<'v>(element: &'v Value, url: &str) -> impl Iterator<Item = &'v Value> {
    list(element, "extension")
        .iter()
        .filter(move |extension| text(extension, "url") == Some(url))
}

#[cfg(test)]
mod tests;
