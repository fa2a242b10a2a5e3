//! From JSON to XML: elements in the order of the definition, attributes escaped, the same bytes for the same
//! resource. Refuses what XML cannot hold, and never leaves anything out.

use serde_json::{Map, Value};

use super::tree::is_xml;
use super::{FHIR, MAX_DEPTH, WriteError, narrative};
use crate::fhir::definitions::{Element, Kind, Node, Primitive, Table, Target, table};
use crate::fhir::resource::resource_type;

/// White space of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// None between elements.
    Compact,
    /// A line for each element, indented by two spaces.
    Pretty,
}

/// Writes a resource as an XML document in UTF-8 with its declaration.
///
/// # Errors
/// A type or member that R4 has not, a value of another JSON kind than its type has, a character that XML has not, a
/// narrative that is not well-formed XHTML, nesting beyond [`MAX_DEPTH`].
pub fn write(resource: &Value, layout: Layout) -> Result<String, WriteError> {
    let mut writer = Writer {
        table: table(),
        layout,
        out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(),
        path: Vec::new(),
        depth: 0,
    };
    writer.resource(resource)?;
    if layout == Layout::Pretty {
        writer.out.push('\n');
    }
    Ok(writer.out)
}

struct Writer {
    table: &'static Table,
    layout: Layout,
    out: String,
    path: Vec<String>,
    depth: usize,
}

impl Writer {
    fn refuse<T>(&self, message: &'static str) -> Result<T, WriteError> {
        Err(WriteError {
            path: self.path.join("."),
            message,
        })
    }

    fn resource(&mut self, resource: &Value) -> Result<(), WriteError> {
        let Some(name) = resource_type(resource) else {
            return self.refuse("a resource without a type");
        };
        let node = self
            .table
            .node_of(name)
            .filter(|node| node.kind == Kind::Resource);
        let (Some(node), Some(members)) = (node, resource.as_object()) else {
            return self.refuse("a resource type that R4 has not");
        };
        self.begin();
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(&format!(" xmlns=\"{FHIR}\""));
        self.path.push(name.to_owned());
        self.content(name, node, members, true)?;
        self.path.pop();
        Ok(())
    }

