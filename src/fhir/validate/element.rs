//! The elements of an object: one member with all its repetitions, primitive or complex, and what stands beside it.
//! Not the rules for single values: `primitive`, `binding`, `reference` and others hold those.

use serde_json::Value;

use super::occurrence::Occurrence;
use super::primitive::{self, Fault};
use super::report::kind;
use super::scope::{Frame, Full};
use super::walk::{Object, Walk};
use super::{binding, reference, rule};
use crate::fhir::definitions::{Element, ElementRules, Member, NodeId, Primitive, Target};

impl<'v> Walk<'v> {
    /// An element with all of its repetitions; `sibling` is the member with `_` in front.
    pub(super) fn member(
        &mut self,
        member: &'static Member,
        element: &'static Element,
        rules: Option<&'static ElementRules>,
        value: Option<&'v Value>,
        sibling: Option<&'v Value>,
    ) {
        if element.repeats {
            return self.repeated(member, element, rules, value, sibling);
        }
        if element.max == Some(0) {
            return self.report(rule::MAX, "is not allowed here");
        }
        for part in [value, sibling].into_iter().flatten() {
            match part {
                Value::Null => return self.report(rule::NULL, "is null"),
                Value::Array(_) => {
                    return self
                        .report(rule::SHAPE, "is an array, but the element does not repeat");
                }
                _ => {}
            }
        }
        self.single(member, element, rules, value, sibling);
    }

