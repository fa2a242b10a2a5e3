//! The walk: a resource against the compiled tables, each member once.
//! Not the rules for single values: `primitive`, `binding`, `reference` and others hold those.

use serde_json::{Map, Value};

use super::location::Location;
use super::occurrence::Occurrence;
use super::primitive::{self, Fault};
use super::scope::{Frame, Full, Scope};
use super::{Issue, Outcome, Severity, Validator, binding, reference, rule};
use crate::fhir::definitions::{
    Element, ElementRules, Kind, Member, Node, NodeId, Primitive, Table, Target, table,
};

/// Objects nested deeper than this are not followed; a JSON text that deep is not parsed in the first place.
const MAX_DEPTH: usize = 128;

/// After this many issues the walk stops listing them.
const MAX_ISSUES: usize = 1000;

type Object = Map<String, Value>;

/// All issues of a resource by the base definitions.
pub(super) fn base(resource: &Value) -> Vec<Issue> {
    let mut walk = Walk::new(None);
    walk.resource(resource, false);
    walk.issues
}

/// Everything that a validator knows of a resource.
pub(super) fn full<'v>(
    validator: &'v Validator,
    resource: &'v Value,
    profiles: &'v [&'v str],
) -> Outcome {
    let mut walk = Walk::new(Some(Full::new(validator, profiles)));
    walk.resource(resource, false);
    Outcome {
        issues: walk.issues,
        not_checked: walk.full.map(|full| full.not_checked).unwrap_or_default(),
    }
}

pub(super) struct Walk<'v> {
    pub table: &'static Table,
    pub location: Location,
    pub issues: Vec<Issue>,
    depth: usize,
    /// `None` where the base definitions alone are asked.
    pub full: Option<Full<'v>>,
}

impl<'v> Walk<'v> {
    fn new(full: Option<Full<'v>>) -> Self {
        Walk {
            table: table(),
            location: Location::default(),
            issues: Vec::new(),
            depth: 0,
            full,
        }
    }

    /// A walk of its own from the same place, for a question within a rule; `None` if questions are nested too deeply.
    pub fn apart(&self) -> Option<Self> {
        let full = self.full.as_ref()?.apart()?;
        Some(Walk {
            depth: self.depth,
            ..Walk::new(Some(full))
        })
    }

    pub fn report(&mut self, rule: &'static str, message: impl Into<String>) {
        self.report_as(rule, Severity::Error, None, message);
    }

    pub fn report_as(
        &mut self,
        rule: &'static str,
        severity: Severity,
        key: Option<&str>,
        message: impl Into<String>,
    ) {
        if self.issues.len() < MAX_ISSUES {
            let path = self.location.text();
            let profile = self.full.as_ref().and_then(|full| full.profile);
            // What R4 itself forbids need not be said again for a profile.
            let is_said = profile.is_some()
                && self.issues.iter().any(|issue| {
                    issue.rule == rule && issue.path == path && issue.key.as_deref() == key
                });
            if !is_said {
                self.push(rule, severity, key, path, message.into());
            }
        }
    }

    fn report_unknown(&mut self, name: &str, rule: &'static str, message: impl Into<String>) {
        if self.issues.len() < MAX_ISSUES {
            let path = self.location.text_of_unknown(name);
            self.push(rule, Severity::Error, None, path, message.into());
        }
    }

    fn push(
        &mut self,
        rule: &'static str,
        severity: Severity,
        key: Option<&str>,
        path: String,
        message: String,
    ) {
        let profile = self.full.as_ref().and_then(|full| full.profile);
        self.issues.push(Issue {
            rule,
            severity,
            path,
            message,
            key: key.map(str::to_owned),
            profile: profile.map(str::to_owned),
        });
        if self.issues.len() == MAX_ISSUES - 1 {
            self.report(
                rule::LIMIT,
                format!("has {MAX_ISSUES} issues or more: the rest is not listed"),
            );
        }
    }

    /// A resource at the root, in an entry or parameter, or contained in another one.
    fn resource(&mut self, value: &'v Value, contained: bool) {
        let Value::Object(object) = value else {
            return self.wrong_shape(value, "a resource");
        };
        let Some(Value::String(name)) = object.get("resourceType") else {
            return self.report(rule::RESOURCE_TYPE, "has no resourceType that is a string");
        };
        let id = self.table.id_of(name).filter(|&id| {
            let node = self.table.node(id);
            node.kind == Kind::Resource
                && self.table.resource_types.binary_search(&node.name).is_ok()
        });
        let Some(id) = id else {
            return self.report(
                rule::RESOURCE_TYPE,
                "has a resourceType that R4 does not have",
            );
        };
        let is_root = self.depth == 0;
        let type_name = self.table.node(id).name;
        if is_root {
            self.location.enter(type_name);
        }
        if let Some(full) = &mut self.full {
            let outer = full.resources.last().filter(|_| contained);
            let root = outer.map_or(value, |scope| scope.root);
            full.resources.push(Scope {
                resource: value,
                type_name,
                root,
                depth: self.location.depth(),
                ids: Default::default(),
            });
            full.frames.push(Frame {
                element: type_name,
                code: type_name,
                value: Some(value),
            });
        }
        self.object(id, value, object, true);
        if self.full.is_some() {
            self.whole_resource(value, object, is_root, contained);
            if let Some(full) = &mut self.full {
                full.resources.pop();
                full.frames.pop();
            }
        }
        if is_root {
            self.location.leave();
        }
    }