    /// A new line at the depth reached.
    fn begin(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push('\n');
            self.out.push_str(&"  ".repeat(self.depth));
        }
    }

    /// The rest of a start tag, the children, the end tag.
    fn content(
        &mut self,
        tag: &str,
        node: &'static Node,
        members: &Map<String, Value>,
        is_resource: bool,
    ) -> Result<(), WriteError> {
        if self.depth == MAX_DEPTH {
            return self.refuse("nested too deep");
        }
        self.check_names(node, members, is_resource)?;
        for element in node.elements.iter().filter(|element| element.attribute) {
            if let Some(value) = members.get(element.name) {
                self.path.push(element.name.to_owned());
                let Some(text) = value.as_str() else {
                    return self.refuse("an attribute that is not a string");
                };
                self.attribute(element.name, text)?;
                self.path.pop();
            }
        }
        self.children(tag, node, members)
    }

    fn children(
        &mut self,
        tag: &str,
        node: &'static Node,
        members: &Map<String, Value>,
    ) -> Result<(), WriteError> {
        self.out.push('>');
        let start = self.out.len();
        self.depth += 1;
        let has_siblings = members.keys().any(|key| key.starts_with('_'));
        for (index, element) in node.elements.iter().enumerate() {
            if element.attribute {
                continue;
            }
            for member in node
                .members
                .iter()
                .filter(|member| usize::from(member.element) == index)
            {
                let value = members.get(member.key.as_ref());
                let beside = has_siblings
                    .then(|| members.get(&format!("_{}", member.key)))
                    .flatten();
                self.member(&member.key, element, member.target, value, beside)?;
            }
        }
        self.depth -= 1;
        if self.out.len() == start {
            self.out.pop();
            self.out.push_str("/>");
            return Ok(());
        }
        self.begin();
        self.out.push_str(&format!("</{tag}>"));
        Ok(())
    }

    /// Nothing is left out: every member has its place in the definition.
    fn check_names(
        &mut self,
        node: &Node,
        members: &Map<String, Value>,
        is_resource: bool,
    ) -> Result<(), WriteError> {
        let is_known = |name: &str| {
            let plain = name.strip_prefix('_').unwrap_or(name);
            (is_resource && name == "resourceType") || node.member(plain).is_some()
        };
        match members.keys().all(|name| is_known(name)) {
            true => Ok(()),
            false => self.refuse("a member that R4 has not"),
        }
    }

    fn member(
        &mut self,
        key: &str,
        element: &Element,
        target: Target,
        value: Option<&Value>,
        beside: Option<&Value>,
    ) -> Result<(), WriteError> {
        if value.is_none() && beside.is_none() {
            return Ok(());
        }
        let items = |list: Option<&Value>| -> Option<Vec<Value>> {
            match list {
                None => Some(Vec::new()),
                Some(Value::Array(items)) => Some(items.clone()),
                Some(_) => None,
            }
        };
        if !element.repeats {
            self.path.push(key.to_owned());
            self.item(key, target, value, beside)?;
            self.path.pop();
            return Ok(());
        }
        self.path.push(key.to_owned());
        let (Some(values), Some(siblings)) = (items(value), items(beside)) else {
            return self.refuse("a single value where R4 has a list");
        };
        self.path.pop();
        for index in 0..values.len().max(siblings.len()) {
            self.path.push(format!("{key}[{index}]"));
            self.item(key, target, values.get(index), siblings.get(index))?;
            self.path.pop();
        }
        Ok(())
    }

    /// One element.
    fn item(
        &mut self,
        key: &str,
        target: Target,
        value: Option<&Value>,
        beside: Option<&Value>,
    ) -> Result<(), WriteError> {
        let value = value.filter(|value| !value.is_null());
        let beside = beside.filter(|beside| !beside.is_null());
        if let (Target::Primitive(Primitive::Xhtml), Some(Value::String(div))) = (target, value) {
            return self.narrative(div);
        }
        self.begin();
        self.out.push('<');
        self.out.push_str(key);
        match (target, value) {
            (Target::Primitive(_), value) => self.primitive(key, value, beside),
            (Target::Node(id), Some(Value::Object(members))) => {
                self.content(key, self.table.node(id), members, false)
            }
            (Target::Resource, Some(resource)) => {
                self.out.push('>');
                self.depth += 1;
                self.resource(resource)?;
                self.depth -= 1;
                self.begin();
                self.out.push_str(&format!("</{key}>"));
                Ok(())
            }
            _ => self.refuse("not an object where R4 has one"),
        }
    }

    fn primitive(
        &mut self,
        key: &str,
        value: Option<&Value>,
        beside: Option<&Value>,
    ) -> Result<(), WriteError> {
        let empty = Map::new();
        let members = match beside {
            None => &empty,
            Some(Value::Object(members)) => members,
            Some(_) => return self.refuse("not an object beside a primitive"),
        };
        // The id stands before the value, as R4 writes it.
        if let Some(id) = members.get("id") {
            let Some(id) = id.as_str() else {
                return self.refuse("an id that is not a string");
            };
            self.attribute("id", id)?;
        }
        match value {
            None => {}
            Some(Value::String(text)) => self.attribute("value", text)?,
            Some(Value::Number(number)) => self.attribute("value", number.as_str())?,
            Some(Value::Bool(truth)) => self.attribute("value", &truth.to_string())?,
            Some(_) => return self.refuse("not a primitive where R4 has one"),
        }
        let node = self.table.node(self.table.element);
        self.check_names(node, members, false)?;
        self.children(key, node, members)
    }

    fn narrative(&mut self, div: &str) -> Result<(), WriteError> {
        if !narrative::fits(div) {
            return self.refuse("a narrative that is not well-formed XHTML");
        }
        self.begin();
        self.out.push_str(div);
        Ok(())
    }

    /// ` name="text"`; line breaks and tabs as references, or a reader would make spaces of them.
    fn attribute(&mut self, name: &str, text: &str) -> Result<(), WriteError> {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\n' => self.out.push_str("&#xA;"),
                '\r' => self.out.push_str("&#xD;"),
                '\t' => self.out.push_str("&#x9;"),
                other if is_xml(other) => self.out.push(other),
                _ => return self.refuse("a character that XML has not"),
            }
        }
        self.out.push('"');
        Ok(())
    }
}
