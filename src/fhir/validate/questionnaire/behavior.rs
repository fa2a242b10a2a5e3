//! What R4 says of a Questionnaire itself in words, where its published condition says less: que-12.
//! Not the other invariants, which the walk evaluates as they are published.
//! <http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableBehavior>

use serde_json::Value;

use super::{form, list};
use crate::fhir::validate::walk::Walk;
use crate::fhir::validate::{Severity, rule};

const KEY: &str = "que-12";

impl Walk<'_> {
    /// R4 demands `enableBehavior` for more than one `enableWhen`; the expression of que-12 asks for more than two, so
    /// that exactly two are left to this.
    pub(super) fn behaviors(&mut self, holder: &Value, depth: usize) {
        if depth > form::MAX_DEPTH {
            return;
        }
        self.location.enter("item");
        for (index, item) in list(holder, "item").iter().enumerate() {
            self.location.enter_item(index);
            let has_behavior = ["enableBehavior", "_enableBehavior"]
                .iter()
                .any(|name| item.get(name).is_some());
            if list(item, "enableWhen").len() == 2 && !has_behavior {
                let message = format!(
                    "breaks {KEY}: If there are more than one enableWhen, enableBehavior must be specified"
                );
                self.report_as(rule::INVARIANT, Severity::Error, Some(KEY), message);
            }
            self.behaviors(item, depth + 1);
            self.location.leave();
        }
        self.location.leave();
    }
}
