//! From an element to its children: names, choice elements, primitives with their `_name` siblings, lists.

use serde_json::Value;

use super::PathError;
use super::ast::TypeName;
use super::evaluate::Evaluator;
use super::types::{TypeId, choice_type};
use super::value::{Collection, Node, Outcome, Text, Val};
use crate::fhir::definitions;

/// Elements whose value is a resource of any type.
const RESOURCE_ELEMENTS: &[&str] = &["contained", "outcome", "resource"];

/// Objects of at most so many members are searched from end to end, which is quicker than to hash a name.
const FEW_MEMBERS: usize = 16;

type Object = serde_json::Map<String, Value>;

/// A member of an object.
type Member<'a> = (&'a str, &'a Value);

/// The type of the children that were found last: those of the same key below parents of the same type share it.
struct Shared<'a> {
    parent: TypeId,
    key: &'a str,
    child: TypeId,
}

impl Shared<'_> {
    fn of(shared: &Option<Self>, parent: TypeId, key: &str) -> Option<TypeId> {
        let shared = shared.as_ref()?;
        (shared.parent == parent && shared.key == key).then_some(shared.child)
    }
}

impl<'a> Evaluator<'a> {
    /// The children of a name, in order; the name is given with the underscore of its sibling: `_family`.
    pub fn members(
        &mut self,
        collection: &[Val<'a>],
        underscored: &str,
        position: usize,
    ) -> Outcome<'a> {
        let name = &underscored[1..];
        let mut members = self.fresh();
        let mut shared = None;
        for val in collection {
            match val {
                Val::Node(node) => self.node_members(node, underscored, &mut shared, &mut members),
                Val::Type(info) if name == "namespace" => members.push(Val::text(info.namespace)),
                Val::Type(info) if name == "name" => members.push(Val::String(info.name.clone())),
                Val::Quantity(quantity) if name == "value" => {
                    members.push(Val::Decimal(quantity.value))
                }
                Val::Quantity(quantity) if name == "unit" || name == "code" => {
                    members.push(Val::String(quantity.unit.clone()));
                }
                _ => {}
            }
        }
        self.spend(members.len(), position)?;
        Ok(members)
    }

    fn node_members(
        &mut self,
        node: &Node<'a>,
        underscored: &str,
        shared: &mut Option<Shared<'a>>,
        members: &mut Collection<'a>,
    ) {
        let name = &underscored[1..];
        let Some(object) = node.object().filter(|_| name != "resourceType") else {
            return;
        };
        let (found, sibling) = named(object, name, underscored);
        let key: &'a str = match (found, sibling) {
            (Some((key, _)), _) => key,
            (None, Some((key, _))) => &key[1..],
            (None, None) => return self.choice_members(node, object, name, shared, members),
        };
        let parent = node.type_id;
        let child = Shared::of(shared, parent, key);
        let child = child.unwrap_or_else(|| self.types.child(parent, key));
        *shared = Some(Shared { parent, key, child });
        self.spread(
            key,
            found.map(|(_, value)| value),
            sibling.map(|(_, value)| value),
            child,
            members,
        );
    }

    /// `value` finds `valueQuantity`. The definitions are asked only if some key looks like it.
    fn choice_members(
        &mut self,
        node: &Node<'a>,
        object: &'a Object,
        name: &str,
        shared: &mut Option<Shared<'a>>,
        members: &mut Collection<'a>,
    ) {
        let mut alike = object.keys().filter_map(|key| {
            let key = key.strip_prefix('_').unwrap_or(key);
            let suffix = key.strip_prefix(name)?;
            let is_alike = suffix.starts_with(|first: char| first.is_ascii_uppercase());
            is_alike.then_some((key, suffix))
        });
        let Some(first) = alike.next() else {
            return;
        };
        let parent = node.type_id;
        let known = Shared::of(shared, parent, first.0).map(|child| (first.0, child));
        let found = known.or_else(|| {
            let types = definitions::child_types(self.types.of(node), name);
            let mut alike = std::iter::once(first).chain(alike);
            let (key, type_name) =
                alike.find_map(|(key, suffix)| Some((key, choice_type(types, suffix)?)))?;
            Some((key, self.types.named(type_name)))
        });
        if let Some((key, child)) = found {
            *shared = Some(Shared { parent, key, child });
            self.spread(key, object.get(key), sibling(object, key), child, members);
        }
    }

    /// One node per element of a list, each with its sibling.
    fn spread<T: From<Node<'a>>>(
        &mut self,
        name: &str,
        value: Option<&'a Value>,
        sibling: Option<&'a Value>,
        type_id: TypeId,
        members: &mut Vec<T>,
    ) {
        if !value.or(sibling).is_some_and(Value::is_array) {
            return self.push(name, value, sibling, type_id, members);
        }
        let list = |value: Option<&'a Value>| {
            value
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice)
        };
        let (values, siblings) = (list(value), list(sibling));
        for index in 0..values.len().max(siblings.len()) {
            self.push(
                name,
                values.get(index),
                siblings.get(index),
                type_id,
                members,
            );
        }
    }

    fn push<T: From<Node<'a>>>(
        &mut self,
        name: &str,
        value: Option<&'a Value>,
        sibling: Option<&'a Value>,
        type_id: TypeId,
        members: &mut Vec<T>,
    ) {
        let value = value.filter(|value| !value.is_null());
        let sibling = sibling.filter(|sibling| sibling.is_object());
        if value.is_none() && sibling.is_none() {
            return;
        }
        let type_id = match value {
            Some(value @ Value::Object(_))
                if RESOURCE_ELEMENTS.contains(&name) && value.get("resourceType").is_some() =>
            {
                self.types.of_value(value)
            }
            _ => type_id,
        };
        members.push(T::from(Node {
            value,
            sibling,
            type_id,
        }));
    }

    /// Adds all children in the order of the JSON, as nodes or as items.
    pub fn children<T: From<Node<'a>>>(
        &mut self,
        node: &Node<'a>,
        position: usize,
        children: &mut Vec<T>,
    ) -> Result<(), PathError> {
        let Some(object) = node.object() else {
            return Ok(());
        };
        let before = children.len();
        let has_siblings = object.keys().any(|key| key.starts_with('_'));
        for (key, value) in object {
            let (name, value, sibling) = match key.strip_prefix('_') {
                // Visited together with the value.
                Some(name) if object.contains_key(name) => continue,
                Some(name) => (name, None, Some(value)),
                None if has_siblings => (key.as_str(), Some(value), sibling(object, key)),
                None => (key.as_str(), Some(value), None),
            };
            if name == "resourceType" {
                continue;
            }
            let type_id = self.types.child(node.type_id, name);
            self.spread(name, value, sibling, type_id, children);
        }
        self.spend(1 + children.len() - before, position)
    }

    /// True if a path that starts with a type name may start at this item.
    pub fn is_root(&mut self, val: &Val<'a>, type_name: &TypeName) -> bool {
        let resource_type = match val {
            Val::Node(node) => node
                .value
                .and_then(|value| value.get("resourceType"))
                .and_then(Value::as_str),
            _ => None,
        };
        resource_type == Some(&*type_name.name) || self.types.is(val, type_name)
    }

    /// The resource that a reference means, or a node of which only the type is known; `None` if not even that.
    pub fn resolve(&mut self, val: &Val<'a>) -> Option<Val<'a>> {
        // A computed text is looked up, but its type is not taken from it: it may be anything.
        if let Val::String(Text::Shared(text)) = val {
            return self.find(text).map(|resource| self.node(resource));
        }
        let reference = match val {
            Val::Node(node) => match node.value? {
                Value::String(text) => Some(text.as_str()),
                object => object.get("reference").and_then(Value::as_str),
            },
            Val::String(Text::Borrowed(text)) => Some(*text),
            _ => None,
        };
        if let Some(resource) = reference.and_then(|reference| self.find(reference)) {
            return Some(self.node(resource));
        }
        let named = match val {
            Val::Node(node) => node.value?.get("type").and_then(Value::as_str),
            _ => None,
        };
        let type_id = match named.or_else(|| reference.and_then(reference_type)) {
            Some(name) => self.types.resource(name),
            None => return None,
        };
        Some(Val::Node(Node {
            value: None,
            sibling: None,
            type_id,
        }))
    }

    /// What the environment says, else what is found in `%resource` or around it.
    fn find(&self, reference: &str) -> Option<&'a Value> {
        let environment = self.world.environment();
        let inside = || find_in(self.resource, reference);
        let around = || find_in(self.root, reference);
        environment
            .resolve(reference)
            .or_else(inside)
            .or_else(around)
    }
}

