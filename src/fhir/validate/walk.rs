//! The walk: a resource against the compiled tables, each member once.
//! Not the elements of an object (`element`), and not what issues say of their place (`report`).

use serde_json::{Map, Value};

use super::location::Location;
use super::occurrence::Occurrence;
use super::report::shown;
use super::scope::{Frame, Full, Scope};
use super::{Issue, Outcome, Validator, rule};
use crate::fhir::definitions::{Kind, Node, NodeId, Table, Target, table};

/// Objects nested deeper than this are not followed; a JSON text that deep is not parsed in the first place.
const MAX_DEPTH: usize = 128;

pub(super) type Object = Map<String, Value>;

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

    /// A resource at the root, in an entry or parameter, or contained in another one.
    pub(super) fn resource(&mut self, value: &'v Value, contained: bool) {
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
        match occurrence.code {
            "Bundle" => self.bundle(object),
            "StructureDefinition" => self.definition(object),
            _ => {}
        }
        if occurrence.code == "Questionnaire" {
            self.questionnaire(value);
        }
        if occurrence.code == "QuestionnaireResponse" {
            self.questionnaire_response(value);
        }
        self.container(object, contained);
        self.profiles(&occurrence, object, is_root, contained);
    }

    /// An element or resource whose node is known.
    pub(super) fn object(
        &mut self,
        id: NodeId,
        value: &'v Value,
        object: &'v Object,
        is_resource: bool,
    ) {
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
        } else if id == self.table.coding {
            self.code_system(object);
        }
        if node.name == "Attachment" {
            self.attachment(object);
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
    pub(super) fn not_empty(&mut self, object: &Object, has_value: bool) {
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
}
