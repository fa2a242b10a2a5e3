//! What faults make of a resource that is to be kept, and of an answer.

use serde_json::{Value, json};

use crate::fhir::resource::resource_type;

/// Profile that a fault claims for every patient.
const US_CORE_PATIENT: &str =
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0";

/// Every number with a fraction or exponent as a double writes it.
pub(in crate::sandbox) fn through_double(value: Value) -> Value {
    match value {
        Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => number
            .as_f64()
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Number(number), Value::Number),
        Value::Array(items) => Value::Array(items.into_iter().map(through_double).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, through_double(value)))
                .collect(),
        ),
        other => other,
    }
}

/// The resource without members that start with `_`.
pub(in crate::sandbox) fn without_primitive_extensions(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(without_primitive_extensions)
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .map(|(name, value)| (name, without_primitive_extensions(value)))
                .collect(),
        ),
        other => other,
    }
}

/// A patient whose languages without a text have an empty one.
pub(in crate::sandbox) fn with_empty_texts(mut value: Value) -> Value {
    let spoken = match resource_type(&value) {
        Some("Patient") => value.get_mut("communication"),
        _ => None,
    };
    for language in spoken.and_then(Value::as_array_mut).into_iter().flatten() {
        let concept = language.get_mut("language").and_then(Value::as_object_mut);
        if let Some(concept) = concept {
            concept.entry("text").or_insert_with(|| "".into());
        }
    }
    value
}

/// A patient that claims to be of US Core.
pub(in crate::sandbox) fn with_profile(mut value: Value) -> Value {
    if resource_type(&value) == Some("Patient") {
        let claims = value
            .as_object_mut()
            .map(|members| members.entry("meta").or_insert_with(|| json!({})));
        if let Some(meta) = claims.and_then(Value::as_object_mut) {
            meta.insert("profile".to_owned(), json!([US_CORE_PATIENT]));
        }
    }
    value
}

/// An observation whose encounter is an episode of care.
pub(in crate::sandbox) fn with_old_reference(mut value: Value) -> Value {
    if resource_type(&value) == Some("Observation")
        && let Some(reference) = value.pointer_mut("/encounter/reference")
        && let Some(id) = reference
            .as_str()
            .and_then(|text| text.strip_prefix("Encounter/"))
    {
        *reference = format!("EpisodeOfCare/{id}").into();
    }
    value
}

/// An observation that says why it has no value, and has one.
pub(in crate::sandbox) fn with_reason(mut value: Value) -> Value {
    let is_it = resource_type(&value) == Some("Observation");
    if let Some(members) = value.as_object_mut().filter(|_| is_it)
        && members.keys().any(|name| name.starts_with("value"))
    {
        let reason = json!({ "text": "unknown" });
        members.entry("dataAbsentReason").or_insert(reason);
    }
    value
}

/// A resource with the members that it had before and that were to go.
pub(in crate::sandbox) fn with_what_was_there(mut resource: Value, before: &Value) -> Value {
    if let (Some(members), Some(old)) = (resource.as_object_mut(), before.as_object()) {
        for (name, value) in old {
            members.entry(name).or_insert_with(|| value.clone());
        }
    }
    resource
}

/// The resource without its narrative.
pub(in crate::sandbox) fn without_narrative(mut resource: Value) -> Value {
    if let Some(members) = resource.as_object_mut() {
        members.shift_remove("text");
    }
    resource
}

/// What a web framework answers when nobody asked it for FHIR.
pub(in crate::sandbox) fn error_page(status: u16, reason: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{status} {reason}</title></head><body><h1>{reason}</h1></body></html>"
    )
}