/// A contained resource, the resource itself for `#`, or the entry of a Bundle with that `fullUrl`.
fn find_in<'a>(resource: &'a Value, reference: &str) -> Option<&'a Value> {
    if let Some(id) = reference.strip_prefix('#') {
        if id.is_empty() {
            return Some(resource);
        }
        let mut contained = resource.get("contained")?.as_array()?.iter();
        return contained.find(|contained| contained.get("id").and_then(Value::as_str) == Some(id));
    }
    let mut entries = resource.get("entry")?.as_array()?.iter();
    let entry =
        entries.find(|entry| entry.get("fullUrl").and_then(Value::as_str) == Some(reference));
    entry?.get("resource")
}

/// The resource type in `Patient/1`, `http://host/Patient/1` or `Patient/1/_history/2`.
fn reference_type(reference: &str) -> Option<&str> {
    let path = reference.split(['?', '#', '|']).next()?;
    let mut segments = path.rsplit('/');
    let mut id = segments.next()?;
    let mut name = segments.next()?;
    if name == "_history" {
        id = segments.next()?;
        name = segments.next()?;
    }
    (!id.is_empty() && definitions::is_resource_type(name)).then_some(name)
}

/// The members `name` and `_name`; the second only where there may be one.
fn named<'a>(
    object: &'a Object,
    name: &str,
    underscored: &str,
) -> (Option<Member<'a>>, Option<Member<'a>>) {
    let (mut found, mut sibling) = (None, None);
    if object.len() > FEW_MEMBERS {
        let get = |key: &str| {
            let (key, value) = object.get_key_value(key)?;
            Some((key.as_str(), value))
        };
        (found, sibling) = (get(name), get(underscored));
    } else {
        for (key, value) in object {
            if key == name {
                found = Some((key.as_str(), value));
            } else if key == underscored {
                sibling = Some((key.as_str(), value));
            }
        }
    }
    if found.is_some_and(|(_, value)| !may_have_sibling(value)) {
        sibling = None;
    }
    (found, sibling)
}

/// What stands under `_name`.
fn sibling<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    let mut members = object.iter();
    members
        .find(|(key, _)| key.strip_prefix('_') == Some(name))
        .map(|(_, value)| value)
}

/// Only primitives have siblings.
fn may_have_sibling(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        Value::Array(items) => !items.first().is_some_and(Value::is_object),
        _ => true,
    }
}
