//! Types of nodes, found only when an expression asks: a node knows its parent's entry and its name, and the
//! definitions are consulted when a type test, a choice element or a date is met.

use serde_json::Value;

use super::ast::{Namespace, TypeName};
use super::temporal::Kind;
use super::value::{Node, Val};
use crate::fhir::definitions;

/// An entry of [`Types`].
pub(super) type TypeId = u32;

/// The entry of nodes of which nothing is known.
pub(super) const UNKNOWN: TypeId = 0;

/// Entries that the table of types has room for at first: most expressions need fewer.
const FIRST_ENTRIES: usize = 16;

/// Types of FHIRPath itself, <http://hl7.org/fhirpath/#literals>.
const SYSTEM: &[&str] = &[
    "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any",
];

#[derive(Debug, Clone, Copy)]
enum Typing<'a> {
    Named(&'static str),
    /// A resource by its own word.
    Resource(&'a str),
    /// A type or backbone path by the caller's word.
    Word(&'a str),
    Child {
        parent: TypeId,
        element: &'a str,
    },
}

/// The types that were met in one evaluation; siblings share an entry.
#[derive(Debug)]
pub(super) struct Types<'a> {
    entries: Vec<Typing<'a>>,
}

impl<'a> Types<'a> {
    pub fn new() -> Self {
        let mut entries = Vec::with_capacity(FIRST_ENTRIES);
        entries.push(Typing::Named(""));
        Types { entries }
    }

    fn push(&mut self, typing: Typing<'a>) -> TypeId {
        // The step limit is far below 2^32, and every entry costs a step.
        let id = TypeId::try_from(self.entries.len()).unwrap_or(UNKNOWN);
        self.entries.push(typing);
        id
    }

    /// A type by name; empty is unknown.
    pub fn named(&mut self, name: &'static str) -> TypeId {
        if name.is_empty() {
            return UNKNOWN;
        }
        self.push(Typing::Named(name))
    }

    /// The type of a resource from its `resourceType`.
    pub fn resource(&mut self, name: &'a str) -> TypeId {
        self.push(Typing::Resource(name))
    }

    /// A type or backbone path by a word that may be none.
    pub fn word(&mut self, name: &'a str) -> TypeId {
        self.push(Typing::Word(name))
    }

    /// The type of a child element.
    pub fn child(&mut self, parent: TypeId, element: &'a str) -> TypeId {
        self.push(Typing::Child { parent, element })
    }

    /// The entry of a value that may be a resource.
    pub fn of_value(&mut self, value: &'a Value) -> TypeId {
        match value.get("resourceType").and_then(Value::as_str) {
            Some(name) => self.resource(name),
            None => UNKNOWN,
        }
    }

    /// The name of a type: a FHIR type, a backbone path, or empty.
    pub fn name(&mut self, id: TypeId) -> &'static str {
        // Up to the first entry with a known name, then down again; parents come before children.
        let mut open = Vec::new();
        let mut at = id;
        let mut name = loop {
            match self.entries[at as usize] {
                Typing::Named(name) => break name,
                Typing::Resource(word) => {
                    let name = resource_name(word);
                    self.entries[at as usize] = Typing::Named(name);
                    break name;
                }
                Typing::Word(word) => {
                    let name = definitions::table()
                        .node_of(word)
                        .map_or("", |node| node.name);
                    self.entries[at as usize] = Typing::Named(name);
                    break name;
                }
                Typing::Child { parent, element } => {
                    open.push((at, element));
                    at = parent;
                }
            }
        };
        for (id, element) in open.into_iter().rev() {
            name = child_name(name, element);
            self.entries[id as usize] = Typing::Named(name);
        }
        name
    }

    /// The name of a node's type.
    pub fn of(&mut self, node: &Node<'a>) -> &'static str {
        self.name(node.type_id)
    }

    /// `is`: the type or one that it derives from; a FHIR type is never a System type.
    pub fn is(&mut self, val: &Val<'a>, type_name: &TypeName) -> bool {
        match (val, type_name.namespace) {
            (Val::Node(_), Some(Namespace::System)) => false,
            (Val::Node(node), _) => {
                let name = self.of(node);
                !name.is_empty()
                    && (name == &*type_name.name || definitions::is_subtype(name, &type_name.name))
            }
            (_, Some(Namespace::Fhir)) => false,
            (val, _) => system_name(val)
                .is_some_and(|name| name == &*type_name.name || &*type_name.name == "Any"),
        }
    }

    /// `as` and `ofType`: like `is`, but a code is not taken for a string, nor any primitive for its base.
    pub fn is_as(&mut self, val: &Val<'a>, type_name: &TypeName) -> bool {
        match val {
            Val::Node(node)
                if type_name
                    .name
                    .starts_with(|first: char| first.is_ascii_lowercase()) =>
            {
                type_name.namespace != Some(Namespace::System) && self.of(node) == &*type_name.name
            }
            _ => self.is(val, type_name),
        }
    }

    /// The temporal type of a string node; for a node of unknown type what the text looks like.
    pub fn temporal_kind(&mut self, node: &Node<'a>, text: &str) -> Option<Kind> {
        match self.of(node) {
            "date" => Some(Kind::Date),
            "dateTime" | "instant" => Some(Kind::DateTime),
            "time" => Some(Kind::Time),
            "" if text.contains('T') => Some(Kind::DateTime),
            "" if text.contains(':') => Some(Kind::Time),
            "" => Some(Kind::Date),
            _ => None,
        }
    }
}

/// The System type of a computed value.
pub(super) fn system_name(val: &Val<'_>) -> Option<&'static str> {
    Some(match val {
        Val::Node(_) | Val::Type(_) => return None,
        Val::Boolean(_) => "Boolean",
        Val::Integer(_) => "Integer",
        Val::Decimal(_) => "Decimal",
        Val::String(_) => "String",
        Val::Temporal(temporal) => match temporal.kind {
            Kind::Date => "Date",
            Kind::DateTime => "DateTime",
            Kind::Time => "Time",
        },
        Val::Quantity(_) => "Quantity",
    })
}

/// True if R4 or FHIRPath has such a type.
pub(super) fn is_known(type_name: &TypeName) -> bool {
    let name = &*type_name.name;
    let is_system = SYSTEM.contains(&name);
    let is_fhir = || {
        definitions::is_resource_type(name)
            || definitions::is_subtype(name, "Element")
            || definitions::is_subtype(name, "Resource")
    };
    // `System.Patient` is allowed: nothing is of that type.
    match type_name.namespace {
        Some(Namespace::Fhir) => is_fhir(),
        _ => is_system || is_fhir(),
    }
}

/// The part of a choice element's key behind the element's name, as a type: `Quantity` of `valueQuantity`.
pub(super) fn choice_type(types: &[&'static str], suffix: &str) -> Option<&'static str> {
    types.iter().copied().find(|name| {
        let mut letters = name.chars();
        let mut found = suffix.chars();
        letters.next().map(|first| first.to_ascii_uppercase()) == found.next()
            && letters.as_str() == found.as_str()
    })
}

fn resource_name(word: &str) -> &'static str {
    let types = definitions::resource_types();
    match types.binary_search(&word) {
        Ok(index) => types[index],
        Err(_) => "",
    }
}

/// The type of a child by its key in the JSON, which for a choice element names the type.
fn child_name(parent: &'static str, key: &str) -> &'static str {
    if parent.is_empty() {
        return "";
    }
    if let [only] = definitions::child_types(parent, key) {
        return only;
    }
    let capitals = key
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_uppercase());
    for (at, _) in capitals {
        let types = definitions::child_types(parent, &key[..at]);
        if let Some(name) = choice_type(types, &key[at..]) {
            return name;
        }
    }
    ""
}
