//! FHIRPath Patch, <http://hl7.org/fhir/R4/fhirpatch.html>: a Parameters read into operations, and each operation
//! applied. Where an element is, is asked of FHIRPath in `place`; how lists change is in `edit`.

use serde_json::Value;

use super::super::defect::Fault;
use super::super::outcome::Refusal;
use super::super::server::Server;
use super::edit;
use super::place::{Place, Step, one, places};
use super::value::{Given, key_for, part_named};
use crate::fhir::definitions;
use crate::fhir::path::Expression;

/// Operations of one patch at most.
const MAX_OPERATIONS: usize = 1_000;

/// One operation with all that it needs.
#[derive(Debug, Clone)]
pub struct Operation {
    text: String,
    path: Expression,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// To the element at the path, under a name; lists grow at their end.
    Add { name: String, value: Given },
    /// Into the list at the path, before the item at the index.
    Insert { index: usize, value: Given },
    /// The element at the path; nothing if there is none.
    Delete,
    /// The element at the path.
    Replace { value: Given },
    /// Within the list at the path.
    Move { source: usize, destination: usize },
}

/// Parts that an operation may have.
const PARTS: [&str; 7] = [
    "type",
    "path",
    "name",
    "value",
    "index",
    "source",
    "destination",
];

/// Reads the operations of a Parameters; 400 for what is no FHIRPath Patch.
pub fn read(parameters: &Value) -> Result<Vec<Operation>, Refusal> {
    let all = parameters.get("parameter").and_then(Value::as_array);
    let all = all.map(Vec::as_slice).unwrap_or_default();
    if all.len() > MAX_OPERATIONS {
        let message = format!("more than {MAX_OPERATIONS} operations");
        return Err(Refusal::new(413, "too-costly", message));
    }
    all.iter().map(operation).collect()
}

fn operation(parameter: &Value) -> Result<Operation, Refusal> {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    if name(parameter).as_deref() != Some("operation") {
        return Err(Refusal::invalid(
            "every parameter of a FHIRPath Patch is named operation",
        ));
    }
    let parts = parameter.get("part").and_then(Value::as_array);
    let known = |part: &Value| name(part).is_some_and(|name| PARTS.contains(&name.as_str()));
    if !parts.into_iter().flatten().all(known) {
        return Err(Refusal::invalid("an operation has a part of another name"));
    }
    let written = text(parameter, "path")?;
    let path = Expression::parse(&written).map_err(|error| {
        Refusal::invalid(format!("the path of an operation is no FHIRPath: {error}"))
    })?;
    let kind = match text(parameter, "type")?.as_str() {
        "add" => Kind::Add {
            name: text(parameter, "name")?,
            value: given(parameter)?,
        },
        "insert" => Kind::Insert {
            index: number(parameter, "index")?,
            value: given(parameter)?,
        },
        "delete" => Kind::Delete,
        "replace" => Kind::Replace {
            value: given(parameter)?,
        },
        "move" => Kind::Move {
            source: number(parameter, "source")?,
            destination: number(parameter, "destination")?,
        },
        _ => return Err(Refusal::invalid("an operation of an unknown type")),
    };
    Ok(Operation {
        text: written,
        path,
        kind,
    })
}

fn text(parameter: &Value, name: &str) -> Result<String, Refusal> {
    let part = part_named(parameter, name);
    let value = part.and_then(|part| part.get("valueString").or_else(|| part.get("valueCode")));
    value
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Refusal::invalid(format!("an operation lacks its {name}")))
}

fn number(parameter: &Value, name: &str) -> Result<usize, Refusal> {
    part_named(parameter, name)
        .and_then(|part| part.get("valueInteger")?.as_u64())
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| Refusal::invalid(format!("an operation lacks its {name}, a number from 0")))
}

fn given(parameter: &Value) -> Result<Given, Refusal> {
    part_named(parameter, "value")
        .and_then(Given::of)
        .ok_or_else(|| Refusal::invalid("an operation lacks its value"))
}

