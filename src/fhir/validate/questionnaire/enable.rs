//! `enableWhen`: whether an item is to be answered, by what else is answered.
//! Not the expressions of guides, which leave it open, and not what follows from it (`items`).
//! <http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen>

use std::cmp::Ordering;

use serde_json::Value;

use super::compare::{Typed, equal, order};
use super::{Completion, list, text};

/// SDC's condition in an expression language.
const EXPRESSION: &str =
    "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression";

impl<'v> Completion<'_, 'v> {
    /// Whether an item is enabled; `None` if that cannot be said. Items around it are not asked.
    pub(super) fn enabled(&mut self, question: usize) -> Option<bool> {
        let item = self.form.question(question).item;
        let has_expression = ["extension", "modifierExtension"]
            .iter()
            .flat_map(|name| list(item, name))
            .any(|extension| text(extension, "url") == Some(EXPRESSION));
        if has_expression {
            return None;
        }
        let conditions = list(item, "enableWhen").iter();
        let results: Vec<Option<bool>> =
            conditions.map(|condition| self.holds(condition)).collect();
        match text(item, "enableBehavior") {
            Some("any") if !results.is_empty() => any(results),
            Some("all") => all(results),
            // que-12 demands a behavior for several conditions: without it they must agree.
            _ => agreed(results).unwrap_or(Some(true)),
        }
    }

    /// Whether a condition holds in every place where its question may be meant.
    fn holds(&mut self, condition: &'v Value) -> Option<bool> {
        let link = text(condition, "question")?;
        let target = self.form.unique(link)?;
        let operator = text(condition, "operator")?;
        let expected = Typed::of(condition, "answer")?;
        let places = self.occurrences_of(target)?;
        if places.is_empty() {
            // Answered in another repetition only: R4 takes the nearest one, and forms the one in the same group.
            let is_elsewhere = self.links.contains(link);
            return if is_elsewhere {
                None
            } else {
                compare(operator, &[], expected)
            };
        }
        let results = places.into_iter().map(|item| {
            let answers = list(item, "answer");
            let values: Vec<Typed<'_>> = answers
                .iter()
                .filter_map(|answer| Typed::of(answer, "value"))
                .collect();
            // An answer that is only an extension may be any.
            let is_known = values.len() == answers.len() || operator == "exists";
            is_known.then(|| match operator {
                "exists" => Some(expected.value == &Value::Bool(!answers.is_empty())),
                _ => compare(operator, &values, expected),
            })?
        });
        agreed(results.collect())?
    }

    /// The items that answer a question, as seen from the current place: an item around it, or those below the innermost
    /// item that both have around them. `None` if the budget is used up.
    fn occurrences_of(&mut self, target: usize) -> Option<Vec<&'v Value>> {
        let mut trail = self.trail.iter().rev();
        if let Some(step) = trail.find(|step| step.question == target) {
            return Some(vec![step.item]);
        }
        let path = self.form.path(target);
        let shared = self.trail.iter().rev().find_map(|step| {
            let at = path.iter().position(|&index| index == step.question)?;
            Some((step.holder, at + 1))
        });
        let (holder, from) = shared.unwrap_or((self.response, 0));
        let mut found = vec![holder];
        for (at, &index) in path.iter().enumerate().skip(from) {
            let is_last = at + 1 == path.len();
            found = self.below(&found, index, is_last)?;
        }
        Some(found)
    }

    /// The items of one question directly below holders; their answers, where these hold what comes next.
    fn below(
        &mut self,
        holders: &[&'v Value],
        question: usize,
        is_last: bool,
    ) -> Option<Vec<&'v Value>> {
        let form = self.form;
        let question = form.question(question);
        let mut found = Vec::new();
        for holder in holders {
            let items = list(holder, "item");
            if !self.spend(items.len()) {
                return None;
            }
            for item in items {
                if text(item, "linkId") != Some(question.link) {
                    continue;
                }
                if is_last || question.kind == "group" {
                    found.push(item);
                } else {
                    found.extend(list(item, "answer"));
                }
            }
        }
        Some(found)
    }
}

/// A condition on the answers to one question.
///
/// Where the words of R4 and common practice part, there is no result: `!=` on a question without answers, and the
/// other operators where several answers disagree.
fn compare(operator: &str, answers: &[Typed<'_>], expected: Typed<'_>) -> Option<bool> {
    let equals = || answers.iter().map(|answer| equal(*answer, expected));
    let ordered = |fits: fn(Ordering) -> bool| {
        let results = answers
            .iter()
            .map(|answer| order(*answer, expected).map(fits));
        agreed(results.collect()).unwrap_or(Some(false))
    };
    match operator {
        "exists" => Some(expected.value == &Value::Bool(!answers.is_empty())),
        "=" => any(equals().collect()),
        "!=" => agreed(equals().collect())?.map(|is_equal| !is_equal),
        ">" => ordered(Ordering::is_gt),
        "<" => ordered(Ordering::is_lt),
        ">=" => ordered(Ordering::is_ge),
        "<=" => ordered(Ordering::is_le),
        _ => None,
    }
}

/// True if one is true; false if all are false.
fn any(results: Vec<Option<bool>>) -> Option<bool> {
    if results.contains(&Some(true)) {
        return Some(true);
    }
    (!results.contains(&None)).then_some(false)
}

/// False if one is false; true if all are true.
fn all(results: Vec<Option<bool>>) -> Option<bool> {
    if results.contains(&Some(false)) {
        return Some(false);
    }
    (!results.contains(&None)).then_some(true)
}

/// What all results are: nothing said (`Some(None)`) if they differ, `None` if there is no result.
fn agreed(results: Vec<Option<bool>>) -> Option<Option<bool>> {
    let first = *results.first()?;
    let is_one = results.iter().all(|result| *result == first);
    Some(if is_one { first } else { None })
}