    fn repeated(
        &mut self,
        member: &'static Member,
        element: &'static Element,
        rules: Option<&'static ElementRules>,
        value: Option<&'v Value>,
        sibling: Option<&'v Value>,
    ) {
        let mut items: [&'v [Value]; 2] = [&[], &[]];
        for (slot, part) in items.iter_mut().zip([value, sibling]) {
            match part {
                None => {}
                Some(Value::Array(list)) if list.is_empty() => {
                    return self.report(rule::EMPTY, "is an empty array");
                }
                Some(Value::Array(list)) => *slot = list,
                Some(other) => {
                    // The other half would only raise issues that follow from this one.
                    let message = format!("is {}, but the element repeats: an array", kind(other));
                    return self.report(rule::SHAPE, message);
                }
            }
        }
        let [values, siblings] = items;
        // The two arrays of a primitive stand side by side; the shorter one counts as filled up with null.
        let count = values.len().max(siblings.len());
        for index in 0..count {
            let [value, sibling] =
                [values, siblings].map(|list| list.get(index).filter(|item| !item.is_null()));
            self.location.enter_item(index);
            if value.is_none() && sibling.is_none() {
                self.report(rule::NULL, "is null, with nothing beside it");
            } else {
                self.single(member, element, rules, value, sibling);
            }
            self.location.leave();
        }
        if element.max.is_some_and(|max| count > max as usize) {
            self.report(rule::MAX, "occurs too often");
        }
    }

    /// One occurrence of an element.
    fn single(
        &mut self,
        member: &'static Member,
        element: &'static Element,
        rules: Option<&'static ElementRules>,
        value: Option<&'v Value>,
        sibling: Option<&'v Value>,
    ) {
        let has_frame = self.full.is_some() && member.target != Target::Resource;
        if has_frame {
            self.enter_frame(member, element, value);
        }
        if let Some(value) = value {
            match member.target {
                Target::Primitive(primitive) => self.primitive(primitive, element, value),
                Target::Node(id) => self.complex(id, element, value),
                Target::Resource if self.is_passed_over(element) => {}
                Target::Resource => self.resource(value, element.name == "contained"),
            }
        }
        match sibling {
            None => {}
            Some(Value::Object(object)) => {
                self.not_empty(object, value.is_some());
                if let Some(sibling) = sibling {
                    self.object(self.table.element, sibling, object, false);
                }
            }
            Some(other) => self.wrong_shape(other, "an object beside a primitive"),
        }
        if let Some(rules) = rules {
            let occurrence = Occurrence::of(self.table, member, element, value, sibling);
            if let Some(occurrence) = occurrence {
                self.element_rules(rules, element, &occurrence);
            }
        }
        if has_frame && let Some(full) = &mut self.full {
            full.frames.pop();
        }
    }

    /// True for the resource of an entry where entries are judged by themselves.
    fn is_passed_over(&self, element: &Element) -> bool {
        let full = self.full.as_ref().filter(|full| !full.validator.entries);
        let scope = full.and_then(|full| full.resources.last());
        element.name == "resource" && scope.is_some_and(|scope| scope.type_name == "Bundle")
    }

    fn enter_frame(
        &mut self,
        member: &Member,
        element: &'static Element,
        value: Option<&'v Value>,
    ) {
        let code = match member.target {
            Target::Primitive(primitive) => primitive.name(),
            Target::Node(id) => self.table.node(id).name,
            Target::Resource => "Resource",
        };
        if let Some(full) = &mut self.full {
            full.frames.push(Frame {
                element: element.name,
                code,
                value,
            });
        }
    }

    /// What the base definitions say of an element beyond its structure.
    fn element_rules(
        &mut self,
        rules: &'static ElementRules,
        element: &'static Element,
        occurrence: &Occurrence<'v>,
    ) {
        if let Some(binding) = &rules.binding {
            // Required value sets that the base tables list are judged by then.
            let is_judged = element.binding.is_some_and(binding::is_enumerable);
            if !is_judged {
                self.binding(binding, occurrence);
            }
        }
        if let Some(choice) = rules
            .types
            .iter()
            .find(|choice| choice.code == occurrence.code)
        {
            self.targets(&choice.targets, occurrence);
        }
        let has_invariants = self.full.as_ref().is_some_and(Full::has_invariants);
        if has_invariants && !rules.invariants.is_empty() {
            self.invariants(&rules.invariants, occurrence);
        }
    }

    fn primitive(&mut self, primitive: Primitive, element: &Element, value: &'v Value) {
        if self.full.is_some() && primitive == Primitive::Xhtml {
            self.narrative(value);
        }
        match primitive::check(primitive, value) {
            Ok(()) => {
                if let (Some(value_set), Value::String(code)) = (element.binding, value)
                    && !binding::allows_code(value_set, code)
                {
                    self.outside_binding();
                }
            }
            Err(Fault::Shape(expected)) => self.wrong_shape(value, expected),
            Err(Fault::Empty) => self.report(rule::EMPTY, "is an empty string"),
            Err(Fault::Format(what)) => {
                self.report(rule::FORMAT, format!("is not {what}"));
            }
            Err(Fault::Div) => self.report(rule::DIV, "does not start with a div element"),
        }
    }

    fn complex(&mut self, id: NodeId, element: &Element, value: &'v Value) {
        let Value::Object(object) = value else {
            return self.wrong_shape(value, "an object");
        };
        self.not_empty(object, false);
        self.object(id, value, object, false);
        let Some(value_set) = element.binding else {
            return;
        };
        let is_allowed = if id == self.table.coding {
            binding::allows_coding(value_set, object)
        } else if id == self.table.codeable_concept {
            binding::allows_concept(value_set, object)
        } else {
            true
        };
        if !is_allowed {
            self.outside_binding();
        }
    }

    /// The form of a literal reference.
    pub(super) fn reference(&mut self, object: &Object) {
        if let Some(Value::String(text)) = object.get("reference")
            && !text.is_empty()
            && !reference::is_literal(text)
        {
            self.location.enter("reference");
            self.report(
                rule::REFERENCE,
                "is neither Type/id, nor an absolute URI, nor # and the id of a contained resource",
            );
            self.location.leave();
        }
    }

    fn outside_binding(&mut self) {
        self.report(
            rule::BINDING,
            "has no code of the value set that R4 requires",
        );
    }
}
