//! The few JSON shapes that every resource repeats. Not a typed model of FHIR.

use serde_json::{Map, Number, Value, json};

use super::code::{Code, UCUM, Unit};

/// The members of an object in the order in which they are added.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// An empty object.
    pub(super) fn object() -> Self {
        Members(Map::new())
    }

    /// The beginning of a resource: `resourceType`, `id` and one identifier.
    pub(super) fn resource(resource_type: &str, id: String, identifier: Value) -> Self {
        Members::object()
            .with("resourceType", resource_type)
            .with("id", id)
            .with("identifier", vec![identifier])
    }

    /// Adds a member.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a member if there is a value.
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The object.
    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A Coding.
pub(super) fn coding(code: Code) -> Value {
    json!({"system": code.system, "code": code.code, "display": code.display})
}

/// A CodeableConcept with one coding and its display as text.
pub(super) fn concept(code: Code) -> Value {
    json!({"coding": [coding(code)], "text": code.display})
}

/// A CodeableConcept with one coding and no text.
pub(super) fn bare_concept(code: Code) -> Value {
    json!({"coding": [coding(code)]})
}

/// A number with exactly this text, trailing zeros included. The text must be a JSON number.
pub(super) fn decimal(text: impl Into<String>) -> Value {
    Value::Number(Number::from_string_unchecked(text.into()))
}

/// A Quantity with a UCUM unit; the text must be a JSON number.
pub(super) fn quantity(text: impl Into<String>, unit: Unit) -> Value {
    json!({"value": decimal(text), "unit": unit.text, "system": UCUM, "code": unit.ucum})
}