pub(super) fn refuse(message: &str) -> Refusal {
    Refusal::new(422, "processing", message)
}

/// Applies one operation; 422 if it cannot be, and the resource is then as good as lost: the caller works on a copy.
pub fn apply(server: &Server, resource: &mut Value, operation: &Operation) -> Result<(), Refusal> {
    let found = places(resource, &operation.path, server.clock().now())?;
    match &operation.kind {
        Kind::Add { name, value } => add(server, resource, &one(found)?, name, value),
        Kind::Insert { index, value } => {
            let list = edit::list(resource, &found)?;
            let index = match server.has(Fault::PatchInsertAppends) {
                true => found.len(),
                false => *index,
            };
            let (value, beside) = value.build(&list.type_name(resource))?;
            if index > 0 && server.has(Fault::PatchInsertOverwrites) {
                edit::overwrite_first(resource, &list, value);
                return Ok(());
            }
            edit::insert(resource, &list, index, value, beside)
        }
        Kind::Delete if found.is_empty() => Ok(()),
        Kind::Delete => {
            edit::remove(resource, &one(found)?);
            Ok(())
        }
        Kind::Replace { value } => {
            let place = one(found)?;
            if crashes(server, resource, operation, &place) {
                return Err(Refusal::crashed());
            }
            replace(resource, &place, value)
        }
        Kind::Move {
            source,
            destination,
        } => {
            let list = edit::list(resource, &found)?;
            edit::reorder(resource, &list, *source, *destination)
        }
    }
}

/// Planted faults of a replace.
fn crashes(server: &Server, resource: &Value, operation: &Operation, place: &Place) -> bool {
    let is_later = place.0.iter().any(|step| matches!(step, Step::Index(1..)));
    let is_primitive = place
        .get(resource)
        .is_some_and(|value| !value.is_object() && !value.is_array());
    let is_found = operation.text.contains("where(") && is_primitive;
    server.has(Fault::PatchIndexCrashes) && is_later
        || server.has(Fault::PatchWhereCrashes) && is_found
}

fn add(
    server: &Server,
    resource: &mut Value,
    place: &Place,
    name: &str,
    value: &Given,
) -> Result<(), Refusal> {
    let parent = place.type_name(resource);
    let (key, member) = key_for(&parent, name, value)
        .ok_or_else(|| refuse("the element has no child of that name and type"))?;
    let (value, beside) = value.build(member.type_name)?;
    let target = place.child(&key);
    if member.repeats {
        if server.has(Fault::PatchAddReplaces) {
            edit::clear(resource, &target);
        }
        let length = target.get(resource).map_or(0, edit::length);
        return edit::insert(resource, &target, length, value, beside);
    }
    let is_there = |key: &str| {
        let taken = definitions::member(&parent, key);
        taken.is_some_and(|taken| taken.element == member.element)
    };
    let object = place
        .get(resource)
        .and_then(Value::as_object)
        .ok_or_else(|| refuse("only extensions stand in a primitive"))?;
    if object
        .keys()
        .any(|key| is_there(key.trim_start_matches('_')))
    {
        return Err(refuse("the element is there already and does not repeat"));
    }
    edit::set(resource, &target, value, beside)
}

/// A choice may change its type, and with it its name.
fn replace(resource: &mut Value, place: &Place, value: &Given) -> Result<(), Refusal> {
    let (parent, name) = place
        .parent_and_element(resource)
        .ok_or_else(|| refuse("a resource as a whole is not replaced by a patch"))?;
    let (key, member) = key_for(&parent, name, value)
        .ok_or_else(|| refuse("the element does not take a value of that type"))?;
    let (value, beside) = value.build(member.type_name)?;
    edit::rename(resource, place, &key);
    edit::set(resource, &place.renamed(&key), value, beside)
}
