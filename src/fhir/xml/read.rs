//! From a tree of elements to JSON, by the definitions: arrays, choice types, primitives with their extensions,
//! resources in resources. Tolerant: an element that R4 has not becomes a member as it stands.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::tree::{self, Child, Element, located};
use super::{MAX_BYTES, ReadError};
use crate::fhir::definitions::{Kind, Node, Primitive, Table, Target, table};

/// Reads one resource in XML (UTF-8) as its JSON form, `resourceType` first.
///
/// # Errors
/// Not well-formed XML, a DTD or an unknown entity, elements outside of the namespaces of FHIR and (in narratives)
/// XHTML, text between elements, a document beyond the limits of this module. Never quotes the document.
pub fn read(bytes: &[u8]) -> Result<Value, ReadError> {
    if bytes.len() > MAX_BYTES {
        return Err(located("", 0, "the document is larger than 64 MiB"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
            return Err(located(&valid, valid.len(), "not UTF-8"));
        }
    };
    // Ends of lines are one character in XML, <https://www.w3.org/TR/xml/#sec-line-ends>.
    let text = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    };
    let root = tree::parse(&text)?;
    let reader = Reader {
        text: &text,
        table: table(),
    };
    reader.resource(&root)
}

struct Reader<'a> {
    text: &'a str,
    table: &'static Table,
}

/// One repetition of a member.
enum Part {
    Whole(Value),
    /// A primitive: its value and what stands beside it.
    Primitive(Option<Value>, Option<Value>),
}

impl Reader<'_> {
    fn resource(&self, element: &Element) -> Result<Value, ReadError> {
        let node = self
            .table
            .node_of(&element.name)
            .filter(|node| node.kind == Kind::Resource);
        let mut members = Map::new();
        members.insert("resourceType".to_owned(), element.name.clone().into());
        self.fill(element, node, &mut members)?;
        Ok(Value::Object(members))
    }

    /// Attributes and children as members.
    fn fill(
        &self,
        element: &Element,
        node: Option<&Node>,
        members: &mut Map<String, Value>,
    ) -> Result<(), ReadError> {
        for (name, value) in &element.attributes {
            members.insert(name.clone(), value.as_str().into());
        }
        // Repetitions stand together; those that do not are gathered all the same, or data would be lost.
        let mut groups: IndexMap<&str, Vec<&Child>> = IndexMap::new();
        for child in &element.children {
            groups.entry(name_of(child)).or_default().push(child);
        }
        for (name, all) in groups {
            self.member(name, &all, node, members)?;
        }
        Ok(())
    }

    fn member(
        &self,
        name: &str,
        all: &[&Child],
        node: Option<&Node>,
        members: &mut Map<String, Value>,
    ) -> Result<(), ReadError> {
        let known = node.and_then(|node| Some((node, node.member(name)?)));
        let repeats =
            known.is_some_and(|(node, member)| node.elements[usize::from(member.element)].repeats);
        let target = known.map(|(_, member)| member.target);
        let parts: Vec<Part> = all
            .iter()
            .map(|child| self.part(child, target))
            .collect::<Result<_, _>>()?;
        put(members, name, parts, repeats);
        Ok(())
    }

    fn part(&self, child: &Child, target: Option<Target>) -> Result<Part, ReadError> {
        let element = match child {
            Child::Narrative(div) => return Ok(Part::Primitive(Some(div.as_str().into()), None)),
            Child::Element(element) => element,
        };
        Ok(match target {
            Some(Target::Primitive(primitive)) => self.primitive(element, Some(primitive))?,
            Some(Target::Node(id)) => {
                Part::Whole(self.complex(element, Some(self.table.node(id)))?)
            }
            Some(Target::Resource) => Part::Whole(self.inner_resource(element)?),
            None if element.attributes.iter().any(|(name, _)| name == "value") => {
                self.primitive(element, None)?
            }
            None => Part::Whole(self.complex(element, None)?),
        })
    }

    fn complex(&self, element: &Element, node: Option<&Node>) -> Result<Value, ReadError> {
        let mut members = Map::new();
        self.fill(element, node, &mut members)?;
        Ok(Value::Object(members))
    }

    /// `<resource><Patient>…</Patient></resource>`
    fn inner_resource(&self, element: &Element) -> Result<Value, ReadError> {
        match element.children.as_slice() {
            [Child::Element(only)] if element.attributes.is_empty() => self.resource(only),
            _ => Err(located(
                self.text,
                element.position,
                "one resource is expected in this element",
            )),
        }
    }

    /// The attribute `value`, and the id and extensions beside it.
    fn primitive(
        &self,
        element: &Element,
        primitive: Option<Primitive>,
    ) -> Result<Part, ReadError> {
        let value = element
            .attributes
            .iter()
            .find(|(name, _)| name == "value")
            .map(|(_, text)| value(primitive, text));
        let mut beside = Map::new();
        self.fill(
            element,
            Some(self.table.node(self.table.element)),
            &mut beside,
        )?;
        beside.shift_remove("value");
        let beside = (!beside.is_empty()).then_some(Value::Object(beside));
        Ok(Part::Primitive(value, beside))
    }
}

fn name_of(child: &Child) -> &str {
    match child {
        Child::Element(element) => &element.name,
        Child::Narrative(_) => "div",
    }
}

/// The JSON value of a primitive: numbers and booleans where the text is one, else a string, so that a wrong text
/// stays visible.
fn value(primitive: Option<Primitive>, text: &str) -> Value {
    use Primitive::{Boolean, Decimal, Integer, PositiveInt, UnsignedInt};
    match primitive {
        Some(Boolean) if text == "true" => Value::Bool(true),
        Some(Boolean) if text == "false" => Value::Bool(false),
        Some(Decimal | Integer | PositiveInt | UnsignedInt) => {
            match serde_json::from_str::<serde_json::Number>(text) {
                // Blanks around the number are no part of it.
                Ok(number) if text.len() == text.trim().len() => Value::Number(number),
                _ => text.into(),
            }
        }
        _ => text.into(),
    }
}

/// Puts the repetitions of an element under its name; primitives with something beside them also under `_name`.
fn put(members: &mut Map<String, Value>, name: &str, parts: Vec<Part>, repeats: bool) {
    let is_list = repeats || parts.len() > 1;
    let mut values = Vec::with_capacity(parts.len());
    let mut beside = Vec::with_capacity(parts.len());
    for part in parts {
        let (value, sibling) = match part {
            Part::Whole(value) => (Some(value), None),
            Part::Primitive(value, sibling) => (value, sibling),
        };
        values.push(value);
        beside.push(sibling);
    }
    let has_sibling = beside.iter().any(Option::is_some);
    // An element with neither value nor anything beside it is null: the validator will say so.
    let has_value = !has_sibling || values.iter().any(Option::is_some);
    let mut insert = |key: String, list: Vec<Option<Value>>| {
        let mut list: Vec<Value> = list
            .into_iter()
            .map(|item| item.unwrap_or(Value::Null))
            .collect();
        let value = match (is_list, list.pop()) {
            (false, Some(only)) => only,
            (_, last) => {
                list.extend(last);
                Value::Array(list)
            }
        };
        members.insert(key, value);
    };
    if has_value {
        insert(name.to_owned(), values);
    }
    if has_sibling {
        insert(format!("_{name}"), beside);
    }
}
