//! Pivot values: a search value by which a known resource is found under a parameter, whatever its kind.
//! Not a judgement of what else matches: the oracle makes that.

use jiff::Timestamp;
use serde_json::Value;

use crate::fhir::definitions::{self, ParameterKind, SearchParameter};
use crate::fhir::path::{Context, Expression, Item};
use crate::fhir::query::{component_parameter, escape};
use crate::fhir::{Key, resource};

/// Characters of a date that say the day.
const DAY: usize = 10;

/// A search value by which a resource is found under a parameter of its type, escaped for search
/// (<http://hl7.org/fhir/R4/search.html#escaping>): `system|code`, `Patient/1` (of `patient` the id alone), the day of
/// a date or of the beginning of a period. `None` where the resource has no value, or the kind of parameter has rules
/// of its own.
pub fn value_of(
    resource_type: &str,
    code: &str,
    resource: &Value,
    now: Timestamp,
) -> Option<String> {
    Pivot::of(resource_type, code)?.value(resource, now)
}

/// A parameter, ready to take values from many resources.
pub struct Pivot {
    parameter: &'static SearchParameter,
    expression: Expression,
    /// The parts of a composite.
    parts: Vec<(&'static SearchParameter, Expression)>,
}

impl Pivot {
    /// `None` for what is no parameter of the type in R4, or is defined in prose alone.
    pub fn of(resource_type: &str, code: &str) -> Option<Self> {
        let parameter = definitions::search_parameter(resource_type, code)?;
        let parts: Option<Vec<_>> = parameter
            .components
            .iter()
            .map(|(canonical, path)| {
                let part = component_parameter(resource_type, canonical)?;
                Some((part, Expression::parse(path).ok()?))
            })
            .collect();
        Some(Pivot {
            parameter,
            expression: Expression::parse(&parameter.expression).ok()?,
            parts: parts?,
        })
    }

    /// The value for one resource, as [`value_of`] gives it.
    pub fn value(&self, resource: &Value, now: Timestamp) -> Option<String> {
        if self.parameter.code == "_id" {
            return resource::id(resource).map(str::to_owned);
        }
        let context = Context {
            resource,
            variables: &[],
            now,
        };
        let items = self.expression.evaluate(&context).ok()?;
        items.iter().find_map(|item| match self.parameter.kind {
            ParameterKind::Composite => self.composite(&context, item),
            _ => value(self.parameter, &item.to_json()),
        })
    }

    /// The parts of a composite, all of one element.
    fn composite(&self, context: &Context<'_>, element: &Item<'_>) -> Option<String> {
        let parts: Option<Vec<String>> = self
            .parts
            .iter()
            .map(|(part, expression)| {
                let items = expression.evaluate_from(context, element).ok()?;
                items.iter().find_map(|item| value(part, &item.to_json()))
            })
            .collect();
        parts.map(|parts| parts.join("$"))
    }
}

fn value(parameter: &SearchParameter, value: &Value) -> Option<String> {
    match parameter.kind {
        ParameterKind::Token => token(value),
        ParameterKind::Reference => reference(parameter, value),
        ParameterKind::Date => {
            let text = value.as_str().or_else(|| value.get("start")?.as_str())?;
            Some(text.chars().take(DAY).collect())
        }
        ParameterKind::String => text(value),
        ParameterKind::Uri => value.as_str().map(escape),
        ParameterKind::Number => value.is_number().then(|| value.to_string()),
        ParameterKind::Quantity => quantity(value),
        ParameterKind::Composite | ParameterKind::Special => None,
    }
}

fn reference(parameter: &SearchParameter, value: &Value) -> Option<String> {
    if let Some(canonical) = value.as_str() {
        return Some(escape(canonical));
    }
    let key = Key::from_reference(value.get("reference")?.as_str()?)?;
    Some(if parameter.code == "patient" {
        key.id
    } else {
        key.to_string()
    })
}

fn token(value: &Value) -> Option<String> {
    let member = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(escape);
    match value {
        Value::String(code) => Some(escape(code)),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Object(_) => {
            let coding = value
                .get("coding")
                .and_then(|list| list.get(0))
                .unwrap_or(value);
            let code = member(coding, "code").or_else(|| member(coding, "value"))?;
            // The system of a ContactPoint is a code and no URI, and no part of the token.
            let system = member(coding, "system").filter(|system| system.contains(':'));
            Some(match system {
                Some(system) => format!("{system}|{code}"),
                None => code,
            })
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    const PARTS: &[&str] = &["family", "given", "text", "city", "postalCode", "country"];
    let part = |name: &&str| {
        let part = value.get(*name)?;
        part.as_str().or_else(|| part.get(0)?.as_str())
    };
    let word = value.as_str().or_else(|| PARTS.iter().find_map(part))?;
    Some(escape(word))
}

/// `number|system|code`; a quantity with a comparator is no number, and money has a currency.
fn quantity(value: &Value) -> Option<String> {
    let number = value.get("value").filter(|number| number.is_number())?;
    if value.get("comparator").is_some() {
        return None;
    }
    let member = |name: &str| value.get(name).and_then(Value::as_str).map(escape);
    Some(match (member("system"), member("code")) {
        (Some(system), Some(code)) => format!("{number}|{system}|{code}"),
        _ => number.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(resource: &Value, code: &str) -> Option<String> {
        let name = resource::resource_type(resource).unwrap();
        value_of(name, code, resource, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_kind_of_parameter_gives_the_value_that_finds_the_resource() {
        let observation: Value = serde_json::from_str(
            r#"{"resourceType": "Observation", "id": "o", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "1|2"}]},
            "subject": {"reference": "Patient/p"}, "effectivePeriod": {"start": "2024-06-15T10:00:00Z"},
            "valueQuantity": {"value": 6.30, "system": "http://unitsofmeasure.org", "code": "mg"}}"#,
        )
        .unwrap();
        let value = |code: &str| of(&observation, code).unwrap();
        assert_eq!(value("_id"), "o");
        assert_eq!(value("code"), r"http://loinc.org|1\|2");
        assert_eq!(value("patient"), "p");
        assert_eq!(value("subject"), "Patient/p");
        assert_eq!(value("date"), "2024-06-15");
        assert_eq!(value("value-quantity"), "6.30|http://unitsofmeasure.org|mg");
        assert_eq!(
            value("code-value-quantity"),
            r"http://loinc.org|1\|2$6.30|http://unitsofmeasure.org|mg"
        );
        assert_eq!(of(&observation, "specimen"), None);
    }

    #[test]
    fn the_system_of_a_contact_point_is_no_part_of_the_token() {
        let patient = json!({
            "resourceType": "Patient",
            "id": "p",
            "telecom": [{"system": "phone", "value": "555"}],
            "address": [{"city": "Ware, Old"}],
        });
        assert_eq!(of(&patient, "telecom").unwrap(), "555");
        assert_eq!(of(&patient, "address").unwrap(), r"Ware\, Old");
    }
}