    /// The rules that need all of a resource, and its profiles.
    fn whole_resource(
        &mut self,
        value: &'v Value,
        object: &'v Object,
        is_root: bool,
        contained: bool,
    ) {
        let Some(occurrence) = Occurrence::resource(self.table, value) else {
            return;
        };
        if occurrence.code == "Bundle" {
            self.bundle(object);
        }
        self.container(object, contained);
        self.profiles(&occurrence, object, is_root);
    }

    /// An element or resource whose node is known.
    fn object(&mut self, id: NodeId, value: &'v Value, object: &'v Object, is_resource: bool) {
        if self.depth == MAX_DEPTH {
            return self.report(
                rule::DEPTH,
                format!("is nested deeper than {MAX_DEPTH} levels"),
            );
        }
        self.depth += 1;
        let node = self.table.node(id);
        let seen = self.members(id, node, object, is_resource);
        let mut missing = node.required & !seen;
        while missing != 0 {
            let element = &node.elements[missing.trailing_zeros() as usize];
            self.report(
                rule::MIN,
                format!("lacks {}, which is required", shown(element)),
            );
            missing &= missing - 1;
        }
        if id == self.table.reference {
            self.reference(object);
            if self.full.is_some()
                && let Some(Value::String(text)) = object.get("reference")
            {
                self.local_reference(text);
            }
        }
        if self.full.is_some() {
            self.whole_object(id, node, value, object, is_resource);
        }
        self.depth -= 1;
    }

    /// The rules that need all of an object: its id, its invariants, and what extensions are.
    fn whole_object(
        &mut self,
        id: NodeId,
        node: &'static Node,
        value: &'v Value,
        object: &'v Object,
        is_resource: bool,
    ) {
        if !is_resource && id != self.table.element_definition {
            self.element_id(object);
        }
        if id == self.table.extension {
            self.extension(value, object);
        }
        let Some(full) = &self.full else { return };
        let occurrence = Occurrence {
            value: Some(value),
            sibling: None,
            target: Target::Node(id),
            code: node.name,
            chosen: false,
        };
        if full.has_invariants() {
            let rules = full.rules;
            self.invariants(&rules[id as usize].invariants, &occurrence);
        }
    }

    /// R4 `ele-1`: an element has a value or children, and an id is neither.
    fn not_empty(&mut self, object: &Object, has_value: bool) {
        if object.is_empty() {
            self.report(rule::EMPTY, "is an empty object");
        } else if !has_value && object.len() == 1 && object.contains_key("id") {
            self.report(rule::EMPTY, "has nothing but an id");
        }
    }

    /// Visits the members of an object; gives the set of elements that are there.
    fn members(
        &mut self,
        id: NodeId,
        node: &'static Node,
        object: &'v Object,
        is_resource: bool,
    ) -> u128 {
        let rules = self.full.as_ref().map(|full| full.rules);
        let rules = rules.map(|rules| rules[id as usize].elements.as_slice());
        let has_siblings = object.keys().any(|key| key.starts_with('_'));
        let mut seen = 0_u128;
        for (key, value) in object {
            if is_resource && key == "resourceType" {
                continue;
            }
            let sibling_of = key.strip_prefix('_');
            let name = sibling_of.unwrap_or(key);
            let Some(member) = node.member(name) else {
                self.unknown(node, key);
                continue;
            };
            let element = &node.elements[usize::from(member.element)];
            let may_have_sibling =
                matches!(member.target, Target::Primitive(_)) && !element.attribute;
            if sibling_of.is_some() && !may_have_sibling {
                self.report_unknown(
                    key,
                    rule::UNKNOWN_ELEMENT,
                    "stands beside no primitive element",
                );
                continue;
            }
            if sibling_of.is_some() && object.contains_key(name) {
                // Visited together with the value.
                continue;
            }
            let (value, sibling) = match sibling_of {
                Some(_) => (None, Some(value)),
                None if has_siblings && may_have_sibling => {
                    (Some(value), object.get(&format!("_{name}")))
                }
                None => (Some(value), None),
            };
            self.location.enter(element.name);
            let bit = 1_u128 << member.element;
            if seen & bit != 0 {
                self.report(
                    rule::CHOICE,
                    format!("has more than one type of {}", shown(element)),
                );
            }
            seen |= bit;
            let rules = rules.and_then(|rules| rules[usize::from(member.element)].as_ref());
            self.member(member, element, rules, value, sibling);
            self.location.leave();
        }
        seen
    }

    fn unknown(&mut self, node: &Node, key: &str) {
        let choice = node.elements.iter().find(|element| {
            element.choice
                && key.strip_prefix(element.name).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with(|first: char| first.is_ascii_uppercase())
                })
        });
        match choice {
            Some(element) => {
                let message = format!("is no type that {} allows", shown(element));
                self.report_unknown(key, rule::CHOICE, message);
            }
            None => {
                let message = format!("is not an element of {}", node.name);
                self.report_unknown(key, rule::UNKNOWN_ELEMENT, message);
            }
        }
    }

    /// An element with all of its repetitions; `sibling` is the member with `_` in front.
    fn member(
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

    fn reference(&mut self, object: &Object) {
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

    pub fn wrong_shape(&mut self, value: &Value, expected: &str) {
        let message = format!("is {}, but {expected} belongs here", kind(value));
        self.report(rule::SHAPE, message);
    }
}

/// `value[x]` for a choice element.
pub(super) fn shown(element: &Element) -> String {
    let suffix = if element.choice { "[x]" } else { "" };
    format!("{}{suffix}", element.name)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
