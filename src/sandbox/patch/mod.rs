//! Patches of a resource: JSON Patch (RFC 6902) and FHIRPath Patch (<http://hl7.org/fhir/R4/fhirpatch.html>), then the
//! same rules as an update. XML Patch is not offered.

mod edit;
mod fhirpath;
mod place;
mod value;

#[cfg(test)]
mod official;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::defect::Fault;
use super::outcome::Refusal;
use super::server::Server;
use crate::fhir::Key;
use crate::fhir::resource::resource_type;
use crate::fhir::validate::validate;

pub use fhirpath::Operation;

/// Media type of RFC 6902.
pub const JSON_PATCH: &str = "application/json-patch+json";

/// A patch that was read.
#[derive(Debug, Clone)]
pub enum Patch {
    /// RFC 6902.
    Json(json_patch::Patch),
    /// FHIRPath Patch, operations in order.
    FhirPath(Vec<Operation>),
}

impl Patch {
    /// Reads a JSON Patch.
    pub fn of_json(document: Value) -> Result<Patch, Refusal> {
        serde_json::from_value(document)
            .map(Patch::Json)
            .map_err(|_| Refusal::invalid("the body is not a JSON Patch (RFC 6902)"))
    }

    /// Reads a FHIRPath Patch: a Parameters resource.
    pub fn of_parameters(parameters: &Value) -> Result<Patch, Refusal> {
        if resource_type(parameters) != Some("Parameters") {
            return Err(Refusal::invalid("a FHIRPath Patch is a Parameters"));
        }
        let violations = validate(parameters);
        if !violations.is_empty() {
            return Err(Refusal::unprocessable(&violations));
        }
        fhirpath::read(parameters).map(Patch::FhirPath)
    }
}

/// Applies a patch to a copy; 422 if an operation fails, if it moves the identity or if the result is not valid.
pub fn apply(
    server: &Server,
    resource: &Value,
    patch: &Patch,
    key: &Key,
) -> Result<Value, Refusal> {
    let mut copy = resource.clone();
    match patch {
        Patch::Json(patch) => by_json(server, &mut copy, patch)?,
        Patch::FhirPath(operations) => {
            for operation in operations {
                fhirpath::apply(server, &mut copy, operation)?;
            }
        }
    }
    if Key::of(&copy).as_ref() != Some(key) {
        return Err(Refusal::new(
            422,
            "business-rule",
            "a patch must not change type or id",
        ));
    }
    drop_stale_narrative(resource, &mut copy);
    let violations = validate(&copy);
    if violations.is_empty() {
        return Ok(copy);
    }
    Err(Refusal::unprocessable(&violations))
}

/// A narrative that was made of the data must not outlive them: R4 names its deletion as one of the ways. One that
/// people wrote, or that the patch itself wrote, stays.
fn drop_stale_narrative(before: &Value, after: &mut Value) {
    let status = before.pointer("/text/status").and_then(Value::as_str);
    let is_stale = before != after
        && before.get("text") == after.get("text")
        && matches!(status, Some("generated" | "extensions"));
    if let Some(members) = after.as_object_mut().filter(|_| is_stale) {
        members.shift_remove("text");
    }
}

fn by_json(
    server: &Server,
    resource: &mut Value,
    patch: &json_patch::Patch,
) -> Result<(), Refusal> {
    use json_patch::PatchOperation::{Copy, Move};
    let mut patch = patch.clone();
    let moves = |operation: &_| matches!(operation, Move(_) | Copy(_));
    if server.has(Fault::PatchMoveCrashes) && patch.0.iter().any(moves) {
        return Err(Refusal::crashed());
    }
    if server.has(Fault::PatchTestIgnored) {
        let is_test = |operation: &_| matches!(operation, json_patch::PatchOperation::Test(_));
        patch.0.retain(|operation| !is_test(operation));
    }
    json_patch::patch(resource, &patch.0).map_err(|error| {
        if server.has(Fault::FailedPatchCrashes) {
            return Refusal::crashed();
        }
        let message = format!(
            "operation {} of the patch cannot be applied",
            error.operation
        );
        Refusal::new(422, "processing", message)
    })
}

/// What the operations before the one that failed made of a resource: only a planted fault asks.
pub fn so_far(server: &Server, resource: &Value, patch: &Patch, key: &Key) -> Option<Value> {
    let length = match patch {
        Patch::Json(patch) => patch.0.len(),
        Patch::FhirPath(operations) => operations.len(),
    };
    (1..length).rev().find_map(|kept| {
        let part = match patch {
            Patch::Json(patch) => Patch::Json(json_patch::Patch(patch.0[..kept].to_vec())),
            Patch::FhirPath(operations) => Patch::FhirPath(operations[..kept].to_vec()),
        };
        apply(server, resource, &part, key).ok()
    })
}
