//! The items of one level of a response: which there are, where they stand, and what is missing.
//! Not what is in an item (`item`).

use std::collections::HashMap;

use serde_json::Value;

use super::{Completion, is_true, list, text};
use crate::fhir::validate::rule;

impl<'v> Completion<'_, 'v> {
    /// The items that stand in the response itself, in an item or in an answer; the location is that of the holder.
    pub(super) fn level(&mut self, parent: Option<usize>, holder: &'v Value) {
        let items = list(holder, "item");
        let placed = self.placed(parent, items);
        let form = self.form;
        for &question in form.children(parent) {
            match placed.get(&question) {
                Some(found) => self.present(question, items, found),
                None => self.absent(question),
            }
        }
    }

    /// The items by the question that they answer. What does not belong here is reported and not looked into.
    fn placed(&mut self, parent: Option<usize>, items: &'v [Value]) -> HashMap<usize, Vec<usize>> {
        let mut placed: HashMap<usize, Vec<usize>> = HashMap::new();
        let (mut last, mut is_ordered) = (0, true);
        self.walk.location.enter("item");
        for (index, item) in items.iter().enumerate() {
            let Some(link) = text(item, "linkId") else {
                continue;
            };
            self.walk.location.enter_item(index);
            match self.form.child(parent, link) {
                Some(question) => {
                    // Indexes of one level rise in the order of the Questionnaire.
                    if question < last && is_ordered {
                        is_ordered = false;
                        self.warn(
                            rule::ITEM_ORDER,
                            "does not stand in the order of the Questionnaire",
                        );
                    }
                    last = last.max(question);
                    placed.entry(question).or_default().push(index);
                }
                None if self.form.has(link) => self.report(
                    rule::ITEM_NESTING,
                    "stands in another place than the item of the Questionnaire",
                ),
                None => self.report(
                    rule::LINK_ID,
                    "has a linkId that the Questionnaire does not have",
                ),
            }
            self.walk.location.leave();
        }
        self.walk.location.leave();
        placed
    }

    fn present(&mut self, question: usize, items: &'v [Value], found: &[usize]) {
        let enabled = self.enabled(question);
        if enabled == Some(false) {
            return self.disabled(items, found);
        }
        if enabled.is_none() {
            self.open(rule::ITEM_DISABLED, question, "");
        }
        self.walk.location.enter("item");
        self.repeated(question, found, enabled == Some(true));
        for &index in found {
            self.walk.location.enter_item(index);
            self.item(question, &items[index], enabled);
            self.walk.location.leave();
        }
        self.walk.location.leave();
    }

    /// Items that must not be answered. A form that is still being filled in may hold what was answered before.
    fn disabled(&mut self, items: &'v [Value], found: &[usize]) {
        self.walk.location.enter("item");
        for &index in found {
            if !has_content(&items[index]) {
                continue;
            }
            self.walk.location.enter_item(index);
            let message = "is answered, though enableWhen disables the item";
            if self.is_complete {
                self.report(rule::ITEM_DISABLED, message);
            } else {
                self.warn(rule::ITEM_DISABLED, message);
            }
            self.walk.location.leave();
        }
        self.walk.location.leave();
    }

    /// An item that is not in the response.
    fn absent(&mut self, question: usize) {
        let item = self.form.question(question);
        if !self.is_complete || !is_true(item.item, "required") || item.kind == "display" {
            return;
        }
        match self.enabled(question) {
            Some(true) => self.missing(question),
            Some(false) => {}
            None => self.open(rule::ITEM_REQUIRED, question, ""),
        }
    }

    pub(super) fn missing(&mut self, question: usize) {
        let place = self.form.place(question);
        self.report(
            rule::ITEM_REQUIRED,
            format!("lacks an answer to {place}, which is required"),
        );
    }
}

/// True if an item or one below it is answered.
fn has_content(item: &Value) -> bool {
    !list(item, "answer").is_empty() || list(item, "item").iter().any(has_content)
}
