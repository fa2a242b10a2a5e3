//! Search parameters that properties use, with the place of their values, so that values can be taken from a
//! resource. A small table, not the definitions: a property needs parameters that split data, not all of them.

use serde_json::Value;

/// How a parameter's values are written in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A `code` or boolean.
    Code,
    /// A `Coding`: `system|code`.
    Coding,
    /// Text.
    Text,
    /// A date or dateTime, used by day, month or year.
    Date,
    /// An `Identifier`: `system|value`.
    Identifier,
    /// A `Quantity`: `value|system|code`.
    Quantity,
    /// An instant, as it stands.
    Instant,
}

impl Kind {
    /// True for the kinds that a population of any sort has values for.
    pub fn is_common(self) -> bool {
        matches!(self, Kind::Code | Kind::Coding | Kind::Text | Kind::Date)
    }

    /// True if it is a token in the terms of R4.
    pub fn is_token(self) -> bool {
        matches!(self, Kind::Code | Kind::Coding | Kind::Identifier)
    }
}

/// One search parameter of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Type.
    pub resource_type: &'static str,
    /// Name in a query.
    pub code: &'static str,
    /// How values are written.
    pub kind: Kind,
    /// Where values are: member names from the resource, arrays passed through.
    pub path: &'static [&'static str],
}

const fn parameter(
    resource_type: &'static str,
    code: &'static str,
    kind: Kind,
    path: &'static [&'static str],
) -> Parameter {
    Parameter {
        resource_type,
        code,
        kind,
        path,
    }
}

/// The parameters, by type. <http://hl7.org/fhir/R4/searchparameter-registry.html>
pub static PARAMETERS: &[Parameter] = &[
    parameter("Patient", "gender", Kind::Code, &["gender"]),
    parameter("Patient", "birthdate", Kind::Date, &["birthDate"]),
    parameter("Patient", "family", Kind::Text, &["name", "family"]),
    parameter("Patient", "given", Kind::Text, &["name", "given"]),
    parameter("Patient", "active", Kind::Code, &["active"]),
    parameter("Patient", "address-city", Kind::Text, &["address", "city"]),
    parameter("Patient", "identifier", Kind::Identifier, &["identifier"]),
    parameter("Observation", "status", Kind::Code, &["status"]),
    parameter("Observation", "code", Kind::Coding, &["code", "coding"]),
    parameter(
        "Observation",
        "category",
        Kind::Coding,
        &["category", "coding"],
    ),
    parameter("Observation", "date", Kind::Date, &["effectiveDateTime"]),
    parameter(
        "Observation",
        "identifier",
        Kind::Identifier,
        &["identifier"],
    ),
    parameter(
        "Observation",
        "value-quantity",
        Kind::Quantity,
        &["valueQuantity"],
    ),
    parameter("Condition", "code", Kind::Coding, &["code", "coding"]),
    parameter(
        "Condition",
        "category",
        Kind::Coding,
        &["category", "coding"],
    ),
    parameter(
        "Condition",
        "clinical-status",
        Kind::Coding,
        &["clinicalStatus", "coding"],
    ),
    parameter("Condition", "onset-date", Kind::Date, &["onsetDateTime"]),
    parameter("Encounter", "status", Kind::Code, &["status"]),
    parameter("Encounter", "class", Kind::Coding, &["class"]),
    parameter("MedicationRequest", "status", Kind::Code, &["status"]),
    parameter("MedicationRequest", "intent", Kind::Code, &["intent"]),
    parameter("Procedure", "status", Kind::Code, &["status"]),
    parameter("Procedure", "code", Kind::Coding, &["code", "coding"]),
    parameter("Immunization", "status", Kind::Code, &["status"]),
    parameter(
        "Immunization",
        "vaccine-code",
        Kind::Coding,
        &["vaccineCode", "coding"],
    ),
    parameter("DiagnosticReport", "status", Kind::Code, &["status"]),
    parameter(
        "DiagnosticReport",
        "category",
        Kind::Coding,
        &["category", "coding"],
    ),
    parameter(
        "DiagnosticReport",
        "code",
        Kind::Coding,
        &["code", "coding"],
    ),
];

/// Parameters of all types, <http://hl7.org/fhir/R4/search.html#all>.
static OF_ALL: &[Parameter] = &[parameter(
    "Resource",
    "_lastUpdated",
    Kind::Instant,
    &["meta", "lastUpdated"],
)];

/// Types of the table, in its order.
pub fn types() -> Vec<&'static str> {
    let mut types: Vec<&'static str> = PARAMETERS.iter().map(|entry| entry.resource_type).collect();
    types.dedup();
    types
}

/// A parameter by type and code, without its modifier.
pub fn find(resource_type: &str, name: &str) -> Option<&'static Parameter> {
    let code = name.split(':').next().unwrap_or(name);
    let own = PARAMETERS
        .iter()
        .find(|entry| entry.resource_type == resource_type && entry.code == code);
    own.or_else(|| OF_ALL.iter().find(|entry| entry.code == code))
}

