//! Required bindings: a code, Coding or CodeableConcept against the value set that R4 demands.
//! Not extensible or preferred bindings, and never a value set that cannot be enumerated.

use serde_json::{Map, Value};

use crate::fhir::definitions::value_set_at_contains;

/// False if a code is surely outside of the value set.
pub(super) fn allows_code(value_set: u32, code: &str) -> bool {
    value_set_at_contains(value_set, None, code) != Some(false)
}

/// False if a Coding is surely outside. One with an extension in place of a code says why it has none.
pub(super) fn allows_coding(value_set: u32, coding: &Map<String, Value>) -> bool {
    match coding.get("code") {
        Some(Value::String(code)) => {
            let system = coding.get("system").and_then(Value::as_str);
            value_set_at_contains(value_set, system, code) != Some(false)
        }
        // A code of another shape is reported as that.
        Some(_) => true,
        None => {
            has_extension(coding)
                || coding.contains_key("_code")
                || value_set_at_contains(value_set, None, "").is_none()
        }
    }
}

/// False if no Coding of a CodeableConcept is in the value set; text alone does not satisfy a required binding.
pub(super) fn allows_concept(value_set: u32, concept: &Map<String, Value>) -> bool {
    match concept.get("coding") {
        Some(Value::Array(codings)) => codings.iter().any(|coding| match coding {
            Value::Object(coding) => allows_coding(value_set, coding),
            _ => true,
        }),
        Some(_) => true,
        None => has_extension(concept) || value_set_at_contains(value_set, None, "").is_none(),
    }
}

fn has_extension(element: &Map<String, Value>) -> bool {
    element.contains_key("extension")
}
