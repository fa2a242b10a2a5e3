//! Answers against the options of a question: a list, or a value set that is contained or in the library.
//! Not a terminology server: a value set that cannot be listed is noted as not checked.

use serde_json::Value;

use super::compare::{Typed, equal};
use super::{Completion, extensions, is_true, list, text};
use crate::fhir::validate::binding::{Membership, membership};
use crate::fhir::validate::contained::contained;
use crate::fhir::validate::occurrence::Occurrence;
use crate::fhir::validate::rule;

const EXCLUSIVE: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive";

/// SDC's options that an expression computes.
const COMPUTED: &str =
    "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-answerExpression";

impl<'v> Completion<'_, 'v> {
    /// An answer must be one of the options, if there are any. Free text is none where the choice is open.
    pub(super) fn options(&mut self, question: usize, value: Typed<'v>) {
        let form = self.form;
        let item = form.question(question);
        if item.kind == "open-choice" && value.type_name == "String" {
            return;
        }
        let is_option = if extensions(item.item, COMPUTED).next().is_some() {
            None
        } else if !list(item.item, "answerOption").is_empty() {
            self.is_listed(list(item.item, "answerOption"), value)
        } else if let Some(value_set) = text(item.item, "answerValueSet") {
            self.is_member(value_set, value)
        } else {
            return;
        };
        match is_option {
            Some(true) => {}
            Some(false) => self.report(
                rule::ANSWER_OPTION,
                "is none of the options of the question",
            ),
            None => {
                let canonical = text(item.item, "answerValueSet");
                match (
                    canonical.filter(|url| !url.starts_with('#')),
                    &mut self.walk.full,
                ) {
                    (Some(url), Some(full)) => full.open(rule::ANSWER_OPTION, url.to_owned()),
                    _ => self.open(rule::ANSWER_OPTION, question, ""),
                }
            }
        }
    }

    fn is_listed(&mut self, options: &'v [Value], value: Typed<'v>) -> Option<bool> {
        if !self.spend(options.len()) {
            return None;
        }
        let mut is_open = false;
        for option in options
            .iter()
            .filter_map(|option| Typed::of(option, "value"))
        {
            if option.type_name != value.type_name {
                continue;
            }
            match equal(value, option) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => is_open = true,
            }
        }
        (!is_open).then_some(false)
    }

    /// Whether a Coding is in a value set; other types have no code.
    fn is_member(&mut self, value_set: &'v str, value: Typed<'v>) -> Option<bool> {
        if value.type_name != "Coding" {
            return None;
        }
        let coding = Occurrence::named(self.walk.table, "Coding", Some(value.value), None)?;
        let library = self.walk.full.as_ref()?.library();
        let root = self.form.root;
        let found = match value_set.strip_prefix('#') {
            Some(id) => {
                let members = self.value_sets.entry(value_set).or_insert_with(|| {
                    contained(root, id).and_then(|resource| library.members_of(resource))
                });
                membership(members.as_ref()?, &coding)
            }
            None => membership(library.members(value_set)?, &coding),
        };
        match found {
            Membership::In => Some(true),
            Membership::Out => Some(false),
            Membership::Codeless | Membership::Excused | Membership::Unknown => None,
        }
    }

    /// An option that excludes all others is the only answer.
    pub(super) fn exclusive(&mut self, question: usize, answers: &'v [Value]) {
        if answers.len() < 2 {
            return;
        }
        let options = list(self.form.question(question).item, "answerOption");
        let excluding: Vec<Typed<'_>> = options
            .iter()
            .filter(|option| {
                let mut marks = extensions(option, EXCLUSIVE);
                marks.any(|mark| is_true(mark, "valueBoolean"))
            })
            .filter_map(|option| Typed::of(option, "value"))
            .collect();
        if excluding.is_empty() || !self.spend(excluding.len().saturating_mul(answers.len())) {
            return;
        }
        self.walk.location.enter("answer");
        for (index, answer) in answers.iter().enumerate() {
            let excludes = Typed::of(answer, "value").is_some_and(|value| {
                let mut options = excluding.iter();
                options.any(|option| equal(value, *option) == Some(true))
            });
            if excludes {
                self.walk.location.enter_item(index);
                self.report(
                    rule::ANSWER_OPTION,
                    "is an exclusive option, and there are other answers",
                );
                self.walk.location.leave();
            }
        }
        self.walk.location.leave();
    }
}
