//! One item of a response: how often it occurs, its text, and whether it is answered as its kind demands.
//! Not what the answers hold (`answer`).

use serde_json::Value;

use super::{Completion, Step, extensions, is_true, list, text};
use crate::fhir::validate::rule;

const MIN_OCCURS: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs";
const MAX_OCCURS: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs";
const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";

impl<'v> Completion<'_, 'v> {
    /// More than one item for one item of the Questionnaire: the repetitions of a group.
    pub(super) fn repeated(&mut self, question: usize, found: &[usize], is_enabled: bool) {
        let form = self.form;
        let item = form.question(question);
        if let &[_, second, ..] = found {
            self.walk.location.enter_item(second);
            if !is_true(item.item, "repeats") {
                self.report(
                    rule::ITEM_REPEATS,
                    "occurs again, though the item does not repeat",
                );
            } else if item.kind != "group" {
                self.warn(
                    rule::ITEM_REPEATS,
                    "occurs again: the answers to a question that repeats stand in one item",
                );
            }
            self.walk.location.leave();
        }
        if item.kind == "group" {
            self.occurrences(item.item, found.len(), is_enabled);
        }
    }

    /// How often a group occurs or a question is answered.
    fn occurrences(&mut self, item: &Value, count: usize, is_enabled: bool) {
        let limit = |url: &str| {
            let value = extensions(item, url).next()?.get("valueInteger")?;
            usize::try_from(value.as_u64()?).ok()
        };
        if limit(MAX_OCCURS).is_some_and(|max| max > 0 && count > max) {
            self.report(rule::ITEM_OCCURS, "occurs more often than maxOccurs allows");
        }
        let is_asked = self.is_complete && is_enabled;
        if is_asked && limit(MIN_OCCURS).is_some_and(|min| min > 1 && count < min) {
            self.report(
                rule::ITEM_OCCURS,
                "occurs less often than minOccurs demands",
            );
        }
    }

    pub(super) fn item(&mut self, question: usize, item: &'v Value, enabled: Option<bool>) {
        self.wording(question, item);
        let is_asked = self.is_complete && is_true(self.form.question(question).item, "required");
        match self.form.question(question).kind {
            "group" => self.group(question, item, is_asked && enabled == Some(true)),
            "display" => {
                if !list(item, "answer").is_empty() || !list(item, "item").is_empty() {
                    self.report(
                        rule::ANSWER_TYPE,
                        "is answered, but the item only displays text",
                    );
                }
            }
            _ => self.answers(question, item, is_asked, enabled),
        }
    }

    fn group(&mut self, question: usize, item: &'v Value, is_required: bool) {
        if !list(item, "answer").is_empty() {
            return self.report(
                rule::ANSWER_TYPE,
                "is answered, but the item is a group, which has no answers",
            );
        }
        if list(item, "item").is_empty() {
            // An optional group that is listed without content is as good as skipped.
            if is_required && item.get("extension").is_none() {
                self.missing(question);
            }
            return;
        }
        self.nested(question, item, item);
    }

    fn answers(&mut self, question: usize, item: &'v Value, is_asked: bool, enabled: Option<bool>) {
        let form = self.form;
        let answers = list(item, "answer");
        if answers.is_empty() && !list(item, "item").is_empty() {
            self.report(
                rule::ITEM_NESTING,
                "holds items, which belong into the answers to a question",
            );
        }
        // An extension may say why there is no answer.
        if answers.is_empty() && is_asked && item.get("extension").is_none() {
            match enabled {
                Some(true) => self.missing(question),
                Some(false) => {}
                None => self.open(rule::ITEM_REQUIRED, question, ""),
            }
        }
        let asked = form.question(question).item;
        if answers.len() > 1 && !is_true(asked, "repeats") {
            self.report(
                rule::ITEM_REPEATS,
                "has several answers, though the item does not repeat",
            );
        }
        self.occurrences(asked, answers.len(), enabled == Some(true));
        self.exclusive(question, answers);
        self.walk.location.enter("answer");
        for (index, answer) in answers.iter().enumerate() {
            self.walk.location.enter_item(index);
            self.answer(question, answer);
            self.nested(question, item, answer);
            self.walk.location.leave();
        }
        self.walk.location.leave();
    }

    fn nested(&mut self, question: usize, item: &'v Value, holder: &'v Value) {
        self.trail.push(Step {
            question,
            item,
            holder,
        });
        self.level(Some(question), holder);
        self.trail.pop();
    }

    /// The text that was shown. R4 repeats the text of the Questionnaire here and does not say that it must be equal.
    fn wording(&mut self, question: usize, item: &Value) {
        let asked = self.form.question(question).item;
        let (Some(shown), Some(own)) = (text(item, "text"), text(asked, "text")) else {
            return;
        };
        let languages = [self.response, self.form.questionnaire].map(|side| text(side, "language"));
        if shown.trim() == own.trim()
            || languages[0] != languages[1]
            || is_translation(asked, shown)
        {
            return;
        }
        self.walk.location.enter("text");
        self.warn(
            rule::ITEM_TEXT,
            "is not the text of the item in the Questionnaire",
        );
        self.walk.location.leave();
    }
}

/// True if an item says that the text is its own in another language.
fn is_translation(asked: &Value, shown: &str) -> bool {
    let Some(beside) = asked.get("_text") else {
        return false;
    };
    extensions(beside, TRANSLATION).any(|translation| {
        let content = extensions(translation, "content").next();
        content.and_then(|content| text(content, "valueString")) == Some(shown)
    })
}