impl Parameter {
    /// The values of a resource in the syntax of search, distinct and sorted.
    pub fn values(&self, resource: &Value) -> Vec<String> {
        let mut found = Vec::new();
        collect(resource, self.path, &mut |value| {
            found.extend(self.written(value));
        });
        found.sort();
        found.dedup();
        found
    }

    /// True if the resource holds nothing at all at the place of the parameter, not even an extension or a value of
    /// another type.
    pub fn is_missing(&self, resource: &Value) -> bool {
        let [first, ..] = self.path else { return true };
        let stem = ["DateTime", "Quantity"]
            .iter()
            .find_map(|name| first.strip_suffix(name));
        let is_there = |name: &str| match stem {
            Some(stem) => name.starts_with(stem),
            None => name == *first,
        };
        let members = resource.as_object();
        !members
            .into_iter()
            .flat_map(|members| members.keys())
            .any(|name| is_there(name.strip_prefix('_').unwrap_or(name)))
    }

    fn written(&self, value: &Value) -> Option<String> {
        match self.kind {
            Kind::Code => match value {
                Value::Bool(flag) => Some(flag.to_string()),
                _ => value.as_str().map(escape),
            },
            Kind::Coding => {
                let code = escape(value.get("code")?.as_str()?);
                let system = value.get("system").and_then(Value::as_str);
                Some(system.map_or(code.clone(), |system| format!("{}|{code}", escape(system))))
            }
            Kind::Text => value.as_str().map(escape),
            Kind::Date => value.as_str().map(|text| text.chars().take(10).collect()),
            Kind::Identifier => {
                let text = escape(value.get("value")?.as_str()?);
                let system = value.get("system").and_then(Value::as_str);
                Some(system.map_or(text.clone(), |system| format!("{}|{text}", escape(system))))
            }
            Kind::Quantity => quantity(value),
            Kind::Instant => value.as_str().map(str::to_owned),
        }
    }
}

/// Number, system and code of a Quantity without comparator, as far as they are there.
fn quantity(value: &Value) -> Option<String> {
    let number = value.get("value").filter(|number| number.is_number())?;
    if value.get("comparator").is_some() {
        return None;
    }
    let part = |name: &str| value.get(name).and_then(Value::as_str).map(escape);
    Some(match (part("system"), part("code")) {
        (Some(system), Some(code)) => format!("{number}|{system}|{code}"),
        (None, Some(code)) => format!("{number}||{code}"),
        _ => number.to_string(),
    })
}

/// Walks the members of `path` through arrays; `path` is a constant of the table, so the recursion is short.
fn collect(value: &Value, path: &[&str], take: &mut dyn FnMut(&Value)) {
    match (value, path) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, path, take)),
        (_, []) => take(value),
        (_, [member, rest @ ..]) => {
            if let Some(inner) = value.get(*member) {
                collect(inner, rest, take);
            }
        }
    }
}

/// Escapes the separators of search, <http://hl7.org/fhir/R4/search.html#escaping>.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | ',' | '|' | '$') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_taken_through_arrays_and_escaped() {
        let patient = json!({"resourceType": "Patient", "active": true,
            "name": [{"family": "A,b", "given": ["X", "Y"]}, {"given": ["X"]}]});
        assert_eq!(
            find("Patient", "given").unwrap().values(&patient),
            ["X", "Y"]
        );
        assert_eq!(
            find("Patient", "family").unwrap().values(&patient),
            ["A\\,b"]
        );
        assert_eq!(
            find("Patient", "active").unwrap().values(&patient),
            ["true"]
        );
        assert!(
            find("Patient", "gender:missing")
                .unwrap()
                .is_missing(&patient)
        );
    }

    #[test]
    fn identifiers_and_quantities_are_written_with_their_system() {
        let value: Value = serde_json::from_str(
            r#"{"identifier": [{"system": "urn:a", "value": "x|y"}, {"value": "z"}],
                "valueQuantity": {"value": 5.40, "unit": "mg", "system": "urn:u", "code": "mg"},
                "meta": {"lastUpdated": "2021-06-01T12:00:00Z"}}"#,
        )
        .unwrap();
        let values = |code: &str| find("Observation", code).unwrap().values(&value);
        assert_eq!(values("identifier"), ["urn:a|x\\|y", "z"]);
        assert_eq!(values("value-quantity"), ["5.40|urn:u|mg"]);
        assert_eq!(values("_lastUpdated"), ["2021-06-01T12:00:00Z"]);
    }

    #[test]
    fn codings_are_written_with_their_system() {
        let observation = json!({"code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}, {"code": "x"}]}});
        assert_eq!(
            find("Observation", "code").unwrap().values(&observation),
            ["http://loinc.org|1-8", "x"]
        );
    }
}
