//! One answer: whether it has the type that the question asks for, and then what it holds.
//! Not how many there are (`items`).
//! <http://hl7.org/fhir/R4/valueset-item-type.html>

use serde_json::Value;

use super::compare::Typed;
use super::{Completion, list};
use crate::fhir::validate::rule;

impl<'v> Completion<'_, 'v> {
    /// The value of an answer; one without a value says in an extension why.
    pub(super) fn answer(&mut self, question: usize, answer: &'v Value) {
        let Some(value) = Typed::of(answer, "value") else {
            return;
        };
        let item = self.form.question(question);
        self.walk.location.enter("value");
        if is_of_type(item.item, item.kind, value.type_name) {
            self.options(question, value);
            self.limits(question, value);
            self.units(question, value);
            self.content(question, value);
        } else {
            let kind = item.kind;
            let message =
                format!("is of a type that is no answer to a question of the type {kind}");
            self.report(rule::ANSWER_TYPE, message);
        }
        self.walk.location.leave();
    }
}

/// True if a question may be answered by a value of a type, and for types that R4 does not have. Options may be of other
/// types than Coding; then so are the answers.
fn is_of_type(item: &Value, kind: &str, type_name: &str) -> bool {
    let is_option = || {
        let mut options = list(item, "answerOption").iter();
        options
            .any(|option| Typed::of(option, "value").is_some_and(|own| own.type_name == type_name))
    };
    match kind {
        "boolean" => type_name == "Boolean",
        "decimal" => type_name == "Decimal",
        "integer" => type_name == "Integer",
        "date" => type_name == "Date",
        "dateTime" => type_name == "DateTime",
        "time" => type_name == "Time",
        "string" | "text" => type_name == "String",
        "url" => type_name == "Uri",
        "choice" => type_name == "Coding" || is_option(),
        "open-choice" => matches!(type_name, "Coding" | "String") || is_option(),
        "attachment" => type_name == "Attachment",
        "reference" => type_name == "Reference",
        "quantity" => type_name == "Quantity",
        _ => true,
    }
}
