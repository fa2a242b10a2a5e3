//! The value of an operation: `value[x]`, or parts that name the elements of a type without a name of its own.

use serde_json::{Map, Value};

use super::super::outcome::Refusal;
use super::fhirpath::refuse;
use crate::fhir::definitions::{self, MemberUse};

/// Nesting of parts.
const MAX_DEPTH: usize = 32;

/// A value as the Parameters give it.
#[derive(Debug, Clone)]
pub enum Given {
    /// `valueHumanName`: type with a capital letter, value, what stands beside a primitive.
    Typed(String, Option<Value>, Option<Value>),
    /// `part: [{name, value[x]}, …]`
    Parts(Vec<(String, Given)>),
    /// `resource`
    Resource(Value),
}

/// The part of a parameter with a name.
pub fn part_named<'a>(parameter: &'a Value, name: &str) -> Option<&'a Value> {
    let parts = parameter.get("part")?.as_array()?;
    let is_named = |part: &&Value| part.get("name").and_then(Value::as_str) == Some(name);
    parts.iter().find(is_named)
}

impl Given {
    /// The value of a part, if it has one.
    pub fn of(part: &Value) -> Option<Given> {
        Given::nested(part, 0)
    }

    fn nested(part: &Value, depth: usize) -> Option<Given> {
        let members = part.as_object().filter(|_| depth < MAX_DEPTH)?;
        if let Some(resource) = members.get("resource") {
            return Some(Given::Resource(resource.clone()));
        }
        if let Some(parts) = members.get("part").and_then(Value::as_array) {
            let part = |part: &Value| {
                let name = part.get("name")?.as_str()?.to_owned();
                Some((name, Given::nested(part, depth + 1)?))
            };
            return parts
                .iter()
                .map(part)
                .collect::<Option<_>>()
                .map(Given::Parts);
        }
        let kind = members.keys().find_map(|key| {
            let key = key.strip_prefix('_').unwrap_or(key);
            key.strip_prefix("value").filter(|kind| !kind.is_empty())
        })?;
        let value = members.get(&format!("value{kind}")).cloned();
        let beside = members.get(&format!("_value{kind}")).cloned();
        Some(Given::Typed(kind.to_owned(), value, beside))
    }

    /// The JSON of the value as an element of a type, and what stands beside it.
    pub fn build(&self, type_name: &str) -> Result<(Option<Value>, Option<Value>), Refusal> {
        match self {
            Given::Typed(_, value, beside) => Ok((value.clone(), beside.clone())),
            Given::Resource(resource) => Ok((Some(resource.clone()), None)),
            Given::Parts(parts) => {
                let mut members = Map::new();
                for (name, given) in parts {
                    put(&mut members, type_name, name, given)?;
                }
                Ok((Some(Value::Object(members)), None))
            }
        }
    }
}

fn put(
    members: &mut Map<String, Value>,
    type_name: &str,
    name: &str,
    given: &Given,
) -> Result<(), Refusal> {
    let (key, member) = key_for(type_name, name, given)
        .ok_or_else(|| refuse("a part names an element that its type has not"))?;
    let (value, beside) = given.build(member.type_name)?;
    if !member.repeats {
        if members.contains_key(&key) {
            return Err(refuse("a part repeats an element that does not repeat"));
        }
        members.extend(value.map(|value| (key.clone(), value)));
        members.extend(beside.map(|beside| (format!("_{key}"), beside)));
        return Ok(());
    }
    if beside.is_some() {
        return Err(refuse(
            "extensions of repeating primitives are not built from parts",
        ));
    }
    let list = members
        .entry(key)
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(items) = list {
        items.extend(value);
    }
    Ok(())
}

/// The JSON member for an element of a type, a choice with the type of the value.
pub fn key_for(type_name: &str, name: &str, given: &Given) -> Option<(String, MemberUse)> {
    if let Some(member) = definitions::member(type_name, name) {
        return Some((name.to_owned(), member));
    }
    let Given::Typed(kind, ..) = given else {
        return None;
    };
    let key = format!("{name}{kind}");
    definitions::member(type_name, &key)
        .filter(|member| member.element == name)
        .map(|member| (key, member))
}
