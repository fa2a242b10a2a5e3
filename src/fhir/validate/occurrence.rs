//! One occurrence of an element with its type, and the way from it to its children.
//! Not FHIRPath: names of elements only.

use serde_json::Value;

use crate::fhir::definitions::{Element, Kind, Member, Node, Primitive, Table, Target};

/// An element as it stands in a resource.
#[derive(Clone, Copy)]
pub(super) struct Occurrence<'v> {
    pub value: Option<&'v Value>,
    /// The object beside a primitive.
    pub sibling: Option<&'v Value>,
    pub target: Target,
    /// Type name or backbone path.
    pub code: &'static str,
    /// Its type was chosen by the data: one of a choice element, or a resource.
    pub chosen: bool,
}

/// The occurrences of one child element.
pub(super) struct Children<'v> {
    pub element: &'static Element,
    pub items: Vec<Occurrence<'v>>,
}

impl<'v> Occurrence<'v> {
    /// A resource; `None` if it is none of R4.
    pub fn resource(table: &'static Table, value: &'v Value) -> Option<Self> {
        let name = value.get("resourceType")?.as_str()?;
        let id = table.id_of(name)?;
        let node = table.node(id);
        (node.kind == Kind::Resource).then_some(Occurrence {
            value: Some(value),
            sibling: None,
            target: Target::Node(id),
            code: node.name,
            chosen: true,
        })
    }

    /// An element or resource of a type by its name; `None` if R4 has no such type.
    pub fn named(
        table: &'static Table,
        type_name: &str,
        value: Option<&'v Value>,
        sibling: Option<&'v Value>,
    ) -> Option<Self> {
        let id = table.id_of(type_name)?;
        let target = match Primitive::of(type_name) {
            Some(primitive) => Target::Primitive(primitive),
            None => Target::Node(id),
        };
        Some(Occurrence {
            value,
            sibling,
            target,
            code: table.node(id).name,
            chosen: false,
        })
    }

    /// An element of a known member.
    pub fn of(
        table: &'static Table,
        member: &Member,
        element: &Element,
        value: Option<&'v Value>,
        sibling: Option<&'v Value>,
    ) -> Option<Self> {
        let code = match member.target {
            Target::Primitive(primitive) => primitive.name(),
            Target::Node(id) => table.node(id).name,
            Target::Resource => return Occurrence::resource(table, value?),
        };
        Some(Occurrence {
            value,
            sibling,
            target: member.target,
            code,
            chosen: element.choice,
        })
    }

    /// The object that holds the children, and its node.
    fn place(&self, table: &'static Table) -> Option<(&'static Node, Option<&'v Value>)> {
        match self.target {
            Target::Node(id) => Some((table.node(id), self.value)),
            Target::Primitive(_) => Some((table.node(table.element), self.sibling)),
            Target::Resource => None,
        }
    }

    /// The occurrences of a child element by its name (`value` for a choice) or its JSON name (`valueQuantity`);
    /// `None` if the type has no such element.
    pub fn children(&self, table: &'static Table, name: &str) -> Option<Children<'v>> {
        let (node, value) = self.place(table)?;
        let position = node
            .elements
            .iter()
            .position(|element| element.name == name);
        let member = match position {
            Some(_) => None,
            None => Some(node.member(name)?),
        };
        let position = position.or(member.map(|member| usize::from(member.element)))?;
        let element = &node.elements[position];
        let mut items = Vec::new();
        let object = value.and_then(Value::as_object);
        let members = match member {
            Some(member) => std::slice::from_ref(member),
            None if element.choice => node.members.as_slice(),
            None => node
                .member(element.name)
                .map_or(&[][..], std::slice::from_ref),
        };
        for member in members {
            if usize::from(member.element) != position {
                continue;
            }
            let Some(object) = object else {
                continue;
            };
            let value = object.get(member.key.as_ref());
            let is_primitive = matches!(member.target, Target::Primitive(_));
            let sibling = if is_primitive {
                object.get(&format!("_{}", member.key))
            } else {
                None
            };
            if value.is_some() || sibling.is_some() {
                collect(table, member, element, value, sibling, &mut items);
            }
        }
        Some(Children { element, items })
    }
}

fn collect<'v>(
    table: &'static Table,
    member: &Member,
    element: &Element,
    value: Option<&'v Value>,
    sibling: Option<&'v Value>,
    items: &mut Vec<Occurrence<'v>>,
) {
    if !element.repeats {
        items.extend(Occurrence::of(table, member, element, value, sibling));
        return;
    }
    let list = |part: Option<&'v Value>| -> &'v [Value] {
        part.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    };
    let (values, siblings) = (list(value), list(sibling));
    for index in 0..values.len().max(siblings.len()) {
        let [value, sibling] =
            [values, siblings].map(|list| list.get(index).filter(|item| !item.is_null()));
        items.extend(Occurrence::of(table, member, element, value, sibling));
    }
}
