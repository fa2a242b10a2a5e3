//! JSON Patch on a resource: RFC 6902, then the same rules as an update. FHIRPath Patch is not offered.

use serde_json::Value;

use super::outcome::Refusal;
use crate::fhir::Key;
use crate::fhir::validate::validate;

/// Applies a patch to a copy; 422 if an operation fails, if it moves the identity or if the result is not valid.
pub fn apply(resource: &Value, patch: &json_patch::Patch, key: &Key) -> Result<Value, Refusal> {
    let mut copy = resource.clone();
    json_patch::patch(&mut copy, &patch.0).map_err(|error| {
        Refusal::new(
            422,
            "processing",
            format!(
                "operation {} of the patch cannot be applied",
                error.operation
            ),
        )
    })?;
    if Key::of(&copy).as_ref() != Some(key) {
        return Err(Refusal::new(
            422,
            "business-rule",
            "a patch must not change type or id",
        ));
    }
    let violations = validate(&copy);
    if violations.is_empty() {
        return Ok(copy);
    }
    Err(Refusal::unprocessable(&violations))
}
